//! What reflectors did, by kind: plain counters that whoever exposes metrics reads. They only ever grow.

mod spread;

pub use spread::{Spread, Spreads};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use windlass_core::name::Kind;

/// Counters of all watches of one kind.
#[derive(Debug, Default)]
pub struct Counters {
    /// LISTs begun.
    pub lists: AtomicU64,
    /// WatchLists begun.
    pub watch_lists: AtomicU64,
    /// WATCHes begun.
    pub watches: AtomicU64,
    /// Watches that ended at once and without an event (R14).
    pub short_watches: AtomicU64,
    /// Objects that came in lists, those of WatchLists included.
    pub items: AtomicU64,
    /// ADDED and MODIFIED events, those of WatchLists left out.
    pub upserts: AtomicU64,
    /// DELETED events.
    pub deletes: AtomicU64,
    /// BOOKMARK events.
    pub bookmarks: AtomicU64,
    /// ERROR events.
    pub errors: AtomicU64,
    /// Events and items that were no objects and were skipped (R15).
    pub skipped: AtomicU64,
    /// Watches cut because nothing came.
    pub idle: AtomicU64,
    /// Watches resumed after their stream broke or ended early.
    pub reconnects: AtomicU64,
    /// Failures told or not.
    pub failures: AtomicU64,
    /// How long lists and watches took, and how much they brought.
    pub spreads: Spreads,
    relists: Mutex<BTreeMap<&'static str, u64>>,
}

/// Why lists are made anew; each kind has a count for each from the start.
pub const RELIST_REASONS: [&str; 6] =
    ["expired", "forbidden", "refused", "short_watch", "transport", "other"];

impl Counters {
    pub(crate) fn up(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn relisted(&self, reason: &'static str) {
        *self.relists.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// Lists made anew of something that was held, by [`RELIST_REASONS`].
    #[must_use]
    pub fn relists(&self) -> [(&'static str, u64); RELIST_REASONS.len()] {
        let relists = self.relists.lock().unwrap_or_else(PoisonError::into_inner);
        RELIST_REASONS.map(|reason| (reason, relists.get(reason).copied().unwrap_or_default()))
    }
}

/// Counters by kind.
#[derive(Debug, Default)]
pub struct Measures(Mutex<BTreeMap<Kind, Arc<Counters>>>);

impl Measures {
    /// Those of one kind; they begin at 0 when its first watch starts.
    #[must_use]
    pub fn of(&self, kind: &Kind) -> Arc<Counters> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(kind.clone()).or_default().clone()
    }

    /// Every kind that was watched.
    #[must_use]
    pub fn all(&self) -> Vec<(Kind, Arc<Counters>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(kind, counters)| (kind.clone(), counters.clone())).collect()
    }
}
