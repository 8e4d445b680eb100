//! The series of one module: handles that count without looking a label up.

use super::families::{
    CallLabel, ControllerLabel, DepthLabel, Families, LevelLabel, ModuleLabel, NowSeconds, QueueLabel,
    ResultLabel, Seconds, SourceLabel, TrapLabel,
};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};
use std::{collections::HashMap, sync::Arc, time::Duration};
use windlass_core::{
    call::ApiError,
    fact::{LogLevel, RunEnded},
    name::{ControllerName, ModuleName},
    outcome::{Outcome, TrapKind},
};

/// What `Outcome::label` answers.
const RESULTS: [&str; 6] = ["success", "requeue_after", "error", "terminal", "trap", "abandoned"];
/// controller-runtime's numbers of our priorities, from the lowest: first lists, resyncs and reloads are its -100,
/// changes its 0; between them what asked to come back.
const PRIORITIES: [&str; 3] = ["-100", "-50", "0"];
const TRAPS: [TrapKind; 6] = [
    TrapKind::Fault,
    TrapKind::Cpu,
    TrapKind::Deadline,
    TrapKind::Memory,
    TrapKind::Stack,
    TrapKind::HostCalls,
];
/// The verbs of writes; reads are counted by who answered them.
const VERBS: [&str; 4] = ["create", "update", "patch", "delete"];
const CALL_RESULTS: [&str; 4] = ["success", "conflict", "not_found", "error"];
const LEVELS: [(LogLevel, &str); 5] = [
    (LogLevel::Trace, "trace"),
    (LogLevel::Debug, "debug"),
    (LogLevel::Info, "info"),
    (LogLevel::Warn, "warn"),
    (LogLevel::Error, "error"),
];

/// The series of one module.
pub(super) struct ModuleSeries {
    pub(super) controllers: HashMap<Arc<str>, ControllerSeries>,
    pub(super) generation: Gauge,
    pub(super) fights: Gauge,
    pub(super) flips: Counter,
    pub(super) refusals: Counter,
    pub(super) rollbacks: Counter,
    pub(super) stage: Gauge,
    pub(super) subscriptions: Gauge,
    pub(super) cache_reads: Counter,
    pub(super) server_reads: Counter,
    pub(super) spared: Counter,
    traps: [(TrapKind, Counter); TRAPS.len()],
    calls: Vec<(&'static str, &'static str, Counter)>,
    log_lines: [(LogLevel, Counter); LEVELS.len()],
}

/// The series of one controller.
pub(super) struct ControllerSeries {
    depth: [Gauge; PRIORITIES.len()],
    active: Gauge,
    unfinished: NowSeconds,
    longest: NowSeconds,
    pub(super) adds: Counter,
    concurrency: Gauge,
    results: [(&'static str, Counter); RESULTS.len()],
    errors: Counter,
    terminal_errors: Counter,
    panics: Counter,
    timeouts: Counter,
    retries: Counter,
    time: Histogram,
    waited: Histogram,
    worked: Histogram,
    cpu: Seconds,
}

impl ModuleSeries {
    pub(super) fn new(families: &Families, name: &ModuleName) -> Self {
        let label = ModuleLabel::of(name);
        // Made so that they exist; counted where there is no module yet to hold them.
        drop(families.offers.get_or_create(&label));
        drop(families.rejections.get_or_create(&label));
        let module = || label.module.clone();
        let call = |verb, result| CallLabel { module: module(), verb, result };
        let reads = |source| families.reads.get_or_create_owned(&SourceLabel { module: module(), source });
        let calls = VERBS.iter().flat_map(|verb| CALL_RESULTS.iter().map(move |result| (*verb, *result)));
        Self {
            controllers: HashMap::new(),
            generation: families.generation.get_or_create_owned(&label),
            fights: families.fights.get_or_create_owned(&label),
            flips: families.flips.get_or_create_owned(&label),
            refusals: families.refusals.get_or_create_owned(&label),
            rollbacks: families.rollbacks.get_or_create_owned(&label),
            stage: families.stage.get_or_create_owned(&label),
            subscriptions: families.subscriptions.get_or_create_owned(&label),
            cache_reads: reads("cache"),
            server_reads: reads("server"),
            spared: families.spared.get_or_create_owned(&label),
            traps: TRAPS.map(|kind| {
                let label = TrapLabel { module: module(), kind: kind.as_str() };
                (kind, families.traps.get_or_create_owned(&label))
            }),
            calls: calls
                .map(|(verb, result)| (verb, result, families.calls.get_or_create_owned(&call(verb, result))))
                .collect(),
            log_lines: LEVELS.map(|(level, word)| {
                let label = LevelLabel { module: module(), level: word };
                (level, families.log_lines.get_or_create_owned(&label))
            }),
        }
    }

    /// Makes the series of controllers that are new and takes out those of controllers that are gone.
    pub(super) fn keep_controllers<'a>(
        &mut self,
        families: &Families,
        module: &ModuleName,
        controllers: impl IntoIterator<Item = &'a str>,
        concurrency: u32,
    ) {
        let mut before = std::mem::take(&mut self.controllers);
        for controller in controllers {
            let name = ControllerName { module: module.clone(), controller: controller.into() };
            let series = before.remove(controller).unwrap_or_else(|| ControllerSeries::new(families, &name));
            series.concurrency.set(concurrency.into());
            self.controllers.insert(name.controller, series);
        }
        for controller in before.into_keys() {
            ControllerSeries::remove(families, &ControllerName { module: module.clone(), controller });
        }
    }

    pub(super) fn remove(self, families: &Families, name: &ModuleName) {
        for controller in self.controllers.into_keys() {
            ControllerSeries::remove(families, &ControllerName { module: name.clone(), controller });
        }
        let label = ModuleLabel::of(name);
        families.generation.remove(&label);
        families.fights.remove(&label);
        families.flips.remove(&label);
        families.refusals.remove(&label);
        families.rollbacks.remove(&label);
        families.stage.remove(&label);
        families.subscriptions.remove(&label);
        for source in ["cache", "server"] {
            families.reads.remove(&SourceLabel { module: label.module.clone(), source });
        }
        families.spared.remove(&label);
        let module = || label.module.clone();
        for kind in TRAPS {
            families.traps.remove(&TrapLabel { module: module(), kind: kind.as_str() });
        }
        for (verb, result, _) in self.calls {
            families.calls.remove(&CallLabel { module: module(), verb, result });
        }
        for (_, level) in LEVELS {
            families.log_lines.remove(&LevelLabel { module: module(), level });
        }
    }

    pub(super) fn trapped(&self, kind: TrapKind) {
        increment(&self.traps, &kind);
    }

    pub(super) fn logged(&self, level: LogLevel) {
        increment(&self.log_lines, &level);
    }

    pub(super) fn called(&self, verb: &str, error: Option<&ApiError>) {
        let result = match error.map(|error| error.code) {
            None => "success",
            Some(409) => "conflict",
            Some(404) => "not_found",
            Some(_) => "error",
        };
        if let Some((_, _, counter)) = self.calls.iter().find(|call| (call.0, call.1) == (verb, result)) {
            counter.inc();
        }
    }
}

impl ControllerSeries {
    fn new(families: &Families, name: &ControllerName) -> Self {
        let (label, queue) = (ControllerLabel::of(name), QueueLabel::of(name));
        let result = |result| ResultLabel { controller: name.to_string(), result };
        Self {
            depth: PRIORITIES
                .map(|priority| families.depth.get_or_create_owned(&DepthLabel::of(name, priority))),
            unfinished: families.unfinished.get_or_create_owned(&queue),
            longest: families.longest.get_or_create_owned(&queue),
            active: families.active.get_or_create_owned(&label),
            adds: families.adds.get_or_create_owned(&queue),
            concurrency: families.concurrency.get_or_create_owned(&label),
            results: RESULTS.map(|word| (word, families.reconcile.get_or_create_owned(&result(word)))),
            errors: families.errors.get_or_create_owned(&label),
            terminal_errors: families.terminal_errors.get_or_create_owned(&label),
            panics: families.panics.get_or_create_owned(&label),
            timeouts: families.timeouts.get_or_create_owned(&label),
            retries: families.retries.get_or_create_owned(&queue),
            time: families.time.0.get_or_create_owned(&label),
            waited: families.waited.0.get_or_create_owned(&queue),
            worked: families.worked.0.get_or_create_owned(&queue),
            cpu: families.cpu.get_or_create_owned(&label),
        }
    }

