//! What guests reach: calls to the cluster, the cache, Events, logs, metrics, time. The one way out of a sandbox.

use crate::{
    circles,
    desk::Desk,
    observe::{Observer, Observers},
    own_writes::OwnWrites,
    refusals::Refusals,
    spare::Sparing,
    tell::Inputs,
};
use futures::future::BoxFuture;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use windlass_cluster::{
    client::Client,
    events::{Note, Recorder, Reference},
    lease::Leadership,
};
use windlass_core::{
    cache::{Before, Cache},
    call::{Answered, ApiError, Call, Reply},
    fact::Fact,
    grant::Refusal,
    input::Input,
    name::{Kind, Resource},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};
use windlass_guest::{
    host::{Activity, Caller, EventData, Host, LogLine, MetricSample, ObjectReference},
    limits::Bound,
    pace::Turn,
};

/// Connects the sandbox with the cluster.
pub(crate) struct Bridge {
    client: Client,
    cache: Arc<Cache>,
    writes: Arc<OwnWrites>,
    sparing: Arc<Sparing>,
    recorder: Recorder,
    observers: Observers,
    inputs: Inputs,
    /// None: this host needs no lease.
    leadership: Option<watch::Receiver<Leadership>>,
    /// Where runs wait for the answers to what they want to follow.
    desk: Arc<Desk>,
    refusals: Refusals,
}

impl Bridge {
    pub(crate) fn new(
        client: Client,
        (cache, writes, sparing): (Arc<Cache>, Arc<OwnWrites>, Arc<Sparing>),
        recorder: Recorder,
        observers: Observers,
        (inputs, desk): (Inputs, Arc<Desk>),
        leadership: Option<watch::Receiver<Leadership>>,
    ) -> Self {
        let refusals = Refusals::default();
        Self { client, cache, writes, sparing, recorder, observers, inputs, desk, leadership, refusals }
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

    fn tell_write(&self, caller: &Caller, call: &Call, answer: &Answer, changed: bool, took: Duration) {
        let (Some(request), Some(name)) = (caller.request(), call.action.name()) else { return };
        self.observers.fact(&Fact::CallAnswered {
            request: request.clone(),
            verb: call.action.verb(),
            kind: call.kind.clone(),
            name: name.clone(),
            subresource: call.subresource.clone(),
            error: answer.as_ref().err().cloned(),
            changed,
            took,
        });
    }

    fn tell_spared(&self, caller: &Caller, call: &Call) {
        let (Some(request), Some(name)) = (caller.request(), call.action.name()) else { return };
        self.observers.fact(&Fact::WriteSpared {
            request: request.clone(),
            verb: call.action.verb(),
            kind: call.kind.clone(),
            name: name.clone(),
            subresource: call.subresource.clone(),
        });
    }

    /// Waits until the module may send one write more.
    async fn turn(&self, caller: &Caller) -> Result<(), ApiError> {
        let turn = caller.terms.pace.turn(caller).await;
        if turn != Ok(Turn::AtOnce) {
            self.reached(caller, Bound::WritesPerSecond, 1);
        }
        // The lease may have been lost while it waited.
        turn.and_then(|_| self.may_write())
    }

    async fn write(&self, caller: &Caller, call: &Call) -> Answer {
        self.may_write()?;
        if let Some(reply) = self.sparing.spared(caller, call) {
            self.tell_spared(caller, call);
            return Ok(reply);
        }
        self.turn(caller).await?;
        let mut under_way = self.writes.begin(call)?;
        let held = circles::held(&self.cache, call);
        let since = Instant::now();
        let answer = self.client.call(call).await;
        // The guest's next read is to see it.
        under_way.answered(&answer);
        let count = self.sparing.answered(caller, call, &answer);
        if count > 0 {
            self.observers.fact(&Fact::Dropped { bound: "remembered-applies", count });
        }
        self.tell_write(caller, call, &answer, changed(under_way.before(), &answer), since.elapsed());
        if let Some(run) = caller.run()
            && let Some(wrote) = circles::wrote(run, call, &held, &answer)
        {
            self.inputs.send(Input::Wrote(Box::new(wrote))).await;
        }
        answer
    }
}

type Answer = Result<Reply, ApiError>;

/// Whether the object is another one now. A write that changes nothing keeps the object's version; so does the one that
/// takes the last finalizer from an object that is being deleted, and that one ends it.
fn changed(before: Option<&Before>, answer: &Answer) -> bool {
    match (before, answer) {
        (Some(before), Ok(Reply::Written { object: Answered::Object(now), .. })) => {
            *now.resource_version() != *before.version()
                || (now.is_deleting() && now.finalizers().next().is_none())
        }
        _ => answer.is_ok(),
    }
}

impl Host for Bridge {
    fn call<'a>(&'a self, caller: &'a Caller, call: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        Box::pin(async move {
            if call.action.is_write() {
                self.write(caller, &call).await
            } else {
                self.writes.read(&call).await
            }
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
        let (module, series_max) = (caller.module().clone(), caller.terms.limits.size(Bound::MetricSeries));
        self.observers.fact(&Fact::GuestMetric { module, name, change, labels, series_max });
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

    fn reached(&self, caller: &Caller, bound: Bound, count: u32) {
        let (module, bound) = (caller.module().clone(), bound.row().field);
        self.observers.fact(&Fact::BoundReached { module, bound, count });
    }

    fn refused(&self, caller: &Caller, refusal: &Refusal) {
        let first = self.refusals.is_first(caller.module(), refusal);
        let (module, reason) = (caller.module().clone(), refusal.to_string());
        self.observers.fact(&Fact::CallRefused { module, reason, first });
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
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use windlass_core::object::Object;

    #[test]
    fn a_write_that_keeps_the_version_changed_nothing() {
        let map = |version: &str| {
            let text = format!(r#"{{"metadata":{{"name":"a","resourceVersion":"{version}"}},"spec":{{}}}}"#);
            Object::ingest(&Kind::new("v1", "ConfigMap"), &text).unwrap()
        };
        let check = |before: Option<&str>, answer: Answer, want: bool| {
            let before = before.map(|version| Before::of(&map(version)));
            assert_eq!(changed(before.as_ref(), &answer), want, "{before:?} and {answer:?}");
        };
        let written = |object| Ok(Reply::Written { object, warnings: Vec::new() });
        let object = |version: &str| written(Answered::Object(Arc::new(map(version))));
        check(Some("7"), object("7"), false);
        check(Some("7"), object("8"), true);
        check(None, object("7"), true);
        check(Some("7"), Ok(Reply::Deleted { gone: true, uid: None, left: None }), true);
        check(Some("7"), written(Answered::Other("{}".into())), true);
        check(Some("7"), Err(ApiError::host("Unavailable", "away")), false);
    }
}
