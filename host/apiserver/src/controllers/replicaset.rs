//! `replicaset-controller`: as many Pods as a ReplicaSet asks for.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::follow::{self, Key, Source, controller_of, own_key, owner_key};
use super::record::{Told, record};
use super::workload::{
    PODS, REPLICA_SETS, all, controller_reference, int, is_active, is_ending, now_seconds, pod_of,
    ready_since, seconds_of, text,
};
use super::{Client, Controller};
use crate::clock;
use crate::object;
use crate::registry::DeleteOptions;
use crate::selector::LabelSelector;
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: NAME, run };

const NAME: &str = "replicaset-controller";
/// Pods made or deleted in one go, so that one large ReplicaSet does not hold up the others.
const BURST_MAX: usize = 500;

const SOURCES: &[Source] = &[
    Source { resource: REPLICA_SETS, key: own_key },
    Source { resource: PODS, key: |pod| owner_key(pod, "ReplicaSet") },
];

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let work: follow::Work = Box::new(|client, key| work(client, key).boxed());
    follow::run(client, stopping, NAME, SOURCES, work).boxed()
}

async fn work(client: &Client, key: &Key) -> Result<Option<Duration>, ApiError> {
    let place = client.place(REPLICA_SETS, &key.namespace, &key.name)?;
    let set = match client.get(&place) {
        Err(error) if error.code() == 404 => return Ok(None),
        set => set?,
    };
    let pods = claim(client, &set).await?;
    let active: Vec<Value> = pods.into_iter().filter(is_active).collect();
    let mut failure = None;
    if object::deletion_timestamp(&set).is_none() {
        failure = scale(client, &set, &active).await.err();
    }
    let again = write_status(client, &set, failure.as_ref()).await?;
    failure.map_or(Ok(again), Err)
}

/// The ReplicaSet's Pods: orphans that match are adopted, Pods that no longer match are let go.
async fn claim(client: &Client, set: &Value) -> Result<Vec<Value>, ApiError> {
    let selector = LabelSelector::from_object(&set["spec"]["selector"]);
    let mut claimed = Vec::new();
    for pod in all(client, PODS, object::namespace(set))? {
        let matches = selector.matches_map(object::labels(&pod));
        match controller_of(&pod) {
            Some(owner) if owner["uid"] == object::uid(set) => {
                if matches {
                    claimed.push(pod);
                } else {
                    set_owners(client, &pod, &json!([])).await?;
                }
            }
            None if matches && is_active(&pod) && object::deletion_timestamp(set).is_none() => {
                claimed.push(set_owners(client, &pod, &json!([controller_reference(set)])).await?);
            }
            _ => {}
        }
    }
    Ok(claimed)
}

/// Replaces the controller among a Pod's owners.
async fn set_owners(client: &Client, pod: &Value, controller: &Value) -> Result<Value, ApiError> {
    let others = object::owner_references(pod).iter().filter(|owner| owner["controller"] != true);
    let owners: Vec<Value> =
        others.cloned().chain(controller.as_array().into_iter().flatten().cloned()).collect();
    let place = client.place(PODS, object::namespace(pod), object::name(pod))?;
    let metadata = json!({"uid": object::uid(pod), "resourceVersion": object::resource_version(pod), "ownerReferences": owners});
    client.patch(&place, json!({"metadata": metadata})).await
}

async fn scale(client: &Client, set: &Value, active: &[Value]) -> Result<(), ApiError> {
    let wanted = usize::try_from(int(set, "spec.replicas")).unwrap_or(0);
    let place = client.place(PODS, object::namespace(set), "")?;
    for _ in active.len()..wanted.min(active.len() + BURST_MAX) {
        let pod = pod_of(set, &set["spec"]["template"], format!("{}-", object::name(set)));
        match client.create(&place, pod).await {
            Ok(pod) => tell(client, set, "SuccessfulCreate", "Created", &pod).await,
            Err(error) => {
                let message = format!("Error creating: {error}");
                record(client, NAME, set, Told::warning("FailedCreate", message)).await;
                return Err(error);
            }
        }
    }
    if active.len() > wanted {
        let mut ranked: Vec<&Value> = active.iter().collect();
        ranked.sort_by_key(|pod| rank(pod));
        for pod in ranked.into_iter().take((active.len() - wanted).min(BURST_MAX)) {
            let place = client.place(PODS, object::namespace(pod), object::name(pod))?;
            let options =
                DeleteOptions { uid: Some(object::uid(pod).to_owned()), ..DeleteOptions::default() };
            match client.delete(&place, &options).await {
                Err(error) if !matches!(error.code(), 404 | 409) => return Err(error),
                Err(_) => {}
                Ok(_) => tell(client, set, "SuccessfulDelete", "Deleted", pod).await,
            }
        }
    }
    Ok(())
}

