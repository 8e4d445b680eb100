//! `pod-lifecycle`: stands in for scheduler and kubelet. Pods become Running and Ready a moment after they are made;
//! those that belong to a Job succeed a moment later. Nothing is run.
//!
//! Pods are bound to no node, so that deleting one takes effect at once, as for any Pod that no kubelet has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::follow::{self, Key, Source, controller_of, own_key};
use super::workload::{PODS, text, write_status};
use super::{Client, Controller};
use crate::clock;
use crate::object;
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: NAME, run };

const NAME: &str = "pod-lifecycle";
/// How long a step takes if the Pod does not say otherwise: long enough to be seen, short enough not to be felt.
const STEP: Duration = Duration::from_millis(500);
/// Annotation of a Pod that sets the length of its steps, in milliseconds.
const STEP_ANNOTATION: &str = "pod-lifecycle.windlass.dev/step-ms";

const SOURCES: &[Source] = &[Source { resource: PODS, key: own_key }];

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let work: follow::Work = Box::new(move |client, key| {
        let seen = Arc::clone(&seen);
        async move { work(client, key, &seen).await }.boxed()
    });
    follow::run(client, stopping, NAME, SOURCES, work).boxed()
}

/// Since when Pods are in the phase they are in. The times in their status are whole seconds, too coarse for steps.
/// Holds the Pods that have a step before them, and no others.
#[derive(Debug, Default)]
struct Seen(HashMap<Key, (String, Instant)>);

impl Seen {
    /// How long the Pod has been in its phase.
    fn waited(&mut self, key: &Key, pod: &Value, now: Instant) -> Duration {
        let mark = format!("{} {}", object::uid(pod), text(pod, "status.phase"));
        let held = self.0.entry(key.clone()).or_insert_with(|| (mark.clone(), now));
        if held.0 != mark {
            *held = (mark, now);
        }
        now.saturating_duration_since(held.1)
    }
}

/// What a Pod does next.
#[derive(Debug, PartialEq)]
enum Step {
    /// Nothing more.
    Rest,
    /// The same later.
    Wait(Duration),
    /// This status.
    Become(Value),
}

async fn work(client: &Client, key: &Key, seen: &Mutex<Seen>) -> Result<Option<Duration>, ApiError> {
    const LOCK: &str = "no code panics while it holds the times";
    let place = client.place(PODS, &key.namespace, &key.name)?;
    let pod = match client.get(&place) {
        Err(error) if error.code() == 404 => {
            seen.lock().expect(LOCK).0.remove(key);
            return Ok(None);
        }
        pod => pod?,
    };
    let waited = seen.lock().expect(LOCK).waited(key, &pod, Instant::now());
    match next(&pod, waited) {
        Step::Rest => {
            seen.lock().expect(LOCK).0.remove(key);
            Ok(None)
        }
        Step::Wait(delay) => Ok(Some(delay)),
        // The change leads here again for the next step.
        Step::Become(status) => write_status(client, PODS, &pod, status).await.map(|()| None),
    }
}

fn step(pod: &Value) -> Duration {
    let asked = object::annotations(pod)
        .and_then(|annotations| annotations.get(STEP_ANNOTATION)?.as_str()?.parse().ok());
    asked.map_or(STEP, Duration::from_millis)
}

fn next(pod: &Value, waited: Duration) -> Step {
    if object::deletion_timestamp(pod).is_some() || !text(pod, "spec.nodeName").is_empty() {
        return Step::Rest;
    }
    let phase = text(pod, "status.phase");
    let has_a_step = matches!(phase, "Pending" | "") || (phase == "Running" && ends(pod));
    if !has_a_step {
        return Step::Rest;
    }
    let left = step(pod).saturating_sub(waited);
    if left > Duration::ZERO {
        return Step::Wait(left);
    }
    Step::Become(if phase == "Running" { succeeded(pod) } else { running(pod) })
}

/// Whether the Pod's work has an end.
fn ends(pod: &Value) -> bool {
    controller_of(pod).is_some_and(|owner| owner["kind"] == "Job") && pod["spec"]["restartPolicy"] != "Always"
}

fn containers<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    pod["spec"][list].as_array().into_iter().flatten()
}

fn container_status(container: &Value, pod: &Value, ready: bool, state: Value) -> Value {
    json!({
        "name": container["name"],
        "image": container["image"],
        "imageID": format!("windlass://{}", text(container, "image")),
        "containerID": format!("windlass://{}/{}", object::uid(pod), text(container, "name")),
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "started": ready,
        "state": state,
    })
}

