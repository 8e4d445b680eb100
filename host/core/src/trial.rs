//! A new version on trial: it goes back by itself when requests fail with it that succeeded with the version before.
//!
//! What counts is a difference between two versions: traps, limits and errors that no answer of the cluster explains, of
//! requests whose last run on the good version succeeded, on several of them with no success between. A deadline does not
//! count: who waits that long waits for the cluster.
//!
//! What is remembered of a module is bounded, so a version may be on trial with some of its requests only.

use crate::{
    name::Digest,
    outcome::{Outcome, Trap, TrapKind, Verdict},
};
use foldhash::fast::FixedState;
use std::{
    collections::HashSet,
    hash::{BuildHasher as _, Hash},
    mem,
};

/// Requests of a module that are remembered as succeeding.
const KNOWN_MAX: usize = 512;
/// So many different requests must fail, or all that are known if those are fewer.
const REQUESTS_MIN: usize = 3;
/// So many runs must fail in a row.
const FAILURES_MIN: u32 = 3;
/// After so many runs that succeeded, or one of each known request, the new version is as good as the old one.
const SUCCESSES_MAX: usize = 100;

/// Requests, by hash: a collision makes one of them look like the other, and nothing worse.
type Requests = HashSet<u64, FixedState>;

/// Why a version should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// What serves now.
    pub bad: Digest,
    /// What served before, and well.
    pub good: Digest,
    /// How many different requests failed.
    pub requests: usize,
    /// What the last one said.
    pub message: String,
}

/// What the requests of one module did with the version that serves, and whether that is on trial.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    serving: Option<Digest>,
    /// Requests whose last run succeeded.
    succeeded: Requests,
    trial: Option<Trial>,
}

#[derive(Debug)]
struct Trial {
    good: Digest,
    /// Requests whose last run on the good version succeeded.
    known: Requests,
    /// Those of them that failed since the last success.
    failed: Requests,
    failures: u32,
    /// It was told.
    over: bool,
}

/// A request in a set of [`Requests`].
pub(crate) fn key(request: &impl Hash) -> u64 {
    FixedState::default().hash_one(request)
}

impl Trials {
    /// Another version begins to serve. A version that comes while the one before is still on trial is tried
    /// against the same good one; the good one itself is not tried again.
    pub(crate) fn serve(&mut self, digest: Digest) {
        let Some(before) = self.serving.replace(digest).filter(|before| *before != digest) else { return };
        let succeeded = mem::take(&mut self.succeeded);
        let (good, known) = match self.trial.take() {
            Some(trial) if trial.good == digest => {
                self.succeeded = trial.known;
                return;
            }
            Some(trial) => (trial.good, trial.known),
            None => (before, succeeded),
        };
        if !known.is_empty() {
            self.trial = Some(Trial { good, known, failed: Requests::default(), failures: 0, over: false });
        }
    }

    /// The version against which the one that serves is tried.
    pub(crate) fn good(&self) -> Option<Digest> {
        self.trial.as_ref().map(|trial| trial.good)
    }

    /// A run of a version ended. Answers once when the version on trial has failed.
    pub(crate) fn ended(&mut self, digest: Digest, request: u64, outcome: &Outcome) -> Option<Regression> {
        if self.serving != Some(digest) {
            // The good version's last runs, which end after the swap.
            let trial = self.trial.as_mut().filter(|trial| trial.good == digest)?;
            match outcome.verdict() {
                Verdict::For => remember(&mut trial.known, request),
                Verdict::Against(_) => drop(trial.known.remove(&request)),
                Verdict::Nothing => {}
            }
            return None;
        }
        match outcome.verdict() {
            Verdict::For => {
                remember(&mut self.succeeded, request);
                self.passes();
                None
            }
            Verdict::Against(message) => {
                self.succeeded.remove(&request);
                let waited = matches!(outcome, Outcome::Trapped(Trap { kind: TrapKind::Deadline, .. }));
                let trial = self.trial.as_mut().filter(|_| !waited)?;
                trial.fails(digest, request, message)
            }
            Verdict::Nothing => None,
        }
    }

    fn passes(&mut self) {
        let Some(trial) = &mut self.trial else { return };
        trial.failed.clear();
        trial.failures = 0;
        if self.succeeded.len() >= trial.known.len().min(SUCCESSES_MAX) {
            self.trial = None;
        }
    }
}

