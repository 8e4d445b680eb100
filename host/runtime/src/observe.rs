//! What happens is told once, as a [`Fact`], to everybody who wants to know: logs, metrics, tests.

mod log;
mod memory;
mod metric_names;
mod metrics;

pub use log::{Log, LogError, LogFormat, LogSettings, install_log};
pub use memory::{Memory, NotSeen};
pub use metric_names::Metric;
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};

use std::sync::Arc;
use windlass_core::fact::Fact;

/// Somebody who is told what happens.
pub trait Observer: Send + Sync {
    /// Called from the driver for each fact, in order. It must not block: the next run waits for it.
    fn fact(&self, fact: &Fact);
}

/// Tells each fact to several observers, in order.
#[derive(Clone, Default)]
pub struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, observer: Arc<dyn Observer>) -> Self {
        self.0.push(observer);
        self
    }
}

impl Observer for Observers {
    fn fact(&self, fact: &Fact) {
        self.0.iter().for_each(|observer| observer.fact(fact));
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Observers({})", self.0.len())
    }
}
