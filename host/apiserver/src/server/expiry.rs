//! Events end an hour after they were last written, as in a cluster, where a lease in etcd ends them.
//!
//! What is found at the start has its hour from then on: nothing on disk says when an object was written last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::{Action, ChangeKind, Expect, Listing, Store, StoreError, Watcher, Write};

/// Events as the store names them.
const EVENTS: &str = "events";
/// kube-apiserver's `--event-ttl`.
const LIFE: Duration = Duration::from_secs(3600);
/// How often is looked for what has ended; leases are no finer in a cluster either.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The end of each event, with the version it was known in.
type Ends = HashMap<Box<str>, (Instant, u64)>;

/// Deletes events that have lived long enough, until the server ends.
pub(super) async fn run(store: Store, stopping: CancellationToken) {
    let events = Arc::from(EVENTS);
    tokio::select! {
        () = stopping.cancelled() => {}
        error = follow(&store, &events) => {
            tracing::warn!(%error, "events do not end any more: restart the server, or they fill it");
        }
    }
}

async fn follow(store: &Store, events: &Arc<str>) -> StoreError {
    let mut ends = Ends::new();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        let mut watcher = match begin(store, events, &mut ends) {
            Ok(watcher) => watcher,
            Err(error) => return error,
        };
        loop {
            tokio::select! {
                batch = watcher.next() => match batch {
                    Ok(batch) => batch.changes.iter().for_each(|change| match change.kind {
                        ChangeKind::Deleted => drop(ends.remove(&change.object.key)),
                        _ => drop(ends.insert(change.object.key.clone(), (Instant::now() + LIFE, change.version()))),
                    }),
                    Err(StoreError::Expired { .. }) => break,
                    Err(error) => return error,
                },
                _ = ticks.tick() => end_what_is_due(store, events, &mut ends).await,
            }
        }
    }
}

/// Takes in what is there; what is known already keeps its end.
fn begin(store: &Store, events: &Arc<str>, ends: &mut Ends) -> Result<Watcher, StoreError> {
    let page = store.list(events, Listing::default())?;
    let mut known = std::mem::take(ends);
    for held in &page.items {
        let same = known.remove(&held.key).filter(|(_, version)| *version == held.version);
        ends.insert(held.key.clone(), same.unwrap_or((Instant::now() + LIFE, held.version)));
    }
    store.watch(events, page.version)
}

async fn end_what_is_due(store: &Store, events: &Arc<str>, ends: &mut Ends) {
    let now = Instant::now();
    let due: Vec<(Box<str>, u64)> = ends
        .iter()
        .filter(|(_, (end, _))| *end <= now)
        .map(|(key, (_, version))| (key.clone(), *version))
        .collect();
    for (key, version) in due {
        let write = Write {
            resource: Arc::clone(events),
            key,
            expect: Expect::Version(version),
            action: Action::Delete,
            guard: None,
        };
        // Written or deleted meanwhile: the watch tells. A disk that refuses is asked again at the next look.
        if let Err(error @ StoreError::Disk { .. }) = store.commit(write).await {
            tracing::debug!(%error, "an event has outlived its hour");
        }
    }
}
