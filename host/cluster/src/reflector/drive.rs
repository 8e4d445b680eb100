//! One watch, for ever: resolve the kind, sync, follow; and wait where it cannot go on.

use super::{
    Counters, Delta, Reflector, Sink, WatchError,
    backoff::{Backoff, Streak},
    event::Intake,
    target::Target,
};
use crate::discovery::{Changes, NEGATIVE_INTERVAL};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::watch as latest, time::Instant};
use windlass_core::{call::Shape, input::WatchSpec, object::FieldPlan};

/// After a hint that a kind may have appeared it is looked for so often in quick succession: discovery lags behind
/// the CRD's `Established`.
const QUICK_POLLS: u32 = 8;

/// How often an absent kind is looked for while definitions are followed: a hint is sure to come.
const FOLLOWED_POLL: Duration = Duration::from_secs(600);

/// The state of one watch.
pub(super) struct Drive<S> {
    pub(super) reflector: Reflector,
    pub(super) spec: WatchSpec,
    plans: latest::Receiver<Arc<FieldPlan>>,
    /// Tells that discovery may have changed.
    pub(super) hints: Changes,
    pub(super) sink: S,
    pub(super) backoff: Backoff,
    pub(super) streak: Streak,
    /// Up to where the sink holds everything; empty before the first list.
    pub(super) version: String,
    /// The server does not have this version: the next list is a consistent read (R7).
    pub(super) version_unavailable: bool,
    /// The server has no watch cache: lists come in pages whatever is asked (R5).
    pub(super) paginated: bool,
    absent: bool,
    quick_polls: u32,
    counters: Arc<Counters>,
    list_began: Instant,
    /// Objects that it brought so far.
    list_items: u64,
}

impl<S: Sink> Drive<S> {
    pub(super) fn new(
        reflector: Reflector,
        spec: WatchSpec,
        plans: latest::Receiver<Arc<FieldPlan>>,
        sink: S,
    ) -> Self {
        let backoff = Backoff::new(&reflector.settings);
        let hints = reflector.discovery.changes();
        let counters = reflector.measures.of(&spec.kind);
        Self {
            reflector,
            spec,
            plans,
            hints,
            sink,
            backoff,
            streak: Streak::default(),
            version: String::new(),
            version_unavailable: false,
            paginated: false,
            absent: false,
            quick_polls: 0,
            counters,
            list_began: Instant::now(),
            list_items: 0,
        }
    }

    /// Never returns; dropped when the watch is stopped.
    pub(super) async fn forever(mut self) {
        let mut before: Option<Target> = None;
        loop {
            self.hints.mark_unchanged();
            let error = match self.target().await {
                Ok(None) => {
                    before = None;
                    self.wait_for_kind().await;
                    continue;
                }
                Ok(Some(target)) => {
                    self.absent = false;
                    if before.as_ref().is_some_and(|before| *before != target) {
                        self.version.clear();
                    }
                    let ended = self.list_and_watch(&target).await;
                    before = Some(target);
                    let Some(error) = ended else { continue };
                    if !self.version.is_empty() {
                        self.counters.relisted(error.relist_reason());
                    }
                    error
                }
                Err(error) => error,
            };
            if error.code() == Some(404) {
                // The kind may be gone: discovery is asked before that is called a failure.
                self.reflector.discovery.invalidate();
                if let Ok(None) = self.target().await {
                    continue;
                }
            }
            self.fail(&error).await;
        }
    }

    /// What is to be asked for; none while the kind is not served.
    pub(super) async fn target(&mut self) -> Result<Option<Target>, WatchError> {
        let found = self.reflector.discovery.resolve(&self.spec.kind).await;
        match found.map_err(|error| WatchError::Discovery(error.to_string()))? {
            Some(served) => Target::new(&self.spec, &served).map(Some),
            None => Ok(None),
        }
    }

    /// Syncs and follows until that cannot go on; the next iteration lists again. None: the kind went or moved.
    async fn list_and_watch(&mut self, target: &Target) -> Option<WatchError> {
        (self.list_began, self.list_items) = (Instant::now(), 0);
        let mut stream = None;
        let mut synced = false;
        if self.reflector.settings.watch_list {
            match self.watch_list(target).await {
                Ok(opened) => (stream, synced) = (Some(opened), true),
                Err(error) if error.code() == Some(404) => return Some(error),
                Err(error) => {
                    tracing::debug!(kind = %self.spec.kind, %error, "WatchList failed; LIST is tried")
                }
            }
        }
        if !synced && let Err(error) = self.list(target).await {
            return Some(error);
        }
        self.follow(target, stream).await
    }

    /// Tells once that the kind is absent, and waits for a hint or a while.
    async fn wait_for_kind(&mut self) {
        if !self.absent {
            self.absent = true;
            self.version.clear();
            self.streak.end();
            self.sink.absent().await;
        }
        let quick = self.quick_polls > 0;
        self.quick_polls = self.quick_polls.saturating_sub(1);
        let wait = match quick {
            true => NEGATIVE_INTERVAL,
            false if self.reflector.discovery.is_followed() => FOLLOWED_POLL,
            false => self.reflector.settings.absent_poll,
        };
        tokio::select! {
            biased;
            () = self.hints.changed() => self.quick_polls = QUICK_POLLS,
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// Tells a failure if it is worth it, and waits.
    pub(super) async fn fail(&mut self, error: &WatchError) {
        Counters::up(&self.counters().failures);
        let delay = self.backoff.delay().max(error.retry_after().unwrap_or(Duration::ZERO));
        if self.streak.tells(error) {
            self.sink.failed(error, delay).await;
            // If the kind is absent after all, that is news again.
            self.absent = false;
        } else {
            tracing::debug!(kind = %self.spec.kind, %error, ?delay, "a watch failed again");
        }
        tokio::time::sleep(delay).await;
    }

    /// What was staged is held from now on (R8).
    pub(super) async fn commit(&mut self, version: &str) {
        self.counters.spreads.list_time.took(self.list_began.elapsed());
        self.counters.spreads.list_items.brought(self.list_items);
        self.sink.commit(version).await;
        version.clone_into(&mut self.version);
        self.version_unavailable = false;
        self.streak.end();
    }

    /// Stages in slices. A list over a fast connection never has to wait, so it gives way by itself: else it would
    /// hold its worker until it is through, and whoever shares that worker with it.
    pub(super) async fn stage(&mut self, deltas: Vec<Delta>) {
        self.counters.items.fetch_add(deltas.len() as u64, Ordering::Relaxed);
        self.list_items += deltas.len() as u64;
        let batch_len_max = self.reflector.settings.batch_len_max;
        let mut rest = deltas.into_iter().peekable();
        while rest.peek().is_some() {
            self.sink.stage(rest.by_ref().take(batch_len_max).collect()).await;
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// How objects are taken in now: by the newest plan.
    pub(super) fn intake_now(&self) -> Intake {
        let shape = if self.spec.metadata_only { Shape::Metadata } else { Shape::Whole };
        Intake { kind: self.spec.kind.clone(), shape, plan: self.plans.borrow().clone() }
    }
}
