//! How many modules are in memory, read from the registry whenever the metrics are.

use crate::observe::Metric;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use windlass_guest::registry::Registry;

/// Shows the registry that it is given; until then all is 0.
#[derive(Clone, Debug, Default)]
pub(super) struct SleeperMetrics(Arc<OnceLock<Arc<Registry>>>);

impl SleeperMetrics {
    /// A host has one registry; a second one is not shown.
    pub(super) fn show(&self, registry: Arc<Registry>) {
        self.0.get_or_init(|| registry);
    }
}

impl Collector for SleeperMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (all, awake) = self.0.get().map_or((0, 0), |registry| (registry.len(), registry.in_memory()));
        for (metric, count) in
            [(Metric::ModulesInMemory, awake), (Metric::ModulesAsleep, all.saturating_sub(awake))]
        {
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            let writer =
                encoder.encode_descriptor(metric.name(), metric.help(), None, gauge.metric_type())?;
            gauge.encode(writer)?;
        }
        Ok(())
    }
}
