//! Watches on order of the pipeline: reflector → cache → [`Input::Changed`].
//!
//! The cache is written before the pipeline is told, so that a run never reads an older state than the change that
//! caused it (S1). A full input channel holds back the watch that fills it, and no other.

#[cfg(test)]
mod tests;

use crate::{
    observe::{Observer, Observers},
    tell::Inputs,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use windlass_cluster::{
    discovery::Discovery,
    reflector::{Delta, Following, Reflector, Running, Sink, WatchError},
};
use windlass_core::{
    cache::{Cache, Staging},
    change::{Cause, ObjectChange},
    fact::Fact,
    input::{Input, WatchId, WatchSpec},
    name::Kind,
    object::FieldPlan,
};

/// Changes told to the pipeline at once; more are told in slices, so that a relist does not hold up dispatch.
const SLICE_LEN_MAX: usize = 256;

/// The running watches.
pub(crate) struct Watches {
    reflector: Reflector,
    discovery: Arc<Discovery>,
    cache: Arc<Cache>,
    inputs: Inputs,
    observers: Observers,
    running: HashMap<WatchId, (Running, Trouble)>,
    /// Tells discovery what it serves.
    following: Option<Following>,
}

/// Why a watch is not in step, told by its task.
type Trouble = Arc<Mutex<Option<String>>>;

impl Watches {
    pub(crate) fn new(
        reflector: Reflector,
        discovery: Arc<Discovery>,
        cache: Arc<Cache>,
        inputs: Inputs,
        observers: Observers,
    ) -> Self {
        let following = Some(reflector.follow_served());
        Self { reflector, discovery, cache, inputs, observers, running: HashMap::new(), following }
    }

    /// Starts a watch; its changes come back as inputs.
    pub(crate) fn start(&mut self, id: WatchId, spec: WatchSpec) {
        let trouble = Trouble::default();
        let sink = CacheSink {
            id,
            kind: spec.kind.clone(),
            cache: self.cache.clone(),
            discovery: self.discovery.clone(),
            inputs: self.inputs.clone(),
            observers: self.observers.clone(),
            staged: Staging::default(),
            synced: false,
            refused: false,
            absent: false,
            trouble: trouble.clone(),
        };
        self.running.insert(id, (self.reflector.start(spec, sink), trouble));
    }

    /// Objects that arrive from now on are searched by this plan.
    pub(crate) fn replan(&self, id: WatchId, plan: Arc<FieldPlan>) {
        if let Some((running, _)) = self.running.get(&id) {
            running.replan(plan);
        }
    }

    /// Ends a watch. What it held is forgotten by the pipeline, in the cache.
    pub(crate) fn stop(&mut self, id: WatchId) {
        if let Some((running, _)) = self.running.remove(&id) {
            running.stop();
        }
    }

    /// How many objects a watch holds.
    pub(crate) fn objects(&self, id: WatchId) -> usize {
        self.cache.len_of(id)
    }

    /// Why a watch is not in step.
    pub(crate) fn trouble(&self, id: WatchId) -> Option<String> {
        let (_, trouble) = self.running.get(&id)?;
        trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all watches.
    pub(crate) fn stop_all(&mut self) {
        self.running.clear();
        self.following = None;
    }
}

/// Writes one watch's deltas to the cache and tells the pipeline.
struct CacheSink {
    id: WatchId,
    kind: Kind,
    cache: Arc<Cache>,
    discovery: Arc<Discovery>,
    inputs: Inputs,
    observers: Observers,
    staged: Staging,
    synced: bool,
    /// The pipeline was told that the server refuses the watch.
    refused: bool,
    /// The pipeline was told that the kind is not served.
    absent: bool,
    trouble: Trouble,
}

impl CacheSink {
    fn in_trouble(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    async fn tell(&self, mut changes: Vec<ObjectChange>, cause: Cause) {
        for change in &mut changes {
            change.cause = cause;
        }
        let mut rest = changes.into_iter();
        loop {
            let slice: Vec<_> = rest.by_ref().take(SLICE_LEN_MAX).collect();
            if slice.is_empty() {
                return;
            }
            self.inputs.send(Input::Changed(slice)).await;
        }
    }

    async fn replace(&mut self, version: &str) {
        let first = !self.synced;
        let changes = self.take_in(version).await;
        self.tell(changes, if first { Cause::Initial } else { Cause::Relist }).await;
        let halted = std::mem::take(&mut self.refused) | std::mem::take(&mut self.absent);
        if first || halted {
            self.synced = true;
            self.inputs.send(Input::Synced(self.id)).await;
        }
    }

    /// On a thread of its own: a hundred thousand objects would hold a worker, and who shares it, for a tenth of a second.
    async fn take_in(&mut self, version: &str) -> Vec<ObjectChange> {
        let (cache, id, version) = (self.cache.clone(), self.id, version.to_owned());
        let mut staged = std::mem::take(&mut self.staged);
        match tokio::task::spawn_blocking(move || cache.replace(id, staged.take(), &version)).await {
            Ok(changes) => changes,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The host ends.
            Err(_) => Vec::new(),
        }
    }
}

impl Sink for CacheSink {
    async fn begin(&mut self) {
        self.staged.clear();
    }

    async fn stage(&mut self, deltas: Vec<Delta>) {
        for delta in deltas {
            delta.stage(&mut self.staged, |object| self.cache.share(self.id, object));
        }
    }

    async fn commit(&mut self, version: &str) {
        self.in_trouble(None);
        self.replace(version).await;
    }

    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        self.in_trouble(None);
        let changes = deltas.into_iter().filter_map(|delta| delta.lay(&self.cache, self.id)).collect();
        self.cache.bookmark(self.id, version);
        self.tell(changes, Cause::Live).await;
    }

    async fn bookmark(&mut self, version: &str) {
        self.in_trouble(None);
        self.cache.bookmark(self.id, version);
    }

    async fn failed(&mut self, error: &WatchError, retry_in: Duration) {
        self.in_trouble(Some(error.to_string()));
        self.observers.fact(&Fact::WatchFailed {
            kind: self.kind.clone(),
            reason: error.to_string(),
            retry_in,
        });
        if matches!(error, WatchError::Forbidden { .. }) && !self.refused {
            self.refused = true;
            self.inputs.send(Input::Refused(self.id)).await;
        }
    }

    async fn absent(&mut self) {
        self.in_trouble(Some("the kind is not served; waiting for its CustomResourceDefinition".to_owned()));
        self.observers.fact(&Fact::KindAbsent { kind: self.kind.clone() });
        self.discovery.invalidate();
        if self.synced {
            // The CRD went, and its objects with it: what is still held is told as deleted, with the last known state.
            self.staged.clear();
            let version = self.cache.version(&self.kind).unwrap_or_default();
            let changes = self.take_in(&version).await;
            self.tell(changes, Cause::Relist).await;
        }
        (self.refused, self.absent) = (false, true);
        self.inputs.send(Input::Absent(self.id)).await;
    }
}
