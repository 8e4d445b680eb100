//! Cells of volumes and of claims to them.

use serde_json::Value;

use super::cells::{age, at, str_at, texts_at};
use crate::{object, wire::time::Moment};

pub(super) fn volume(object: &Value, now: Moment) -> Vec<Value> {
    let claim = match at(object, "spec.claimRef") {
        Some(claim) => format!("{}/{}", str_at(claim, "namespace"), str_at(claim, "name")),
        None => String::new(),
    };
    vec![
        object::name(object).into(),
        str_at(object, "spec.capacity.storage").into(),
        modes(object, "spec.accessModes").into(),
        str_at(object, "spec.persistentVolumeReclaimPolicy").into(),
        phase(object).into(),
        claim.into(),
        str_at(object, "spec.storageClassName").into(),
        or_unset(object, "spec.volumeAttributesClassName").into(),
        str_at(object, "status.reason").into(),
        age(object, now),
        or_unset(object, "spec.volumeMode").into(),
    ]
}

pub(super) fn claim(object: &Value, now: Moment) -> Vec<Value> {
    let bound = !str_at(object, "spec.volumeName").is_empty();
    vec![
        object::name(object).into(),
        phase(object).into(),
        str_at(object, "spec.volumeName").into(),
        if bound { str_at(object, "status.capacity.storage").into() } else { "".into() },
        if bound { modes(object, "status.accessModes").into() } else { "".into() },
        str_at(object, "spec.storageClassName").into(),
        or_unset(object, "spec.volumeAttributesClassName").into(),
        age(object, now),
        or_unset(object, "spec.volumeMode").into(),
    ]
}

fn phase(object: &Value) -> &str {
    if object::deletion_timestamp(object).is_some() { "Terminating" } else { str_at(object, "status.phase") }
}

fn or_unset<'a>(object: &'a Value, path: &str) -> &'a str {
    match str_at(object, path) {
        "" => "<unset>",
        found => found,
    }
}

/// Access modes in short, each once, in the order of their reach.
fn modes(object: &Value, path: &str) -> String {
    let held: Vec<&str> = texts_at(object, path).collect();
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let short: Vec<&str> =
        known.iter().filter(|(mode, _)| held.contains(mode)).map(|(_, short)| *short).collect();
    short.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_shows_its_volume_once_it_is_bound() {
        let now = Moment { seconds: 0, nanos: 0 };
        let status = json!({"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"]});
        let bound = json!({"metadata": {"name": "c"}, "spec": {"volumeName": "v", "volumeMode": "Block"}, "status": status});
        let want = json!(["c", "Bound", "v", "1Gi", "RWO,RWX", "", "<unset>", "<unknown>", "Block"]);
        assert_eq!(Value::Array(claim(&bound, now)), want);
        let waiting = json!({"metadata": {"name": "c"}, "spec": {}, "status": {"phase": "Pending"}});
        assert_eq!(json!(claim(&waiting, now)[1..5]), json!(["Pending", "", "", ""]));
    }
}
