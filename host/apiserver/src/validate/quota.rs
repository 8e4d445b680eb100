//! ResourceQuotas and LimitRanges.

use std::cmp::Ordering;

use super::field::{Faults, Field};
use super::{Change, amounts, texts};

pub(super) fn quota(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    hard(faults, &spec.get("hard"));
    let scopes = spec.get("scopes");
    let known = [
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
    ];
    for scope in scopes.items() {
        if !known.contains(&scope.text()) {
            faults.invalid(&scopes, "unsupported scope");
        }
        for (name, _) in spec.get("hard").entries() {
            if is_quota_resource(name) && !fits(scope.text(), name) {
                faults.invalid(&scopes, "unsupported scope applied to resource");
            }
        }
    }
    let has = |name: &str| scopes.items().any(|scope| scope.text() == name);
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if has(one) && has(other) {
            faults.invalid(&scopes, "conflicting scopes");
        }
    }
    if let Some(old) = change.old {
        let before = &old["spec"]["scopes"];
        let as_set = |value: &serde_json::Value| {
            let items = value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
            items.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
        };
        if as_set(scopes.value) != as_set(before) {
            faults.invalid(&scopes, "field is immutable");
        }
    }
}

pub(super) fn quota_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    hard(faults, &status.get("hard"));
    hard(faults, &status.get("used"));
}

fn hard(faults: &mut Faults, at: &Field<'_, '_>) {
    for (name, amount) in at.entries() {
        let shown = serde_json::Value::from(name);
        let key = Field { value: &shown, ..amount };
        let wrong = texts::qualified(name);
        let named = wrong.is_empty();
        faults.text(&key, wrong);
        if named && !name.contains('/') && !is_quota_resource(name) {
            faults.invalid(&key, "must be a standard resource type or fully qualified");
        }
        if !name.contains('/') && !is_quota_resource(name) {
            faults.invalid(&key, "must be a standard resource for quota");
        }
        amounts::not_negative(faults, &amount);
        amounts::whole(faults, name, &amount);
    }
}

fn is_quota_resource(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
    ];
    NAMES.contains(&name)
        || ["configmaps", "services.nodeports", "services.loadbalancers"].contains(&name)
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
}

/// Whether a scope can be about a resource: they are about Pods, BestEffort about nothing but their number.
fn fits(scope: &str, name: &str) -> bool {
    let computed =
        ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods"];
    let storage = ["ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage"];
    match scope {
        "BestEffort" => name == "pods",
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => computed.contains(&name) || storage.contains(&name),
        _ => true,
    }
}

pub(super) fn limit_range(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let mut kinds = std::collections::HashSet::new();
    for limit in spec.get("limits").items() {
        let kind = limit.get("type");
        limit_type(faults, &kind);
        if !kinds.insert(kind.text()) {
            faults.0.push(crate::schema::FieldError::duplicate(kind.path, &kind.text().into()));
        }
        for name in ["max", "min"] {
            for (resource, _) in limit.get(name).entries() {
                let at = limit.get(name);
                limit_resource(faults, kind.text(), resource, &at);
            }
        }
        if kind.text() == "Pod" {
            for name in ["default", "defaultRequest"] {
                if limit.get(name).len() > 0 {
                    faults.forbidden(&limit.get(name), "may not be specified when `type` is 'Pod'");
                }
            }
        }
        let storage = |name: &str| limit.value[name]["storage"].is_string();
        if kind.text() == "PersistentVolumeClaim" && !storage("min") && !storage("max") {
            let why = "either minimum or maximum storage value is required, but neither was provided";
            faults.required(&limit.get("limits"), why);
        }
        let most = limit.get("max");
        for (name, least) in limit.get("min").entries() {
            let above = most.get(name);
            if amounts::compare(least.value, above.value) == Some(Ordering::Greater) {
                let (least_text, most_text) = (least.text(), above.text());
                let why = format!("min value {least_text} is greater than max value {most_text}");
                faults.invalid(&least, &why);
            }
        }
    }
}

fn limit_type(faults: &mut Faults, kind: &Field<'_, '_>) {
    let wrong = texts::qualified(kind.text());
    let named = wrong.is_empty();
    faults.text(kind, wrong);
    if named
        && !kind.text().contains('/')
        && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind.text())
    {
        faults.invalid(kind, "must be a standard limit type or fully qualified");
    }
}

fn limit_resource(faults: &mut Faults, kind: &str, name: &str, at: &Field<'_, '_>) {
    let shown = serde_json::Value::from(name);
    let key = Field { value: &shown, path: at.path.key(name) };
    let wrong = texts::qualified(name);
    let named = wrong.is_empty();
    faults.text(&key, wrong);
    let standard = ["cpu", "memory", "ephemeral-storage", "storage", "pods"];
    if named && !name.contains('/') && !standard.contains(&name) {
        faults.invalid(&key, "must be a standard resource type or fully qualified");
        if kind == "Pod" || kind == "Container" {
            faults.invalid(&key, "must be a standard resource for containers");
        }
    }
}
