//! The processor time of one invocation, waiting excluded.
//!
//! To read a thread's processor clock is a system call, and two of them are a twentieth of a small run. A slice that is
//! over within a millisecond is therefore charged by the wall's clock, which the system keeps in memory: that differs
//! only where another thread took the processor and gave it back within that millisecond. A longer slice is charged by
//! the thread's clock, as what has passed on it since it was last read and was not charged to anybody.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// So long a slice is charged by the wall's clock, and so old a reading of the thread's clock may be when one begins.
const SHORT_NS: u64 = 1_000_000;

/// What the wall's clock is counted from, so that a moment is one number. Earlier than any slice, which is never at zero
/// then, and by so much that a ledger which was never read is too old for the first one.
static BEGAN: LazyLock<Instant> = LazyLock::new(|| Instant::now() - Duration::from_nanos(2 * SHORT_NS));

thread_local! {
    static LEDGER: Cell<Ledger> = const { Cell::new(Ledger { wall_ns: 0, thread_ns: 0, charged_ns: 0 }) };
}

/// What is known of this thread's clock.
#[derive(Clone, Copy)]
struct Ledger {
    /// When it was read.
    wall_ns: u64,
    /// What it said.
    thread_ns: u64,
    /// What was charged since.
    charged_ns: u64,
}

impl Ledger {
    fn read(wall_ns: u64) -> Self {
        Self { wall_ns, thread_ns: thread_ns(), charged_ns: 0 }
    }

    /// What a slice has used that began at this time and still lasts.
    fn used_since(self, from_ns: u64) -> u64 {
        let wall_ns = wall_ns().saturating_sub(from_ns);
        if wall_ns < SHORT_NS {
            return wall_ns;
        }
        thread_ns().saturating_sub(self.thread_ns).saturating_sub(self.charged_ns).min(wall_ns)
    }
}

/// Adds up processor time over the slices in which an invocation is polled. Shared with the callback that looks at it
/// each tick, in the middle of a slice and on its thread. Only one thread at a time runs an invocation, so the order of
/// the two numbers needs no care.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    spent_ns: AtomicU64,
    slice_from_ns: AtomicU64,
}

impl Meter {
    /// So much is spent, the slice under way included.
    pub(crate) fn spent(&self) -> Duration {
        let from = self.slice_from_ns.load(Relaxed);
        let slice = if from == 0 { 0 } else { LEDGER.get().used_since(from) };
        Duration::from_nanos(self.spent_ns.load(Relaxed) + slice)
    }

    /// Runs something on account.
    pub(crate) fn slice<R>(&self, run: impl FnOnce() -> R) -> R {
        let from = wall_ns();
        if from.saturating_sub(LEDGER.get().wall_ns) > SHORT_NS {
            LEDGER.set(Ledger::read(from));
        }
        self.slice_from_ns.store(from, Relaxed);
        let result = run();
        self.slice_from_ns.store(0, Relaxed);
        let mut ledger = LEDGER.get();
        let used = ledger.used_since(from);
        ledger.charged_ns += used;
        LEDGER.set(ledger);
        self.spent_ns.fetch_add(used, Relaxed);
        result
    }

    /// Runs a future on account, poll by poll.
    pub(crate) async fn charge<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.slice(|| future.as_mut().poll(context))).await
    }
}

fn wall_ns() -> u64 {
    u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn thread_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works until so much of the thread's time has passed.
    fn work(for_us: u64) {
        let until = thread_ns() + for_us * 1_000;
        let mut sum = 0_u64;
        while thread_ns() < until {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn a_slice_that_waits_is_charged_for_what_it_works_only() {
        let meter = Meter::default();
        meter.slice(|| {
            std::thread::sleep(Duration::from_millis(40));
            work(2_000);
            assert!(meter.spent() >= Duration::from_micros(1_900), "in the middle: {:?}", meter.spent());
        });
        let spent = meter.spent();
        assert!((1_900..20_000).contains(&spent.as_micros()), "{spent:?}");
    }

    #[test]
    fn what_short_slices_were_charged_is_not_charged_to_the_long_one_after_them() {
        let (short, long) = (Meter::default(), Meter::default());
        short.slice(|| work(900));
        long.slice(|| work(3_000));
        let both = short.spent() + long.spent();
        assert!((2_900..3_600).contains(&long.spent().as_micros()), "{:?}", long.spent());
        assert!((3_800..4_600).contains(&both.as_micros()), "{both:?}");
    }

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
