//! Amounts of resources: names, signs, and requests within limits.

use std::cmp::Ordering;

use serde_json::Value;

use super::field::{Faults, Field};
use super::texts;
use crate::schema::quantity::Quantity;

pub(super) fn read(amount: &Value) -> Option<Quantity> {
    Quantity::parse(amount.as_str()?).ok()
}

pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    read(left)?.partial_cmp(&read(right)?)
}

pub(super) fn not_negative(faults: &mut Faults, at: &Field<'_, '_>) {
    if read(at.value).is_some_and(Quantity::is_negative) {
        faults.invalid(at, "must be greater than or equal to 0");
    }
}

/// Resources that are counted in whole pieces: everything with a domain of its own.
pub(super) fn whole(faults: &mut Faults, name: &str, at: &Field<'_, '_>) {
    let counted = ["pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"];
    let counted_too = ["persistentvolumeclaims", "services.nodeports", "services.loadbalancers"];
    let extended = name.contains('/') && !name.contains("kubernetes.io/");
    let pieces = extended || counted.contains(&name) || counted_too.contains(&name);
    if pieces && !read(at.value).is_none_or(Quantity::is_whole) {
        faults.invalid(at, "must be an integer");
    }
}

/// Resources that containers know by a plain name.
const PLAIN: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

fn container_resource(faults: &mut Faults, name: &str, at: &Field<'_, '_>) {
    let shown = Value::from(name);
    let at = Field { value: &shown, path: at.path };
    let wrong = texts::qualified(name);
    let named = wrong.is_empty();
    faults.text(&at, wrong);
    if name.contains('/') || PLAIN.contains(&name) || name.starts_with("hugepages-") {
        return;
    }
    let standard =
        ["storage", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods", "services"];
    if named && !standard.contains(&name) {
        faults.invalid(&at, "must be a standard resource type or fully qualified");
    }
    faults.invalid(&at, "must be a standard resource for containers");
}

pub(super) fn of_container(faults: &mut Faults, resources: &Field<'_, '_>) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for (name, amount) in limits.entries() {
        container_resource(faults, name, &amount);
        not_negative(faults, &amount);
        whole(faults, name, &amount);
    }
    for (name, amount) in requests.entries() {
        container_resource(faults, name, &amount);
        not_negative(faults, &amount);
        whole(faults, name, &amount);
        let limit = limits.get(name);
        let at = Field { value: amount.value, path: requests.path };
        let exact = name.contains('/') || name.starts_with("hugepages-");
        match compare(amount.value, limit.value) {
            None | Some(Ordering::Equal) if limit.is_set() => {}
            None if exact => faults.required(&limits, "Limit must be set for non overcommitable resources"),
            Some(_) if exact => {
                faults.invalid(&at, &format!("must be equal to {name} limit of {}", limit.text()));
            }
            Some(Ordering::Greater) => {
                faults
                    .invalid(&at, &format!("must be less than or equal to {name} limit of {}", limit.text()));
            }
            _ => {}
        }
    }
}
