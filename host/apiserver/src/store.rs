//! One store for all resources: objects, one global version counter, and the history that watches read.
//!
//! Flow: a [`Write`] names a key, what it expects there and the new content; [`Store::commit`] checks it
//! against the current state, gives it the next version, persists it (on disk) and only then shows it to
//! readers and watchers.
//!
//! Guarantees: versions rise by one per write over all resources and never go back, not even over a restart.
//! A reader never sees what could still be lost. Every watcher of a resource sees the same order.
//!
//! Caveats: history is bounded; what was dropped is answered with [`StoreError::Expired`], as etcd does after
//! a compaction. A watcher that reads too slowly finds its place dropped in the same way, and is told.

mod disk;
mod history;
mod page;
mod state;
mod stored;
mod watcher;

use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard};

pub use self::history::{Change, ChangeKind};
pub use self::page::{Listing, Page};
pub use self::stored::{Draft, Stored};
pub use self::watcher::{Batch, Watcher};

use self::disk::Disk;
use self::state::State;

/// How much history is held for watches, per resource.
#[derive(Debug, Clone, Copy)]
pub struct HistoryLimits {
    /// Changes held at most.
    pub changes_max: usize,
    /// JSON bytes of changes held at most.
    pub bytes_max: usize,
}

impl Default for HistoryLimits {
    /// 10,000 changes are some minutes of a busy kind; 32 MiB keeps a flood of large objects in bounds.
    fn default() -> Self {
        Self { changes_max: 10_000, bytes_max: 32 << 20 }
    }
}

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A create met an object that exists.
    #[error("the key holds an object already")]
    Exists,
    /// An update or deletion met no object.
    #[error("the key holds no object")]
    Missing,
    /// The object has another version than expected.
    #[error("the object has version {current}, not the expected one")]
    Changed {
        /// Version it has.
        current: u64,
    },
    /// What the write relied on (its namespace) changed meanwhile; look again and retry.
    #[error("an object that the write relies on has changed")]
    GuardChanged,
    /// The version lies before what history still holds.
    #[error("version {asked} is older than the oldest held, {oldest}")]
    Expired {
        /// Version asked for.
        asked: u64,
        /// Oldest version from which changes are held.
        oldest: u64,
    },
    /// The version lies in the future.
    #[error("version {asked} is newer than the current one, {current}")]
    Future {
        /// Version asked for.
        asked: u64,
        /// Current version.
        current: u64,
    },
    /// The object is larger than a store takes.
    #[error("etcdserver: request is too large: the object has {bytes} bytes, at most {bytes_max} are stored")]
    TooLarge {
        /// Bytes of its JSON.
        bytes: usize,
        /// Bytes taken at most.
        bytes_max: usize,
    },
    /// The data folder cannot be written; nothing of the write has been kept.
    #[error(
        "cannot write {path}: {reason}. Nothing of this request was kept; make room on that disk or let the server write there, then send it again"
    )]
    Disk {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The data folder cannot be opened.
    #[error("cannot open the data folder {path}")]
    Open {
        /// The folder.
        path: String,
        /// What the system says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// What a write expects at its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No object.
    Absent,
    /// An object of exactly this version.
    Version(u64),
}

/// What a write does.
#[derive(Debug)]
pub enum Action {
    /// Put this content there.
    Put(Draft),
    /// Take the object away.
    Delete,
}

/// An object that must still have a version when the write happens, such as the namespace it goes into.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Resource of the object.
    pub resource: Arc<str>,
    /// Its key.
    pub key: Box<str>,
    /// The version seen.
    pub version: u64,
}

/// One write.
#[derive(Debug)]
pub struct Write {
    /// Resource as the store knows it, `configmaps` or `deployments.apps`, whatever the version.
    pub resource: Arc<str>,
    /// `namespace/name`, or `name` if the resource has no namespaces.
    pub key: Box<str>,
    /// What must be there.
    pub expect: Expect,
    /// What to do.
    pub action: Action,
    /// What else must hold.
    pub guard: Option<Guard>,
}

/// The store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: RwLock<State>,
    disk: Option<Disk>,
}

impl Store {
    /// A store that forgets everything when dropped.
    pub fn in_memory(limits: HistoryLimits) -> Self {
        Self { inner: Arc::new(Inner { state: RwLock::new(State::new(limits)), disk: None }) }
    }

    /// A store kept in `folder`, which is made if it does not exist.
    pub fn open(folder: &Path, limits: HistoryLimits) -> Result<Self, StoreError> {
        let mut state = State::new(limits);
        let disk = Disk::open(folder, &mut state)?;
        let inner = Arc::new(Inner { state: RwLock::new(state), disk: Some(disk) });
        let weak = Arc::downgrade(&inner);
        inner.disk.as_ref().expect("set two lines above").start(weak);
        Ok(Self { inner })
    }

    /// The version of the last write.
    pub fn version(&self) -> u64 {
        self.read().version
    }

    /// The object at a key.
    pub fn get(&self, resource: &str, key: &str) -> Option<Arc<Stored>> {
        self.read().get(resource, key).cloned()
    }

    /// Carries out one write; on success the new state of the object, or its last one if it was deleted.
    /// Returns only when the write is as durable as the store is.
    pub async fn commit(&self, write: Write) -> Result<Arc<Change>, StoreError> {
        match &self.inner.disk {
            None => self.inner.state.write().expect(LOCK).commit(write),
            Some(disk) => disk.commit(write).await,
        }
    }

    /// Everything of a resource below `prefix` (`namespace/` or empty), see [`Listing`].
    pub fn list(&self, resource: &str, listing: Listing<'_>) -> Result<Page, StoreError> {
        self.read().list(resource, listing)
    }

    /// Follows a resource from just after `since`.
    pub fn watch(&self, resource: &Arc<str>, since: u64) -> Result<Watcher, StoreError> {
        Watcher::new(Arc::clone(&self.inner), Arc::clone(resource), since)
    }

    /// How many objects a resource has.
    pub fn count(&self, resource: &str) -> usize {
        self.read().count(resource)
    }

    /// Drops history before the current version; older versions are then answered with `Expired`.
    pub fn compact(&self) {
        self.inner.state.write().expect(LOCK).compact();
    }

    /// Waits until everything queued is on disk and takes no further writes.
    pub async fn close(&self) {
        if let Some(disk) = &self.inner.disk {
            disk.close().await;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state.read().expect(LOCK)
    }
}

const LOCK: &str = "no code panics while it holds the store";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests;
