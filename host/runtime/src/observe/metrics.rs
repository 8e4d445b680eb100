//! Facts as Prometheus metrics.
//!
//! Every series of a module is made when the module is registered and begins at 0, so that a rate exists before the
//! first event; all are taken out with the module. Facts of a module that is not registered count for the host's own
//! series only.

mod bounds;
mod cluster;
mod families;
mod guest;
mod module;
mod modules;
mod own_writes;
mod rows;
mod sleepers;
mod times;

use super::{Observer, log};
use bounds::BoundMetrics;
use cluster::ClusterMetrics;
use families::{Families, KindLabel, WatchLabel};
use guest::{GuestMetrics, NotKept};
use module::{ControllerSeries, ModuleSeries};
use modules::Modules;
use own_writes::OwnWritesMetrics;
use prometheus_client::{encoding::text::encode, registry::Registry};
use sleepers::SleeperMetrics;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use windlass_cluster::{reflector::Measures, transport::Requests};
use windlass_core::{
    cache::Cache,
    fact::{Fact, RunEnded},
    fight::FightStage,
    name::{ControllerName, Kind, ModuleName},
    outcome::Outcome,
};
use windlass_guest::limits::Bound;

/// What `/metrics` answers in.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a host. Nothing is global: two hosts in one process have their own.
pub struct Metrics {
    registry: Registry,
    families: Families,
    guests: GuestMetrics,
    bounds: BoundMetrics,
    cluster: ClusterMetrics,
    own_writes: OwnWritesMetrics,
    sleepers: SleeperMetrics,
    modules: Modules,
    /// The watches that have a series.
    watched: Mutex<BTreeSet<WatchLabel>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        let guests = GuestMetrics::default();
        registry.register_collector(Box::new(guests.clone()));
        let bounds = BoundMetrics::default();
        registry.register_collector(Box::new(bounds.clone()));
        let cluster = ClusterMetrics::default();
        registry.register_collector(Box::new(cluster.clone()));
        let own_writes = OwnWritesMetrics::default();
        registry.register_collector(Box::new(own_writes.clone()));
        let sleepers = SleeperMetrics::default();
        registry.register_collector(Box::new(sleepers.clone()));
        let modules = Modules::default();
        registry.register_collector(Box::new(modules.clone()));
        let watched = Mutex::default();
        Self { registry, families, guests, bounds, cluster, own_writes, sleepers, modules, watched }
    }
}

