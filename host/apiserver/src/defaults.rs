//! Defaults of built-in kinds that the real server computes in code, so that OpenAPI does not list them.
//!
//! Most are plain values of a type's field (`values.txt`) and apply wherever the type occurs; a few depend on other
//! fields and are functions. They apply to what a client leaves out, never to what it says.

mod complete;
mod computed;

pub use complete::complete;

use std::{collections::HashMap, sync::OnceLock};

use serde_json::{Map, Value};

use crate::wire::types::{StructType, Type, TypeId, TypeTable};

const TABLE: &str = include_str!("defaults/values.txt");

/// Fills in what an object of a built-in kind leaves out. Objects of other kinds stay as they are.
pub fn apply(group: &str, version: &str, kind: &str, object: &mut Value) {
    if let (Some(id), Value::Object(map)) = (TypeTable::get().kind(group, version, kind), object) {
        apply_to_struct(id, map);
    }
}

type Values = HashMap<(&'static str, &'static str), Vec<(&'static str, Value)>>;

/// The table by (package, type).
fn values() -> &'static Values {
    static PARSED: OnceLock<Values> = OnceLock::new();
    PARSED.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let mut words = line.split(' ');
                let name = words.next()?.rsplit_once('.')?;
                let fields = words.filter_map(|word| {
                    let (field, json) = word.split_once('=')?;
                    Some((field, serde_json::from_str(json).ok()?))
                });
                Some((name, fields.collect()))
            })
            .collect()
    })
}

fn apply_to_struct(id: TypeId, map: &mut Map<String, Value>) {
    let declared = TypeTable::get().type_of(id);
    // A struct may need fields of its own to be filled in before those below it, and the other way round.
    computed::before(declared, map);
    fill(declared, map);
    descend(declared, map);
    computed::after(declared, map);
}

fn fill(declared: &StructType, map: &mut Map<String, Value>) {
    for (field, value) in values().get(&(declared.package, declared.name)).into_iter().flatten() {
        set(map, field, || value.clone());
    }
}

/// Sets a field that is missing or null.
fn set(map: &mut Map<String, Value>, field: &str, value: impl FnOnce() -> Value) {
    match map.get_mut(field) {
        Some(Value::Null) | None => drop(map.insert(field.to_owned(), value())),
        Some(_) => {}
    }
}

fn descend(declared: &StructType, map: &mut Map<String, Value>) {
    for field in &declared.fields {
        match &field.value {
            Type::Message(id) if field.is_inline() => {
                let inner = TypeTable::get().type_of(*id);
                fill(inner, map);
                descend(inner, map);
            }
            value => {
                if let Some(held) = map.get_mut(field.json) {
                    apply_to_value(value, held);
                }
            }
        }
    }
}

fn apply_to_value(declared: &Type, value: &mut Value) {
    match (declared, value) {
        (Type::Message(id), Value::Object(map)) => apply_to_struct(*id, map),
        (Type::Optional(inner), value) => apply_to_value(inner, value),
        (Type::Repeated(inner), Value::Array(items)) => {
            items.iter_mut().for_each(|item| apply_to_value(inner, item));
        }
        (Type::Map(inner), Value::Object(map)) => {
            map.values_mut().for_each(|value| apply_to_value(inner, value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_of_the_table_names_a_field_of_a_type() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(values().len(), lines, "a type is listed twice, or a line cannot be read");
        for ((package, name), fields) in values() {
            let found = TypeTable::get().find(package, name).map(|id| TypeTable::get().type_of(id));
            for (field, _) in fields {
                let known = found.is_some_and(|found| has_field(found, field));
                assert!(known, "{package}.{name} {field}");
            }
        }
    }

    fn has_field(declared: &StructType, name: &str) -> bool {
        declared.fields.iter().any(|field| match &field.value {
            Type::Message(id) if field.is_inline() => has_field(TypeTable::get().type_of(*id), name),
            _ => field.json == name,
        })
    }

    #[test]
    fn a_deployment_is_filled_in_down_to_its_containers() {
        let mut object =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}}});
        apply("apps", "v1", "Deployment", &mut object);
        let want = json!({"spec": {
            "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"spec": {
                "containers": [{"name": "c", "image": "nginx", "imagePullPolicy": "Always",
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                "securityContext": {}, "terminationGracePeriodSeconds": 30,
            }},
        }});
        assert_eq!(object, want);
        apply("apps", "v1", "Deployment", &mut object);
        assert_eq!(object, want, "a second time changes nothing");
    }

    #[test]
    fn what_a_client_says_stays() {
        let mut object = json!({"spec": {"replicas": 0, "strategy": {"type": "Recreate"}}});
        apply("apps", "v1", "Deployment", &mut object);
        assert_eq!(object["spec"]["replicas"], 0);
        assert_eq!(object["spec"]["strategy"], json!({"type": "Recreate"}));
    }
}
