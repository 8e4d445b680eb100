//! Field paths of the contract: `.a.b[*].c`, `.a['x.y']`.

use serde_json::Value;
use std::fmt;

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Field(Box<str>),
    Each,
}

/// A parsed field path. Two paths are equal if they were written alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    text: Box<str>,
    steps: Box<[Step]>,
}

/// A text that is no field path: what was wrong, and where (bytes from the start).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no field path: {what} at byte {at}; write it like `.spec.items[*].name` or `.metadata.labels['a.b/c']`"
)]
pub struct FieldPathError {
    /// The whole text.
    pub text: String,
    /// What was expected.
    pub what: &'static str,
    /// Byte offset.
    pub at: usize,
}

impl FieldPath {
    /// Parses a path.
    ///
    /// # Errors
    /// When the text is not of the form `.field`, `['any text']` and `[*]`, one or more times.
    pub fn parse(text: &str) -> Result<Self, FieldPathError> {
        let fail = |what, at| FieldPathError { text: text.to_owned(), what, at };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            if let Some(after) = rest.strip_prefix("[*]") {
                steps.push(Step::Each);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("['") {
                let (name, after) = after.split_once("']").ok_or_else(|| fail("a `[` without `']`", at))?;
                steps.push(Step::Field(name.into()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(fail("a `.` without a name", at));
                }
                steps.push(Step::Field(after[..end].into()));
                rest = &after[end..];
            } else {
                return Err(fail("expected `.` or `[`", at));
            }
        }
        if steps.is_empty() {
            return Err(fail("nothing is named", 0));
        }
        Ok(Self { text: text.into(), steps: steps.into() })
    }

    /// Calls `found` with every value at this path, in document order.
    pub fn each<'v>(&self, object: &'v Value, found: &mut dyn FnMut(&'v Value)) {
        walk(&self.steps, object, found);
    }

    /// The strings at this path (numbers and booleans in their JSON form), in document order.
    #[must_use]
    pub fn strings(&self, object: &Value) -> Vec<String> {
        let mut out = Vec::new();
        self.each(object, &mut |value| match value {
            Value::String(text) => out.push(text.clone()),
            Value::Number(_) | Value::Bool(_) => out.push(value.to_string()),
            _ => {}
        });
        out
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn walk<'v>(steps: &[Step], value: &'v Value, found: &mut dyn FnMut(&'v Value)) {
    match (steps.split_first(), value) {
        (None, _) => found(value),
        (Some((Step::Field(name), rest)), Value::Object(fields)) => {
            if let Some(inner) = fields.get(&**name) {
                walk(rest, inner, found);
            }
        }
        (Some((Step::Each, rest)), Value::Array(items)) => {
            items.iter().for_each(|item| walk(rest, item, found))
        }
        (Some((Step::Each, rest)), Value::Object(fields)) => {
            fields.values().for_each(|item| walk(rest, item, found));
        }
        _ => {}
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::json;

    fn check(path: &str, object: &Value, want: &[&str]) {
        assert_eq!(FieldPath::parse(path).unwrap().strings(object), want, "{path}");
    }

    #[test]
    fn a_path_finds_every_value_it_names() {
        let object = json!({"spec": {"items": [{"name": "a"}, {"name": "b"}, {}], "x.y": 3}, "ok": true});
        check(".spec.items[*].name", &object, &["a", "b"]);
        check(".spec['x.y']", &object, &["3"]);
        check(".ok", &object, &["true"]);
        check(".spec.missing.deeper", &object, &[]);
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_place() {
        for (text, at) in [("", 0), ("spec", 0), (".spec..x", 5), (".a['b", 2), (".", 0)] {
            assert_eq!(FieldPath::parse(text).unwrap_err().at, at, "{text}");
        }
    }
}
