//! Whether an object holds all that is expected of it.

use serde_json::Value;

/// What `found` lacks of `wanted`, with its place; none if it holds all. A mapping may hold more than is wanted; a
/// list has the same length and holds each wanted item in its place; all else is equal.
pub fn lacking(wanted: &Value, found: &Value) -> Option<String> {
    at("", wanted, found)
}

fn at(path: &str, wanted: &Value, found: &Value) -> Option<String> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().find_map(|(key, wanted)| {
            let path = format!("{path}.{key}");
            match found.get(key) {
                Some(found) => at(&path, wanted, found),
                None => Some(format!("{path} is not there, and should be {wanted}")),
            }
        }),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(nth, (wanted, found))| at(&format!("{path}[{nth}]"), wanted, found))
        }
        _ if wanted == found => None,
        _ => Some(format!("{path} is {found}, and should be {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::lacking;
    use serde_json::json;

    #[test]
    fn what_is_lacking_is_told_with_its_place() {
        let found = json!({"a": {"b": [1, {"c": "x", "d": 2}]}, "e": null});
        assert_eq!(lacking(&json!({"a": {"b": [1, {"c": "x"}]}}), &found), None);
        for (wanted, place) in [
            (json!({"z": 1}), ".z is not there"),
            (json!({"a": {"b": [1]}}), ".a.b is"),
            (json!({"a": {"b": [1, {"c": "y"}]}}), ".a.b[1].c is \"x\""),
            (json!({"e": {}}), ".e is null"),
        ] {
            let said = lacking(&wanted, &found).unwrap_or_default();
            assert!(said.starts_with(place), "{said}");
        }
    }
}