    fn remove(families: &Families, name: &ControllerName) {
        let (label, queue) = (ControllerLabel::of(name), QueueLabel::of(name));
        for word in RESULTS {
            families.reconcile.remove(&ResultLabel { controller: name.to_string(), result: word });
        }
        families.errors.remove(&label);
        families.terminal_errors.remove(&label);
        families.panics.remove(&label);
        families.timeouts.remove(&label);
        families.active.remove(&label);
        families.concurrency.remove(&label);
        families.cpu.remove(&label);
        families.time.0.remove(&label);
        for priority in PRIORITIES {
            families.depth.remove(&DepthLabel::of(name, priority));
        }
        families.unfinished.remove(&queue);
        families.longest.remove(&queue);
        families.adds.remove(&queue);
        families.retries.remove(&queue);
        families.waited.0.remove(&queue);
        families.worked.0.remove(&queue);
    }

    /// How the queue stands: requests that are ready, by priority from the lowest, and how long each run under way has
    /// taken.
    pub(super) fn stands(&self, ready: [usize; PRIORITIES.len()], running: &[Duration]) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (gauge, ready) in self.depth.iter().zip(ready) {
            gauge.set(number(ready));
        }
        self.active.set(number(running.len()));
        self.unfinished.set(running.iter().map(Duration::as_secs_f64).sum());
        self.longest.set(running.iter().max().map_or(0.0, Duration::as_secs_f64));
    }

    pub(super) fn run_ended(&self, run: &RunEnded) {
        increment(&self.results, &run.outcome.label());
        if run.outcome.is_failure() {
            self.errors.inc();
        }
        if matches!(run.outcome, Outcome::Terminal { .. }) {
            self.terminal_errors.inc();
        }
        if let Outcome::Trapped(trap) = &run.outcome {
            self.panics.inc();
            if trap.kind == TrapKind::Deadline {
                self.timeouts.inc();
            }
        }
        if matches!(run.outcome, Outcome::Retry { .. } | Outcome::Trapped(_)) {
            self.retries.inc();
        }
        let took = run.took.as_secs_f64();
        self.time.observe(took);
        self.worked.observe(took);
        self.waited.observe(run.waited.as_secs_f64());
        self.cpu.inc_by(run.cpu.as_secs_f64());
    }
}

fn increment<T: PartialEq>(counters: &[(T, Counter)], which: &T) {
    if let Some((_, counter)) = counters.iter().find(|(value, _)| value == which) {
        counter.inc();
    }
}
