//! The objects of all resources in memory, and how a write changes them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::signal::Signal;

use super::history::History;
use super::{Action, Change, ChangeKind, Expect, HistoryLimits, StoreError, Stored, Write};

/// Version of a store nobody has written to: a real server has written its own objects, some two hundred, by the time
/// it serves anybody, and clients meet versions of three digits from their first answer on.
pub(super) const FIRST_VERSION: u64 = 200;

#[derive(Debug)]
pub(super) struct State {
    pub(super) version: u64,
    /// Version at which this process began; nothing older can be watched.
    base: u64,
    limits: HistoryLimits,
    collections: HashMap<Arc<str>, Collection>,
}

#[derive(Debug)]
pub(super) struct Collection {
    pub(super) objects: BTreeMap<Box<str>, Arc<Stored>>,
    pub(super) history: History,
    /// Wakes watchers; they then read the history from where they are.
    pub(super) changed: Signal,
}

/// A write that passed its checks, with its version.
pub(super) struct Prepared {
    pub(super) resource: Arc<str>,
    pub(super) change: Arc<Change>,
}

/// Writes of one batch that are not in the state yet: what later writes of the batch must see.
pub(super) type Pending = HashMap<(Arc<str>, Box<str>), Option<Arc<Stored>>>;

impl State {
    pub(super) fn new(limits: HistoryLimits) -> Self {
        Self { version: FIRST_VERSION, base: 0, limits, collections: HashMap::new() }
    }

    pub(super) fn get(&self, resource: &str, key: &str) -> Option<&Arc<Stored>> {
        self.collections.get(resource)?.objects.get(key)
    }

    pub(super) fn count(&self, resource: &str) -> usize {
        self.collections.get(resource).map_or(0, |collection| collection.objects.len())
    }

    pub(super) fn collection(&self, resource: &str) -> Option<&Collection> {
        self.collections.get(resource)
    }

    pub(super) fn collection_mut(&mut self, resource: &Arc<str>) -> &mut Collection {
        let (base, limits) = (self.base, self.limits);
        self.collections.entry(Arc::clone(resource)).or_insert_with(|| Collection {
            objects: BTreeMap::new(),
            history: History::new(base, limits),
            changed: Signal::default(),
        })
    }

    /// The oldest version that a watch of the resource may start from.
    pub(super) fn oldest(&self, resource: &str) -> u64 {
        self.collections.get(resource).map_or(self.base, |collection| collection.history.oldest())
    }

    pub(super) fn commit(&mut self, write: Write) -> Result<Arc<Change>, StoreError> {
        let prepared = self.prepare(write, &Pending::new(), self.version + 1)?;
        let change = Arc::clone(&prepared.change);
        self.apply(prepared);
        Ok(change)
    }

    /// Checks a write against the state and the batch so far, and gives it its version.
    pub(super) fn prepare(
        &self,
        write: Write,
        pending: &Pending,
        version: u64,
    ) -> Result<Prepared, StoreError> {
        let Write { resource, key, expect, action, guard } = write;
        if let Some(guard) = guard {
            let held = self.look(pending, &guard.resource, &guard.key);
            if held.map(|object| object.version) != Some(guard.version) {
                return Err(StoreError::GuardChanged);
            }
        }
        let previous = self.look(pending, &resource, &key).cloned();
        match (expect, &previous) {
            (Expect::Absent, Some(_)) => return Err(StoreError::Exists),
            (Expect::Version(_), None) => return Err(StoreError::Missing),
            (Expect::Version(expected), Some(held)) if held.version != expected => {
                return Err(StoreError::Changed { current: held.version });
            }
            _ => {}
        }
        let (kind, object) = match (action, &previous) {
            (Action::Put(draft), None) => (ChangeKind::Added, Arc::new(draft.finish(key, version))),
            (Action::Put(draft), Some(_)) => (ChangeKind::Modified, Arc::new(draft.finish(key, version))),
            (Action::Delete, Some(held)) => (ChangeKind::Deleted, held.at_version(version)),
            (Action::Delete, None) => return Err(StoreError::Missing),
        };
        Ok(Prepared { resource, change: Arc::new(Change { kind, object, previous }) })
    }

    fn look<'a>(&'a self, pending: &'a Pending, resource: &Arc<str>, key: &str) -> Option<&'a Arc<Stored>> {
        if !pending.is_empty()
            && let Some(held) = pending.get(&(Arc::clone(resource), Box::from(key)))
        {
            return held.as_ref();
        }
        self.get(resource, key)
    }

    pub(super) fn apply(&mut self, prepared: Prepared) {
        let Prepared { resource, change } = prepared;
        self.version = change.version();
        let collection = self.collection_mut(&resource);
        match change.kind {
            ChangeKind::Deleted => collection.objects.remove(&change.object.key),
            _ => collection.objects.insert(change.object.key.clone(), Arc::clone(&change.object)),
        };
        collection.history.push(change);
        collection.changed.raise();
    }

    /// Puts back what was on disk; history begins after `version`, which is 0 on a fresh disk.
    pub(super) fn restore(&mut self, version: u64, objects: impl Iterator<Item = (Arc<str>, Stored)>) {
        self.version = version.max(FIRST_VERSION);
        self.base = version;
        for (resource, object) in objects {
            self.collection_mut(&resource).objects.insert(object.key.clone(), Arc::new(object));
        }
    }

    pub(super) fn compact(&mut self) {
        self.base = self.version;
        for collection in self.collections.values_mut() {
            collection.history.compact(self.version);
        }
    }
}
