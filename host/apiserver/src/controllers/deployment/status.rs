//! A Deployment's status: counts, and the conditions that `kubectl rollout status` waits for.

use std::time::Duration;

use serde_json::{Value, json};

use super::Sets;
use super::rollout::Limits;
use crate::clock;
use crate::controllers::Client;
use crate::controllers::workload::{self, DEPLOYMENTS, condition, int, now_seconds, seconds_of};
use crate::object;
use crate::status::ApiError;

/// Writes the status; says when the deadline of a rollout that has not ended passes.
pub(super) async fn write(
    client: &Client,
    deployment: &Value,
    sets: &Sets,
) -> Result<Option<Duration>, ApiError> {
    let now = now_seconds();
    let (status, again) = next(deployment, sets, now);
    workload::write_status(client, DEPLOYMENTS, deployment, status).await?;
    Ok(again)
}

fn sum<'a>(sets: impl Iterator<Item = &'a Value>, path: &str) -> i64 {
    sets.map(|set| int(set, path)).sum()
}

/// Whether all wanted Pods are of the new template and available, and no others are left.
pub(super) fn is_complete(deployment: &Value, sets: &Sets) -> bool {
    let desired = int(deployment, "spec.replicas");
    let new = sets.new.iter();
    let counts = [
        sum(new, "status.replicas"),
        sum(sets.all(), "status.replicas"),
        sum(sets.all(), "status.availableReplicas"),
    ];
    counts.iter().all(|count| *count == desired)
}

/// The status once a ReplicaSet for the present template has been made, and has no Pods yet.
pub(super) fn with_created(deployment: &Value, name: &str) -> Value {
    let mut status = deployment["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let told = ("True", "NewReplicaSetCreated", format!("Created new replica set \"{name}\""));
    let condition = made(deployment, "Progressing", told, true);
    let conditions = object::list_mut(object::as_map(&mut status), "conditions");
    conditions.retain(|held| held["type"] != "Progressing");
    conditions.push(condition);
    status["updatedReplicas"] = 0.into();
    status
}

fn next(deployment: &Value, sets: &Sets, now: i64) -> (Value, Option<Duration>) {
    let total = sum(sets.all(), "status.replicas");
    let available = sum(sets.all(), "status.availableReplicas");
    let mut status = json!({
        "observedGeneration": object::generation(deployment),
        "replicas": total,
        "updatedReplicas": sum(sets.new.iter(), "status.replicas"),
        "readyReplicas": sum(sets.all(), "status.readyReplicas"),
        "availableReplicas": available,
        "terminatingReplicas": sum(sets.all(), "status.terminatingReplicas"),
        "unavailableReplicas": (sum(sets.all(), "spec.replicas") - available).max(0),
    });
    if let Some(collisions) = deployment["status"].get("collisionCount") {
        status["collisionCount"] = collisions.clone();
    }
    let (progressing, again) = progressing(deployment, sets, &status, now);
    let mut conditions = vec![available_condition(deployment, available), progressing];
    // What was there first stays first.
    conditions.sort_by_key(|next| {
        let held = deployment["status"]["conditions"].as_array().into_iter().flatten();
        held.clone().position(|held| held["type"] == next["type"]).unwrap_or(usize::MAX)
    });
    status["conditions"] = conditions.into();
    (status, again)
}

fn available_condition(deployment: &Value, available: i64) -> Value {
    let least = int(deployment, "spec.replicas") - Limits::of(deployment).unavailable;
    let (status, reason, message) = if available >= least {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    made(deployment, "Available", (status, reason, message.to_owned()), false)
}

/// A condition whose times move only when what they tell of does.
fn made(deployment: &Value, kind: &str, told: (&str, &str, String), progressed: bool) -> Value {
    let (status, reason, message) = told;
    let held = condition(deployment, kind);
    let time = |field: &str, same: bool| {
        let held = held.filter(|_| same).and_then(|held| held[field].as_str());
        held.map_or_else(clock::now, str::to_owned)
    };
    let same_status = held.is_some_and(|held| held["status"] == status);
    let same = same_status && held.is_some_and(|held| held["reason"] == reason && held["message"] == message);
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": time("lastUpdateTime", same && !progressed),
        "lastTransitionTime": time("lastTransitionTime", same_status),
    })
}

