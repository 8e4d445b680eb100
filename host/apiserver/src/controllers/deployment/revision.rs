//! Revisions: which ReplicaSet was when, kept in annotations that `kubectl rollout` reads.

use serde_json::{Map, Value, json};

use super::Sets;
use super::rollout::Limits;
use crate::controllers::Client;
use crate::controllers::workload::{DEPLOYMENTS, REPLICA_SETS, int};
use crate::object;
use crate::status::ApiError;

const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that say something of it alone.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

/// The revision of a ReplicaSet or Deployment, 0 if it has none.
pub(super) fn of(object: &Value) -> i64 {
    let annotation = object::annotations(object).and_then(|annotations| annotations.get(REVISION)?.as_str());
    annotation.and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// The annotations that a ReplicaSet takes over.
pub(super) fn copied_annotations(deployment: &Value) -> Map<String, Value> {
    let all = object::annotations(deployment).cloned().unwrap_or_default();
    all.into_iter().filter(|(key, _)| !NOT_COPIED.contains(&key.as_str())).collect()
}

/// How large the Deployment is and may become during a rollout.
pub(super) fn size_annotations(deployment: &Value) -> Map<String, Value> {
    let desired = int(deployment, "spec.replicas");
    let max = desired + Limits::of(deployment).surge;
    [(DESIRED.to_owned(), desired.to_string().into()), (MAX.to_owned(), max.to_string().into())]
        .into_iter()
        .collect()
}

/// Gives the new ReplicaSet the highest revision, and the Deployment the same, along with a status if there is one.
/// Says whether the Deployment was written. That goes by its status subresource, so its generation does not rise.
pub(super) async fn write(
    client: &Client,
    deployment: &Value,
    sets: &mut Sets,
    status: Option<Value>,
) -> Result<bool, ApiError> {
    let highest = sets.old.iter().map(of).max().unwrap_or(0);
    let Some(new) = &mut sets.new else { return Ok(false) };
    let revision = if of(new) > highest { of(new) } else { highest + 1 };
    let mut annotations = copied_annotations(deployment);
    annotations.insert(REVISION.to_owned(), revision.to_string().into());
    if annotations.iter().any(|(key, value)| new["metadata"]["annotations"].get(key) != Some(value)) {
        let place = client.place(REPLICA_SETS, object::namespace(new), object::name(new))?;
        *new = client.patch(&place, json!({"metadata": {"annotations": annotations}})).await?;
    }
    if of(deployment) == revision && status.is_none() {
        return Ok(false);
    }
    let mut place = client.place(DEPLOYMENTS, object::namespace(deployment), object::name(deployment))?;
    place.subresource = "status".to_owned();
    let mut next = deployment.clone();
    next["metadata"]["annotations"][REVISION] = revision.to_string().into();
    if let Some(status) = status {
        next["status"] = status;
    }
    client.update(&place, next).await?;
    Ok(true)
}
