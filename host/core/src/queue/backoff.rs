//! How long a request that failed has to wait.

use std::time::Duration;

/// Exponential, per request, without jitter (W9): 5, 10, 20 ms … 1000 s by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Backoff {
    /// The delay after so many earlier failures in a row.
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        self.min.saturating_mul(2_u32.saturating_pow(failures)).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w9_delays_double_from_5_ms_up_to_1000_s() {
        let backoff = Backoff { min: Duration::from_millis(5), max: Duration::from_secs(1_000) };
        let ms = |failures| backoff.delay(failures).as_millis();
        assert_eq!([0, 1, 2, 3, 17].map(ms), [5, 10, 20, 40, 655_360]);
        assert_eq!([18, 31, 32, u32::MAX].map(ms), [1_000_000; 4]);
    }
}
