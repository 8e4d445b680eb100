//! From a reflector into the cache and on to the driver, as the runtime does it, but in a fixed order.

use crate::ledger::Chain;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;
use windlass_cluster::{
    discovery::Discovery,
    reflector::{Delta, Sink, WatchError},
};
use windlass_core::{
    cache::{Cache, Staging},
    change::{Cause, ObjectChange},
    input::{Input, WatchId},
    name::Kind,
};

/// Changes told at once.
const SLICE_LEN_MAX: usize = 3;

/// What a watch's task tells the driver.
pub(crate) enum Told {
    Input(Input),
    /// The watch has come to this version.
    Reached(WatchId, String),
    /// The watch failed.
    Failed(WatchId, String),
    /// The kind is not served.
    Absent(WatchId),
}

/// Writes one watch's deltas to the cache and tells them.
pub(crate) struct CacheSink {
    pub(crate) id: WatchId,
    pub(crate) kind: Kind,
    pub(crate) cache: Arc<Cache>,
    /// Written at the very moment that the cache is.
    pub(crate) chain: Arc<Mutex<Chain>>,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) told: mpsc::Sender<Told>,
    pub(crate) staged: Staging,
    pub(crate) synced: bool,
    /// The pipeline was told that the kind is not served.
    pub(crate) absent: bool,
}

impl CacheSink {
    async fn send(&self, told: Told) {
        // The driver's end is the end of the test.
        drop(self.told.send(told).await);
    }

    async fn reached(&self, version: &str) {
        self.send(Told::Reached(self.id, version.to_owned())).await;
    }

    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, changes: &[ObjectChange]) {
        let mut chain = self.chain();
        changes.iter().for_each(|change| chain.made(change));
    }

    async fn tell(&self, mut changes: Vec<ObjectChange>, cause: Cause) {
        changes.iter_mut().for_each(|change| change.cause = cause);
        let mut rest = changes.into_iter().peekable();
        while rest.peek().is_some() {
            let slice = rest.by_ref().take(SLICE_LEN_MAX).collect();
            self.send(Told::Input(Input::Changed(slice))).await;
        }
    }

    async fn take_in(&mut self, version: &str) {
        let changes = self.cache.replace(self.id, self.staged.take(), version);
        self.note(&changes);
        self.reached(version).await;
        self.tell(changes, if self.synced { Cause::Relist } else { Cause::Initial }).await;
    }

    async fn replace(&mut self, version: &str) {
        self.take_in(version).await;
        if std::mem::take(&mut self.absent) || !self.synced {
            self.synced = true;
            self.send(Told::Input(Input::Synced(self.id))).await;
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
        self.chain().absent.remove(&self.id);
        self.replace(version).await;
    }

    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        let changes: Vec<_> =
            deltas.into_iter().filter_map(|delta| delta.lay(&self.cache, self.id)).collect();
        self.note(&changes);
        self.cache.bookmark(self.id, version);
        self.reached(version).await;
        self.tell(changes, Cause::Live).await;
    }

    async fn bookmark(&mut self, version: &str) {
        self.cache.bookmark(self.id, version);
        self.reached(version).await;
    }

    async fn failed(&mut self, error: &WatchError, _: Duration) {
        self.send(Told::Failed(self.id, error.to_string())).await;
    }

    async fn absent(&mut self) {
        self.chain().absent.insert(self.id);
        self.discovery.invalidate();
        self.send(Told::Absent(self.id)).await;
        if self.synced {
            self.staged.clear();
            let version = self.cache.version(&self.kind).unwrap_or_default();
            self.take_in(&version).await;
        }
        self.absent = true;
        self.send(Told::Input(Input::Absent(self.id))).await;
    }
}
