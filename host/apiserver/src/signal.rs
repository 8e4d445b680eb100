//! Something happened, told to all who listen in the order in which they began to wait.
//!
//! tokio's watch channel wakes at random. A seed of faults in virtual time is to do the same again each time, down to
//! who asks first for what.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    raised: Notify,
}

/// Raised by whoever knows.
#[derive(Debug, Default)]
pub(crate) struct Signal(Arc<Shared>);

/// Waits for a signal.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    seen: u64,
}

impl Signal {
    pub(crate) fn raise(&self) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        self.0.raised.notify_waiters();
    }

    /// Hears what is raised from now on.
    pub(crate) fn listen(&self) -> Listener {
        let mut listener = Listener { shared: Arc::clone(&self.0), seen: 0 };
        listener.mark_heard();
        listener
    }
}

impl Listener {
    /// What was raised so far counts as heard.
    pub(crate) fn mark_heard(&mut self) {
        self.seen = self.shared.count.load(Ordering::Acquire);
    }

    /// Waits until it is raised again after it was heard last. Safe to drop while waiting.
    pub(crate) async fn raised(&mut self) {
        loop {
            let mut raised = pin!(self.shared.raised.notified());
            // Before the look, or what comes between the two would be missed.
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

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_waits_first_is_woken_first_and_nothing_is_missed() {
        let signal = Signal::default();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for n in 0..64 {
            let (mut listener, tell) = (signal.listen(), tell.clone());
            tokio::spawn(async move {
                listener.raised().await;
                tell.send(n).unwrap();
            });
            tokio::task::yield_now().await;
        }
        let mut late = signal.listen();
        signal.raise();
        for n in 0..64 {
            assert_eq!(told.recv().await, Some(n));
        }
        assert!(late.raised().now_or_never().is_some());
        assert!(late.raised().now_or_never().is_none());
    }
}
