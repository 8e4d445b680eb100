//! Cells of the kinds that run Pods.

use serde_json::Value;

use super::{
    age,
    cells::{age, at, int_at, labels_text, list_at, or_none, str_at},
};
use crate::{object, wire::time::Moment};

pub(super) fn deployment(object: &Value, now: Moment) -> Vec<Value> {
    let desired = int_at(object, "spec.replicas");
    let mut cells = vec![
        object::name(object).into(),
        format!("{}/{desired}", int_at(object, "status.readyReplicas")).into(),
        int_at(object, "status.updatedReplicas").into(),
        int_at(object, "status.availableReplicas").into(),
        age(object, now),
    ];
    cells.extend(wide(object));
    cells.push(selector(object).into());
    cells
}

pub(super) fn replica_set(object: &Value, now: Moment) -> Vec<Value> {
    let mut cells = vec![
        object::name(object).into(),
        int_at(object, "spec.replicas").into(),
        int_at(object, "status.replicas").into(),
        int_at(object, "status.readyReplicas").into(),
        age(object, now),
    ];
    cells.extend(wide(object));
    cells.push(selector(object).into());
    cells
}

pub(super) fn stateful_set(object: &Value, now: Moment) -> Vec<Value> {
    let (ready, desired) = (int_at(object, "status.readyReplicas"), int_at(object, "spec.replicas"));
    let mut cells = vec![object::name(object).into(), format!("{ready}/{desired}").into(), age(object, now)];
    cells.extend(wide(object));
    cells
}

pub(super) fn daemon_set(object: &Value, now: Moment) -> Vec<Value> {
    let mut cells = vec![object::name(object).into()];
    for field in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ] {
        cells.push(int_at(object, &format!("status.{field}")).into());
    }
    cells.push(labels_text(at(object, "spec.template.spec.nodeSelector").and_then(Value::as_object)).into());
    cells.push(age(object, now));
    cells.extend(wide(object));
    cells.push(selector(object).into());
    cells
}

pub(super) fn job(object: &Value, now: Moment) -> Vec<Value> {
    let succeeded = int_at(object, "status.succeeded");
    let completions =
        match (at(object, "spec.completions").and_then(Value::as_i64), int_at(object, "spec.parallelism")) {
            (Some(completions), _) => format!("{succeeded}/{completions}"),
            (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
            (None, _) => format!("{succeeded}/1"),
        };
    let moment = |path: &str| Moment::parse(str_at(object, path));
    let duration = match (moment("status.startTime"), moment("status.completionTime")) {
        (Some(start), Some(end)) => age::between(start, end),
        (Some(start), None) => age::between(start, now),
        (None, _) => String::new(),
    };
    let mut cells = vec![
        object::name(object).into(),
        job_status(object).into(),
        completions.into(),
        duration.into(),
        age(object, now),
    ];
    cells.extend(wide(object));
    cells.push(selector(object).into());
    cells
}

fn job_status(object: &Value) -> &'static str {
    let holds = |kind: &str| {
        let conditions = list_at(object, "status.conditions");
        conditions
            .iter()
            .any(|condition| str_at(condition, "type") == kind && str_at(condition, "status") == "True")
    };
    match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if object::deletion_timestamp(object).is_some() => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

pub(super) fn cron_job(object: &Value, now: Moment) -> Vec<Value> {
    let suspend = match at(object, "spec.suspend").and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let last = match at(object, "status.lastScheduleTime") {
        Some(Value::String(_)) => age::since(at(object, "status.lastScheduleTime"), now),
        _ => "<none>".to_owned(),
    };
    let mut cells = vec![
        object::name(object).into(),
        str_at(object, "spec.schedule").into(),
        or_none(str_at(object, "spec.timeZone")).into(),
        suspend.into(),
        list_at(object, "status.active").len().into(),
        last.into(),
        age(object, now),
    ];
    let job = at(object, "spec.jobTemplate").unwrap_or(&Value::Null);
    cells.extend(wide(job));
    cells.push(selector(job).into());
    cells
}

/// Names and images of the containers of a Pod template.
fn wide(object: &Value) -> [Value; 2] {
    let containers = list_at(object, "spec.template.spec.containers");
    let joined = |field: &str| {
        let texts: Vec<&str> = containers.iter().map(|container| str_at(container, field)).collect();
        Value::from(texts.join(","))
    };
    [joined("name"), joined("image")]
}

/// A label selector as text: `a=b,c in (d,e),!f`, sorted by key; a plain map of labels likewise.
fn selector(object: &Value) -> String {
    let Some(selector) = at(object, "spec.selector") else { return "<none>".to_owned() };
    let is_structured = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    if !is_structured {
        return labels_text(selector.as_object());
    }
    let labels = at(selector, "matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<(&str, String)> = labels
        .map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())))
        .collect();
    for expression in list_at(selector, "matchExpressions") {
        let key = str_at(expression, "key");
        let mut values: Vec<&str> = list_at(expression, "values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match str_at(expression, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return "<error>".to_owned(),
        };
        parts.push((key, text));
    }
    parts.sort();
    let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    or_none(&texts.join(",")).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{deployment, job, replica_set, selector};
    use crate::wire::time::Moment;

    const NOW: Moment = Moment { seconds: 1_795_256_255 + 90, nanos: 0 };

    fn template() -> Value {
        json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y:1"}]}})
    }

    #[test]
    fn a_deployment_shows_ready_over_desired() {
        let object = json!({
            "metadata": {"name": "d", "creationTimestamp": "2026-11-21T10:17:35Z"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "d"}}, "template": template()},
            "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
        });
        assert_eq!(
            json!(deployment(&object, NOW)),
            json!(["d", "1/3", 2, 1, "90s", "a,b", "x,y:1", "app=d"])
        );
        assert_eq!(json!(replica_set(&object, NOW)), json!(["d", 3, 0, 1, "90s", "a,b", "x,y:1", "app=d"]));
    }

    #[test]
    fn a_job_shows_how_far_it_is() {
        let object =
            |status: Value, spec: Value| json!({"metadata": {"name": "j"}, "spec": spec, "status": status});
        let started = "2026-11-21T10:17:35Z";
        let running = object(json!({"startTime": started}), json!({"completions": 2}));
        assert_eq!(json!(job(&running, NOW)[1..4]), json!(["Running", "0/2", "90s"]));
        let complete = object(
            json!({"startTime": started, "completionTime": "2026-11-21T10:17:45Z", "succeeded": 1,
                "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}),
            json!({"parallelism": 4}),
        );
        assert_eq!(json!(job(&complete, NOW)[1..4]), json!(["Complete", "1/1 of 4", "10s"]));
    }

    #[test]
    fn selectors_are_shown_sorted_by_key() {
        for (given, want) in [
            (json!({}), "<none>"),
            (json!({"matchLabels": {"b": "2", "a": "1"}}), "a=1,b=2"),
            (json!({"a": "1"}), "a=1"),
            (
                json!({"matchLabels": {"z": "1"}, "matchExpressions": [
                    {"key": "x", "operator": "In", "values": ["b", "a"]}, {"key": "y", "operator": "DoesNotExist"}]}),
                "x in (a,b),!y,z=1",
            ),
            (json!({"matchExpressions": [{"key": "x", "operator": "Odd"}]}), "<error>"),
        ] {
            assert_eq!(selector(&json!({"spec": {"selector": given}})), want);
        }
    }
}