impl Trial {
    fn fails(&mut self, bad: Digest, request: u64, message: &str) -> Option<Regression> {
        if self.over || !self.known.contains(&request) {
            return None;
        }
        self.failed.insert(request);
        self.failures += 1;
        let enough = self.failed.len() >= self.known.len().min(REQUESTS_MIN) && self.failures >= FAILURES_MIN;
        self.over = enough;
        let requests = self.failed.len();
        enough.then(|| Regression { bad, good: self.good, requests, message: message.to_owned() })
    }
}

fn remember(requests: &mut Requests, request: u64) {
    if requests.len() < KNOWN_MAX {
        requests.insert(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const OLD: Digest = Digest([1; 32]);
    const NEW: Digest = Digest([2; 32]);
    const NEWER: Digest = Digest([3; 32]);

    fn error(explained: bool) -> Outcome {
        Outcome::Retry { message: "no".into(), after: None, explained }
    }

    fn trap(kind: TrapKind) -> Outcome {
        Outcome::Trapped(Trap { kind, message: "dead".into(), frames: Vec::new() })
    }

    /// A module whose requests 0, 1, … succeeded with the old version, and which serves the new one.
    fn swapped(requests: u64) -> Trials {
        let mut trials = Trials::default();
        trials.serve(OLD);
        (0..requests).for_each(|request| assert_eq!(trials.ended(OLD, request, &Outcome::Done), None));
        trials.serve(NEW);
        trials
    }

    fn check(requests: u64, runs: &[(u64, Outcome)], goes_back: bool) {
        let mut trials = swapped(requests);
        let told: Vec<_> =
            runs.iter().filter_map(|(request, outcome)| trials.ended(NEW, *request, outcome)).collect();
        assert_eq!(told.len(), usize::from(goes_back), "{runs:?}: {told:?}");
        assert!(told.iter().all(|told| (told.bad, told.good) == (NEW, OLD)), "{told:?}");
    }

    #[test]
    fn a_version_goes_back_when_several_requests_fail_that_the_old_one_served() {
        let fails = || error(false);
        check(10, &[(0, fails()), (1, trap(TrapKind::Fault)), (2, trap(TrapKind::Cpu)), (3, fails())], true);
        check(10, &[(0, fails()), (0, fails()), (0, fails()), (0, fails())], false);
        check(1, &[(0, fails()), (0, fails()), (0, fails())], true);
        check(1, &[(0, fails()), (0, fails())], false);
    }

    #[test]
    fn what_the_old_version_did_not_serve_and_what_the_cluster_explains_does_not_count() {
        check(10, &[(20, error(false)), (21, error(false)), (22, error(false))], false);
        check(10, &[(0, error(true)), (1, error(true)), (2, error(true))], false);
        let waits = || trap(TrapKind::Deadline);
        check(10, &[(0, waits()), (1, waits()), (2, waits())], false);
        check(0, &[(0, error(false)), (1, error(false)), (2, error(false))], false);
    }

    #[test]
    fn a_success_between_begins_the_count_anew() {
        let fails = || error(false);
        let success = Outcome::RequeueAfter(Duration::ZERO);
        check(10, &[(0, fails()), (1, fails()), (5, success), (2, fails()), (3, fails())], false);
    }

    #[test]
    fn a_version_that_did_what_the_old_one_did_is_as_good() {
        let mut trials = swapped(4);
        (0..4).for_each(|request| assert_eq!(trials.ended(NEW, request, &Outcome::Done), None));
        assert_eq!(trials.good(), None);
        assert!((0..4).all(|request| trials.ended(NEW, request, &error(false)).is_none()));
    }

    #[test]
    fn a_version_that_comes_during_a_trial_is_tried_against_the_same_good_one() {
        let mut trials = swapped(3);
        trials.ended(NEW, 0, &Outcome::Done);
        trials.serve(NEWER);
        assert_eq!(trials.good(), Some(OLD));
        let told = (0..3).find_map(|request| trials.ended(NEWER, request, &error(false)));
        assert_eq!(told.map(|told| (told.bad, told.good)), Some((NEWER, OLD)));
        trials.serve(OLD);
        assert_eq!(trials.good(), None, "the good one is not tried");
        trials.serve(NEW);
        assert_eq!(trials.good(), Some(OLD), "what it served before is not forgotten");
    }

    #[test]
    fn what_is_remembered_of_a_module_is_bounded() {
        let mut trials = swapped(10_000);
        (0..10_000).for_each(|request| drop(trials.ended(NEW, request, &Outcome::Done)));
        assert_eq!(trials.succeeded.len(), KNOWN_MAX);
    }
}
