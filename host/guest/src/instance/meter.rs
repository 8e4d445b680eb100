//! The processor time of one invocation, waiting excluded.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Adds up the thread's processor time over the slices in which an invocation is polled. Shared with the callback
/// that looks at it each tick, in the middle of a slice. Only one thread at a time runs an invocation, so the
/// order of the two numbers needs no care.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    spent_ns: AtomicU64,
    slice_from_ns: AtomicU64,
}

impl Meter {
    /// So much is spent, the slice under way included.
    pub(crate) fn spent(&self) -> Duration {
        let from = self.slice_from_ns.load(Relaxed);
        let slice = if from == 0 { 0 } else { thread_ns().saturating_sub(from) };
        Duration::from_nanos(self.spent_ns.load(Relaxed) + slice)
    }

    /// Runs something on account.
    pub(crate) fn slice<R>(&self, run: impl FnOnce() -> R) -> R {
        let from = thread_ns();
        self.slice_from_ns.store(from, Relaxed);
        let result = run();
        self.slice_from_ns.store(0, Relaxed);
        self.spent_ns.fetch_add(thread_ns().saturating_sub(from), Relaxed);
        result
    }

    /// Runs a future on account, poll by poll.
    pub(crate) async fn charge<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.slice(|| future.as_mut().poll(context))).await
    }
}

/// Never zero: zero stands for "no slice".
fn thread_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    (seconds * 1_000_000_000 + nanos).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_costs_nothing_and_working_does() {
        let meter = Meter::default();
        meter.charge(tokio::time::sleep(Duration::from_millis(30))).await;
        let waited = meter.spent();
        assert!(waited < Duration::from_millis(20), "{waited:?}");
        meter.slice(|| {
            let mut sum = 0_u64;
            while meter.spent() < waited + Duration::from_millis(5) {
                sum = std::hint::black_box(sum.wrapping_add(1));
            }
        });
        assert!(meter.spent() >= waited + Duration::from_millis(5));
    }
}
