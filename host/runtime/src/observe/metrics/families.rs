//! The metric families and their labels.

use crate::observe::Metric;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric as Registrable, Registry},
};
use std::{marker::PhantomData, sync::atomic::AtomicU64};
use windlass_core::name::{ControllerName, ModuleName};

/// `controller="module/controller"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ControllerLabel {
    pub(super) controller: String,
}

/// As [`ControllerLabel`], with the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabel {
    pub(super) controller: String,
    pub(super) result: &'static str,
}

/// client-go's `name` and controller-runtime's `controller` are the same here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueueLabel {
    pub(super) name: String,
    pub(super) controller: String,
}

/// As [`QueueLabel`], with controller-runtime's number of a priority.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DepthLabel {
    pub(super) name: String,
    pub(super) controller: String,
    pub(super) priority: &'static str,
}

/// `module="name"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModuleLabel {
    pub(super) module: String,
}

/// What ended an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TrapLabel {
    pub(super) module: String,
    pub(super) kind: &'static str,
}

/// A kind of call and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabel {
    pub(super) module: String,
    pub(super) verb: &'static str,
    pub(super) result: &'static str,
}

/// Who answered a read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SourceLabel {
    pub(super) module: String,
    pub(super) source: &'static str,
}

/// A kind, and what it is watched for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct WatchLabel {
    pub(super) kind: String,
    pub(super) purpose: &'static str,
}

/// A guest's log level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LevelLabel {
    pub(super) module: String,
    pub(super) level: &'static str,
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

/// Seconds, as a floating-point counter.
pub(super) type Seconds = Counter<f64, AtomicU64>;
/// Seconds so far.
pub(super) type NowSeconds = Gauge<f64, AtomicU64>;
type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// Every family of a host.
#[derive(Default)]
pub(super) struct Families {
    pub(super) reconcile: Family<ResultLabel, Counter>,
    pub(super) errors: Family<ControllerLabel, Counter>,
    pub(super) terminal_errors: Family<ControllerLabel, Counter>,
    pub(super) panics: Family<ControllerLabel, Counter>,
    pub(super) timeouts: Family<ControllerLabel, Counter>,
    pub(super) time: TimesOf<ControllerLabel, ReconcileBuckets>,
    pub(super) active: Family<ControllerLabel, Gauge>,
    pub(super) concurrency: Family<ControllerLabel, Gauge>,
    pub(super) cpu: Family<ControllerLabel, Seconds>,
    pub(super) depth: Family<DepthLabel, Gauge>,
    pub(super) adds: Family<QueueLabel, Counter>,
    pub(super) retries: Family<QueueLabel, Counter>,
    pub(super) waited: TimesOf<QueueLabel, QueueBuckets>,
    pub(super) worked: TimesOf<QueueLabel, QueueBuckets>,
    pub(super) unfinished: Family<QueueLabel, NowSeconds>,
    pub(super) longest: Family<QueueLabel, NowSeconds>,
    pub(super) leader: Family<NameLabel, Gauge>,
    pub(super) traps: Family<TrapLabel, Counter>,
    pub(super) calls: Family<CallLabel, Counter>,
    pub(super) call_time: Time,
    pub(super) refusals: Family<ModuleLabel, Counter>,
    pub(super) reads: Family<SourceLabel, Counter>,
    pub(super) subscriptions: Family<ModuleLabel, Gauge>,
    pub(super) spared: Family<ModuleLabel, Counter>,
    pub(super) log_lines: Family<LevelLabel, Counter>,
    pub(super) generation: Family<ModuleLabel, Gauge>,
    pub(super) fights: Family<ModuleLabel, Gauge>,
    pub(super) flips: Family<ModuleLabel, Counter>,
    pub(super) offers: Family<ModuleLabel, Counter>,
    pub(super) rejections: Family<ModuleLabel, Counter>,
    pub(super) rollbacks: Family<ModuleLabel, Counter>,
    pub(super) stage: Family<ModuleLabel, Gauge>,
    pub(super) swap_time: Time,
    pub(super) wake_time: Time,
    pub(super) wake_failures: Counter,
    pub(super) watches: Family<WatchLabel, Gauge>,
    pub(super) watch_synced: Family<KindLabel, Gauge>,
    pub(super) watch_objects: Family<KindLabel, Gauge>,
    pub(super) watch_failures: Family<KindLabel, Counter>,
    pub(super) dropped: Family<BoundLabel, Counter>,
}

