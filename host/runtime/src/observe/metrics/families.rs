//! The metric families and their labels.

use crate::observe::Metric;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric as Registrable, Registry},
};
use windlass_core::name::ModuleName;

/// `module="name"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModuleLabel {
    pub(super) module: String,
}

/// A kind, and what it is watched for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct WatchLabel {
    pub(super) kind: String,
    pub(super) purpose: &'static str,
}

/// `kind="apps/v1 Deployment"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabel {
    pub(super) kind: String,
}

/// Which bound was reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BoundLabel {
    pub(super) bound: &'static str,
}

/// Which lease, as client-go names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct NameLabel {
    pub(super) name: &'static str,
}

/// Every family of a host.
#[derive(Default)]
pub(super) struct Families {
    pub(super) leader: Family<NameLabel, Gauge>,
    pub(super) call_time: Time,
    pub(super) offers: Family<ModuleLabel, Counter>,
    pub(super) rejections: Family<ModuleLabel, Counter>,
    pub(super) swap_time: Time,
    pub(super) wake_time: Time,
    pub(super) wake_failures: Counter,
    pub(super) watches: Family<WatchLabel, Gauge>,
    pub(super) watch_synced: Family<KindLabel, Gauge>,
    pub(super) watch_objects: Family<KindLabel, Gauge>,
    pub(super) watch_failures: Family<KindLabel, Counter>,
    pub(super) dropped: Family<BoundLabel, Counter>,
}

/// One histogram with [`buckets`].
#[derive(Clone, Debug)]
pub(super) struct Time(Histogram);

impl Default for Time {
    fn default() -> Self {
        Self(buckets())
    }
}

impl Time {
    pub(super) fn observe(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

/// In seconds, for calls and swaps.
fn buckets() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

impl Families {
    /// Makes all families and puts them into the registry.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        all.register_modules(registry);
        all.register_host(registry);
        all
    }

    fn register_modules(&self, registry: &mut Registry) {
        add(registry, Metric::ModuleOffers, &self.offers);
        add(registry, Metric::ModuleRejections, &self.rejections);
    }

    fn register_host(&self, registry: &mut Registry) {
        add(registry, Metric::CallTime, &self.call_time.0);
        add(registry, Metric::ModuleSwapTime, &self.swap_time.0);
        add(registry, Metric::ModuleWakeTime, &self.wake_time.0);
        add(registry, Metric::ModuleWakeFailures, &self.wake_failures);
        add(registry, Metric::LeaderStatus, &self.leader);
        add(registry, Metric::Watches, &self.watches);
        add(registry, Metric::WatchSynced, &self.watch_synced);
        add(registry, Metric::WatchObjects, &self.watch_objects);
        add(registry, Metric::WatchFailures, &self.watch_failures);
        add(registry, Metric::Dropped, &self.dropped);
    }
}

fn add(registry: &mut Registry, metric: Metric, family: &(impl Registrable + Clone)) {
    registry.register(metric.name(), metric.help(), family.clone());
}

impl ModuleLabel {
    pub(super) fn of(module: &ModuleName) -> Self {
        Self { module: module.to_string() }
    }
}
