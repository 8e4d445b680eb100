//! Field selectors: the text form, and what of it can be decided without the server.

use crate::name::NameRef;
use std::sync::Arc;

/// A parsed field selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSelector {
    text: Arc<str>,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

/// A text that is no field selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no field selector: `{term}` is not `field=value` or `field!=value`; write it like `metadata.name=web`"
)]
pub struct FieldSelectorError {
    /// The whole text.
    pub text: String,
    /// The part that was not understood.
    pub term: String,
}

impl FieldSelector {
    /// Parses the form that the API server takes in `fieldSelector`; `\,`, `\=` and `\\` stand for themselves in values.
    ///
    /// # Errors
    /// When a part is not a comparison.
    pub fn parse(text: &str) -> Result<Self, FieldSelectorError> {
        let fail = |term: &str| FieldSelectorError { text: text.to_owned(), term: term.to_owned() };
        let terms = split_unescaped(text)
            .filter(|term| !term.is_empty())
            .map(|term| parse_term(term).ok_or_else(|| fail(term)))
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), terms })
    }

    /// The text that selects one object by its name.
    #[must_use]
    pub fn of_name(name: &str) -> Arc<str> {
        let mut text = String::from("metadata.name=");
        for character in name.chars() {
            if matches!(character, ',' | '=' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.into()
    }

    /// Whether only names and namespaces are compared, so that the host can evaluate it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.terms.iter().all(|term| matches!(&*term.field, "metadata.name" | "metadata.namespace"))
    }

    /// Whether an object of this name satisfies every comparison of name and namespace.
    #[must_use]
    pub fn matches(&self, name: NameRef<'_>) -> bool {
        self.terms.iter().all(|term| match &*term.field {
            "metadata.name" => (name.name == term.value) == term.equal,
            "metadata.namespace" => (name.namespace.unwrap_or_default() == term.value) == term.equal,
            _ => true,
        })
    }

    /// Whether whatever `other` selects is selected by this one too, as far as the texts tell.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.terms.iter().all(|term| other.terms.contains(term))
    }

    /// The one name that can match, if the selector says so.
    #[must_use]
    pub fn only_name(&self) -> Option<&str> {
        self.names().next()
    }

    /// Every name that it asks for. An object has one name, so with more than one different it selects nothing.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.terms.iter().filter(|term| term.equal && term.field == "metadata.name");
        named.map(|term| &*term.value)
    }

    /// The selector as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The parts between commas that no backslash precedes.
fn split_unescaped(text: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |char| {
        let ends = char == ',' && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    })
}

fn parse_term(term: &str) -> Option<Term> {
    let (field, rest, equal) = match term.split_once('=')? {
        (field, rest) if field.ends_with('!') => (&field[..field.len() - 1], rest, false),
        (field, rest) => (field, rest.strip_prefix('=').unwrap_or(rest), true),
    };
    if field.trim().is_empty() {
        return None;
    }
    Some(Term { field: field.trim().to_owned(), equal, value: unescape(rest)? })
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push(chars.next().filter(|next| matches!(next, '\\' | ',' | '='))?),
            '=' => return None,
            _ => out.push(char),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn names_and_namespaces_are_decided_here() {
        let web = NameRef { namespace: Some("prod"), name: "web" };
        for (text, want) in [
            ("", true),
            ("metadata.name=web", true),
            ("metadata.name==web,metadata.namespace!=test", true),
            ("metadata.name!=web", false),
            ("metadata.namespace=test", false),
        ] {
            let selector = FieldSelector::parse(text).unwrap();
            assert!(selector.is_local(), "{text}");
            assert_eq!(selector.matches(web), want, "{text}");
        }
        assert!(!FieldSelector::parse("status.phase=Running").unwrap().is_local());
    }

    #[test]
    fn an_escaped_comma_belongs_to_the_value() {
        let selector = FieldSelector::parse(r"metadata.name=a\,b\=c,metadata.namespace=n").unwrap();
        assert_eq!(selector.only_name(), Some("a,b=c"));
        assert!(selector.matches(NameRef { namespace: Some("n"), name: "a,b=c" }));
    }

    #[test]
    fn what_is_no_field_selector_is_refused_with_the_part() {
        for (text, term) in [("a", "a"), ("a=b,=c", "=c"), ("a=b=c", "a=b=c"), (r"a=\x", r"a=\x")] {
            assert_eq!(FieldSelector::parse(text).unwrap_err().term, term, "{text}");
        }
    }

    #[test]
    fn fewer_comparisons_cover_more() {
        let parse = |text| FieldSelector::parse(text).unwrap();
        assert!(parse("").covers(&parse("metadata.name=a")));
        assert!(parse("metadata.name=a").covers(&parse("metadata.namespace=b,metadata.name=a")));
        assert!(!parse("metadata.name=a").covers(&parse("metadata.name=b")));
    }
}
