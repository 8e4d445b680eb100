//! `job-controller`: Pods until enough of them have succeeded.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::follow::{self, Key, Source, own_key, owner_key};
use super::record::{Told, record};
use super::workload::{
    JOBS, PODS, holds, int, is_active, now_seconds, owned, pod_of, seconds_of, text, write_status,
};
use super::{Client, Controller};
use crate::clock;
use crate::object;
use crate::registry::DeleteOptions;
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: NAME, run };

const NAME: &str = "job-controller";
/// First pause after a Pod failed; it doubles with each further one, up to the limit.
const FAILURE_PAUSE_SECONDS: i64 = 10;
const FAILURE_PAUSE_SECONDS_MAX: i64 = 600;

const SOURCES: &[Source] =
    &[Source { resource: JOBS, key: own_key }, Source { resource: PODS, key: |pod| owner_key(pod, "Job") }];

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let work: follow::Work = Box::new(|client, key| work(client, key).boxed());
    follow::run(client, stopping, NAME, SOURCES, work).boxed()
}

/// How a Job stands, counted from its Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    active: i64,
    ready: i64,
    succeeded: i64,
    failed: i64,
    last_failure: i64,
}

/// Why a Job is over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Complete,
    Failed { reason: &'static str, message: &'static str },
}

async fn work(client: &Client, key: &Key) -> Result<Option<Duration>, ApiError> {
    let place = client.place(JOBS, &key.namespace, &key.name)?;
    let job = match client.get(&place) {
        Err(error) if error.code() == 404 => return Ok(None),
        job => job?,
    };
    if object::deletion_timestamp(&job).is_some() || holds(&job, "Complete") || holds(&job, "Failed") {
        return Ok(None);
    }
    let pods = owned(client, PODS, &job)?;
    let tally = Tally::of(&job, &pods);
    let now = now_seconds();
    let end = end(&job, tally, now);
    let suspended = job["spec"]["suspend"] == true;
    let wanted = if end.is_some() || suspended { 0 } else { wanted(&job, tally) };
    let pause = if tally.active < wanted { pause_left(tally, now) } else { None };
    let mut active = tally.active;
    if active > wanted {
        delete_surplus(client, &job, &pods, active - wanted).await?;
        active = wanted;
    } else if pause.is_none() {
        let place = client.place(PODS, &key.namespace, "")?;
        for _ in active..wanted {
            let pod = pod_of(&job, &job["spec"]["template"], format!("{}-", key.name));
            let pod = client.create(&place, pod).await?;
            tell(client, &job, "SuccessfulCreate", format!("Created pod: {}", object::name(&pod))).await;
        }
        active = wanted;
    }
    let status = next_status(&job, Tally { active, ..tally }, end.as_ref(), suspended);
    write_status(client, JOBS, &job, status).await?;
    tell_end(client, &job, end.as_ref()).await;
    if suspended != holds(&job, "Suspended") {
        let (reason, message) =
            if suspended { ("Suspended", "Job suspended") } else { ("Resumed", "Job resumed") };
        tell(client, &job, reason, message.to_owned()).await;
    }
    let deadline = if suspended { None } else { deadline(&job).map(|at| at - now) };
    let again = [pause, deadline].into_iter().flatten().filter(|left| *left > 0).min();
    Ok(again.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs))
}

async fn tell(client: &Client, job: &Value, reason: &str, message: String) {
    record(client, NAME, job, Told::normal(reason, message)).await;
}

async fn tell_end(client: &Client, job: &Value, end: Option<&End>) {
    match end {
        Some(End::Complete) => tell(client, job, "Completed", "Job completed".to_owned()).await,
        Some(End::Failed { reason, message }) => {
            record(client, NAME, job, Told::warning(reason, (*message).to_owned())).await;
        }
        None => {}
    }
}

impl Tally {
    /// Pods that ended and were deleted since stay counted, as the status holds them.
    fn of(job: &Value, pods: &[Value]) -> Self {
        let count =
            |phase: &str| i64::try_from(pods.iter().filter(|pod| text(pod, "status.phase") == phase).count());
        let active = pods.iter().filter(|pod| is_active(pod));
        let ready = active.clone().filter(|pod| holds(pod, "Ready")).count();
        let failures =
            pods.iter().filter(|pod| text(pod, "status.phase") == "Failed").filter_map(finished_at);
        Self {
            active: i64::try_from(active.count()).unwrap_or(i64::MAX),
            ready: i64::try_from(ready).unwrap_or(i64::MAX),
            succeeded: count("Succeeded").unwrap_or(i64::MAX).max(int(job, "status.succeeded")),
            failed: count("Failed").unwrap_or(i64::MAX).max(int(job, "status.failed")),
            last_failure: failures.max().unwrap_or(0),
        }
    }
}

/// When the last container of a Pod ended.
fn finished_at(pod: &Value) -> Option<i64> {
    let statuses = pod["status"]["containerStatuses"].as_array()?;
    statuses.iter().filter_map(|status| seconds_of(text(status, "state.terminated.finishedAt"))).max()
}

/// How many Pods should be at work.
fn wanted(job: &Value, tally: Tally) -> i64 {
    let parallel = int(job, "spec.parallelism");
    match object::at(job, "spec.completions").and_then(Value::as_i64) {
        Some(completions) => parallel.min((completions - tally.succeeded).max(0)),
        // A work queue: once one has succeeded, no new ones are begun.
        None if tally.succeeded > 0 => tally.active,
        None => parallel,
    }
}

