//! Field paths of the contract: `.a.b[*].c`, `.a['x.y']`.

use serde_json::Value;

/// Every value at the path, as text: strings as they are, numbers and booleans as their JSON.
pub(super) fn values(object: &Value, path: &str) -> Vec<String> {
    let mut found = vec![object];
    for step in steps(path) {
        found = found.into_iter().flat_map(|value| step.of(value)).collect();
    }
    found
        .into_iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        })
        .collect()
}

enum Step<'a> {
    Field(&'a str),
    Every,
}

impl Step<'_> {
    fn of<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Field(name), Value::Object(fields)) => fields.get(*name).into_iter().collect(),
            (Self::Every, Value::Array(items)) => items.iter().collect(),
            (Self::Every, Value::Object(fields)) => fields.values().collect(),
            _ => Vec::new(),
        }
    }
}

/// A path that is not well-formed ends where it stops being so, and finds what stands there.
fn steps(path: &str) -> Vec<Step<'_>> {
    let (mut steps, mut rest) = (Vec::new(), path);
    loop {
        if let Some(after) = rest.strip_prefix("[*]") {
            steps.push(Step::Every);
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix("['").and_then(|rest| rest.split_once("']")) {
            steps.push(Step::Field(name));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            steps.push(Step::Field(&after[..end]));
            rest = &after[end..];
        } else {
            return steps;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_every_value() {
        let object = serde_json::json!({ "a": { "x.y": "dotted", "l": [{ "n": 1 }, { "n": true }, {}] } });
        let check = |path: &str, expected: &[&str]| assert_eq!(values(&object, path), expected, "{path}");
        check(".a['x.y']", &["dotted"]);
        check(".a.l[*].n", &["1", "true"]);
        check(".a.missing.deeper", &[]);
    }
}
