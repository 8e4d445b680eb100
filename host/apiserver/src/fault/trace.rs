//! What was injected, in order and counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Fault;

/// Faults told in order at most; all are counted.
const TOLD_MAX: usize = 10_000;

/// One fault as it was injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected {
    /// How long after [`Faults::new`](super::Faults::new).
    pub at: Duration,
    /// Which.
    pub fault: Fault,
    /// What it befell: verb and resource.
    pub subject: String,
}

impl fmt::Display for Injected {
    /// `   12.345 s  WatchCut         watch configmaps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  {:<16} {}", self.at.as_secs_f64(), self.fault, self.subject)
    }
}

#[derive(Debug)]
pub(super) struct Trace {
    began: Instant,
    injected: Vec<Injected>,
    counts: BTreeMap<Fault, u64>,
}

impl Trace {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, injected: Vec::new(), counts: BTreeMap::new() }
    }

    pub(super) fn note(&mut self, now: Instant, fault: Fault, subject: &str) {
        *self.counts.entry(fault).or_default() += 1;
        if self.injected.len() < TOLD_MAX {
            let at = now.duration_since(self.began);
            self.injected.push(Injected { at, fault, subject: subject.to_owned() });
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn injected(&self) -> &[Injected] {
        &self.injected
    }

    pub(super) fn counts(&self) -> &BTreeMap<Fault, u64> {
        &self.counts
    }
}
