//! Whether the defaults that a CRD's schema gives are themselves what the schema asks for.

use serde_json::Value;

use super::error::{FieldError, Path};
use super::prune::prune;
use super::structural::node;
use super::{list_type, validate};

/// Adds what is wrong with the defaults in `source`, the schema of whole objects if `root`, and below. Those of
/// metadata are forbidden or filled in by the server, and those of maps are for entries that nobody has named.
pub(super) fn defaults(source: &Value, root: bool, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let embedded = root || source["x-kubernetes-embedded-resource"] == true;
    if !source["default"].is_null() {
        default(source, embedded, &path.field("default"), errors);
    }
    if source["items"].is_object() {
        defaults(&source["items"], false, &path.field("items"), errors);
    }
    for (name, inner) in source["properties"].as_object().into_iter().flatten() {
        let meta = embedded && ["apiVersion", "kind", "metadata"].contains(&name.as_str());
        if !meta {
            defaults(inner, false, &path.field("properties").key(name), errors);
        }
    }
}

fn default(source: &Value, embedded: bool, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let (schema, value) = (node(source), &source["default"]);
    let mut pruned = value.clone();
    prune(&schema, &mut pruned, embedded);
    if pruned != *value {
        errors.push(FieldError::invalid(path, value, "must not have unknown fields"));
    }
    let mut found = Vec::new();
    list_type::validate_embedded(&schema, value, path, &mut found);
    if found.is_empty() {
        found = validate::value_errors(&schema, value);
        for error in &mut found {
            error.field = match &*error.field {
                "<nil>" => path.to_string(),
                inner => format!("{path}.{inner}"),
            };
        }
    }
    errors.append(&mut found);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_default_has_to_be_what_its_schema_asks_for() {
        let check = |schema: Value, expected: &[&str]| {
            let mut errors = Vec::new();
            defaults(&schema, false, &Path::Root.field("s"), &mut errors);
            let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected);
        };
        check(json!({"type": "integer", "default": 3}), &[]);
        check(
            json!({"type": "array", "items": {"type": "integer"}, "default": ["a"]}),
            &["s.default.[0]: Invalid value: \"string\": [0] in body must be of type integer: \"string\""],
        );
        check(
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "default": {"b": 1}}),
            &[
                "s.default: Invalid value: {\"b\":1}: must not have unknown fields",
                "s.default.a: Required value",
            ],
        );
    }
}