fn end(job: &Value, tally: Tally, now: i64) -> Option<End> {
    let limit = object::at(job, "spec.backoffLimit").and_then(Value::as_i64).unwrap_or(6);
    if tally.failed > limit {
        let message = "Job has reached the specified backoff limit";
        return Some(End::Failed { reason: "BackoffLimitExceeded", message });
    }
    if deadline(job).is_some_and(|at| at <= now) {
        let message = "Job was active longer than specified deadline";
        return Some(End::Failed { reason: "DeadlineExceeded", message });
    }
    let complete = match object::at(job, "spec.completions").and_then(Value::as_i64) {
        Some(completions) => tally.succeeded >= completions,
        None => tally.succeeded > 0 && tally.active == 0,
    };
    complete.then_some(End::Complete)
}

/// The moment at which the Job has been at work for too long.
fn deadline(job: &Value) -> Option<i64> {
    let started = seconds_of(text(job, "status.startTime"))?;
    Some(started + object::at(job, "spec.activeDeadlineSeconds")?.as_i64()?)
}

/// Seconds until a Pod may be made after the last failure.
fn pause_left(tally: Tally, now: i64) -> Option<i64> {
    let doublings = u32::try_from((tally.failed - 1).clamp(0, 6)).unwrap_or(0);
    let pause = (FAILURE_PAUSE_SECONDS * 2_i64.pow(doublings)).min(FAILURE_PAUSE_SECONDS_MAX);
    let left = tally.last_failure + pause - now;
    (tally.last_failure > 0 && left > 0).then_some(left)
}

async fn delete_surplus(client: &Client, job: &Value, pods: &[Value], surplus: i64) -> Result<(), ApiError> {
    let surplus = usize::try_from(surplus).unwrap_or(0);
    for pod in pods.iter().filter(|pod| is_active(pod)).take(surplus) {
        let place = client.place(PODS, object::namespace(pod), object::name(pod))?;
        match client.delete(&place, &DeleteOptions::default()).await {
            Err(error) if error.code() != 404 => return Err(error),
            Err(_) => {}
            Ok(_) => {
                let message = format!("Deleted pod: {}", object::name(pod));
                tell(client, job, "SuccessfulDelete", message).await;
            }
        }
    }
    Ok(())
}

fn next_status(job: &Value, tally: Tally, end: Option<&End>, suspended: bool) -> Value {
    let now = clock::now();
    let mut status = json!({
        "active": tally.active,
        "ready": if end.is_some() { 0 } else { tally.ready.min(tally.active) },
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "terminating": 0,
        "uncountedTerminatedPods": {},
    });
    if !suspended {
        let held = text(job, "status.startTime");
        status["startTime"] = if held.is_empty() { now.as_str() } else { held }.into();
    }
    let made = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now})
    };
    let mut conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    if suspended != holds(job, "Suspended") {
        conditions.retain(|condition| condition["type"] != "Suspended");
        conditions.push(match suspended {
            true => made("Suspended", "True", "JobSuspended", "Job suspended"),
            false => made("Suspended", "False", "JobResumed", "Job resumed"),
        });
    }
    match end {
        Some(End::Complete) => {
            let message = "Reached expected number of succeeded pods";
            conditions.push(made("SuccessCriteriaMet", "True", "CompletionsReached", message));
            conditions.push(made("Complete", "True", "CompletionsReached", message));
            status["completionTime"] = now.as_str().into();
        }
        Some(End::Failed { reason, message }) => {
            conditions.push(made("FailureTarget", "True", reason, message));
            conditions.push(made("Failed", "True", reason, message));
        }
        None => {}
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(active: i64, succeeded: i64, failed: i64) -> Tally {
        Tally { active, ready: 0, succeeded, failed, last_failure: 0 }
    }

    #[test]
    fn pods_are_wanted_until_enough_have_succeeded() {
        let fixed = json!({"spec": {"parallelism": 2, "completions": 3}});
        let queue = json!({"spec": {"parallelism": 2}});
        for (job, tally, want, over) in [
            (&fixed, tally(0, 0, 0), 2, false),
            (&fixed, tally(1, 2, 0), 1, false),
            (&fixed, tally(0, 3, 0), 0, true),
            (&queue, tally(0, 0, 0), 2, false),
            (&queue, tally(1, 1, 0), 1, false),
            (&queue, tally(0, 1, 0), 0, true),
        ] {
            assert_eq!((wanted(job, tally), end(job, tally, 0).is_some()), (want, over), "{job} {tally:?}");
        }
    }

    #[test]
    fn a_job_fails_by_backoff_limit_or_deadline() {
        let job = json!({"spec": {"parallelism": 1, "completions": 1, "backoffLimit": 1, "activeDeadlineSeconds": 60},
            "status": {"startTime": "2026-11-21T10:17:35Z"}});
        let reason = |end: Option<End>| match end {
            Some(End::Failed { reason, .. }) => reason,
            _ => "",
        };
        assert_eq!(reason(end(&job, tally(0, 0, 1), 1_795_256_255)), "");
        assert_eq!(reason(end(&job, tally(0, 0, 2), 1_795_256_255)), "BackoffLimitExceeded");
        assert_eq!(reason(end(&job, tally(1, 0, 0), 1_795_256_255 + 60)), "DeadlineExceeded");
    }

    #[test]
    fn the_end_is_told_in_conditions() {
        let job = json!({"spec": {}, "status": {"startTime": "2026-11-21T10:17:35Z"}});
        let status = next_status(&job, tally(0, 1, 0), Some(&End::Complete), false);
        let complete = json!({"status": status});
        assert!(holds(&complete, "Complete") && holds(&complete, "SuccessCriteriaMet"));
        assert!(complete["status"]["completionTime"].is_string());
        let status = next_status(&job, tally(0, 0, 0), None, true);
        assert!(holds(&json!({"status": status}), "Suspended"));
    }
}
