//! Gauges and readiness, refreshed a moment after something happened. A host in which nothing happens sets no timer.

use crate::{
    book::{Book, Stand},
    endpoints::Readiness,
    observe::Metrics,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use windlass_core::{
    fight::Fight, input::Version, name::ControllerName, pipeline::status::Status, time::Time,
};

/// How stale a gauge may be.
const REFRESH: Duration = Duration::from_millis(200);
/// How stale it may be how long runs under way have taken (W11).
const REFRESH_RUNNING: Duration = Duration::from_millis(500);

/// Who wants to know how things stand, and when they are told next.
pub(crate) struct Gauges {
    metrics: Option<Arc<Metrics>>,
    readiness: Option<watch::Sender<Readiness>>,
    due: Option<Instant>,
    /// What was added to each queue up to the last refresh.
    adds: HashMap<ControllerName, u64>,
}

impl Gauges {
    pub(crate) fn new(metrics: Option<Arc<Metrics>>, readiness: Option<watch::Sender<Readiness>>) -> Self {
        Self { metrics, readiness, due: None, adds: HashMap::new() }
    }

    /// Something happened.
    pub(crate) fn touch(&mut self) {
        let soon = Instant::now() + REFRESH;
        if self.due.is_none_or(|due| due > soon) && (self.metrics.is_some() || self.readiness.is_some()) {
            self.due = Some(soon);
        }
    }

    /// When to refresh.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A version goes to the pipeline: its series begin at zero.
    pub(crate) fn register(&self, version: &Version) {
        if let Some(metrics) = &self.metrics {
            let controllers = version.description.controllers.iter().map(|controller| &*controller.name);
            metrics.register_module(&version.module, controllers, version.concurrency);
        }
    }

    /// Tells how things stand.
    pub(crate) fn refresh(&mut self, now: Time, status: &Status, book: &Book) {
        self.due = None;
        if let Some(metrics) = &self.metrics {
            metrics.watches(status.watches.iter().map(|watch| (&watch.kind, watch.declared)));
            for module in &status.modules {
                let takes_part = |fight: &&Fight| fight.modules.contains(&module.name);
                metrics.fights(&module.name, status.fights.iter().filter(takes_part).count());
                metrics.subscriptions(&module.name, module.subscriptions);
                for controller in &module.controllers {
                    let name =
                        ControllerName { module: module.name.clone(), controller: controller.name.clone() };
                    let running: Vec<_> =
                        controller.running_since.iter().map(|since| now.since(*since)).collect();
                    if !running.is_empty() {
                        self.due = Some(Instant::now() + REFRESH_RUNNING);
                    }
                    metrics.queue(&name, controller.ready_by_priority, &running);
                    let before = self.adds.insert(name.clone(), controller.adds).unwrap_or(0);
                    metrics.added(&name, controller.adds.saturating_sub(before));
                }
            }
        }
        if let Some(readiness) = &self.readiness {
            let now = readiness_of(status, book);
            readiness.send_if_modified(|told| {
                let new = *told != now;
                *told = now;
                new
            });
        }
    }
}

/// A host is ready when every module that may serve is in step. What waits for an operator does not count, nor what
/// only requests follow.
fn readiness_of(status: &Status, book: &Book) -> Readiness {
    let loading = book.modules.iter().filter(|(_, entry)| entry.stand == Stand::Loading);
    let loading = loading.map(|(name, _)| format!("module {name} is being loaded"));
    let watches = status.watches.iter().filter(|watch| !watch.synced && watch.declared);
    let watches = watches.map(|watch| format!("the watch of {} is not in step", watch.kind));
    Readiness { waiting_for: loading.chain(watches).collect() }
}
