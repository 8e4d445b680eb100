//! HorizontalPodAutoscalers: bounds, targets, metrics, behaviour.

use super::field::{Faults, Field};
use super::{Change, amounts, selector, texts};

pub(super) fn autoscaler(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let (least, most) = (spec.get("minReplicas"), spec.get("maxReplicas"));
    if least.is_set() && least.number() < 1 {
        faults.invalid(&least, "must be greater than or equal to 1");
    }
    if most.number() == 0 {
        faults.required(&most, "must be set and greater than 0");
    } else if most.number() < 0 {
        faults.invalid(&most, "must be greater than or equal to 1");
    }
    if least.is_set() && most.number() < least.number() {
        faults.invalid_number(&most, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.get("scaleTargetRef");
    reference(faults, &target);
    let version = target.get("apiVersion");
    let grouped = version.text().contains('/');
    let tolerated = change.old.is_some_and(|old| {
        old["spec"]["scaleTargetRef"]["apiVersion"].as_str().is_none_or(|held| !held.contains('/'))
    });
    if !grouped && !tolerated {
        faults.invalid_text(&version, "apiVersion must specify API group");
    }
    for metric in spec.get("metrics").items() {
        metric_source(faults, &metric);
    }
    if least.is_set() && least.number() == 0 {
        let outer = spec.get("metrics");
        let mut kinds = outer.value.as_array().into_iter().flatten();
        if !kinds.any(|metric| metric["type"] == "Object" || metric["type"] == "External") {
            let why =
                "must specify at least one Object or External metric to support scaling to zero replicas";
            faults.forbidden(&outer, why);
        }
    }
    let behavior = spec.get("behavior");
    scaling_rules(faults, &behavior.get("scaleUp"));
    scaling_rules(faults, &behavior.get("scaleDown"));
}

fn reference(faults: &mut Faults, at: &Field<'_, '_>) {
    for name in ["kind", "name"] {
        let field = at.get(name);
        if field.text().is_empty() {
            faults.required(&field, "");
        } else {
            faults.text(&field, texts::path_segment(field.text()));
        }
    }
    let version = at.get("apiVersion");
    if version.text().matches('/').count() > 1 {
        faults.invalid(&version, &format!("unexpected GroupVersion string: {}", version.text()));
    }
}

const KINDS: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

fn metric_source(faults: &mut Faults, metric: &Field<'_, '_>) {
    let kind = metric.get("type");
    let names = KINDS.map(|(name, _)| name);
    if kind.text().is_empty() {
        faults.required(&kind, "must specify a metric source type");
    }
    let expected = KINDS.iter().find(|(name, _)| *name == kind.text()).map(|(_, field)| *field);
    if expected.is_none() {
        faults.not_supported(&kind, &names);
    }
    let given: Vec<&str> = ["object", "external", "pods", "resource", "containerResource"]
        .into_iter()
        .filter(|field| metric.get(field).is_set())
        .collect();
    if let Some(first) = given.first() {
        details(faults, first, &metric.get(first));
    }
    match expected {
        Some(field) if !given.contains(&field) => {
            faults.required(&metric.get(field), "must populate information for the given metric source");
        }
        None => faults.not_supported(&kind, &names),
        _ => {}
    }
    if given.len() != 1 {
        for field in given.iter().filter(|field| Some(**field) != expected) {
            faults.forbidden(&metric.get(field), "must populate the given metric source only");
        }
    }
}

fn details(faults: &mut Faults, kind: &str, source: &Field<'_, '_>) {
    if kind == "object" {
        reference(faults, &source.get("describedObject"));
    }
    if matches!(kind, "resource" | "containerResource") {
        let name = source.get("name");
        if name.text().is_empty() {
            faults.required(&name, "must specify a resource name");
        }
    } else {
        let metric = source.get("metric");
        let name = metric.get("name");
        if name.text().is_empty() {
            faults.required(&name, "must specify a metric name");
        } else {
            faults.text(&name, texts::path_segment(name.text()));
        }
        selector::selector(faults, &metric.get("selector"));
    }
    let container = source.get("container");
    if kind == "containerResource" && container.text().is_empty() {
        faults.required(&container, "must specify a container");
    }
    let target = source.get("target");
    metric_target(faults, &target);
    let (value, average) = (target.get("value"), target.get("averageValue"));
    let share = target.get("averageUtilization");
    match kind {
        "pods" if !average.is_set() => {
            faults.required(&average, "must specify a positive target averageValue");
        }
        "object" if !value.is_set() && !average.is_set() => {
            faults.required(&average, "must set either a target value or averageValue");
        }
        "external" if !value.is_set() && !average.is_set() => {
            let why = "must set either a target value for metric or a per-pod target";
            faults.required(&average, why);
        }
        "resource" | "containerResource" if !share.is_set() && !average.is_set() => {
            faults.required(&share, "must set either a target raw value or a target utilization");
        }
        "resource" | "containerResource" if share.is_set() && average.is_set() => {
            faults.forbidden(&average, "may not set both a target raw value and a target utilization");
        }
        _ => {}
    }
}

fn metric_target(faults: &mut Faults, target: &Field<'_, '_>) {
    let kind = target.get("type");
    if kind.text().is_empty() {
        faults.required(&kind, "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind.text()) {
        let shown = serde_json::Value::from(kind.text());
        faults
            .invalid(&Field { value: &shown, ..kind }, "must be either Utilization, Value, or AverageValue");
    }
    let zero = serde_json::Value::from("0");
    for name in ["value", "averageValue"] {
        let field = target.get(name);
        if amounts::compare(field.value, &zero).is_some_and(std::cmp::Ordering::is_le) {
            faults.invalid(&field, "must be positive");
        }
    }
    let share = target.get("averageUtilization");
    if share.is_set() && share.number() < 1 {
        faults.invalid(&share, "must be greater than 0");
    }
}

fn scaling_rules(faults: &mut Faults, rules: &Field<'_, '_>) {
    if !rules.is_set() {
        return;
    }
    let window = rules.get("stabilizationWindowSeconds");
    if window.number() < 0 {
        faults.invalid(&window, "must be greater than or equal to zero");
    }
    if window.number() > 3600 {
        faults.invalid(&window, "must be less than or equal to 3600");
    }
    faults.one_of_if_set(&rules.get("selectPolicy"), &["Disabled", "Max", "Min"]);
    let policies = rules.get("policies");
    if policies.len() == 0 {
        faults.required(&policies, "must specify at least one Policy");
    }
    for policy in policies.items() {
        if !["Pods", "Percent"].contains(&policy.get("type").text()) {
            faults.not_supported(&policy.get("type"), &["Percent", "Pods"]);
        }
        let period = policy.get("periodSeconds");
        for field in [policy.get("value"), period] {
            if field.number() <= 0 {
                faults.invalid_number(&field, "must be greater than zero");
            }
        }
        if period.number() > 1800 {
            faults.invalid(&period, "must be less than or equal to 1800");
        }
    }
}

pub(super) fn status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    faults.all_not_negative(&status, &["currentReplicas", "desiredReplicas"]);
}