async fn tell(client: &Client, set: &Value, reason: &str, done: &str, pod: &Value) {
    let message = format!("{done} pod: {}", object::name(pod));
    record(client, NAME, set, Told::normal(reason, message)).await;
}

/// Pods that do least are deleted first: waiting before running, not ready before ready, cheap before dear, young
/// before old.
fn rank(pod: &Value) -> (bool, u8, bool, i64, i64) {
    let phase = match text(pod, "status.phase") {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    };
    let cost = object::annotations(pod).and_then(|annotations| {
        annotations.get("controller.kubernetes.io/pod-deletion-cost")?.as_str()?.parse().ok()
    });
    let created = seconds_of(object::meta_str(pod, "creationTimestamp")).unwrap_or(0);
    (!text(pod, "spec.nodeName").is_empty(), phase, ready_since(pod).is_some(), cost.unwrap_or(0), -created)
}

/// Writes what there is now; says when a Pod that is ready will have been so for long enough.
async fn write_status(
    client: &Client,
    set: &Value,
    failure: Option<&ApiError>,
) -> Result<Option<Duration>, ApiError> {
    let pods = super::workload::owned(client, PODS, set)?;
    let active: Vec<&Value> = pods.iter().filter(|pod| is_active(pod)).collect();
    let least = int(set, "spec.minReadySeconds");
    let now = now_seconds();
    let since: Vec<i64> = active.iter().filter_map(|pod| ready_since(pod)).collect();
    let available = since.iter().filter(|since| **since + least <= now).count();
    let template_labels = set["spec"]["template"]["metadata"]["labels"].as_object();
    let labelled = |pod: &&&Value| {
        let labels = object::labels(pod);
        template_labels
            .into_iter()
            .flatten()
            .all(|(key, value)| labels.and_then(|of| of.get(key)) == Some(value))
    };
    let mut status = json!({
        "replicas": active.len(),
        "fullyLabeledReplicas": active.iter().filter(labelled).count(),
        "readyReplicas": since.len(),
        "availableReplicas": available,
        "observedGeneration": object::generation(set),
        "terminatingReplicas": pods.iter().filter(|pod| is_ending(pod)).count(),
    });
    if let Some(conditions) = conditions(set, failure) {
        status["conditions"] = conditions;
    }
    let again = since.iter().map(|since| since + least - now).filter(|left| *left > 0).min();
    let again = again.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    super::workload::write_status(client, REPLICA_SETS, set, status).await?;
    Ok(again)
}

fn conditions(set: &Value, failure: Option<&ApiError>) -> Option<Value> {
    let error = failure?;
    let held = super::workload::condition(set, "ReplicaFailure");
    let since =
        held.and_then(|held| held["lastTransitionTime"].as_str()).map_or_else(clock::now, str::to_owned);
    Some(json!([{
        "type": "ReplicaFailure", "status": "True", "lastTransitionTime": since,
        "reason": "FailedCreate", "message": error.to_string(),
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pods_that_do_least_go_first() {
        let pod = |name: &str, phase: &str, ready: &str, created: &str| {
            json!({"metadata": {"name": name, "creationTimestamp": created}, "status": {"phase": phase,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": created}]}})
        };
        let mut pods = [
            pod("old", "Running", "True", "2026-11-21T10:00:00Z"),
            pod("young", "Running", "True", "2026-11-21T11:00:00Z"),
            pod("unready", "Running", "False", "2026-11-21T09:00:00Z"),
            pod("waiting", "Pending", "False", "2026-11-21T09:00:00Z"),
        ];
        pods.sort_by_key(rank);
        let names: Vec<&str> = pods.iter().map(object::name).collect();
        assert_eq!(names, ["waiting", "unready", "young", "old"]);
    }
}
