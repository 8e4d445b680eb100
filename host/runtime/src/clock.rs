//! The driver's monotonic clock, the only one that tells the pipeline the time.

use std::time::Instant;
use windlass_core::time::Time;

/// Microseconds since the driver's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Time {
        Time(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// When the operating system's clock will show a time of the pipeline.
    pub(crate) fn instant(&self, at: Time) -> tokio::time::Instant {
        (self.0 + std::time::Duration::from_micros(at.0)).into()
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, for guests.
pub(crate) fn unix_ms() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64() * 1000.0
}
