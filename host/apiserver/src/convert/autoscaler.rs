//! HorizontalPodAutoscalers between `autoscaling/v1` and `v2`.
//!
//! Version 1 knows one metric, the CPU's utilization; it carries the others, what they came to, conditions and
//! behaviour as JSON in annotations. That JSON is Go's, key order included, as clients compare annotations.

use serde_json::{Map, Value, json};

use self::metric::{current_from_v1, current_to_v1, target_from_v1, target_to_v1};
use self::ordered::{escaped, ordered};
use crate::object;

mod metric;
mod ordered;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// Written by earlier releases; dropped with the others.
const TOLERANCES: [&str; 2] = [
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];
/// Utilization in percent where nothing is said.
const DEFAULT_UTILIZATION: i64 = 80;

/// From `autoscaling/v2` to `v1`.
pub(super) fn to_v1(hpa: &mut Value) {
    drop_annotations(hpa);
    let mut annotations = Vec::new();
    let (mut utilization, mut others) = (None, Vec::new());
    for metric in take_list(hpa, "spec", "metrics") {
        match cpu_utilization(&metric, "target") {
            Some(percent) => utilization = utilization.or(Some(percent)),
            None => others.push(target_to_v1(&metric)),
        }
    }
    if !others.is_empty() {
        annotations.push((METRICS, format!("[{}]", others.join(","))));
    }
    if let Some(behavior) = take(hpa, "spec", "behavior").filter(Value::is_object) {
        annotations.push((BEHAVIOR, behavior_to_go(&behavior)));
    }
    let current = take_list(hpa, "status", "currentMetrics");
    let used = current.iter().filter_map(|metric| cpu_utilization(metric, "current")).next_back();
    if !current.is_empty() {
        let current: Vec<String> = current.iter().map(current_to_v1).collect();
        annotations.push((CURRENT_METRICS, format!("[{}]", current.join(","))));
    }
    let conditions = take_list(hpa, "status", "conditions");
    if !conditions.is_empty() {
        let conditions: Vec<String> = conditions.iter().map(condition).collect();
        annotations.push((CONDITIONS, format!("[{}]", conditions.join(","))));
    }
    put(hpa, "spec", "targetCPUUtilizationPercentage", utilization);
    put(hpa, "status", "currentCPUUtilizationPercentage", used);
    for (key, text) in annotations {
        let held = object::metadata_mut(hpa).entry("annotations").or_insert_with(|| json!({}));
        object::as_map(held).insert(key.into(), text.into());
    }
}

/// From `autoscaling/v1` to `v2`.
pub(super) fn to_v2(hpa: &mut Value) {
    let said = |key: &str| -> Option<Value> {
        let text = object::annotations(hpa)?.get(key)?.as_str()?;
        serde_json::from_str(text).ok()
    };
    let (others, current, conditions, behavior) =
        (said(METRICS), said(CURRENT_METRICS), said(CONDITIONS), said(BEHAVIOR));
    let list = |value: Option<Value>, of: fn(&Value) -> Value| -> Option<Vec<Value>> {
        Some(value?.as_array()?.iter().map(of).collect())
    };
    let mut metrics = list(others, target_from_v1).unwrap_or_default();
    let percent = take(hpa, "spec", "targetCPUUtilizationPercentage").filter(|percent| !percent.is_null());
    metrics.extend(percent.map(cpu_metric));
    if metrics.is_empty() {
        metrics.push(cpu_metric(DEFAULT_UTILIZATION.into()));
    }
    put(hpa, "spec", "metrics", Some(metrics.into()));
    put(hpa, "spec", "behavior", behavior.as_ref().and_then(behavior_from_go));
    let used = take(hpa, "status", "currentCPUUtilizationPercentage").filter(|percent| !percent.is_null());
    let used = used.map(|percent| {
        let resource = json!({"name": "cpu", "current": {"averageUtilization": percent}});
        vec![json!({"type": "Resource", "resource": resource})]
    });
    let current = list(current, current_from_v1).or(used);
    put(hpa, "status", "currentMetrics", current.map(Value::Array));
    put(hpa, "status", "conditions", conditions.filter(Value::is_array));
    if object::at(hpa, "status.currentReplicas") == Some(&0.into()) {
        take(hpa, "status", "currentReplicas");
    }
    drop_annotations(hpa);
}

