//! The empty values that Go's encoder writes although nobody set them.
//!
//! A struct that is no pointer is always there (`status: {}`), a list without `omitempty` is null rather than absent,
//! a number is 0. Clients see these, so stored objects have them.

use serde_json::{Map, Value};

use super::fill;
use crate::wire::types::{Field, Type, TypeId, TypeTable};

/// Adds what Go would write to an object of a built-in kind. Objects of other kinds stay as they are.
pub fn complete(group: &str, version: &str, kind: &str, object: &mut Value) {
    if let (Some(id), Value::Object(map)) = (TypeTable::get().kind(group, version, kind), object) {
        complete_struct(id, map);
    }
}

fn complete_struct(id: TypeId, map: &mut Map<String, Value>) {
    for field in &TypeTable::get().type_of(id).fields {
        match (&field.value, map.get_mut(field.json)) {
            (Type::Message(inner), _) if field.is_inline() => complete_struct(*inner, map),
            (declared, Some(value)) => complete_value(declared, value),
            (_, None) => {
                if let Some(value) = empty(field) {
                    map.insert(field.json.to_owned(), value);
                }
            }
        }
    }
}

fn complete_value(declared: &Type, value: &mut Value) {
    match (declared, value) {
        (Type::Message(id), Value::Object(map)) => complete_struct(*id, map),
        (Type::Optional(inner), value) => complete_value(inner, value),
        (Type::Repeated(inner), Value::Array(items)) if holds_structs(inner) => {
            items.iter_mut().for_each(|item| complete_value(inner, item));
        }
        (Type::Map(inner), Value::Object(map)) if holds_structs(inner) => {
            map.values_mut().for_each(|value| complete_value(inner, value));
        }
        _ => {}
    }
}

fn holds_structs(declared: &Type) -> bool {
    match declared {
        Type::Message(_) => true,
        Type::Optional(inner) | Type::Repeated(inner) | Type::Map(inner) => holds_structs(inner),
        _ => false,
    }
}

/// What Go writes for a field that nobody set; `None` if it leaves the field out.
fn empty(field: &Field) -> Option<Value> {
    if let Type::Message(id) = &field.value {
        return (!field.omit_zero).then(|| {
            let mut map = Map::new();
            fill(TypeTable::get().type_of(*id), &mut map);
            complete_struct(*id, &mut map);
            Value::Object(map)
        });
    }
    if field.omit_empty || field.omit_zero {
        // Times are structs in Go, so `omitempty` alone leaves none out.
        let is_time = matches!(field.value, Type::Time | Type::MicroTime);
        return (is_time && !field.omit_zero).then_some(Value::Null);
    }
    Some(match field.value {
        Type::String => "".into(),
        Type::Bool => false.into(),
        Type::Int32 | Type::Int64 | Type::Double | Type::IntOrString => 0.into(),
        Type::Quantity => "0".into(),
        _ => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(of: (&str, &str), mut object: Value, want: &Value) {
        complete(of.0, "v1", of.1, &mut object);
        assert_eq!(&object, want);
        complete(of.0, "v1", of.1, &mut object);
        assert_eq!(&object, want, "a second time changes nothing");
    }

    #[test]
    fn empty_values_are_added_where_go_writes_them() {
        let meta = json!({"name": "n"});
        check(("", "ConfigMap"), json!({"metadata": meta}), &json!({"metadata": meta}));
        check(
            ("apps", "ReplicaSet"),
            json!({"metadata": meta, "spec": {"selector": {}, "template": {"metadata": {}, "spec": {"containers": []}}}}),
            &json!({"metadata": meta, "status": {"replicas": 0},
                "spec": {"selector": {}, "template": {"metadata": {}, "spec": {"containers": []}}}}),
        );
        check(
            ("rbac.authorization.k8s.io", "ClusterRole"),
            json!({"metadata": meta}),
            &json!({"metadata": meta, "rules": null}),
        );
        check(
            ("", "PersistentVolume"),
            json!({"metadata": meta, "spec": {}}),
            &json!({"metadata": meta, "spec": {}, "status": {"phase": "Pending"}}),
        );
    }

    #[test]
    fn a_condition_without_a_probe_says_null() {
        let status = json!({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T10:17:35Z"}]});
        let mut pod = json!({"metadata": {}, "spec": {"containers": []}, "status": status});
        complete("", "v1", "Pod", &mut pod);
        assert_eq!(pod["status"]["conditions"][0]["lastProbeTime"], Value::Null);
        assert!(pod["status"]["conditions"][0].get("lastProbeTime").is_some());
    }
}
