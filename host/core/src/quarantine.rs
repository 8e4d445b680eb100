//! A module that fails at everything is slowed down, then runs only now and then, until something succeeds.
//!
//! Each request has its own backoff; this is about the module. It takes failures in a row of several different requests,
//! so one request that keeps failing never holds others. Failures that the cluster explains and terminal ones
//! (an invalid object, said by a module that works) do not count.

use crate::{
    outcome::{Outcome, Verdict},
    time::Time,
};
use std::{collections::BTreeSet, time::Duration};

/// Failures in a row after which a module is slowed.
const SLOWED_AT: u32 = 10;
/// Failures in a row after which it is in quarantine.
const QUARANTINED_AT: u32 = 30;
/// Different requests among them, at least.
const REQUESTS_MIN: usize = 3;
/// Between the end of a run and the next start of a slowed module; doubled with each failure.
const SLOWED_FIRST: Duration = Duration::from_millis(10);
/// The same at most.
const SLOWED_LAST: Duration = Duration::from_secs(2);
/// Between two runs of a module in quarantine.
const QUARANTINED: Duration = Duration::from_secs(60);

/// How much a module may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// As much as its turns and slots give it.
    #[default]
    Free,
    /// One run at a time, with a pause after each that fails.
    Slowed,
    /// One run a minute, to see whether it works again.
    Quarantined,
}

/// How one module fails.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    /// In a row.
    failures: u32,
    /// Different requests among them; no more than are needed.
    requests: BTreeSet<u64>,
    stage: Stage,
    /// What the last failure said.
    message: String,
    start_at: Time,
}

/// A module came into another stage, or out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much it may run.
    pub stage: Stage,
    /// Failures in a row.
    pub failures: u32,
    /// What the last failure said.
    pub message: String,
}

impl Quarantine {
    /// Whether a module with so many runs under way may start one.
    pub(crate) fn may_start(&self, now: Time, under_way: usize) -> bool {
        self.stage == Stage::Free || (under_way == 0 && self.start_at <= now)
    }

    /// When it may start one again; none while nothing holds it.
    pub(crate) fn start_at(&self, now: Time) -> Option<Time> {
        (self.stage != Stage::Free && self.start_at > now).then_some(self.start_at)
    }

    /// How it stands; none while nothing holds it.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let (stage, failures) = (self.stage, self.failures);
        (stage != Stage::Free).then(|| Standing { stage, failures, message: self.message.clone() })
    }

    /// A run of the version that serves ended. Answers when the stage is another one now.
    pub(crate) fn ended(&mut self, now: Time, request: u64, outcome: &Outcome) -> Option<Standing> {
        match outcome.verdict() {
            Verdict::For => self.free(),
            Verdict::Against(message) if !matches!(outcome, Outcome::Terminal { .. }) => {
                self.fails(now, request, message)
            }
            _ => {
                // A probe that says nothing is no reason for the next one at once.
                self.start_at = now + self.pause();
                None
            }
        }
    }

    /// Another version serves, or an operator has the module run again.
    pub(crate) fn free(&mut self) -> Option<Standing> {
        let held = self.stage != Stage::Free;
        *self = Self::default();
        held.then(|| Standing { stage: Stage::Free, failures: 0, message: String::new() })
    }

    fn fails(&mut self, now: Time, request: u64, message: &str) -> Option<Standing> {
        self.failures = self.failures.saturating_add(1);
        if self.requests.len() < REQUESTS_MIN {
            self.requests.insert(request);
        }
        let stage = match self.failures {
            _ if self.requests.len() < REQUESTS_MIN => Stage::Free,
            QUARANTINED_AT.. => Stage::Quarantined,
            SLOWED_AT.. => Stage::Slowed,
            _ => Stage::Free,
        };
        let moved = stage != self.stage;
        self.stage = stage;
        if stage != Stage::Free {
            message.clone_into(&mut self.message);
        }
        self.start_at = now + self.pause();
        self.standing().filter(|_| moved)
    }

    fn pause(&self) -> Duration {
        match self.stage {
            Stage::Free => Duration::ZERO,
            Stage::Slowed => {
                let doubled = self.failures.saturating_sub(SLOWED_AT).min(20);
                SLOWED_FIRST.saturating_mul(1 << doubled).min(SLOWED_LAST)
            }
            Stage::Quarantined => QUARANTINED,
        }
    }
}

impl Stage {
    /// A word for metrics and conditions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Slowed => "slowed",
            Self::Quarantined => "quarantined",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Trap, TrapKind};

    fn trap() -> Outcome {
        Outcome::Trapped(Trap { kind: TrapKind::Fault, message: "dead".into(), frames: Vec::new() })
    }

    /// The stages that it came into while this outcome came again and again from so many requests.
    fn stages(requests: u64, outcome: &Outcome) -> Vec<Stage> {
        let (mut quarantine, now) = (Quarantine::default(), Time(1));
        let stand = |n: u64| quarantine.ended(now, n % requests, outcome).map(|stand| stand.stage);
        (0..100).filter_map(stand).collect()
    }

    #[test]
    fn failures_of_several_requests_in_a_row_slow_a_module_and_then_hold_it() {
        assert_eq!(stages(3, &trap()), [Stage::Slowed, Stage::Quarantined]);
        assert_eq!(stages(2, &trap()), [], "two requests that keep failing hold nobody");
        let error = |explained| Outcome::Retry { message: "no".into(), after: None, explained };
        assert_eq!(stages(9, &error(false)), [Stage::Slowed, Stage::Quarantined]);
        assert_eq!(stages(9, &error(true)), []);
        assert_eq!(stages(9, &Outcome::Terminal { message: "no".into(), explained: false }), []);
    }

    #[test]
    fn a_module_in_quarantine_runs_once_a_minute_until_one_run_succeeds() {
        let mut quarantine = Quarantine::default();
        let mut now = Time(1);
        for n in 0..30 {
            quarantine.ended(now, n, &trap());
        }
        for _ in 0..3 {
            assert!(!quarantine.may_start(now, 0));
            now = quarantine.start_at(now).unwrap_or_default();
            assert!(quarantine.may_start(now, 0) && !quarantine.may_start(now, 1), "one at a time");
            assert_eq!(quarantine.ended(now, 1, &trap()), None, "it is told once");
        }
        assert_eq!(now, Time(1) + 3 * QUARANTINED);
        let free = quarantine.ended(now, 1, &Outcome::Done).map(|stand| stand.stage);
        assert_eq!(free, Some(Stage::Free));
        assert!(quarantine.may_start(now, 5) && quarantine.start_at(now).is_none());
    }

    #[test]
    fn a_slowed_module_pauses_ever_longer_but_never_for_more_than_seconds() {
        let mut quarantine = Quarantine::default();
        let pauses = (0..29).filter_map(|n| {
            quarantine.ended(Time(1), n, &trap());
            quarantine.start_at(Time(1)).map(|at| at.since(Time(1)))
        });
        let pauses: Vec<_> = pauses.collect();
        assert_eq!((pauses[0], pauses[1]), (SLOWED_FIRST, 2 * SLOWED_FIRST));
        assert_eq!(pauses.last(), Some(&SLOWED_LAST));
    }
}