fn progressing(deployment: &Value, sets: &Sets, status: &Value, now: i64) -> (Value, Option<Duration>) {
    let name = sets.new.as_ref().map_or(object::name(deployment), object::name);
    let what = if sets.new.is_some() { "ReplicaSet" } else { "Deployment" };
    let make = |told, progressed| made(deployment, "Progressing", told, progressed);
    if deployment["spec"]["paused"] == true {
        return (make(("Unknown", "DeploymentPaused", "Deployment is paused".to_owned()), false), None);
    }
    if is_complete(deployment, sets) {
        let message = format!("{what} \"{name}\" has successfully progressed.");
        return (make(("True", "NewReplicaSetAvailable", message), false), None);
    }
    let held = &deployment["status"];
    let rose = ["updatedReplicas", "readyReplicas", "availableReplicas"]
        .iter()
        .any(|field| int(status, field) > int(held, field));
    let old = |status: &Value| int(status, "replicas") - int(status, "updatedReplicas");
    let progressed = rose || old(status) < old(held);
    let message = format!("{what} \"{name}\" is progressing.");
    let condition = match condition(deployment, "Progressing") {
        None => make(("True", "NewReplicaSetCreated", format!("Created new replica set \"{name}\"")), true),
        Some(_) if progressed => make(("True", "ReplicaSetUpdated", message), true),
        Some(held) if held["reason"] == "NewReplicaSetAvailable" => {
            make(("True", "ReplicaSetUpdated", message), true)
        }
        Some(held) => held.clone(),
    };
    with_deadline(deployment, condition, (what, name), now)
}

/// A rollout that has stood still for too long says so.
fn with_deadline(deployment: &Value, held: Value, of: (&str, &str), now: i64) -> (Value, Option<Duration>) {
    let Some(deadline) = object::at(deployment, "spec.progressDeadlineSeconds").and_then(Value::as_i64)
    else {
        return (held, None);
    };
    let since = held["lastUpdateTime"].as_str().and_then(seconds_of).unwrap_or(now);
    let left = since + deadline - now;
    if held["reason"] == "ProgressDeadlineExceeded" {
        return (held, None);
    }
    if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
        return (held, Some(Duration::from_secs(left)));
    }
    let message = format!("{} \"{}\" has timed out progressing.", of.0, of.1);
    (made(deployment, "Progressing", ("False", "ProgressDeadlineExceeded", message), false), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: &str = "2026-11-21T10:17:35Z";
    const THEN_SECONDS: i64 = 1_795_256_255;

    fn set(replicas: i64, available: i64) -> Value {
        json!({"metadata": {"name": "d-1"}, "spec": {"replicas": replicas},
            "status": {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}})
    }

    fn deployment(conditions: &Value) -> Value {
        json!({"metadata": {"name": "d", "generation": 2}, "spec": {"replicas": 2, "progressDeadlineSeconds": 600,
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}}, "status": {"conditions": conditions}})
    }

    fn reasons(status: &Value) -> Vec<&str> {
        let conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.filter_map(|condition| condition["reason"].as_str()).collect()
    }

    #[test]
    fn a_rollout_is_told_from_its_beginning_to_its_end() {
        let fresh = Sets { new: Some(set(2, 0)), old: Vec::new() };
        let (status, again) = next(&deployment(&json!([])), &fresh, THEN_SECONDS);
        assert_eq!(reasons(&status), ["MinimumReplicasUnavailable", "NewReplicaSetCreated"]);
        assert!(again.is_some());
        let done = Sets { new: Some(set(2, 2)), old: Vec::new() };
        let (status, again) = next(&deployment(&status["conditions"]), &done, THEN_SECONDS);
        assert_eq!(reasons(&status), ["MinimumReplicasAvailable", "NewReplicaSetAvailable"]);
        assert_eq!(
            (&status["availableReplicas"], &status["unavailableReplicas"], again),
            (&json!(2), &json!(0), None)
        );
    }

    #[test]
    fn a_rollout_that_stands_still_passes_its_deadline() {
        let held = json!([{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "m",
            "lastUpdateTime": THEN, "lastTransitionTime": THEN}]);
        let stuck = Sets { new: Some(set(2, 0)), old: Vec::new() };
        let mut deployment = deployment(&held);
        deployment["status"]["updatedReplicas"] = 2.into();
        deployment["status"]["replicas"] = 2.into();
        let (status, again) = next(&deployment, &stuck, THEN_SECONDS + 100);
        assert_eq!((reasons(&status)[0], again), ("ReplicaSetUpdated", Some(Duration::from_secs(500))));
        let (status, again) = next(&deployment, &stuck, THEN_SECONDS + 600);
        assert_eq!((reasons(&status)[0], again), ("ProgressDeadlineExceeded", None));
    }
}
