//! Which numbers there are of a module and of a controller, and as which series they are shown.

use crate::observe::Metric;
use windlass_core::{fact::LogLevel, outcome::TrapKind};

/// What `Outcome::label` answers.
pub(super) const RESULTS: [&str; 6] = ["success", "requeue_after", "error", "terminal", "trap", "abandoned"];
/// controller-runtime's numbers of our priorities, from the lowest: first lists, resyncs and reloads are its -100,
/// changes its 0; between them what asked to come back.
pub(super) const PRIORITIES: [&str; 3] = ["-100", "-50", "0"];
pub(super) const TRAPS: [TrapKind; 6] = [
    TrapKind::Fault,
    TrapKind::Cpu,
    TrapKind::Deadline,
    TrapKind::Memory,
    TrapKind::Stack,
    TrapKind::HostCalls,
];
/// The verbs of writes; reads are counted by who answered them.
pub(super) const VERBS: [&str; 4] = ["create", "update", "patch", "delete"];
pub(super) const CALL_RESULTS: [&str; 4] = ["success", "conflict", "not_found", "error"];
pub(super) const LEVELS: [(LogLevel, &str); 5] = [
    (LogLevel::Trace, "trace"),
    (LogLevel::Debug, "debug"),
    (LogLevel::Info, "info"),
    (LogLevel::Warn, "warn"),
    (LogLevel::Error, "error"),
];
const SOURCES: [&str; 2] = ["cache", "server"];

/// Numbers of a module, by place.
pub(super) const GENERATION: usize = 0;
pub(super) const FIGHTS: usize = 1;
pub(super) const FLIPS: usize = 2;
pub(super) const REFUSALS: usize = 3;
pub(super) const ROLLBACKS: usize = 4;
pub(super) const STAGE: usize = 5;
pub(super) const SUBSCRIPTIONS: usize = 6;
pub(super) const SPARED: usize = 7;
pub(super) const CACHE_READS: usize = 8;
pub(super) const SERVER_READS: usize = 9;
pub(super) const TRAPPED: usize = 10;
pub(super) const LOGGED: usize = TRAPPED + TRAPS.len();
pub(super) const CALLED: usize = LOGGED + LEVELS.len();
pub(super) const MODULE_LEN: usize = CALLED + VERBS.len() * CALL_RESULTS.len();

/// Numbers of a controller, by place.
pub(super) const ACTIVE: usize = 0;
pub(super) const CONCURRENCY: usize = 1;
pub(super) const ERRORS: usize = 2;
pub(super) const TERMINAL_ERRORS: usize = 3;
pub(super) const PANICS: usize = 4;
pub(super) const TIMEOUTS: usize = 5;
pub(super) const ADDS: usize = 6;
pub(super) const RETRIES: usize = 7;
pub(super) const DEPTH: usize = 8;
pub(super) const ENDED: usize = DEPTH + PRIORITIES.len();
pub(super) const CONTROLLER_LEN: usize = ENDED + RESULTS.len();

/// Who a series is about, and by which labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// `module="website"`.
    Module,
    /// `controller="website/site"`.
    Controller,
    /// client-go's `name` and controller-runtime's `controller` are the same here.
    Queue,
}

/// One number as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) metric: Metric,
    pub(super) about: About,
    /// It may fall.
    pub(super) gauge: bool,
    /// Beside whom it is about.
    pub(super) labels: Vec<(&'static str, &'static str)>,
}

fn row(metric: Metric, about: About, gauge: bool) -> Row {
    Row { metric, about, gauge, labels: Vec::new() }
}

impl Row {
    fn with(mut self, label: &'static str, value: &'static str) -> Self {
        self.labels.push((label, value));
        self
    }
}

/// The rows of a module's numbers; those of one metric stand together.
pub(super) fn of_modules() -> Vec<Row> {
    let gauge = |metric| row(metric, About::Module, true);
    let counter = |metric| row(metric, About::Module, false);
    let mut rows = vec![
        gauge(Metric::ModuleGeneration),
        gauge(Metric::Fights),
        counter(Metric::FightFlips),
        counter(Metric::Refusals),
        counter(Metric::ModuleRollbacks),
        gauge(Metric::ModuleStage),
        gauge(Metric::Subscriptions),
        counter(Metric::WritesSpared),
    ];
    rows.extend(SOURCES.map(|source| counter(Metric::Reads).with("source", source)));
    rows.extend(TRAPS.map(|kind| counter(Metric::Traps).with("kind", kind.as_str())));
    rows.extend(LEVELS.map(|(_, level)| counter(Metric::GuestLogLines).with("level", level)));
    for verb in VERBS {
        let call = |result| counter(Metric::Calls).with("verb", verb).with("result", result);
        rows.extend(CALL_RESULTS.map(call));
    }
    rows
}

/// The same of a controller.
pub(super) fn of_controllers() -> Vec<Row> {
    use About::{Controller, Queue};
    let mut rows = vec![
        row(Metric::ActiveWorkers, Controller, true),
        row(Metric::MaxConcurrentReconciles, Controller, true),
        row(Metric::ReconcileErrors, Controller, false),
        row(Metric::TerminalReconcileErrors, Controller, false),
        row(Metric::ReconcilePanics, Controller, false),
        row(Metric::ReconcileTimeouts, Controller, false),
        row(Metric::QueueAdds, Queue, false),
        row(Metric::QueueRetries, Queue, false),
    ];
    let depth = |priority| row(Metric::QueueDepth, Queue, true).with("priority", priority);
    rows.extend(PRIORITIES.map(depth));
    rows.extend(RESULTS.map(|result| row(Metric::Reconcile, Controller, false).with("result", result)));
    rows
}