fn conditions(ready: bool, reason: &str, now: &str) -> Value {
    let kinds = [
        ("PodReadyToStartContainers", ready),
        ("Initialized", true),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", true),
    ];
    let conditions = kinds.iter().map(|(kind, holds)| {
        let mut condition = json!({
            "type": kind,
            "status": if *holds { "True" } else { "False" },
            "lastProbeTime": null,
            "lastTransitionTime": now,
        });
        if !reason.is_empty() && kind.ends_with("eady") {
            condition["reason"] = reason.into();
        }
        condition
    });
    conditions.collect()
}

fn running(pod: &Value) -> Value {
    let now = clock::now();
    let address = address(object::uid(pod));
    let mut status = pod["status"].clone();
    let statuses = |list, ready, state: &Value| -> Value {
        containers(pod, list)
            .map(|container| container_status(container, pod, ready, state.clone()))
            .collect()
    };
    status["phase"] = "Running".into();
    status["startTime"] = now.as_str().into();
    status["hostIP"] = "127.0.0.1".into();
    status["hostIPs"] = json!([{"ip": "127.0.0.1"}]);
    status["podIP"] = address.as_str().into();
    status["podIPs"] = json!([{"ip": address}]);
    status["conditions"] = conditions(true, "", &now);
    status["containerStatuses"] = statuses("containers", true, &json!({"running": {"startedAt": now}}));
    if containers(pod, "initContainers").next().is_some() {
        let done = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}});
        status["initContainerStatuses"] = statuses("initContainers", true, &done);
    }
    status
}

fn succeeded(pod: &Value) -> Value {
    let now = clock::now();
    let mut status = pod["status"].clone();
    let started = text(pod, "status.startTime");
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": now}});
    status["phase"] = "Succeeded".into();
    status["conditions"] = conditions(false, "PodCompleted", &now);
    status["containerStatuses"] = containers(pod, "containers")
        .map(|container| container_status(container, pod, false, done.clone()))
        .collect();
    status
}

/// An address out of 10.128.0.0/9 that the Pod keeps; drawn from its uid.
fn address(uid: &str) -> String {
    let digest = Sha256::digest(uid);
    format!("10.{}.{}.{}", 128 | digest[0], digest[1], digest[2].clamp(1, 254))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: Value, owner: &str) -> Value {
        json!({
            "metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-11-21T10:17:35Z",
                "annotations": {STEP_ANNOTATION: "2000"}, "ownerReferences": [{"kind": owner, "controller": true}]},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
            "status": status,
        })
    }

    const LONG: Duration = Duration::from_secs(900);

    #[test]
    fn a_pod_runs_after_its_step_and_is_ready() {
        let pending = pod(json!({"phase": "Pending", "qosClass": "BestEffort"}), "ReplicaSet");
        assert_eq!(next(&pending, Duration::ZERO), Step::Wait(Duration::from_secs(2)));
        let Step::Become(status) = next(&pending, Duration::from_secs(2)) else { panic!("it waits") };
        assert_eq!((&status["phase"], &status["qosClass"]), (&json!("Running"), &json!("BestEffort")));
        assert_eq!(status["containerStatuses"][0]["ready"], true);
        let ready = pod(status, "ReplicaSet");
        assert!(super::super::workload::holds(&ready, "Ready"));
        assert_eq!(next(&ready, LONG), Step::Rest);
    }

    #[test]
    fn a_phase_is_timed_from_when_it_is_first_seen() {
        let (now, key) = (Instant::now(), Key { namespace: "n".to_owned(), name: "p".to_owned() });
        let mut seen = Seen::default();
        let second = Duration::from_secs(1);
        let pending = pod(json!({"phase": "Pending"}), "Job");
        assert_eq!(seen.waited(&key, &pending, now), Duration::ZERO);
        assert_eq!(seen.waited(&key, &pending, now + second), second);
        let running = pod(json!({"phase": "Running"}), "Job");
        assert_eq!(seen.waited(&key, &running, now + second), Duration::ZERO);
    }

    #[test]
    fn a_pod_of_a_job_succeeds() {
        let running = pod(json!({"phase": "Running", "startTime": "2026-11-21T10:17:35Z"}), "Job");
        let Step::Become(status) = next(&running, LONG) else { panic!("it waits") };
        assert_eq!(status["phase"], "Succeeded");
        assert_eq!(next(&pod(status, "Job"), LONG), Step::Rest);
    }

    #[test]
    fn a_pod_that_is_being_deleted_or_has_a_node_is_left_alone() {
        let mut deleting = pod(json!({"phase": "Pending"}), "ReplicaSet");
        deleting["metadata"]["deletionTimestamp"] = "2026-11-21T10:17:35Z".into();
        assert_eq!(next(&deleting, LONG), Step::Rest);
        let mut bound = pod(json!({"phase": "Pending"}), "ReplicaSet");
        bound["spec"]["nodeName"] = "n".into();
        assert_eq!(next(&bound, LONG), Step::Rest);
    }
}
