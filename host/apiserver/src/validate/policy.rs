//! Disruption budgets, priority classes, leases: small kinds with a few rules each.

use serde_json::Value;

use super::field::{Faults, Field};
use super::{Change, numbers, selector};

pub(super) fn budget(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let (least, most) = (spec.get("minAvailable"), spec.get("maxUnavailable"));
    if least.is_set() && most.is_set() {
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            least.value,
            spec.get("selector").value,
            most.value,
            spec.get("unhealthyPodEvictionPolicy").value
        );
        faults.invalid_as(&spec, &shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for bound in [&least, &most] {
        if bound.is_set() {
            numbers::count_or_percentage(faults, bound);
            numbers::at_most_all(faults, bound);
        }
    }
    selector::selector(faults, &spec.get("selector"));
    faults.one_of_if_set(&spec.get("unhealthyPodEvictionPolicy"), &["AlwaysAllow", "IfHealthyBudget"]);
}

pub(super) fn budget_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
    faults.all_not_negative(&status, &counts);
}

/// Above this, priorities belong to the system.
const HIGHEST_PRIORITY: i64 = 1_000_000_000;

pub(super) fn priority_class(faults: &mut Faults, change: &Change<'_>) {
    let (value, policy) = (change.new.get("value"), change.new.get("preemptionPolicy"));
    if let Some(old) = change.old {
        if value.value != &old["value"] {
            faults.forbidden(&value, "may not be changed in an update.");
        }
        let before = old["preemptionPolicy"].clone();
        return faults.immutable(&policy, &before);
    }
    let name = change.new.value["metadata"]["name"].as_str().unwrap_or_default();
    let system = ["system-node-critical", "system-cluster-critical"];
    if !system.contains(&name) && value.number() > HIGHEST_PRIORITY {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST_PRIORITY}");
        faults.forbidden(&value, &why);
    }
    if policy.is_set() {
        faults.one_of(&policy, &["PreemptLowerPriority", "Never"]);
    }
}

pub(super) fn lease(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let (duration, transitions) = (spec.get("leaseDurationSeconds"), spec.get("leaseTransitions"));
    if duration.is_set() && duration.number() <= 0 {
        faults.invalid(&duration, "must be greater than 0");
    }
    if transitions.number() < 0 {
        faults.invalid(&transitions, "must be greater than or equal to 0");
    }
    let (holder, strategy) = (spec.get("preferredHolder"), spec.get("strategy"));
    if !holder.text().is_empty() && strategy.text().is_empty() {
        faults.forbidden(&holder, "may only be specified if `strategy` is defined");
    }
}

pub(super) fn event(faults: &mut Faults, change: &Change<'_>) {
    let event = &change.new;
    let object = event.get("involvedObject");
    let about = object.get("namespace");
    let own = event.value["metadata"]["namespace"].as_str().unwrap_or_default();
    let fits = if event.get("eventTime").is_set() {
        !about.text().is_empty() || own == "default" || own == "kube-system"
    } else if about.text().is_empty() {
        own == "default"
    } else {
        about.text() == own
    };
    if !fits {
        faults.invalid_text(&about, "does not match event.namespace");
    }
    if !event.get("eventTime").is_set() {
        return;
    }
    let controller = event.get("reportingComponent");
    if controller.text().is_empty() {
        faults.required(&controller, "");
    }
    faults.text(&controller, super::texts::qualified(controller.text()));
    for name in ["reportingInstance", "action", "reason"] {
        let field = event.get(name);
        let long = Value::from("");
        if field.text().is_empty() {
            faults.required(&field, "");
        } else if field.text().len() > 128 {
            faults.invalid(&Field { value: &long, ..field }, "can have at most 128 characters");
        }
    }
}

pub(super) fn namespace_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    let phase = status.get("phase");
    let deleted = change.new.value["metadata"]["deletionTimestamp"].is_string();
    let blamed = Field { value: phase.value, ..status.get("Phase") };
    if !deleted && phase.text() != "Active" {
        faults.invalid_text(&blamed, "may only be 'Active' if `deletionTimestamp` is empty");
    } else if deleted && phase.text() != "Terminating" {
        faults.invalid_text(&blamed, "may only be 'Terminating' if `deletionTimestamp` is not empty");
    }
}
