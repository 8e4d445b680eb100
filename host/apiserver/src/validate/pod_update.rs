//! What an update of a Pod may change: images, a deadline that comes nearer, further tolerations, fewer gates.

use serde_json::Value;

use super::field::{Faults, Field};

const FIELDS: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

pub(super) fn update(faults: &mut Faults, spec: &Field<'_, '_>, old: &Value) {
    for list in ["containers", "initContainers"] {
        let containers = spec.get(list);
        if containers.len() != old[list].as_array().map_or(0, Vec::len) {
            let why = "pod updates may not add or remove containers";
            faults.forbidden(&containers, why);
            return;
        }
        for container in containers.items() {
            let image = container.get("image");
            if image.text().is_empty() {
                faults.required(&image, "");
            }
        }
    }
    if deadline(faults, &spec.get("activeDeadlineSeconds"), &old["activeDeadlineSeconds"]) {
        return;
    }
    tolerations(faults, &spec.get("tolerations"), &old["tolerations"]);
    if without_changeable(spec.value.clone(), old) != without_changeable(old.clone(), old) {
        faults.forbidden(spec, FIELDS);
    }
}

/// Whether the deadline alone refuses the update.
fn deadline(faults: &mut Faults, now: &Field<'_, '_>, before: &Value) -> bool {
    if now.is_set() {
        if !(0..=i64::from(i32::MAX)).contains(&now.number()) {
            faults.invalid(now, "must be between 0 and 2147483647, inclusive");
            return true;
        }
        if before.as_i64().is_some_and(|before| before < now.number()) {
            faults.invalid(now, "must be less than or equal to previous value");
            return true;
        }
    } else if !before.is_null() {
        faults.invalid(now, "must not update from a positive integer to nil value");
    }
    false
}

fn tolerations(faults: &mut Faults, now: &Field<'_, '_>, before: &Value) {
    let same = |left: &Value, right: &Value| {
        ["key", "operator", "value", "effect"].iter().all(|name| left[name] == right[name])
    };
    for held in before.as_array().into_iter().flatten() {
        if !now.items().any(|given| same(given.value, held)) {
            faults.forbidden(now, "existing toleration can not be modified except its tolerationSeconds");
            return;
        }
    }
}

fn without_changeable(mut spec: Value, old: &Value) -> Value {
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        spec[field] = Value::Null;
    }
    let leaving = old["terminationGracePeriodSeconds"].as_i64().is_some_and(|grace| grace < 0);
    if leaving && spec["terminationGracePeriodSeconds"] == 1 {
        spec["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"].clone();
    }
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            container["image"] = Value::Null;
        }
    }
    empty_is_none(&mut spec);
    spec
}

/// Absent, null and empty are one, as in Go.
fn empty_is_none(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(empty_is_none);
            map.retain(|_, held| match held {
                Value::Null => false,
                Value::Array(items) => !items.is_empty(),
                _ => true,
            });
        }
        Value::Array(items) => items.iter_mut().for_each(empty_is_none),
        _ => {}
    }
}