impl Metrics {
    /// Makes the series of a module's controllers, all at 0, and takes out those of controllers that it no longer has.
    /// What exists already goes on.
    pub fn register_module<'a>(
        &self,
        module: &ModuleName,
        controllers: impl IntoIterator<Item = &'a str>,
        concurrency: u32,
    ) {
        self.modules.register(module, controllers, concurrency);
        self.bounds.register(module);
        // Made so that they exist; counted where there is no module yet to hold them.
        let label = families::ModuleLabel::of(module);
        drop(self.families.offers.get_or_create(&label));
        drop(self.families.rejections.get_or_create(&label));
    }

    /// Shows from now on what the watches and requests of this server did.
    pub fn follow_cluster(&self, server: &str, requests: Arc<Requests>, measures: Arc<Measures>) {
        self.cluster.follow(measures, requests, server);
    }

    /// Takes the series of a module out.
    pub fn forget_module(&self, module: &ModuleName) {
        self.modules.forget(module);
        self.guests.forget(module);
        self.bounds.forget(module);
        // These count before a module is registered, and may be all there is of it.
        let label = families::ModuleLabel::of(module);
        self.families.offers.remove(&label);
        self.families.rejections.remove(&label);
    }

    /// Takes the series of a kind out that nobody watches any more.
    pub fn forget_kind(&self, kind: &Kind) {
        let label = KindLabel { kind: kind.to_string() };
        self.families.watch_synced.remove(&label);
        self.families.watch_objects.remove(&label);
        self.families.watch_failures.remove(&label);
    }

    /// Tells how a controller's queue stands: requests that are ready, by priority from the lowest, and how long each
    /// run under way has taken so far.
    pub fn queue(&self, controller: &ControllerName, ready: [usize; 3], running: &[Duration]) {
        self.with_controller(controller, |series| series.stands(ready, running));
    }

    /// Tells how many fights a module has part in.
    pub fn fights(&self, module: &ModuleName, count: usize) {
        self.with_module(module, |series| {
            series.numbers.set(rows::FIGHTS, count as u64);
        });
    }

    /// Tells how many reads the requests of a module follow.
    pub fn subscriptions(&self, module: &ModuleName, count: usize) {
        self.with_module(module, |series| {
            series.numbers.set(rows::SUBSCRIPTIONS, count as u64);
        });
    }

    /// Tells which watches run: the kind of each, and whether a description wants it. Kinds of which none runs any
    /// more have no series.
    pub fn watches<'a>(&self, running: impl IntoIterator<Item = (&'a Kind, bool)>) {
        let mut counts: BTreeMap<WatchLabel, i64> = BTreeMap::new();
        for (kind, declared) in running {
            for (purpose, counts_here) in [("description", declared), ("subscription", !declared)] {
                let label = WatchLabel { kind: kind.to_string(), purpose };
                *counts.entry(label).or_default() += i64::from(counts_here);
            }
        }
        let mut told = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (label, count) in &counts {
            self.families.watches.get_or_create(label).set(*count);
        }
        for label in told.iter().filter(|label| !counts.contains_key(*label)) {
            self.families.watches.remove(label);
        }
        *told = counts.into_keys().collect();
    }

    /// Counts requests that were added to a controller's queue.
    pub fn added(&self, controller: &ControllerName, count: u64) {
        self.with_controller(controller, |series| {
            series.numbers.add(rows::ADDS, count);
        });
    }

    /// Shows how own writes stand in this cache.
    pub fn show(&self, cache: Arc<Cache>) {
        self.own_writes.show(cache);
    }

    /// Shows which modules of this registry are in memory.
    pub fn show_modules(&self, registry: Arc<windlass_guest::registry::Registry>) {
        self.sleepers.show(registry);
    }

    /// All metrics as text, of type [`METRICS_CONTENT_TYPE`].
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        encode(&mut text, &self.registry).unwrap_or_default();
        text
    }

    fn with_module(&self, module: &ModuleName, use_it: impl FnOnce(&ModuleSeries)) {
        self.modules.with(module, use_it);
    }

    fn with_controller(&self, name: &ControllerName, use_it: impl FnOnce(&ControllerSeries)) {
        self.with_module(&name.module, |series| {
            if let Some(series) = series.controller(&name.controller) {
                use_it(series);
            }
        });
    }

    fn run_ended(&self, run: &RunEnded) {
        let controller = &run.request.controller;
        self.with_module(&controller.module, |series| {
            if let Some(controller) = series.controller(&controller.controller) {
                controller.run_ended(run);
            }
            series.read(run.reads);
            if let Outcome::Trapped(trap) = &run.outcome {
                series.trapped(trap.kind);
            }
        });
    }

    fn guest_metric(&self, fact: &Fact) {
        let Fact::GuestMetric { module, name, change, labels, series_max } = fact else { return };
        match self.guests.change(module, (name, labels), *change, *series_max) {
            Ok(()) => {}
            Err(NotKept::TooMany) => {
                let bound = Bound::MetricSeries.row().field;
                // No fact tells this one. Once: from then on each sample of a new series is left out.
                if self.bounds.reached(module, bound, 1) {
                    log::bound_reached(module, bound, 1);
                }
            }
            Err(NotKept::OtherType) => {
                let dropped = &self.families.dropped;
                dropped.get_or_create(&families::BoundLabel { bound: "guest-metrics" }).inc();
            }
        }
    }

    /// What becomes of a module.
    fn life(&self, fact: &Fact) {
        let families = &self.families;
        match fact {
            Fact::ModuleOffered { module, .. } => {
                // It may come to a limit while it describes itself, before anything else is known of it.
                self.bounds.register(module);
                families.offers.get_or_create(&families::ModuleLabel::of(module)).inc();
            }
            Fact::ModuleRejected { module, .. } => {
                families.rejections.get_or_create(&families::ModuleLabel::of(module)).inc();
            }
            Fact::ModuleServing { module, generation, took, .. } => {
                families.swap_time.observe(took.as_secs_f64());
                self.with_module(module, |series| {
                    series.numbers.set(rows::GENERATION, generation.0);
                });
            }
            Fact::ModuleRolledBack { module, .. } => self.with_module(module, |series| {
                series.numbers.add(rows::ROLLBACKS, 1);
            }),
            Fact::ModuleStanding { module, standing } => self.with_module(module, |series| {
                series.numbers.set(rows::STAGE, standing.stage as u64);
            }),
            Fact::ModuleWoken { took, .. } => families.wake_time.observe(took.as_secs_f64()),
            Fact::ModuleNotWoken { .. } => drop(families.wake_failures.inc()),
            Fact::ModuleWithdrawn { module } => self.forget_module(module),
            _ => {}
        }
    }

    fn watch(&self, kind: &Kind, synced: bool) -> KindLabel {
        let label = KindLabel { kind: kind.to_string() };
        drop(self.families.watch_failures.get_or_create(&label));
        self.families.watch_synced.get_or_create(&label).set(i64::from(synced));
        label
    }
}

