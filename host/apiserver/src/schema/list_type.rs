//! Sets without repeated values, lists without repeated keys, and embedded objects that say what they are.

use serde_json::{Map, Value};

use super::error::{FieldError, Path};
use super::node::{ListType, Schema};

/// Adds what is wrong with the lists of `value`.
pub(super) fn validate_lists(schema: &Schema, value: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    walk(schema, value, path, &mut |schema, value, path| {
        if let Value::Array(items) = value {
            list(&schema.list_type, items, path, errors);
        }
    });
}

/// Adds what is wrong with the objects of their own inside of `value`.
pub(super) fn validate_embedded(
    schema: &Schema,
    value: &Value,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    walk(schema, value, path, &mut |schema, value, path| {
        if let Value::Object(map) = value
            && schema.embedded_resource
            && !matches!(path, Path::Root)
        {
            embedded(map, path, errors);
        }
    });
}

/// Calls `visit` with every value that the schema describes.
fn walk(schema: &Schema, value: &Value, path: &Path<'_>, visit: &mut dyn FnMut(&Schema, &Value, &Path<'_>)) {
    visit(schema, value, path);
    match value {
        Value::Object(map) => {
            for (name, entry) in map {
                if let Some(field) = schema.field(name) {
                    walk(&field.schema, entry, &path.field(name), visit);
                } else if let Some(each) = schema.entry(name) {
                    walk(each, entry, &path.key(name), visit);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for (at, entry) in items.iter().enumerate() {
                    walk(item, entry, &path.index(at), visit);
                }
            }
        }
        _ => {}
    }
}

fn list(kind: &ListType, items: &[Value], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let keys = match kind {
        ListType::Atomic => return,
        ListType::Set => {
            for at in repeated(items) {
                errors.push(FieldError::duplicate(path.index(at), &items[at]));
            }
            return;
        }
        ListType::Map(keys) => keys,
    };
    for (at, item) in items.iter().enumerate() {
        if !item.is_null() && !item.is_object() {
            let detail = "must be an object for an array of list-type map";
            errors.push(FieldError::invalid(path.index(at), item, detail));
            return;
        }
    }
    let parts: Vec<Value> = items.iter().map(|item| key_part(keys, item)).collect();
    for at in repeated(&parts) {
        errors.push(FieldError::duplicate(path.index(at), &parts[at]));
    }
}

fn key_part(keys: &[Box<str>], item: &Value) -> Value {
    let given = keys.iter().filter_map(|key| Some((key.to_string(), item.get(&**key)?.clone())));
    Value::Object(given.collect::<Map<_, _>>())
}

/// The place of the first repetition of each value that is there more than once.
fn repeated(items: &[Value]) -> Vec<usize> {
    (1..items.len())
        .filter(|at| items[..*at].iter().filter(|earlier| **earlier == items[*at]).count() == 1)
        .collect()
}

/// The item of the old list that `item` continues, told by its keys.
pub(super) fn same_item<'a>(schema: &Schema, item: &Value, old: &'a Value) -> Option<&'a Value> {
    let ListType::Map(keys) = &schema.list_type else { return None };
    let part = key_part(keys, item);
    old.as_array()?.iter().find(|other| key_part(keys, other) == part)
}

fn embedded(map: &Map<String, Value>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let field = path.field(name);
        match map.get(name) {
            None => errors.push(FieldError::required(field, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid_text(field, text, "must not be empty"));
            }
            Some(Value::String(_)) => {}
            Some(other) => errors.push(FieldError::invalid(field, other, "must be a string")),
        }
    }
}
