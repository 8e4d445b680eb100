//! How a successful run ends.

use std::time::Duration;

use crate::Outcome;

impl Outcome {
    /// Not again until something changes.
    #[must_use]
    pub fn done() -> Self {
        Self::Done
    }

    /// Again after this long, or as soon as something changes.
    #[must_use]
    pub fn requeue_after(after: Duration) -> Self {
        Self::RequeueAfterMs(after.as_secs_f64() * 1000.0)
    }
}
