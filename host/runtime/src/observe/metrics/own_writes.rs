//! How own writes stand, read from the cache whenever the metrics are: nothing is stale, and nothing is kept twice.

use crate::observe::Metric;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use windlass_core::cache::Cache;

/// Shows the cache that it is given; until then all is 0.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnWritesMetrics(Arc<OnceLock<Arc<Cache>>>);

impl OwnWritesMetrics {
    /// A host has one cache; a second one is not shown.
    pub(super) fn show(&self, cache: Arc<Cache>) {
        self.0.get_or_init(|| cache);
    }
}

impl Collector for OwnWritesMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = self.0.get().map(|cache| cache.own_writes()).unwrap_or_default();
        let live = ConstGauge::new(i64::try_from(now.live).unwrap_or(i64::MAX));
        let metric = Metric::OwnWritesLive;
        let writer = encoder.encode_descriptor(metric.name(), metric.help(), None, live.metric_type())?;
        live.encode(writer)?;
        for (metric, count) in [
            (Metric::OwnWritesSettled, now.settled),
            (Metric::OwnWritesAsked, now.asked),
            (Metric::OwnWritesGivenUp, now.given_up),
        ] {
            let counter = ConstCounter::new(count);
            let writer =
                encoder.encode_descriptor(metric.name(), metric.help(), None, counter.metric_type())?;
            counter.encode(writer)?;
        }
        Ok(())
    }
}
