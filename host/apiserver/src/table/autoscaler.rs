//! Cells of HorizontalPodAutoscalers, in both of their versions.

use serde_json::Value;

use super::cells::{age, at, int_at, list_at, str_at, text};
use crate::{object, wire::time::Moment};

/// Metrics shown before the rest is only counted.
const METRICS_SHOWN_MAX: usize = 2;

pub(super) fn cells(object: &Value, now: Moment) -> Vec<Value> {
    let least = at(object, "spec.minReplicas").map_or_else(|| "<unset>".to_owned(), text);
    vec![
        object::name(object).into(),
        format!(
            "{}/{}",
            str_at(object, "spec.scaleTargetRef.kind"),
            str_at(object, "spec.scaleTargetRef.name")
        )
        .into(),
        targets(object).into(),
        least.into(),
        int_at(object, "spec.maxReplicas").into(),
        int_at(object, "status.currentReplicas").into(),
        age(object, now),
    ]
}

fn targets(object: &Value) -> String {
    let percent = |path: &str| at(object, path).map(|value| format!("{}%", text(value)));
    if let Some(target) = percent("spec.targetCPUUtilizationPercentage") {
        let current = percent("status.currentCPUUtilizationPercentage");
        return format!("cpu: {}/{target}", current.as_deref().unwrap_or("<unknown>"));
    }
    let current = list_at(object, "status.currentMetrics");
    let metrics = list_at(object, "spec.metrics").iter().enumerate();
    let texts: Vec<String> =
        metrics.map(|(index, metric)| target(metric, current.get(index).unwrap_or(&Value::Null))).collect();
    match texts.len() {
        0 => "<none>".to_owned(),
        count if count > METRICS_SHOWN_MAX => {
            format!("{} + {} more...", texts[..METRICS_SHOWN_MAX].join(", "), count - METRICS_SHOWN_MAX)
        }
        _ => texts.join(", "),
    }
}

/// What is now over what is wanted.
fn target(metric: &Value, current: &Value) -> String {
    let field = match str_at(metric, "type") {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let wanted = |name: &str| at(metric, &format!("{field}.target.{name}")).map(text);
    let now = |name: &str| {
        at(current, &format!("{field}.current.{name}")).map_or_else(|| "<unknown>".to_owned(), text)
    };
    let is_resource = field.to_lowercase().ends_with("resource");
    let prefix =
        if is_resource { format!("{}: ", str_at(metric, &format!("{field}.name"))) } else { String::new() };
    let averaged = if matches!(field, "external" | "object") { " (avg)" } else { "" };
    match (wanted("averageValue"), is_resource) {
        (Some(target), _) => format!("{prefix}{}/{target}{averaged}", now("averageValue")),
        (None, true) => {
            let target =
                wanted("averageUtilization").map_or_else(|| "<auto>".to_owned(), |value| value + "%");
            let current = match now("averageUtilization").as_str() {
                "<unknown>" => "<unknown>".to_owned(),
                value => format!("{value}%"),
            };
            format!("{prefix}{current}/{target}")
        }
        (None, false) => format!("{}/{}", now("value"), wanted("value").unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn targets_are_shown_as_now_over_wanted() {
        let cpu =
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}});
        let queue = json!({"type": "External", "external": {"target": {"averageValue": "10"}}});
        let pods = json!({"type": "Pods", "pods": {"target": {"averageValue": "3"}}});
        let current = json!([{"type": "Resource", "resource": {"current": {"averageUtilization": 20}}}]);
        let object =
            |metrics: Value| json!({"spec": {"metrics": metrics}, "status": {"currentMetrics": current}});
        assert_eq!(targets(&object(json!([]))), "<none>");
        assert_eq!(targets(&object(json!([cpu, queue]))), "cpu: 20%/50%, <unknown>/10 (avg)");
        assert_eq!(
            targets(&object(json!([cpu, queue, pods]))),
            "cpu: 20%/50%, <unknown>/10 (avg) + 1 more..."
        );
        let old = json!({"spec": {"targetCPUUtilizationPercentage": 80}, "status": {}});
        assert_eq!(targets(&old), "cpu: <unknown>/80%");
    }
}
