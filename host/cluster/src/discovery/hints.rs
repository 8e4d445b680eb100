//! Hints that what is served may have changed. Whoever waits is woken in the order in which the waiting began, so that a
//! run of the host in virtual time can be run again; tokio's watch channel wakes at random.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    raised: Notify,
}

/// Gives the hints.
#[derive(Debug, Default)]
pub(super) struct Hints(Arc<Shared>);

/// Takes the hints, each once; several that were not awaited are one.
#[derive(Clone, Debug)]
pub struct Changes {
    shared: Arc<Shared>,
    seen: u64,
}

impl Hints {
    pub(super) fn give(&self) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        self.0.raised.notify_waiters();
    }

    /// Hints from now on.
    pub(super) fn follow(&self) -> Changes {
        let mut changes = Changes { shared: self.0.clone(), seen: 0 };
        changes.mark_unchanged();
        changes
    }
}

impl Changes {
    /// The hints that were given so far count as taken.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.count.load(Ordering::Acquire);
    }

    /// Waits for a hint that was not taken yet. Safe to drop while waiting.
    pub async fn changed(&mut self) {
        loop {
            let mut raised = pin!(self.shared.raised.notified());
            // Before the look, or a hint between the two would be missed.
            raised.as_mut().enable();
            let count = self.shared.count.load(Ordering::Acquire);
            if count != self.seen {
                self.seen = count;
                return;
            }
            raised.await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use futures::FutureExt;
    use std::sync::Mutex;

    #[tokio::test]
    async fn hints_are_taken_once_in_the_order_of_waiting_and_none_is_missed() {
        let hints = Hints::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for n in 0..64 {
            let (mut changes, order) = (hints.follow(), order.clone());
            waiting.push(tokio::spawn(async move {
                changes.changed().await;
                order.lock().unwrap().push(n);
            }));
            tokio::task::yield_now().await;
        }
        let mut late = hints.follow();
        hints.give();
        hints.give();
        futures::future::join_all(waiting).await;
        assert_eq!(*order.lock().unwrap(), (0..64).collect::<Vec<_>>());
        assert!(late.changed().now_or_never().is_some(), "given before the wait began");
        assert!(late.changed().now_or_never().is_none(), "two are one");
        assert!(hints.follow().changed().now_or_never().is_none());
    }
}
