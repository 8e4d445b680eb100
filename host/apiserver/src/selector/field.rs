//! Field selectors: `metadata.name=a,status.phase!=Running`.

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
        let mut terms = Vec::new();
        for part in split_terms(text).iter().filter(|part| !part.is_empty()) {
            let term = Term::parse(part).ok_or_else(|| {
                ApiError::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'"))
            })?;
            check_field(definition, &term.field)?;
            terms.push(term);
        }
        Ok(Self { terms })
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

impl Term {
    fn parse(part: &str) -> Option<Self> {
        let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
            (field, false, value)
        } else if let Some((field, value)) = part.split_once("==") {
            (field, true, value)
        } else {
            let (field, value) = part.split_once('=')?;
            (field, true, value)
        };
        let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
        Some(Self { field: field.to_owned(), equal, value })
    }
}

fn split_terms(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    parts
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
    fn absent_fields_compare_as_the_real_server_prints_them() {
        let object = serde_json::json!({"spec": {"a": true}, "status": {"n": 3}});
        for (field, text) in
            [("spec.a", "true"), ("status.n", "3"), ("spec.unschedulable", "false"), ("x", "")]
        {
            assert_eq!(text_at(&object, field), text);
        }
    }
}
