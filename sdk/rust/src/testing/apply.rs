//! Server-side apply with one manager: enough for a module's own objects.
//!
//! Maps are merged key by key. Lists are replaced, except `metadata.finalizers` (a set) and
//! `metadata.ownerReferences` (by uid). What the manager applied before and now leaves out is removed, unless
//! others would miss it: a map goes when nothing is left in it. `null` is as good as absent.

use serde_json::{Map, Value};

/// Applies `new` to `object`; `before` is what the same manager applied last.
pub(super) fn apply(object: &mut Map<String, Value>, before: &Value, new: &Value) {
    let no_fields = Map::new();
    let (before, new) = (before.as_object().unwrap_or(&no_fields), new.as_object().unwrap_or(&no_fields));
    for (key, was) in before.iter().filter(|(key, _)| new.get(*key).is_none_or(Value::is_null)) {
        drop_field(object, key, was);
    }
    for (key, value) in new.iter().filter(|(_, value)| !value.is_null()) {
        let was = before.get(key).unwrap_or(&Value::Null);
        let slot = object.entry(key.clone()).or_insert(Value::Null);
        match (slot, value) {
            (Value::Object(fields), Value::Object(_)) => apply(fields, was, value),
            (slot @ Value::Null, Value::Object(_)) => {
                let mut fields = Map::new();
                apply(&mut fields, &Value::Null, value);
                *slot = Value::Object(fields);
            }
            (Value::Array(items), Value::Array(wanted))
                if key == "finalizers" || key == "ownerReferences" =>
            {
                merge_list(items, was, wanted);
            }
            (slot, value) => *slot = value.clone(),
        }
    }
}

fn drop_field(object: &mut Map<String, Value>, key: &str, was: &Value) {
    match (object.get_mut(key), was) {
        (Some(Value::Object(fields)), Value::Object(_)) => {
            apply(fields, was, &Value::Null);
            if fields.is_empty() {
                object.remove(key);
            }
        }
        (Some(Value::Array(items)), _) if key == "finalizers" || key == "ownerReferences" => {
            merge_list(items, was, &[]);
        }
        _ => drop(object.remove(key)),
    }
}

/// Items of `was` that are not wanted any more go, wanted ones are put in the place of their like.
fn merge_list(items: &mut Vec<Value>, was: &Value, wanted: &[Value]) {
    let like = |one: &Value, other: &Value| match (one.get("uid"), other.get("uid")) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    };
    let was = was.as_array().map_or(&[][..], Vec::as_slice);
    items.retain(|item| {
        let ours = was.iter().any(|was| like(was, item));
        !ours || wanted.iter().any(|wanted| like(wanted, item))
    });
    for one in wanted {
        match items.iter_mut().find(|item| like(item, one)) {
            Some(item) => *item = one.clone(),
            None => items.push(one.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Applies `first`, then lets somebody else merge `others`, then applies `second`.
    fn check(first: Value, others: &[(&str, Value)], second: Value, expected: Value) {
        let mut object = Map::new();
        apply(&mut object, &Value::Null, &first);
        for (pointer, value) in others {
            let mut whole = Value::Object(object);
            if let Some((parent, key)) = pointer.rsplit_once('/') {
                whole
                    .pointer_mut(parent)
                    .and_then(Value::as_object_mut)
                    .map(|map| map.insert(key.into(), value.clone()));
            }
            object = whole.as_object().cloned().unwrap_or_default();
        }
        apply(&mut object, &first, &second);
        assert_eq!(Value::Object(object), expected);
    }

    #[test]
    fn what_is_left_out_goes_and_what_others_set_stays() {
        check(
            json!({ "data": { "a": "1", "b": "2" } }),
            &[("/data/c", json!("3"))],
            json!({ "data": { "a": "9" } }),
            json!({ "data": { "a": "9", "c": "3" } }),
        );
    }

    #[test]
    fn a_map_goes_with_its_last_field() {
        check(
            json!({ "spec": { "x": 1 }, "data": {} }),
            &[],
            json!({ "data": { "y": null } }),
            json!({ "data": {} }),
        );
    }

    #[test]
    fn finalizers_of_others_stay() {
        check(
            json!({ "metadata": { "finalizers": ["ours"] } }),
            &[("/metadata/finalizers", json!(["theirs", "ours"]))],
            json!({ "metadata": {} }),
            json!({ "metadata": { "finalizers": ["theirs"] } }),
        );
    }
}
