//! What guests reach: calls to the cluster, the cache, Events, logs, metrics, time. The one way out of a sandbox.

use crate::{
    circles,
    desk::Desk,
    observe::{Observer, Observers},
    tell::Inputs,
};
use futures::future::BoxFuture;
use serde::{Deserialize, de::IgnoredAny};
use std::{borrow::Cow, sync::Arc, time::Instant};
use tokio::sync::watch;
use windlass_cluster::{
    client::Client,
    events::{Note, Recorder, Reference},
    lease::Leadership,
};
use windlass_core::{
    cache::Cache,
    call::{ApiError, Call, Reply},
    fact::Fact,
    grant::Refusal,
    input::Input,
    name::{Kind, Resource},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};
use windlass_guest::host::{Activity, Caller, EventData, Host, LogLine, MetricSample, ObjectReference};

/// Connects the sandbox with the cluster.
pub(crate) struct Bridge {
    client: Client,
    cache: Arc<Cache>,
    recorder: Recorder,
    observers: Observers,
    inputs: Inputs,
    /// None: this host needs no lease.
    leadership: Option<watch::Receiver<Leadership>>,
    /// Where runs wait for the answers to what they want to follow.
    desk: Arc<Desk>,
}

impl Bridge {
    pub(crate) fn new(
        client: Client,
        cache: Arc<Cache>,
        recorder: Recorder,
        observers: Observers,
        (inputs, desk): (Inputs, Arc<Desk>),
        leadership: Option<watch::Receiver<Leadership>>,
    ) -> Self {
        Self { client, cache, recorder, observers, inputs, desk, leadership }
    }

    /// The fence: nothing is written when another host may lead already (L7).
    fn may_write(&self) -> Result<(), ApiError> {
        match &self.leadership {
            Some(leadership) if !leadership.borrow().may_write(Instant::now().into()) => {
                Err(ApiError::host("NotLeader", "this host lost the lease; nothing was sent"))
            }
            _ => Ok(()),
        }
    }

    fn tell_write(&self, caller: &Caller, call: &Call, answer: &Answer, write: Write) {
        let (Some(request), Some(name)) = (caller.request(), call.action.name()) else { return };
        self.observers.fact(&Fact::CallAnswered {
            request: request.clone(),
            verb: call.action.verb(),
            kind: call.kind.clone(),
            name: name.clone(),
            subresource: call.subresource.clone(),
            error: answer.as_ref().err().cloned(),
            changed: write.changed(answer),
            took: write.since.elapsed(),
        });
    }

    fn begin(&self, call: &Call) -> Write {
        let held = call.action.name().and_then(|name| self.cache.get(&call.kind, name));
        Write { since: Instant::now(), version: held.map(|held| held.resource_version().into()) }
    }
}

type Answer = Result<Reply, ApiError>;

/// A write under way.
struct Write {
    since: Instant,
    /// Of the object as the cache held it before.
    version: Option<Box<str>>,
}

impl Write {
    /// Whether the object is another one now. A write that changes nothing keeps the object's version; so does the
    /// one that takes the last finalizer from an object that is being deleted, and that one ends it.
    fn changed(&self, answer: &Answer) -> bool {
        match (&self.version, answer) {
            (Some(before), Ok(Reply::Written { object, .. })) => {
                let Ok(Outline { metadata: now }) = serde_json::from_str(object) else { return true };
                now.resource_version != **before
                    || (now.deletion_timestamp.is_some() && now.finalizers.is_empty())
            }
            _ => answer.is_ok(),
        }
    }
}

/// What tells of an object's JSON whether it was written.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    #[serde(default)]
    deletion_timestamp: Option<IgnoredAny>,
    #[serde(default)]
    finalizers: Vec<IgnoredAny>,
}

impl Host for Bridge {
    fn call<'a>(&'a self, caller: &'a Caller, call: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        Box::pin(async move {
            if !call.action.is_write() {
                return self.client.call(&call).await;
            }
            self.may_write()?;
            let write = self.begin(&call);
            let held = circles::held(&self.cache, &call);
            let answer = self.client.call(&call).await;
            self.tell_write(caller, &call, &answer, write);
            if let Some(run) = caller.run()
                && let Some(wrote) = circles::wrote(run, &call, &held, &answer)
            {
                self.inputs.send(Input::Wrote(Box::new(wrote))).await;
            }
            answer
        })
    }

    fn resource<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>> {
        Box::pin(async move { crate::kinds::resource(self.client.discovery(), kind).await })
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn event(&self, caller: &Caller, event: EventData) {
        self.recorder.note(Note {
            regarding: reference(event.regarding),
            related: event.related.map(reference),
            warning: event.warning,
            reason: event.reason,
            action: event.action,
            text: event.note,
            controller: format!("windlass.dev/{}", caller.module()).into(),
        });
    }

    fn log(&self, caller: &Caller, line: LogLine) {
        self.observers.fact(&Fact::GuestLog {
            request: caller.request().cloned(),
            module: caller.module().clone(),
            level: line.level,
            message: line.message,
            fields: line.fields,
        });
    }

    fn metric(&self, caller: &Caller, sample: MetricSample) {
        let MetricSample { name, change, labels } = sample;
        self.observers.fact(&Fact::GuestMetric { module: caller.module().clone(), name, change, labels });
    }

    fn subscribe<'a>(
        &'a self,
        caller: &'a Caller,
        subscription: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>> {
        Box::pin(async move {
            let Activity::Reconcile { run, .. } = &caller.activity else {
                return Err(ApiError::host("BadRequest", "only a reconcile has a request to run again"));
            };
            self.desk.ask(&self.inputs, *run, subscription).await
        })
    }

    fn seen<'a>(
        &'a self,
        caller: &'a Caller,
        subscription: SubscriptionId,
        seen: Option<Seen>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Activity::Reconcile { run, .. } = &caller.activity {
                self.inputs.send(Input::Seen(*run, subscription, seen)).await;
            }
        })
    }

    fn refused(&self, caller: &Caller, refusal: &Refusal) {
        self.observers
            .fact(&Fact::CallRefused { module: caller.module().clone(), reason: refusal.to_string() });
    }

    fn now_ms(&self, _: &Caller) -> f64 {
        crate::clock::unix_ms()
    }

    fn random(&self, _: &Caller, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

fn reference(object: ObjectReference) -> Reference {
    Reference { kind: object.kind, name: object.name, uid: object.uid.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_keeps_the_version_changed_nothing() {
        let check = |before: Option<&str>, answer: Answer, changed: bool| {
            let write = Write { since: Instant::now(), version: before.map(Into::into) };
            assert_eq!(write.changed(&answer), changed, "{before:?} and {answer:?}");
        };
        let written = |version: &str| {
            let object =
                format!(r#"{{"metadata":{{"name":"a","resourceVersion":"{version}"}},"spec":{{}}}}"#);
            Ok(Reply::Written { object, warnings: Vec::new() })
        };
        check(Some("7"), written("7"), false);
        check(Some("7"), written("8"), true);
        check(None, written("7"), true);
        check(Some("7"), Ok(Reply::Deleted { gone: true }), true);
        check(Some("7"), Ok(Reply::Written { object: "{}".into(), warnings: Vec::new() }), true);
        check(Some("7"), Err(ApiError::host("Unavailable", "away")), false);
    }
}