/// A family of histograms with the same buckets.
#[derive(Clone, Debug)]
pub(super) struct TimesOf<L, B>(pub(super) Times<L>, PhantomData<B>);

/// Bounds of a histogram.
pub(super) trait Buckets {
    /// In seconds.
    fn histogram() -> Histogram;
}

/// controller-runtime's, and three below: a run takes tenths of a millisecond.
#[derive(Clone, Debug)]
pub(super) struct ReconcileBuckets;

/// client-go's: tenfold from 10 ns to 1,000 s.
#[derive(Clone, Debug)]
pub(super) struct QueueBuckets;

impl Buckets for ReconcileBuckets {
    fn histogram() -> Histogram {
        Histogram::new([
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5,
            0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0,
            10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
        ])
    }
}

impl Buckets for QueueBuckets {
    fn histogram() -> Histogram {
        Histogram::new(exponential_buckets(10e-9, 10.0, 12))
    }
}

/// One histogram with [`buckets`].
#[derive(Clone, Debug)]
pub(super) struct Time(Histogram);

impl<L: Clone + std::hash::Hash + Eq, B: Buckets> Default for TimesOf<L, B> {
    fn default() -> Self {
        Self(Family::new_with_constructor(B::histogram), PhantomData)
    }
}

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
        all.register_controllers(registry);
        all.register_modules(registry);
        all.register_host(registry);
        all
    }

    fn register_controllers(&self, registry: &mut Registry) {
        add(registry, Metric::Reconcile, &self.reconcile);
        add(registry, Metric::ReconcileErrors, &self.errors);
        add(registry, Metric::TerminalReconcileErrors, &self.terminal_errors);
        add(registry, Metric::ReconcilePanics, &self.panics);
        add(registry, Metric::ReconcileTimeouts, &self.timeouts);
        add(registry, Metric::ReconcileTime, &self.time.0);
        add(registry, Metric::ActiveWorkers, &self.active);
        add(registry, Metric::MaxConcurrentReconciles, &self.concurrency);
        add(registry, Metric::RunCpu, &self.cpu);
        add(registry, Metric::QueueDepth, &self.depth);
        add(registry, Metric::QueueAdds, &self.adds);
        add(registry, Metric::QueueRetries, &self.retries);
        add(registry, Metric::QueueDuration, &self.waited.0);
        add(registry, Metric::WorkDuration, &self.worked.0);
        add(registry, Metric::UnfinishedWork, &self.unfinished);
        add(registry, Metric::LongestRunning, &self.longest);
    }

    fn register_modules(&self, registry: &mut Registry) {
        add(registry, Metric::Traps, &self.traps);
        add(registry, Metric::Calls, &self.calls);
        add(registry, Metric::Refusals, &self.refusals);
        add(registry, Metric::Reads, &self.reads);
        add(registry, Metric::Subscriptions, &self.subscriptions);
        add(registry, Metric::WritesSpared, &self.spared);
        add(registry, Metric::GuestLogLines, &self.log_lines);
        add(registry, Metric::ModuleGeneration, &self.generation);
        add(registry, Metric::ModuleOffers, &self.offers);
        add(registry, Metric::ModuleRejections, &self.rejections);
        add(registry, Metric::ModuleRollbacks, &self.rollbacks);
        add(registry, Metric::ModuleStage, &self.stage);
        add(registry, Metric::Fights, &self.fights);
        add(registry, Metric::FightFlips, &self.flips);
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

impl ControllerLabel {
    pub(super) fn of(name: &ControllerName) -> Self {
        Self { controller: name.to_string() }
    }
}

impl DepthLabel {
    pub(super) fn of(name: &ControllerName, priority: &'static str) -> Self {
        Self { name: name.to_string(), controller: name.to_string(), priority }
    }
}

impl QueueLabel {
    pub(super) fn of(name: &ControllerName) -> Self {
        Self { name: name.to_string(), controller: name.to_string() }
    }
}
