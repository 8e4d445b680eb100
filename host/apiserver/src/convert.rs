//! From one version of a kind to another.
//!
//! All versions of a custom resource have the same fields, and nearly every built-in kind is served in one version
//! only. The exceptions are Events, which two groups show under other field names, and HorizontalPodAutoscalers.

mod autoscaler;

use serde_json::Value;

use crate::defaults;
use crate::object;

/// Where Events are served apart from the core group.
pub(crate) const EVENTS_GROUP: &str = "events.k8s.io";

/// Field of `v1`, field of `events.k8s.io/v1`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// Turns an object into the version that `api_version` names.
pub(crate) fn to_version(object: &mut Value, api_version: &str) {
    if object::api_version(object) == api_version {
        return;
    }
    let converted = match (object::kind(object), object::api_version(object), api_version) {
        ("Event", "v1", "events.k8s.io/v1") => {
            rename(object, |(core, events)| (core, events));
            true
        }
        ("Event", "events.k8s.io/v1", "v1") => {
            rename(object, |(core, events)| (events, core));
            true
        }
        ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1") => {
            autoscaler::to_v1(object);
            true
        }
        ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2") => {
            autoscaler::to_v2(object);
            true
        }
        _ => false,
    };
    object::as_map(object).insert("apiVersion".into(), api_version.into());
    if converted {
        // What one version leaves out when empty, the other may have to say.
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let kind = object::kind(object).to_owned();
        defaults::complete(group, version, &kind, object);
    }
}

fn rename(object: &mut Value, order: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str)) {
    let map = object::as_map(object);
    for (from, to) in EVENT_FIELDS.map(order) {
        if let Some(value) = map.remove(from) {
            map.insert(to.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_read_the_same_in_both_groups() {
        let core = json!({
            "apiVersion": "v1", "kind": "Event", "message": "m", "involvedObject": {"name": "n"}, "reason": "r",
            "metadata": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null, "eventTime": null,
            "reportingComponent": "", "reportingInstance": "",
        });
        let mut event = core.clone();
        to_version(&mut event, "events.k8s.io/v1");
        assert_eq!((&event["note"], &event["regarding"]), (&"m".into(), &json!({"name": "n"})));
        assert_eq!((event.get("message"), event.get("involvedObject")), (None, None));
        to_version(&mut event, "v1");
        assert_eq!(event, core);
    }
}
