//! `deployment-controller`: a ReplicaSet for each template, and the way from the old ones to the new one.

mod revision;
mod rollout;
mod status;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::follow::{self, Key, Source, own_key, owner_key};
use super::record::{Told, record};
use super::workload::{
    DEPLOYMENTS, PODS, REPLICA_SETS, controller_reference, hash_text, int, is_active, owned,
};
use super::{Client, Controller};
use crate::object;
use crate::registry::DeleteOptions;
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: NAME, run };

const NAME: &str = "deployment-controller";
/// The label that tells the ReplicaSets of a Deployment, and their Pods, apart.
const HASH_LABEL: &str = "pod-template-hash";
/// Attempts at a name for a new ReplicaSet; each raises the collision count.
const COLLISIONS_MAX: i64 = 8;

const SOURCES: &[Source] = &[
    Source { resource: DEPLOYMENTS, key: own_key },
    Source { resource: REPLICA_SETS, key: |set| owner_key(set, "Deployment") },
];

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let work: follow::Work = Box::new(|client, key| work(client, key).boxed());
    follow::run(client, stopping, NAME, SOURCES, work).boxed()
}

/// The ReplicaSets of a Deployment.
struct Sets {
    /// The one of the present template.
    new: Option<Value>,
    /// The others, oldest first.
    old: Vec<Value>,
}

impl Sets {
    fn all(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(&self.new)
    }
}

async fn work(client: &Client, key: &Key) -> Result<Option<Duration>, ApiError> {
    let place = client.place(DEPLOYMENTS, &key.namespace, &key.name)?;
    let deployment = match client.get(&place) {
        Err(error) if error.code() == 404 => return Ok(None),
        deployment => deployment?,
    };
    let mut sets = sort(&deployment, owned(client, REPLICA_SETS, &deployment)?);
    if object::deletion_timestamp(&deployment).is_some() {
        return status::write(client, &deployment, &sets).await;
    }
    let paused = deployment["spec"]["paused"] == true;
    if !paused {
        let old_pods_remain = recreates(&deployment) && has_pods(client, &sets.old)?;
        let mut status = None;
        if sets.new.is_none() && !old_pods_remain {
            let set = create_set(client, &deployment, &sets).await?;
            status = Some(status::with_created(&deployment, object::name(&set)));
            tell_scaled(client, &deployment, &set, 0).await;
            sets.new = Some(set);
        }
        if revision::write(client, &deployment, &mut sets, status).await? {
            // The Deployment itself was written; the change leads here again.
            return Ok(None);
        }
    }
    let planned = if recreates(&deployment) {
        rollout::recreate(&deployment, &sets, has_pods(client, &sets.old)?)
    } else {
        rollout::rolling(&deployment, &sets)
    };
    scale(client, &deployment, &mut sets, &planned, paused).await?;
    clean_up(client, &deployment, &sets).await?;
    status::write(client, &deployment, &sets).await
}

fn recreates(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"] == "Recreate"
}