fn drop_annotations(hpa: &mut Value) {
    let metadata = object::metadata_mut(hpa);
    let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return };
    for key in [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR].iter().chain(&TOLERANCES) {
        annotations.remove(*key);
    }
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

/// The utilization of a metric, if it is the one that version 1 has a field for.
fn cpu_utilization(metric: &Value, part: &str) -> Option<Value> {
    let resource = &metric["resource"];
    let of_cpu = metric["type"] == "Resource" && resource["name"] == "cpu";
    of_cpu.then(|| resource[part]["averageUtilization"].clone()).filter(|percent| !percent.is_null())
}

fn cpu_metric(percent: Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

fn condition(condition: &Value) -> String {
    let text = |key: &str| Some(&condition[key]).filter(|value| !value.is_null()).map(escaped);
    ordered(&[
        ("type", text("type")),
        ("status", text("status")),
        ("lastTransitionTime", Some(escaped(&condition["lastTransitionTime"]))),
        ("reason", text("reason")),
        ("message", text("message")),
    ])
}

/// Behaviour under the names of Go's fields: it is written from a type without JSON names.
fn behavior_to_go(behavior: &Value) -> String {
    let rules = |rules: &Value| -> String {
        if !rules.is_object() {
            return "null".to_owned();
        }
        let policy = |policy: &Value| {
            ordered(&[
                ("Type", Some(escaped(&policy["type"]))),
                ("Value", Some(escaped(&policy["value"]))),
                ("PeriodSeconds", Some(escaped(&policy["periodSeconds"]))),
            ])
        };
        let policies = match rules["policies"].as_array() {
            Some(policies) => format!("[{}]", policies.iter().map(policy).collect::<Vec<_>>().join(",")),
            None => "null".to_owned(),
        };
        ordered(&[
            ("StabilizationWindowSeconds", Some(escaped(&rules["stabilizationWindowSeconds"]))),
            ("SelectPolicy", Some(escaped(&rules["selectPolicy"]))),
            ("Policies", Some(policies)),
            ("Tolerance", Some(escaped(&rules["tolerance"]))),
        ])
    };
    ordered(&[
        ("ScaleUp", Some(rules(&behavior["scaleUp"]))),
        ("ScaleDown", Some(rules(&behavior["scaleDown"]))),
    ])
}

/// Go reads names whatever their case; here the first letter is made small, which covers what is ever written.
fn behavior_from_go(value: &Value) -> Option<Value> {
    fn small(value: &Value) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| {
                    let mut letters = key.chars();
                    let first = letters.next().map(|first| first.to_ascii_lowercase());
                    (first.into_iter().chain(letters).collect::<String>(), small(value))
                })
                .collect::<Map<_, _>>()
                .into(),
            Value::Array(items) => items.iter().map(small).collect(),
            other => other.clone(),
        }
    }
    let behavior = small(value);
    behavior.as_object().is_some_and(|map| !map.is_empty()).then_some(behavior)
}

fn take(hpa: &mut Value, part: &str, key: &str) -> Option<Value> {
    hpa.get_mut(part)?.as_object_mut()?.remove(key)
}

fn take_list(hpa: &mut Value, part: &str, key: &str) -> Vec<Value> {
    match take(hpa, part, key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn put(hpa: &mut Value, part: &str, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        let part = object::as_map(hpa).entry(part).or_insert_with(|| json!({}));
        object::as_map(part).insert(key.into(), value);
    }
}

#[cfg(test)]
mod tests;
