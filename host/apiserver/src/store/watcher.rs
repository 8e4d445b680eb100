//! Following a resource: a place in its history, and a wake-up when there is more.
//!
//! A watcher has no queue of its own. The bounded history is the buffer of all watchers together, so a slow
//! one costs nothing; when its place has been dropped from history it gets `Expired` and has to list again.

use std::sync::Arc;

use super::{Change, Inner, LOCK, StoreError};
use crate::signal::Listener;

/// A place in the history of one resource.
#[derive(Debug)]
pub struct Watcher {
    inner: Arc<Inner>,
    resource: Arc<str>,
    /// Everything up to this version has been handed out.
    place: u64,
    changed: Listener,
}

/// What happened since the last batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// Changes, oldest first; empty if the store went on without touching this resource.
    pub changes: Vec<Arc<Change>>,
    /// Everything of this resource up to this version is now known: what a bookmark may say.
    pub version: u64,
}

/// Changes handed out at once, so that one watcher holds the store's lock for some microseconds only.
const BATCH_LEN_MAX: usize = 256;

impl Watcher {
    pub(super) fn new(inner: Arc<Inner>, resource: Arc<str>, since: u64) -> Result<Self, StoreError> {
        let changed = {
            let mut state = inner.state.write().expect(LOCK);
            let oldest = state.oldest(&resource);
            if since < oldest {
                return Err(StoreError::Expired { asked: since, oldest });
            }
            state.collection_mut(&resource).changed.listen()
        };
        Ok(Self { inner, resource, place: since, changed })
    }

    /// What is there now, without waiting.
    pub fn poll(&mut self) -> Result<Batch, StoreError> {
        self.changed.mark_heard();
        let state = self.inner.state.read().expect(LOCK);
        let Some(collection) = state.collection(&self.resource) else { return Ok(Batch::default()) };
        let oldest = collection.history.oldest();
        if self.place < oldest {
            return Err(StoreError::Expired { asked: self.place, oldest });
        }
        let mut after = collection.history.after(self.place);
        let changes: Vec<_> = after.by_ref().take(BATCH_LEN_MAX).cloned().collect();
        let more = after.next().is_some();
        let version = match changes.last() {
            Some(last) if more => last.version(),
            _ => state.version.max(self.place),
        };
        self.place = version;
        Ok(Batch { changes, version })
    }

    /// Waits for at least one change. Safe to drop while waiting: nothing is lost.
    pub async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            let batch = self.poll()?;
            if !batch.changes.is_empty() {
                return Ok(batch);
            }
            self.changed.raised().await;
        }
    }
}
