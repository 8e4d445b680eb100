//! From one version of a kind to another.
//!
//! All versions of a custom resource have the same fields, and nearly every built-in kind is served in one version
//! only; Events are the exception: two groups show the same objects under other field names.

use serde_json::Value;

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
    if object::kind(object) == "Event" {
        match (object::api_version(object), api_version) {
            ("v1", "events.k8s.io/v1") => rename(object, |(core, events)| (core, events)),
            ("events.k8s.io/v1", "v1") => rename(object, |(core, events)| (events, core)),
            _ => {}
        }
    }
    object::as_map(object).insert("apiVersion".into(), api_version.into());
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
        });
        let mut event = core.clone();
        to_version(&mut event, "events.k8s.io/v1");
        let expected = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "m", "regarding": {"name": "n"}, "reason": "r",
        });
        assert_eq!(event, expected);
        to_version(&mut event, "v1");
        assert_eq!(event, core);
    }
}