impl Observer for Metrics {
    fn fact(&self, fact: &Fact) {
        let families = &self.families;
        match fact {
            Fact::RunEnded(run) => self.run_ended(run),
            Fact::CallAnswered { request, verb, error, took, .. } => {
                families.call_time.observe(took.as_secs_f64());
                self.with_module(&request.controller.module, |series| series.called(verb, error.as_ref()));
            }
            Fact::WriteSpared { request, .. } => {
                self.with_module(&request.controller.module, |series| {
                    series.numbers.add(rows::SPARED, 1);
                });
            }
            Fact::CallRefused { module, .. } => self.with_module(module, |series| {
                series.numbers.add(rows::REFUSALS, 1);
            }),
            Fact::ReadsAnswered { module, reads } => self.with_module(module, |series| series.read(*reads)),
            Fact::GuestLog { module, level, .. } => self.with_module(module, |series| series.logged(*level)),
            Fact::WatchSynced { kind, objects } => {
                let label = self.watch(kind, true);
                let objects = i64::try_from(*objects).unwrap_or(i64::MAX);
                families.watch_objects.get_or_create(&label).set(objects);
            }
            Fact::WatchFailed { kind, .. } => {
                let label = self.watch(kind, false);
                families.watch_failures.get_or_create(&label).inc();
            }
            Fact::KindAbsent { kind } => {
                self.watch(kind, false);
            }
            Fact::Dropped { bound, count } => {
                families.dropped.get_or_create(&families::BoundLabel { bound }).inc_by(*count);
            }
            Fact::Leadership { leading, .. } => {
                families
                    .leader
                    .get_or_create(&families::NameLabel { name: "windlass" })
                    .set(i64::from(*leading));
            }
            Fact::GuestMetric { .. } => self.guest_metric(fact),
            Fact::BoundReached { module, bound, count } => {
                self.bounds.reached(module, bound, *count);
            }
            Fact::Fight(fight) if fight.stage != FightStage::Over => {
                if let Some(writer) = fight.writers.first() {
                    self.with_module(&writer.controller.module, |series| {
                        series.numbers.add(rows::FLIPS, 1);
                    });
                }
            }
            Fact::Fight(_) => {}
            _ => self.life(fact),
        }
    }
}

#[cfg(test)]
mod tests;
