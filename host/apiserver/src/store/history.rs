//! The changes of one resource, newest last, within bounds.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{HistoryLimits, Stored};

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The key held nothing before.
    Added,
    /// The key held another version before.
    Modified,
    /// The key holds nothing any more.
    Deleted,
}

/// One write as watchers see it.
#[derive(Debug)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The new object; for a deletion the last one, under the deletion's version.
    pub object: Arc<Stored>,
    /// What was there before.
    pub previous: Option<Arc<Stored>>,
}

impl Change {
    /// The version of the write.
    pub fn version(&self) -> u64 {
        self.object.version
    }
}

#[derive(Debug)]
pub(super) struct History {
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
    /// Changes up to this version are no longer held.
    oldest: u64,
    limits: HistoryLimits,
}

impl History {
    pub(super) fn new(oldest: u64, limits: HistoryLimits) -> Self {
        Self { changes: VecDeque::new(), bytes: 0, oldest, limits }
    }

    /// The oldest version from which every change is held.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    pub(super) fn push(&mut self, change: Arc<Change>) {
        self.bytes += change.object.json().len();
        self.changes.push_back(change);
        while self.changes.len() > self.limits.changes_max || self.bytes > self.limits.bytes_max {
            let Some(dropped) = self.changes.pop_front() else { break };
            self.bytes -= dropped.object.json().len();
            self.oldest = dropped.version();
        }
    }

    /// Changes strictly after `version`, oldest first.
    pub(super) fn after(&self, version: u64) -> impl DoubleEndedIterator<Item = &Arc<Change>> {
        let start = self.changes.partition_point(|change| change.version() <= version);
        self.changes.range(start..)
    }

    pub(super) fn compact(&mut self, version: u64) {
        self.changes = VecDeque::new();
        self.bytes = 0;
        self.oldest = version;
    }
}
