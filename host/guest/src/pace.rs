//! How fast a module may write: a bucket that fills with one write's worth at a time and holds one second's.
//!
//! A write above the pace waits for its turn, first come first served, as far as its run's deadline leaves time;
//! otherwise it is refused at once, so that the run can still say what became of it.

use crate::{
    host::Caller,
    limits::{Bound, Limits},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use windlass_core::call::ApiError;

/// How much a module may send ahead of its pace.
const RESERVE: Duration = Duration::from_secs(1);

/// One module's writes, all its runs together.
#[derive(Debug, Default)]
pub struct Pace {
    /// When a write would be on time if none were ahead of the pace; none before the first write.
    on_time_at: Mutex<Option<Instant>>,
}

/// How a write got its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once.
    AtOnce,
    /// It had to wait.
    Waited,
}

/// A place in the order. Dropped before its time it is given back, so that a run which is cut off while it waits leaves
/// nothing behind.
#[derive(Debug)]
struct Place<'a> {
    pace: &'a Pace,
    takes: Duration,
    used: bool,
}

impl Pace {
    /// Waits until the caller may send one write more.
    ///
    /// # Errors
    /// `Throttled`, when the turn would come after the caller's deadline; nothing was sent.
    pub async fn turn(&self, caller: &Caller) -> Result<Turn, ApiError> {
        self.take(&caller.terms.limits, caller.ends_at).await
    }

    async fn take(&self, limits: &Limits, ends_at: Instant) -> Result<Turn, ApiError> {
        let now = Instant::now();
        let takes = RESERVE / limits.count(Bound::WritesPerSecond).max(1);
        let (mut place, turn_at) = self.place(now, takes);
        if turn_at <= now {
            place.used = true;
            return Ok(Turn::AtOnce);
        }
        if turn_at >= ends_at {
            return Err(refused(limits, turn_at - now));
        }
        tokio::time::sleep_until(turn_at).await;
        place.used = true;
        Ok(Turn::Waited)
    }

    /// The next place in the order, and when its turn is.
    fn place(&self, now: Instant, takes: Duration) -> (Place<'_>, Instant) {
        let mut on_time_at = self.lock();
        let next = on_time_at.map_or(now, |at| at.max(now)) + takes;
        *on_time_at = Some(next);
        let turn_at = next.checked_sub(RESERVE).unwrap_or(now);
        (Place { pace: self, takes, used: false }, turn_at)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.on_time_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.used {
            let mut on_time_at = self.pace.lock();
            *on_time_at = on_time_at.and_then(|at| at.checked_sub(self.takes));
        }
    }
}

fn refused(limits: &Limits, after: Duration) -> ApiError {
    let hint = limits.hint(Bound::WritesPerSecond);
    let message = format!(
        "the module writes faster than it may, and the turn of this write comes after the run's deadline; nothing was sent; {hint}"
    );
    ApiError { retry_after: Some(after), ..ApiError::host("Throttled", message) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use futures::future::join_all;

    fn ten_a_second() -> Limits {
        let mut limits = Limits::default();
        limits.set(Bound::WritesPerSecond, 10);
        limits
    }

    #[tokio::test(start_paused = true)]
    async fn one_seconds_worth_is_sent_at_once_and_the_rest_at_the_pace() {
        let (pace, limits, start) = (Pace::default(), ten_a_second(), Instant::now());
        let ends_at = start + Duration::from_secs(60);
        let turns = join_all((0..30).map(|_| pace.take(&limits, ends_at))).await;
        let at_once = turns.iter().filter(|turn| **turn == Ok(Turn::AtOnce)).count();
        assert_eq!((at_once, turns.iter().filter(|turn| turn.is_ok()).count()), (10, 30));
        assert_eq!(start.elapsed().as_secs_f64().round() as u64, 2, "20 writes at 10 a second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_at_once_and_takes_no_place() {
        let (pace, limits, start) = (Pace::default(), ten_a_second(), Instant::now());
        let ends_at = start + Duration::from_millis(550);
        let turns = join_all((0..100).map(|_| pace.take(&limits, ends_at))).await;
        assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), 15);
        let error = turns.into_iter().find_map(Result::err).unwrap();
        assert_eq!((error.reason.as_str(), error.code), ("Throttled", 0));
        assert!(error.message.contains("spec.limits.writesPerSecond is 10: raise it"), "{}", error.message);
        assert!(error.retry_after.unwrap() > Duration::from_millis(500));
        let on_time_at = pace.lock().unwrap();
        assert_eq!(on_time_at.duration_since(start).as_millis(), 1_500, "fifteen places are taken");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_gives_the_place_back() {
        let (pace, limits, start) = (Pace::default(), ten_a_second(), Instant::now());
        let ends_at = start + Duration::from_secs(60);
        join_all((0..10).map(|_| pace.take(&limits, ends_at))).await;
        let before = *pace.lock();
        for _ in 0..100 {
            let mut waiting = Box::pin(pace.take(&limits, ends_at));
            assert!(futures::poll!(waiting.as_mut()).is_pending());
        }
        assert_eq!(*pace.lock(), before);
        assert_eq!(pace.take(&limits, ends_at).await, Ok(Turn::Waited));
        assert_eq!(start.elapsed().as_millis().div_ceil(10), 10, "one place further");
    }
}
