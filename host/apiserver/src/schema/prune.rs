//! Reads an object of a custom resource: its metadata by the rules of the built-in `ObjectMeta`, the rest by dropping
//! what its schema does not declare.

use serde_json::Value;

use super::decode::{DecodeError, FieldValidation, decode, told};
use super::error::{Path, quoted};
use super::facts::definition;
use super::node::{Rest, Schema};

const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Decodes a custom resource in place: coerces `metadata`, here and in embedded objects, and prunes. `duplicates` are
/// the messages of the JSON reader; the result is what the answer has to warn of.
///
/// # Errors
/// `metadata` is of a wrong type, or there is something to warn of and `validation` is strict.
pub fn decode_custom(
    schema: &Schema,
    object: &mut Value,
    validation: FieldValidation,
    duplicates: Vec<String>,
) -> Result<Vec<String>, DecodeError> {
    let mut pruner = Pruner { unknown: Vec::new(), told: true };
    pruner.prune(Some(schema), object, &Path::Root, true);
    pruner.unknown.sort();
    let mut unknown: Vec<String> =
        pruner.unknown.iter().map(|path| format!("unknown field {}", quoted(path))).collect();
    coerce_metadata(schema, object, &Path::Root, true, &mut unknown)?;
    told(unknown, duplicates, validation)
}

/// Drops what the schema does not declare; `root` objects keep `apiVersion`, `kind` and `metadata`. The result names
/// what was dropped, sorted: `spec.junk`.
pub fn prune(schema: &Schema, value: &mut Value, root: bool) -> Vec<String> {
    let mut pruner = Pruner { unknown: Vec::new(), told: true };
    pruner.prune(Some(schema), value, &Path::Root, root);
    pruner.unknown.sort();
    pruner.unknown
}

/// The same for objects read from the store, where nobody is told.
pub fn prune_stored(schema: &Schema, value: &mut Value) {
    Pruner { unknown: Vec::new(), told: false }.prune(Some(schema), value, &Path::Root, true);
}

struct Pruner {
    unknown: Vec<String>,
    told: bool,
}

impl Pruner {
    /// `schema` is `None` where the outer schema allows anything, of which only scalars stay.
    fn prune(&mut self, schema: Option<&Schema>, value: &mut Value, path: &Path<'_>, root: bool) {
        let keeps_all = schema.is_some_and(|schema| schema.preserve_unknown);
        let meta = root || schema.is_some_and(|schema| schema.embedded_resource);
        match value {
            Value::Object(map) => map.retain(|name, entry| {
                if meta && META_FIELDS.contains(&name.as_str()) {
                    return true;
                }
                let inner = path.field(name);
                let Some(schema) = schema else {
                    self.drop(&inner);
                    return false;
                };
                match (schema.field(name), &schema.rest) {
                    (Some(field), _) => self.prune(Some(&field.schema), entry, &inner, false),
                    (None, Rest::Each(each)) => self.prune(Some(each), entry, &inner, false),
                    (None, Rest::Open) => self.prune(None, entry, &inner, false),
                    (None, Rest::Closed) if keeps_all => {}
                    (None, Rest::Closed) => {
                        let told = !matches!(path, Path::Root) || !META_FIELDS.contains(&name.as_str());
                        if told {
                            self.drop(&inner);
                        }
                        return false;
                    }
                }
                true
            }),
            Value::Array(items) => {
                let item = schema.and_then(|schema| schema.items.as_deref());
                for (at, entry) in items.iter_mut().enumerate() {
                    if item.is_none() && keeps_all {
                        break;
                    }
                    self.prune(item, entry, &path.index(at), false);
                }
            }
            _ => {}
        }
    }

    fn drop(&mut self, path: &Path<'_>) {
        if self.told {
            self.unknown.push(path.to_string());
        }
    }
}

fn coerce_metadata(
    schema: &Schema,
    value: &mut Value,
    path: &Path<'_>,
    root: bool,
    unknown: &mut Vec<String>,
) -> Result<(), DecodeError> {
    match value {
        Value::Object(map) => {
            if (root || schema.embedded_resource)
                && let Some(metadata) = map.get_mut("metadata")
            {
                unknown.extend(coerce(metadata, &path.field("metadata"))?);
            }
            for (name, entry) in map {
                let meta = (root || schema.embedded_resource) && META_FIELDS.contains(&name.as_str());
                if !meta && let Some(inner) = schema.entry(name) {
                    coerce_metadata(inner, entry, &path.field(name), false, unknown)?;
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &schema.items {
                for (at, entry) in items.iter_mut().enumerate() {
                    coerce_metadata(item, entry, &path.index(at), false, unknown)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Brings one `metadata` into the form of `ObjectMeta` and tells its unknown fields.
fn coerce(metadata: &mut Value, path: &Path<'_>) -> Result<Vec<String>, DecodeError> {
    let Some(object_meta) = definition("meta.v1.ObjectMeta") else { return Ok(Vec::new()) };
    let unknown = decode(&object_meta, metadata, FieldValidation::Warn, Vec::new())?;
    // An empty record of ownership says nothing here, unlike for built-in kinds.
    if metadata["managedFields"].as_array().is_some_and(Vec::is_empty)
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.remove("managedFields");
    }
    Ok(unknown.into_iter().map(|text| text.replacen('"', &format!("\"{path}."), 1)).collect())
}