fn has_pods(client: &Client, sets: &[Value]) -> Result<bool, ApiError> {
    for set in sets {
        if owned(client, PODS, set)?
            .iter()
            .any(|pod| is_active(pod) || object::deletion_timestamp(pod).is_some())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds the new one among them: that with the same template, the oldest if there are several.
fn sort(deployment: &Value, mut sets: Vec<Value>) -> Sets {
    sets.sort_by(|a, b| {
        let key = |set| (object::meta_str(set, "creationTimestamp"), object::name(set));
        key(a).cmp(&key(b))
    });
    let at = sets.iter().position(|set| has_template(set, &deployment["spec"]["template"]));
    let new = at.map(|at| sets.remove(at));
    Sets { new, old: sets }
}

fn has_template(set: &Value, template: &Value) -> bool {
    let mut own = set["spec"]["template"].clone();
    if let Some(labels) = own["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH_LABEL);
    }
    let labels =
        |template: &Value| template["metadata"]["labels"].as_object().filter(|map| !map.is_empty()).cloned();
    own["spec"] == template["spec"]
        && own["metadata"]["annotations"] == template["metadata"]["annotations"]
        && labels(&own) == labels(template)
}

async fn create_set(client: &Client, deployment: &Value, sets: &Sets) -> Result<Value, ApiError> {
    let place = client.place(REPLICA_SETS, object::namespace(deployment), "")?;
    let template = &deployment["spec"]["template"];
    let first = int(deployment, "status.collisionCount");
    for collisions in first..first + COLLISIONS_MAX {
        let set = new_set(deployment, sets, &hash_text(template, collisions));
        match client.create(&place, set).await {
            Err(error) if error.reason() == crate::status::reason::ALREADY_EXISTS => {}
            created => return created,
        }
    }
    Err(ApiError::internal("every name for a new ReplicaSet is taken"))
}

fn new_set(deployment: &Value, sets: &Sets, hash: &str) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let mut selector = deployment["spec"]["selector"].clone();
    template["metadata"]["labels"][HASH_LABEL] = hash.into();
    selector["matchLabels"][HASH_LABEL] = hash.into();
    let replicas = rollout::first_replicas(deployment, sets);
    let mut annotations = revision::copied_annotations(deployment);
    annotations.extend(revision::size_annotations(deployment));
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "namespace": object::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": int(deployment, "spec.minReadySeconds"),
            "selector": selector,
            "template": template,
        },
    })
}

/// Sets the replicas that were planned, by the ReplicaSet's name.
async fn scale(
    client: &Client,
    deployment: &Value,
    sets: &mut Sets,
    planned: &[(String, i64)],
    paused: bool,
) -> Result<(), ApiError> {
    for set in sets.old.iter_mut().chain(&mut sets.new) {
        let Some((_, replicas)) = planned.iter().find(|(name, _)| name == object::name(set)) else {
            continue;
        };
        if paused && *replicas != int(set, "spec.replicas") && sets_are_rolling(planned) {
            continue;
        }
        let annotations = revision::size_annotations(deployment);
        let sized =
            annotations.iter().all(|(key, value)| set["metadata"]["annotations"].get(key) == Some(value));
        if *replicas == int(set, "spec.replicas") && sized {
            continue;
        }
        let place = client.place(REPLICA_SETS, object::namespace(set), object::name(set))?;
        let patch = json!({
            "metadata": {"resourceVersion": object::resource_version(set), "annotations": annotations},
            "spec": {"replicas": replicas},
        });
        let before = int(set, "spec.replicas");
        *set = client.patch(&place, patch).await?;
        if before != *replicas {
            tell_scaled(client, deployment, set, before).await;
        }
    }
    Ok(())
}

async fn tell_scaled(client: &Client, deployment: &Value, set: &Value, before: i64) {
    let now = int(set, "spec.replicas");
    let way = if now < before { "down" } else { "up" };
    let message = format!("Scaled {way} replica set {} from {before} to {now}", object::name(set));
    record(client, NAME, deployment, Told::normal("ScalingReplicaSet", message)).await;
}

/// Whether more than one ReplicaSet is to have Pods: a paused Deployment stays as it is then.
fn sets_are_rolling(planned: &[(String, i64)]) -> bool {
    planned.iter().filter(|(_, replicas)| *replicas > 0).count() > 1
}

/// Deletes the oldest ReplicaSets that have no Pods, beyond what `revisionHistoryLimit` keeps.
async fn clean_up(client: &Client, deployment: &Value, sets: &Sets) -> Result<(), ApiError> {
    let limit = object::at(deployment, "spec.revisionHistoryLimit").and_then(Value::as_u64);
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return Ok(()) };
    if !status::is_complete(deployment, sets) {
        return Ok(());
    }
    let mut idle: Vec<&Value> = sets
        .old
        .iter()
        .filter(|set| ["spec.replicas", "status.replicas"].iter().all(|path| int(set, path) == 0))
        .filter(|set| object::deletion_timestamp(set).is_none())
        .collect();
    idle.sort_by_key(|set| revision::of(set));
    let surplus = idle.len().saturating_sub(limit);
    for set in idle.into_iter().take(surplus) {
        let place = client.place(REPLICA_SETS, object::namespace(set), object::name(set))?;
        client.delete(&place, &DeleteOptions::default()).await?;
    }
    Ok(())
}
