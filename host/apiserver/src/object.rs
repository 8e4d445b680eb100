//! Reading and writing `metadata` of an object held as a JSON value.
//!
//! Objects stay untyped: unknown fields, defaults and ownership are decided by schemas, not by Rust structs.

use serde_json::{Map, Value};

/// `metadata`, if the object has one.
pub fn metadata(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.as_object()
}

/// `metadata`, made if the object has none or something else in its place. The object must be a JSON object;
/// anything else becomes one.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    child_mut(as_map(object), "metadata")
}

/// The object below `key`, made if it is missing or of another type.
pub fn child_mut<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    as_map(parent.entry(key).or_insert(Value::Null))
}

/// The value as a map; anything that is not a JSON object becomes an empty one.
pub fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

/// The list below `key`, made if it is missing or of another type.
pub fn list_mut<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let value = parent.entry(key).or_insert(Value::Null);
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list above"),
    }
}

/// A string of `metadata`, empty if it is missing.
pub fn meta_str<'a>(object: &'a Value, key: &str) -> &'a str {
    metadata(object).and_then(|meta| meta.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`, or empty.
pub fn name(object: &Value) -> &str {
    meta_str(object, "name")
}

/// `metadata.namespace`, or empty.
pub fn namespace(object: &Value) -> &str {
    meta_str(object, "namespace")
}

/// `metadata.uid`, or empty.
pub fn uid(object: &Value) -> &str {
    meta_str(object, "uid")
}

/// `metadata.resourceVersion` as text, or empty.
pub fn resource_version(object: &Value) -> &str {
    meta_str(object, "resourceVersion")
}

/// `metadata.deletionTimestamp`, if deletion has begun.
pub fn deletion_timestamp(object: &Value) -> Option<&str> {
    metadata(object)?.get("deletionTimestamp")?.as_str()
}

/// `metadata.generation`, 0 if it is missing.
pub fn generation(object: &Value) -> i64 {
    metadata(object).and_then(|meta| meta.get("generation")).and_then(Value::as_i64).unwrap_or_default()
}

/// `apiVersion`, or empty.
pub fn api_version(object: &Value) -> &str {
    object.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
}

/// `kind`, or empty.
pub fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    strings(metadata(object).and_then(|meta| meta.get("finalizers")))
}

/// Whether `metadata.finalizers` holds the name.
pub fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    finalizers(object).any(|held| held == finalizer)
}

/// Adds a finalizer unless it is there.
pub fn add_finalizer(object: &mut Value, finalizer: &str) {
    if has_finalizer(object, finalizer) {
        return;
    }
    match metadata_mut(object).entry("finalizers").or_insert(Value::Array(Vec::new())) {
        Value::Array(list) => list.push(finalizer.into()),
        other => *other = Value::Array(vec![finalizer.into()]),
    }
}

/// Takes a finalizer away; the list goes with its last entry. Says whether it was there.
pub fn remove_finalizer(object: &mut Value, finalizer: &str) -> bool {
    let meta = metadata_mut(object);
    let Some(Value::Array(list)) = meta.get_mut("finalizers") else { return false };
    let before = list.len();
    list.retain(|held| held.as_str() != Some(finalizer));
    let removed = list.len() < before;
    if list.is_empty() {
        meta.remove("finalizers");
    }
    removed
}

/// `metadata.labels`.
pub fn labels(object: &Value) -> Option<&Map<String, Value>> {
    metadata(object)?.get("labels")?.as_object()
}

/// `metadata.annotations`.
pub fn annotations(object: &Value) -> Option<&Map<String, Value>> {
    metadata(object)?.get("annotations")?.as_object()
}

/// `metadata.ownerReferences`.
pub fn owner_references(object: &Value) -> &[Value] {
    metadata(object)
        .and_then(|meta| meta.get("ownerReferences"))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The value below a dotted path such as `spec.replicas`.
pub fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_list_of_finalizers_goes_with_its_last_entry() {
        let mut object = json!({"metadata": {"finalizers": ["a", "b"]}});
        assert!(remove_finalizer(&mut object, "a"));
        assert!(!remove_finalizer(&mut object, "a"));
        assert_eq!(object, json!({"metadata": {"finalizers": ["b"]}}));
        assert!(remove_finalizer(&mut object, "b"));
        assert_eq!(object, json!({"metadata": {}}));
    }

    #[test]
    fn metadata_of_a_wrong_type_is_replaced() {
        let mut object = json!({"metadata": 5});
        add_finalizer(&mut object, "x");
        assert_eq!(object, json!({"metadata": {"finalizers": ["x"]}}));
    }
}
