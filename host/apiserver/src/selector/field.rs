//! Field selectors: `metadata.name=a,status.phase!=Running`.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use crate::object;
use crate::resource::ResourceDefinition;
use crate::status::ApiError;
use crate::store::Stored;

/// Fields that built-in kinds offer besides `metadata.name` and `metadata.namespace`.
const BUILT_IN: [(&str, &str, &[&str]); 11] = [
    (
        "",
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    (
        "",
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("", "namespaces", &["status.phase"]),
    ("", "secrets", &["type"]),
    ("", "services", &["spec.clusterIP", "spec.type"]),
    ("", "nodes", &["spec.unschedulable"]),
    ("", "replicationcontrollers", &["status.replicas"]),
    ("apps", "replicasets", &["status.replicas"]),
    ("apps", "statefulsets", &["status.successful"]),
    ("batch", "jobs", &["status.successful"]),
    ("certificates.k8s.io", "certificatesigningrequests", &["spec.signerName"]),
];

/// The fields a selector may name for a resource, without the two of metadata.
pub fn selectable_fields(definition: &ResourceDefinition) -> impl Iterator<Item = &str> {
    let built_in = BUILT_IN
        .iter()
        .filter(|(group, plural, _)| definition.group == *group && definition.plural == *plural)
        .flat_map(|(_, _, fields)| fields.iter().copied());
    let declared = definition.selectable_fields.iter().map(|path| path.trim_start_matches('.'));
    built_in.chain(declared)
}

/// All terms must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// Reads the text form, checking each field against what the resource offers.
    pub fn parse(definition: &ResourceDefinition, text: &str) -> Result<Self, ApiError> {
        let selector = Self::read(text).map_err(|why| ApiError::bad_request(why.to_string()))?;
        selector.terms.iter().try_for_each(|term| check_field(definition, &term.field))?;
        Ok(selector)
    }

    /// Reads the text form, whatever the fields.
    ///
    /// # Errors
    /// A term has no operator, or a value what has to be escaped.
    pub fn read(text: &str) -> Result<Self, BadFieldSelector> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, equal, value)) = split_term(part) else {
                return Err(BadFieldSelector::Term { text: text.to_owned(), part: part.to_owned() });
            };
            let term = Term { field: field.to_owned(), equal, value: unescaped(value)? };
            // Neither a field nor a value says nothing, whatever the operator.
            if !(term.field.is_empty() && term.value.is_empty()) {
                terms.push(term);
            }
        }
        Ok(Self { terms })
    }

    /// Whether fields, given by their look-up, fulfil every term. An absent field is empty.
    pub fn holds<'a>(&self, value: impl Fn(&str) -> &'a str) -> bool {
        self.terms.iter().all(|term| (value(&term.field) == term.value) == term.equal)
    }

    /// Whether there is no term.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The name an object must have, if the selector says so: a list then need not look further.
    pub fn name(&self) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.field == "metadata.name").map(|term| &*term.value)
    }

    /// Whether the object fulfils every term; its JSON is read only if a term needs it.
    pub fn matches(&self, object: &Stored) -> bool {
        let mut parsed = None;
        self.terms.iter().all(|term| {
            let equal = match &*term.field {
                "metadata.name" => object.name() == term.value,
                "metadata.namespace" => object.namespace() == term.value,
                field => text_at(parsed.get_or_insert_with(|| object.value()), field) == term.value,
            };
            equal == term.equal
        })
    }
}

impl Display for FieldSelector {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let (comma, sign) = (if at == 0 { "" } else { "," }, if term.equal { "=" } else { "!=" });
            let value = term.value.replace('\\', r"\\").replace(',', r"\,").replace('=', r"\=");
            write!(out, "{comma}{}{sign}{value}", term.field)?;
        }
        Ok(())
    }
}

/// Why a text is no field selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFieldSelector {
    /// A term has no operator.
    #[error("invalid selector: '{text}'; can't understand '{part}'")]
    Term {
        /// The whole selector.
        text: String,
        /// The term.
        part: String,
    },
    /// A backslash before what needs none, or at the end.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// A comma or an equal sign in a value, which the server names by its number.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(u32),
}

/// The parts between commas, but for those after a backslash.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == ',' {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Field, whether it is to be equal, and value, at the first operator.
fn split_term(part: &str) -> Option<(&str, bool, &str)> {
    for (at, _) in part.char_indices() {
        let (field, rest) = part.split_at(at);
        if let Some(value) = rest.strip_prefix("!=") {
            return Some((field, false, value));
        }
        if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
            return Some((field, true, value));
        }
    }
    None
}

fn unescaped(value: &str) -> Result<String, BadFieldSelector> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                Some(other) => return Err(BadFieldSelector::Escape(format!("\\{other}"))),
                None => return Err(BadFieldSelector::Escape("\\".to_owned())),
            },
            ',' | '=' => return Err(BadFieldSelector::Unescaped(character.into())),
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn check_field(definition: &ResourceDefinition, field: &str) -> Result<(), ApiError> {
    if matches!(field, "metadata.name" | "metadata.namespace")
        || selectable_fields(definition).any(|offered| offered == field)
    {
        return Ok(());
    }
    let special = definition.custom().is_some() || selectable_fields(definition).next().is_some();
    Err(ApiError::bad_request(if special {
        format!("field label not supported: {field}")
    } else {
        format!("\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    }))
}

/// A field as selectors compare it: absent is empty, or `false` and `0` where the real server says so.
fn text_at(object: &Value, field: &str) -> String {
    let path = match field {
        "source" => "source.component",
        other => other,
    };
    match object::at(object, path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ => match field {
            "spec.unschedulable" | "spec.hostNetwork" => "false".to_owned(),
            "status.replicas" | "status.successful" => "0".to_owned(),
            _ => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn definition(plural: &'static str) -> ResourceDefinition {
        ResourceDefinition { plural: plural.into(), ..ResourceDefinition::default() }
    }

    #[test]
    fn unknown_fields_are_refused_with_what_is_known() {
        let error = FieldSelector::parse(&definition("configmaps"), "data.x=1").unwrap_err();
        let expected =
            "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
        assert_eq!(error.0.message, expected);
        assert!(FieldSelector::parse(&definition("pods"), "status.phase!=Running,spec.nodeName=n").is_ok());
        assert!(FieldSelector::parse(&definition("pods"), "spec.nope=1").is_err());
        assert!(FieldSelector::parse(&definition("pods"), "nonsense").is_err());
    }

    #[test]
    fn escaped_commas_belong_to_the_value() {
        let selector =
            FieldSelector::parse(&definition("x"), r"metadata.name=a\,b,metadata.namespace==n").unwrap();
        assert_eq!(selector.name(), Some("a,b"));
        assert_eq!(selector.terms.len(), 2);
    }

    #[test]
    fn a_field_selector_is_written_in_one_form_and_its_faults_are_named() {
        let form = |text: &str| match FieldSelector::read(text) {
            Ok(selector) => selector.to_string(),
            Err(error) => error.to_string(),
        };
        for (text, expected) in [
            (r"b==2,,a!=x\,y", r"a!=x\,y,b=2"),
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("=,a=b", "a=b"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn absent_fields_compare_as_the_real_server_prints_them() {
        let object = serde_json::json!({"spec": {"a": true}, "status": {"n": 3}});
        for (field, text) in
            [("spec.a", "true"), ("status.n", "3"), ("spec.unschedulable", "false"), ("x", "")]
        {
            assert_eq!(text_at(&object, field), text);
        }
    }
}
