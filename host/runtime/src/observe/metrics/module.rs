//! The numbers of one module. Plain arrays: as series with labels of their own they would take twenty times as much,
//! 19 KiB for a module of one controller, and most are zero.

use super::{
    rows::{
        ACTIVE, CACHE_READS, CALL_RESULTS, CALLED, CONCURRENCY, CONTROLLER_LEN, DEPTH, ENDED, ERRORS, LEVELS,
        LOGGED, MODULE_LEN, PANICS, PRIORITIES, RESULTS, RETRIES, SERVER_READS, TERMINAL_ERRORS, TIMEOUTS,
        TRAPPED, TRAPS, VERBS,
    },
    times::{QUEUE_SECONDS, RECONCILE_SECONDS, Times},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use windlass_core::{
    call::ApiError,
    fact::{LogLevel, Reads, RunEnded},
    outcome::{Outcome, TrapKind},
};

/// Numbers by their place in the rows.
#[derive(Debug)]
pub(super) struct Numbers<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Numbers<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}

impl<const N: usize> Numbers<N> {
    pub(super) fn set(&self, place: usize, number: u64) {
        self.0[place].store(number, Relaxed);
    }

    pub(super) fn add(&self, place: usize, by: u64) {
        self.0[place].fetch_add(by, Relaxed);
    }

    pub(super) fn get(&self, place: usize) -> u64 {
        self.0[place].load(Relaxed)
    }

    /// One more of what stands there in a list that begins at this place; what is not in the list is not counted.
    fn count<T: PartialEq>(&self, from: usize, list: &[T], what: &T) {
        if let Some(at) = list.iter().position(|one| one == what) {
            self.add(from + at, 1);
        }
    }
}

/// The numbers of one module.
#[derive(Debug, Default)]
pub(super) struct ModuleSeries {
    pub(super) numbers: Numbers<MODULE_LEN>,
    /// Mostly one.
    pub(super) controllers: Vec<(Arc<str>, Box<ControllerSeries>)>,
}

/// The numbers of one controller.
#[derive(Debug, Default)]
pub(super) struct ControllerSeries {
    pub(super) numbers: Numbers<CONTROLLER_LEN>,
    pub(super) time: Times<{ RECONCILE_SECONDS.len() }>,
    pub(super) waited: Times<{ QUEUE_SECONDS.len() }>,
    pub(super) worked: Times<{ QUEUE_SECONDS.len() }>,
    /// Nanoseconds of the runs under way so far, together and of the longest, and of processor time.
    unfinished: AtomicU64,
    longest: AtomicU64,
    cpu: AtomicU64,
}

impl ModuleSeries {
    /// Makes the numbers of controllers that are new and takes out those of controllers that are gone.
    pub(super) fn keep_controllers<'a>(
        &mut self,
        controllers: impl IntoIterator<Item = &'a str>,
        concurrency: u32,
    ) {
        let mut before = std::mem::take(&mut self.controllers);
        for controller in controllers {
            let known = before.iter().position(|(name, _)| **name == *controller);
            let (name, series) =
                known.map_or_else(|| (controller.into(), Box::default()), |known| before.swap_remove(known));
            series.numbers.set(CONCURRENCY, concurrency.into());
            self.controllers.push((name, series));
        }
    }

    pub(super) fn controller(&self, name: &str) -> Option<&ControllerSeries> {
        let found = self.controllers.iter().find(|(controller, _)| **controller == *name);
        found.map(|(_, series)| &**series)
    }

    pub(super) fn read(&self, reads: Reads) {
        for (place, count) in [(CACHE_READS, reads.cache), (SERVER_READS, reads.server)] {
            if count > 0 {
                self.numbers.add(place, count.into());
            }
        }
    }

    pub(super) fn trapped(&self, kind: TrapKind) {
        self.numbers.count(TRAPPED, &TRAPS, &kind);
    }

    pub(super) fn logged(&self, level: LogLevel) {
        self.numbers.count(LOGGED, &LEVELS.map(|(level, _)| level), &level);
    }

    pub(super) fn called(&self, verb: &str, error: Option<&ApiError>) {
        let result = match error.map(|error| error.code) {
            None => "success",
            Some(409) => "conflict",
            Some(404) => "not_found",
            Some(_) => "error",
        };
        if let Some(verb) = VERBS.iter().position(|one| *one == verb) {
            self.numbers.count(CALLED + verb * CALL_RESULTS.len(), &CALL_RESULTS, &result);
        }
    }
}

impl ControllerSeries {
    /// How the queue stands: requests that are ready, by priority from the lowest, and how long each run under way has
    /// taken.
    pub(super) fn stands(&self, ready: [usize; PRIORITIES.len()], running: &[Duration]) {
        for (at, ready) in ready.into_iter().enumerate() {
            self.numbers.set(DEPTH + at, ready as u64);
        }
        self.numbers.set(ACTIVE, running.len() as u64);
        self.unfinished.store(nanoseconds(running.iter().sum()), Relaxed);
        self.longest.store(nanoseconds(running.iter().max().copied().unwrap_or_default()), Relaxed);
    }

    pub(super) fn run_ended(&self, run: &RunEnded) {
        let numbers = &self.numbers;
        numbers.count(ENDED, &RESULTS, &run.outcome.label());
        if run.outcome.is_failure() {
            numbers.add(ERRORS, 1);
        }
        if matches!(run.outcome, Outcome::Terminal { .. }) {
            numbers.add(TERMINAL_ERRORS, 1);
        }
        if let Outcome::Trapped(trap) = &run.outcome {
            numbers.add(PANICS, 1);
            if trap.kind == TrapKind::Deadline {
                numbers.add(TIMEOUTS, 1);
            }
        }
        if matches!(run.outcome, Outcome::Retry { .. } | Outcome::Trapped(_)) {
            numbers.add(RETRIES, 1);
        }
        self.time.observe(&RECONCILE_SECONDS, run.took);
        self.worked.observe(&QUEUE_SECONDS, run.took);
        self.waited.observe(&QUEUE_SECONDS, run.waited);
        self.cpu.fetch_add(nanoseconds(run.cpu), Relaxed);
    }

    /// Of the runs under way so far, all together.
    pub(super) fn unfinished_seconds(&self) -> f64 {
        seconds(&self.unfinished)
    }

    /// Of the longest of them.
    pub(super) fn longest_seconds(&self) -> f64 {
        seconds(&self.longest)
    }

    /// Of processor time, all runs together.
    pub(super) fn cpu_seconds(&self) -> f64 {
        seconds(&self.cpu)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanoseconds: &AtomicU64) -> f64 {
    Duration::from_nanos(nanoseconds.load(Relaxed)).as_secs_f64()
}
