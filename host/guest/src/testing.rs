//! A host for tests: keeps what it is told and answers from a list. And guests, written as WebAssembly text.

pub(crate) mod guest;

use crate::{
    host::{Activity, Caller, EventData, Host, LogLine, MetricSample, Terms},
    instance::State,
    limits::{Bound, Limits},
};
use futures::future::{BoxFuture, FutureExt};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use windlass_core::{
    cache::Cache,
    call::{ApiError, Call, Reply},
    description::Permission,
    grant::{Grant, Refusal, Rule, Scope},
    input::RunId,
    name::{ControllerName, Digest, Kind, ModuleName, ObjectName, Request, Resource},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};

/// Everything a guest did, and what it is answered. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Kept>);

pub(crate) struct Kept {
    pub(crate) grant: Grant,
    pub(crate) cache: Cache,
    pub(crate) replies: Mutex<VecDeque<Result<Reply, ApiError>>>,
    pub(crate) calls: Mutex<Vec<Call>>,
    pub(crate) events: Mutex<Vec<EventData>>,
    pub(crate) lines: Mutex<Vec<LogLine>>,
    pub(crate) samples: Mutex<Vec<MetricSample>>,
    pub(crate) subscriptions: Mutex<Vec<Subscription>>,
    /// Further ones are refused.
    pub(crate) subscriptions_max: Mutex<usize>,
    /// The answer to all others.
    pub(crate) following: Mutex<Following>,
    pub(crate) seen: Mutex<Vec<(SubscriptionId, Option<Seen>)>>,
    pub(crate) refusals: Mutex<Vec<Refusal>>,
    /// Bounds that were reached, and how often.
    pub(crate) reached: Mutex<Vec<(Bound, u32)>>,
    /// How many times each answer lets the guest wait.
    pub(crate) pauses: Mutex<u32>,
    /// Answers that somebody waits for.
    pub(crate) awaited: AtomicUsize,
}

/// Somebody waits for an answer of the host, until this is dropped.
struct Awaited<'a>(&'a AtomicUsize);

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            grant: Grant::default(),
            cache: Cache::default(),
            replies: Mutex::default(),
            calls: Mutex::default(),
            events: Mutex::default(),
            lines: Mutex::default(),
            samples: Mutex::default(),
            subscriptions: Mutex::default(),
            subscriptions_max: Mutex::new(100),
            following: Mutex::new(Following::InStep),
            seen: Mutex::default(),
            refusals: Mutex::default(),
            reached: Mutex::default(),
            pauses: Mutex::default(),
            awaited: AtomicUsize::default(),
        }
    }
}

impl std::ops::Deref for Fake {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.0
    }
}

/// A rule for the core group.
pub(crate) fn rule(verbs: &[&str], resources: &[&str], scope: Scope) -> Rule {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let permission = Permission {
        api_groups: vec![String::new()],
        resources: own(resources),
        resource_names: Vec::new(),
        verbs: own(verbs),
    };
    Rule { permission, scope }
}

/// Objects of these namespaces.
pub(crate) fn within(namespaces: &[&str]) -> Scope {
    Scope::Namespaces(namespaces.iter().map(|name| Arc::from(*name)).collect())
}

impl Fake {
    pub(crate) fn granting(rules: Vec<Rule>) -> Self {
        Self(Arc::new(Kept { grant: Grant { rules }, ..Kept::default() }))
    }

    /// An answer, after as many pauses as are set.
    fn answered<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, T> {
        let pauses = *lock(&self.pauses);
        async move {
            self.awaited.fetch_add(1, Relaxed);
            let _awaited = Awaited(&self.awaited);
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
            answer
        }
        .boxed()
    }

    /// The next calls are answered so, in order.
    pub(crate) fn answer(&self, replies: impl IntoIterator<Item = Result<Reply, ApiError>>) {
        lock(&self.replies).extend(replies);
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            module: ModuleName("sample".into()),
            grant: Arc::new(self.grant.clone()).into(),
            field_manager: "windlass/sample".into(),
            settings: r#"{"size":3}"#.into(),
            indexes: Arc::from([]),
            limits: Limits::default(),
            pace: Arc::default(),
        }
    }

    /// The state of a reconcile.
    pub(crate) fn state(&self, change: impl FnOnce(&mut Terms)) -> State {
        self.state_of(reconcile(), change)
    }

    pub(crate) fn state_of(&self, activity: Activity, change: impl FnOnce(&mut Terms)) -> State {
        let mut terms = self.terms();
        change(&mut terms);
        let ends_at = tokio::time::Instant::now() + terms.limits.time(Bound::Deadline);
        let caller = Caller { terms: Arc::new(terms), digest: Digest([0; 32]), activity, ends_at };
        State::new(Arc::new(caller), Arc::new(self.clone()))
    }
}

pub(crate) fn reconcile() -> Activity {
    let controller = ControllerName { module: ModuleName("sample".into()), controller: "maps".into() };
    let request = Request { controller, name: ObjectName::namespaced("mine", "a") };
    Activity::Reconcile { run: RunId(1), request, kind: Kind::new("v1", "ConfigMap") }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for Fake {
    fn call<'a>(&'a self, _: &'a Caller, call: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        lock(&self.calls).push(call);
        let reply = lock(&self.replies).pop_front();
        match reply {
            Some(reply) => self.answered(reply),
            // Nothing is answered: the guest waits until its deadline.
            None => std::future::pending().boxed(),
        }
    }

    fn resource<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>> {
        let found = match &*kind.kind {
            "ConfigMap" => Ok(("configmaps", true)),
            "Secret" => Ok(("secrets", true)),
            "Namespace" => Ok(("namespaces", false)),
            _ => Err(ApiError { code: 404, ..ApiError::host("NotFound", format!("{kind} is not served")) }),
        };
        let resource = found.map(|(plural, namespaced)| Resource {
            kind: kind.clone(),
            plural: plural.into(),
            namespaced,
        });
        self.answered(resource)
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn event(&self, _: &Caller, event: EventData) {
        lock(&self.events).push(event);
    }

    fn log(&self, _: &Caller, line: LogLine) {
        lock(&self.lines).push(line);
    }

    fn metric(&self, _: &Caller, sample: MetricSample) {
        lock(&self.samples).push(sample);
    }

    fn subscribe<'a>(
        &'a self,
        _: &'a Caller,
        subscription: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>> {
        let mut known = lock(&self.subscriptions);
        let max = *lock(&self.subscriptions_max);
        let answer = if known.len() < max {
            known.push(subscription);
            Ok((SubscriptionId(known.len() as u64), *lock(&self.following)))
        } else {
            Err(ApiError::host("LimitExceeded", "enough"))
        };
        self.answered(answer)
    }

    fn seen<'a>(
        &'a self,
        _: &'a Caller,
        subscription: SubscriptionId,
        seen: Option<Seen>,
    ) -> BoxFuture<'a, ()> {
        lock(&self.seen).push((subscription, seen));
        self.answered(())
    }

    fn reached(&self, _: &Caller, bound: Bound, times: u32) {
        lock(&self.reached).push((bound, times));
    }

    fn refused(&self, _: &Caller, refusal: &Refusal) {
        lock(&self.refusals).push(refusal.clone());
    }

    fn now_ms(&self, _: &Caller) -> f64 {
        1_795_255_200_123.5
    }

    fn random(&self, _: &Caller, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}
