//! How often each module came to each of its limits. One array for each module: as families, the series of a thousand
//! modules would take some megabytes and mostly be zero.

use crate::observe::Metric;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use windlass_core::name::ModuleName;
use windlass_guest::limits::{BOUNDS, BOUNDS_LEN, Bound};

type Counts = BTreeMap<ModuleName, [u64; BOUNDS_LEN]>;

/// The counts of all modules.
#[derive(Clone, Debug, Default)]
pub(super) struct BoundMetrics(Arc<Mutex<Counts>>);

impl BoundMetrics {
    /// A module's counts begin at zero.
    pub(super) fn register(&self, module: &ModuleName) {
        self.lock().entry(module.clone()).or_default();
    }

    /// A module came to a limit so often. Counted for modules that are registered, and a name of the table. Whether
    /// this is the first time.
    pub(super) fn reached(&self, module: &ModuleName, bound: &str, times: u32) -> bool {
        let mut all = self.lock();
        let (Some(bound), Some(counts)) = (Bound::of_field(bound), all.get_mut(module)) else { return false };
        let count = &mut counts[bound as usize];
        let is_first = *count == 0;
        *count = count.saturating_add(times.into());
        is_first
    }

    /// Takes a module's counts out.
    pub(super) fn forget(&self, module: &ModuleName) {
        self.lock().remove(module);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for BoundMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.lock();
        if all.is_empty() {
            return Ok(());
        }
        let (name, help) = (Metric::BoundReached.name(), Metric::BoundReached.help());
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (module, counts) in all.iter() {
            for (bound, count) in BOUNDS.into_iter().zip(counts) {
                let labels = [("module", &*module.0), ("bound", bound.row().field)];
                ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
