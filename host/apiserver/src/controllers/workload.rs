//! What the controllers of Pods share: reading fields, owners, conditions, templates.

use serde_json::{Map, Value, json};

use super::Client;
use crate::clock;
use crate::object;
use crate::query::ListOptions;
use crate::status::ApiError;
use crate::wire::time::Moment;

pub(super) const PODS: (&str, &str, &str) = ("", "v1", "pods");
pub(super) const REPLICA_SETS: (&str, &str, &str) = ("apps", "v1", "replicasets");
pub(super) const DEPLOYMENTS: (&str, &str, &str) = ("apps", "v1", "deployments");
pub(super) const JOBS: (&str, &str, &str) = ("batch", "v1", "jobs");

/// A number at a dotted path, 0 if it is missing.
pub(super) fn int(object: &Value, path: &str) -> i64 {
    object::at(object, path).and_then(Value::as_i64).unwrap_or(0)
}

/// A text at a dotted path, empty if it is missing.
pub(super) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object::at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The objects of a namespace whose controller has the uid.
pub(super) fn owned(
    client: &Client,
    resource: (&str, &str, &str),
    owner: &Value,
) -> Result<Vec<Value>, ApiError> {
    let uid = object::uid(owner);
    let all = all(client, resource, object::namespace(owner))?;
    Ok(all.into_iter().filter(|object| is_controlled_by(object, uid)).collect())
}

/// All objects of a namespace.
pub(super) fn all(
    client: &Client,
    resource: (&str, &str, &str),
    namespace: &str,
) -> Result<Vec<Value>, ApiError> {
    let place = client.place(resource, namespace, "")?;
    let list = client.list(&place, &ListOptions::default())?;
    Ok(list.items.iter().map(|item| item.value()).collect())
}

fn is_controlled_by(object: &Value, uid: &str) -> bool {
    super::follow::controller_of(object).is_some_and(|owner| owner["uid"] == uid)
}

/// The owner reference that makes `owner` the controller of what carries it.
pub(super) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": object::api_version(owner),
        "kind": object::kind(owner),
        "name": object::name(owner),
        "uid": object::uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A Pod made of an owner's template.
pub(super) fn pod_of(owner: &Value, template: &Value, generate_name: String) -> Value {
    let mut metadata = Map::new();
    metadata.insert("generateName".into(), generate_name.into());
    metadata.insert("namespace".into(), object::namespace(owner).into());
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(field) {
            metadata.insert(field.into(), value.clone());
        }
    }
    metadata.insert("ownerReferences".into(), json!([controller_reference(owner)]));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Writes an object's status, unless it says the same already.
pub(super) async fn write_status(
    client: &Client,
    resource: (&str, &str, &str),
    object: &Value,
    status: Value,
) -> Result<(), ApiError> {
    if says_the_same(&object["status"], &status) {
        return Ok(());
    }
    let mut place = client.place(resource, object::namespace(object), object::name(object))?;
    place.subresource = "status".to_owned();
    let mut object = object.clone();
    object["status"] = status;
    client.update(&place, object).await.map(drop)
}

/// Whether two statuses are equal; a number that is missing is zero, but for the one that is written even then.
fn says_the_same(held: &Value, next: &Value) -> bool {
    let empty = Map::new();
    let (held, next) = (held.as_object().unwrap_or(&empty), next.as_object().unwrap_or(&empty));
    let value = |of: &Map<String, Value>, key: &str| {
        of.get(key).filter(|value| **value != json!(0) || key == "terminatingReplicas").cloned()
    };
    held.keys().chain(next.keys()).all(|key| value(held, key) == value(next, key))
}

/// Whether a Pod still counts: neither finished nor being deleted.
pub(super) fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, "status.phase"), "Succeeded" | "Failed") && object::deletion_timestamp(pod).is_none()
}

/// Whether a Pod is on its way out and still there.
pub(super) fn is_ending(pod: &Value) -> bool {
    !matches!(text(pod, "status.phase"), "Succeeded" | "Failed") && object::deletion_timestamp(pod).is_some()
}

/// The condition of a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object::at(object, "status.conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether the condition of a type is True.
pub(super) fn holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Since when the Pod has been ready, in seconds since 1970; `None` if it is not.
pub(super) fn ready_since(pod: &Value) -> Option<i64> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    Some(ready["lastTransitionTime"].as_str().and_then(seconds_of).unwrap_or(0))
}

/// Seconds since 1970 of a time as the API writes it.
pub(super) fn seconds_of(time: &str) -> Option<i64> {
    Moment::parse(time).map(|moment| moment.seconds)
}

/// Seconds since 1970.
pub(super) fn now_seconds() -> i64 {
    i64::try_from(clock::since_epoch().as_secs()).unwrap_or(i64::MAX)
}

/// The FNV-1a hash of a value's canonical JSON, in the letters that generated names use.
pub(super) fn hash_text(value: &Value, collisions: i64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut bytes = Vec::new();
    crate::wire::json::write_sorted(value, &mut bytes);
    if collisions > 0 {
        bytes.extend_from_slice(&collisions.to_le_bytes());
    }
    let hash =
        bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_template_is_stable_and_moves_with_collisions() {
        let template = json!({"spec": {"containers": [{"name": "c"}]}});
        assert_eq!(hash_text(&template, 0), hash_text(&template.clone(), 0));
        assert_ne!(hash_text(&template, 0), hash_text(&template, 1));
        assert_ne!(hash_text(&template, 0), hash_text(&json!({}), 0));
        assert!(hash_text(&template, 0).len() <= 10);
    }

    #[test]
    fn a_pod_is_made_of_its_template() {
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "namespace": "n", "uid": "u"}});
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
        let pod = pod_of(&owner, &template, "r-".to_owned());
        assert_eq!(pod["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], "u");
        assert_eq!(pod["spec"], json!({"containers": []}));
    }
}
