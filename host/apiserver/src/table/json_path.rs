//! The JSONPath of printer columns and scale paths: fields, indexes, wildcards and equality filters.
//!
//! Missing keys select nothing, as the real server allows for columns.

use serde_json::Value;

/// A parsed path such as `.status.conditions[?(@.type=="Ready")].status`.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Wildcard,
    /// Field path below the item, whether equality or its opposite is asked for, and the literal.
    Filter(JsonPath, bool, Value),
}

impl JsonPath {
    /// Parses a path, which begins with a dot; `None` if it is malformed or uses what columns may not.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        rest = rest.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(rest);
        rest = rest.strip_prefix('$').unwrap_or(rest);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let end = bracket_end(after)?;
                steps.push(bracket(after[..end].trim())?);
                rest = &after[end + 1..];
            } else {
                let after = rest.strip_prefix('.')?;
                let (name, next) = field(after);
                match name.as_str() {
                    "" if steps.is_empty() && next.is_empty() => {}
                    "" if next.starts_with('[') => {}
                    "" => return None,
                    "*" => steps.push(Step::Wildcard),
                    _ => steps.push(Step::Field(name)),
                }
                rest = next;
            }
        }
        Some(Self(steps))
    }

    /// Everything that the path selects.
    pub fn select<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut selected = vec![root];
        for step in &self.0 {
            selected = selected.into_iter().flat_map(|value| step.apply(value)).collect();
        }
        selected
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Self::Index(index), Value::Array(items)) => {
                let index = if *index < 0 { i64::try_from(items.len()).unwrap_or(0) + index } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
            }
            (Self::Wildcard, Value::Array(items)) => items.iter().collect(),
            (Self::Wildcard, Value::Object(map)) => map.values().collect(),
            (Self::Filter(path, equal, literal), Value::Array(items)) => {
                let matches =
                    |item: &&Value| path.select(item).iter().any(|found| (*found == literal) == *equal);
                items.iter().filter(matches).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A field name up to the next dot or bracket; a backslash takes the next character as it is.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '.' | '[' => return (name, &text[index..]),
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => name.push(character),
        }
    }
    (name, "")
}

/// Where the bracket closes, passing over quoted text.
fn bracket_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, ']') => return Some(index),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::Wildcard);
    }
    if let Some(name) = quoted(inside) {
        return Some(Step::Field(name.replace('\\', "")));
    }
    if let Some(condition) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        let (at, equal) = match (condition.find("=="), condition.find("!=")) {
            (Some(at), None) => (at, true),
            (None, Some(at)) => (at, false),
            (Some(equal), Some(unequal)) => (equal.min(unequal), equal < unequal),
            (None, None) => return None,
        };
        let path = condition[..at].trim().strip_prefix('@')?;
        let literal = condition[at + 2..].trim();
        let literal = match quoted(literal) {
            Some(text) => Value::String(text.to_owned()),
            None => serde_json::from_str(literal).ok()?,
        };
        return Some(Step::Filter(JsonPath::parse(path)?, equal, literal));
    }
    inside.parse().ok().map(Step::Index)
}

fn quoted(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::{Value, json};

    use super::JsonPath;

    fn check(path: &str, want: &Value) {
        let object = json!({
            "spec": {"size": "L", "list": [1, 2, 3], "a.b": "dotted"},
            "metadata": {"annotations": {"x.y/z": "note"}},
            "status": {"conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True", "n": 2}]},
        });
        let found: Vec<Value> = JsonPath::parse(path).unwrap().select(&object).into_iter().cloned().collect();
        assert_eq!(&Value::Array(found), want, "{path}");
    }

    #[test]
    fn paths_select_what_they_name() {
        check(".spec.size", &json!(["L"]));
        check("{.spec.size}", &json!(["L"]));
        check(".spec.missing.deep", &json!([]));
        check(".spec.list[1]", &json!([2]));
        check(".spec.list[-1]", &json!([3]));
        check(".spec.list[9]", &json!([]));
        check(".spec.list[*]", &json!([1, 2, 3]));
        check(".spec['a.b']", &json!(["dotted"]));
        check(r".spec.a\.b", &json!(["dotted"]));
        check(r".metadata.annotations.x\.y/z", &json!(["note"]));
        check(r".metadata.annotations['x\.y/z']", &json!(["note"]));
        check(r#".status.conditions[?(@.type=="Ready")].status"#, &json!(["True"]));
        check(".status.conditions[?(@.type != 'Ready')].status", &json!(["False"]));
        check(".status.conditions[?(@.n == 2)].type", &json!(["Ready"]));
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in ["spec", ".a[", ".a[x]", ".a..b", ".a[?(@.x)]", ".a[?(x==1)]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}
