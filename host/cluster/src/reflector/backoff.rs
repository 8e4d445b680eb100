//! Delays between attempts of one watch (R1), and which failures are worth telling.

use super::{Settings, WatchError};
use std::time::Duration;
use tokio::time::Instant;

/// Doubling delays with jitter: each is in [d, 2d). Begins anew after a quiet time.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    min: Duration,
    max: Duration,
    reset: Duration,
    last: Option<Instant>,
    random: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            next: settings.backoff_min,
            min: settings.backoff_min,
            max: settings.backoff_max,
            reset: settings.backoff_reset,
            last: None,
            random: fastrand::Rng::new(),
        }
    }

    pub(super) fn delay(&mut self) -> Duration {
        let now = Instant::now();
        if self.last.is_some_and(|last| now.duration_since(last) > self.reset) {
            self.next = self.min;
        }
        self.last = Some(now);
        let base = self.next;
        self.next = (base * 2).min(self.max);
        base.mul_f64(1.0 + self.random.f64())
    }

    /// A random time up to `max`.
    pub(super) fn jitter(&mut self, max: Duration) -> Duration {
        max.mul_f64(self.random.f64())
    }
}

/// A server that makes ready to serve a kind is given so many attempts, some half a minute, before it is told (R21).
const SETTLING_MAX: u32 = 5;

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Streak {
    count: u32,
    settling: u32,
    word: String,
}

impl Streak {
    /// Counts a failure. Told are the first, one for another reason, and each 16th.
    pub(super) fn tells(&mut self, error: &WatchError) -> bool {
        if error.is_settling() && self.settling < SETTLING_MAX {
            self.settling += 1;
            return false;
        }
        let word = error.word();
        let other = word != self.word;
        self.word = word;
        self.count += 1;
        other || self.count % 16 == 1
    }

    pub(super) fn end(&mut self) {
        self.count = 0;
        self.settling = 0;
        self.word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r1_delays_double_from_800_ms_to_30_s_with_jitter_and_begin_anew_after_two_quiet_minutes() {
        let mut backoff = Backoff::new(&Settings::default());
        for base in [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000] {
            let delay = backoff.delay();
            let base = Duration::from_millis(base);
            assert!(delay >= base && delay < base * 2, "{delay:?} is not in [d, 2d) of {base:?}");
            tokio::time::advance(delay).await;
        }
        tokio::time::advance(Duration::from_secs(121)).await;
        assert!(backoff.delay() < Duration::from_millis(1600));
    }

    #[test]
    fn a_streak_is_told_when_it_begins_when_the_reason_changes_and_at_every_sixteenth() {
        let mut streak = Streak::default();
        let told = (0..33).filter(|_| streak.tells(&WatchError::VeryShort)).count();
        assert_eq!(told, 3);
        assert!(streak.tells(&WatchError::Incomplete));
        assert!(!streak.tells(&WatchError::Incomplete));
        streak.end();
        assert!(streak.tells(&WatchError::Incomplete));
    }
}
