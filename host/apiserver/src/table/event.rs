//! Cells of Events, in both of their forms: core, and `events.k8s.io` with its renamed fields.

use serde_json::Value;

use super::{
    age,
    cells::{at, int_at, str_at},
};
use crate::{object, wire::time::Moment};

pub(super) fn cells(object: &Value, now: Moment) -> Vec<Value> {
    let either = |core: &str, newer: &str| match str_at(object, core) {
        "" => str_at(object, newer).to_owned(),
        found => found.to_owned(),
    };
    let since =
        |path: &str| at(object, path).filter(|time| !time.is_null()).map(|time| age::since(Some(time), now));
    let first = since("firstTimestamp")
        .or_else(|| since("deprecatedFirstTimestamp"))
        .or_else(|| since("eventTime"))
        .unwrap_or_else(|| "<unknown>".to_owned());
    let last = since("series.lastObservedTime")
        .or_else(|| since("lastTimestamp"))
        .or_else(|| since("deprecatedLastTimestamp"))
        .unwrap_or_else(|| first.clone());
    let count =
        [int_at(object, "series.count"), int_at(object, "count"), int_at(object, "deprecatedCount"), 1];
    let count = count.into_iter().find(|count| *count != 0).unwrap_or(1);
    let kind = either("involvedObject.kind", "regarding.kind");
    let target = match either("involvedObject.name", "regarding.name").as_str() {
        "" => kind.to_lowercase(),
        name => format!("{}/{name}", kind.to_lowercase()),
    };
    vec![
        last.into(),
        str_at(object, "type").into(),
        str_at(object, "reason").into(),
        target.into(),
        either("involvedObject.fieldPath", "regarding.fieldPath").into(),
        source(object, &either).into(),
        either("message", "note").trim().into(),
        first.into(),
        count.into(),
        object::name(object).into(),
    ]
}

fn source(object: &Value, either: &impl Fn(&str, &str) -> String) -> String {
    let (component, host) = match either("source.component", "deprecatedSource.component") {
        empty if empty.is_empty() => (
            either("reportingComponent", "reportingController"),
            str_at(object, "reportingInstance").to_owned(),
        ),
        component => (component, either("source.host", "deprecatedSource.host")),
    };
    if host.is_empty() { component } else { format!("{component}, {host}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::cells;
    use crate::wire::time::Moment;

    const NOW: Moment = Moment { seconds: 1_795_256_255 + 90, nanos: 0 };

    #[test]
    fn both_forms_of_an_event_read_alike() {
        let core = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Made", "message": "made it\n",
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec"}, "source": {"component": "c", "host": "h"},
            "firstTimestamp": "2026-11-21T10:17:35Z", "lastTimestamp": "2026-11-21T10:18:35Z", "count": 3});
        let newer = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Made", "note": "made it",
            "regarding": {"kind": "Pod", "name": "p", "fieldPath": "spec"}, "reportingController": "c", "reportingInstance": "h",
            "eventTime": "2026-11-21T10:17:35.000000Z", "series": {"count": 3, "lastObservedTime": "2026-11-21T10:18:35.000000Z"}});
        for object in [core, newer] {
            let want = json!(["30s", "Normal", "Made", "pod/p", "spec", "c, h", "made it", "90s", 3, "e"]);
            assert_eq!(Value::Array(cells(&object, NOW)), want);
        }
    }

    #[test]
    fn an_event_without_times_is_of_unknown_age() {
        let cells = cells(&json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Node"}}), NOW);
        assert_eq!((&cells[0], &cells[3], &cells[8]), (&json!("<unknown>"), &json!("node"), &json!(1)));
    }
}
