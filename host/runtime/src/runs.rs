//! Runs on order of the pipeline, each a task of its own, and how they end.

use crate::{
    aside::Aside,
    observe::{Observer, Observers},
    own_writes::OwnWrites,
    spare::Sparing,
    tell::Inputs,
};
use futures::FutureExt as _;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use windlass_core::{
    call::ApiError,
    fact::Fact,
    input::{AskTargets, Ended, Input, Run, TargetsId},
    name::{ModuleName, ObjectName},
    outcome::Outcome,
};
use windlass_guest::{
    host::{Host, Terms},
    instance::{self, RunInput, RunReport, TargetsError, Usage},
    limits::Bound,
    registry::{Awake, Held},
};

/// A version of a module, awake or not, and what its manifest gives it.
pub(crate) type Serving = (Arc<Held>, Arc<Terms>);

/// Starts runs and follows them.
pub(crate) struct Runs {
    means: Arc<Means>,
    tracker: TaskTracker,
    /// Cancelled when runs under way must end at once: lost lease, or the end of the grace period. Shared by a count, as to
    /// clone a token takes its lock.
    cut: Arc<CancellationToken>,
}

/// What every run uses; shared as one, since each count of sharers is a line of memory that processors take from each
/// other twice in every run.
struct Means {
    writes: Arc<OwnWrites>,
    sparing: Arc<Sparing>,
    host: Arc<dyn Host>,
    inputs: Inputs,
    observers: Observers,
    aside: Aside,
}

impl Runs {
    pub(crate) fn new(
        (writes, sparing): (Arc<OwnWrites>, Arc<Sparing>),
        host: Arc<dyn Host>,
        inputs: Inputs,
        observers: Observers,
    ) -> Self {
        let means = Arc::new(Means { writes, sparing, host, inputs, observers, aside: Aside::default() });
        Self { means, tracker: TaskTracker::new(), cut: Arc::default() }
    }

    /// Runs a module for a request. Where the version is gone (the pipeline frees none that it still runs) the run
    /// is told as given up, so that its request is not lost.
    pub(crate) fn start(&self, run: Run, serving: Option<Serving>) {
        let (means, cut) = (self.means.clone(), self.cut.clone());
        self.tracker.spawn(async move {
            let (id, module) = (run.id, run.request.controller.module.clone());
            let known = means.sparing.begin(&run);
            let report = match serving {
                None => given_up(),
                Some(serving) => {
                    // Boxed, as it is kilobytes long, and a task is moved some times until it lies where it runs.
                    let run = reconcile(run, serving, means.clone()).boxed();
                    until_cut(&cut, means.aside.run(run)).await.flatten().unwrap_or_else(given_up)
                }
            };
            drop(known);
            tell_reads(&means.observers, &module, &report.usage);
            let (cpu, calls) = (report.usage.cpu, report.usage.tally.host_calls);
            let ended = Ended { run: id, outcome: report.outcome, cpu, calls };
            means.inputs.send(Input::Ended(ended)).await;
        });
    }

    /// Asks a module which requests some changes lead to.
    pub(crate) fn ask(&self, id: TargetsId, ask: AskTargets, serving: Option<Serving>) {
        let (means, cut) = (self.means.clone(), self.cut.clone());
        self.tracker.spawn(async move {
            let (answer, cpu) = match serving {
                None => (None, Duration::ZERO),
                Some(serving) => {
                    let run = targets(ask, serving, means.clone()).boxed();
                    until_cut(&cut, means.aside.run(run)).await.flatten().unwrap_or_default()
                }
            };
            means.inputs.send(Input::Targets(id, answer, cpu)).await;
        });
    }

    /// Ends what runs, at once; each run is told as given up.
    pub(crate) fn cut(&mut self) {
        std::mem::take(&mut self.cut).cancel();
    }

    /// Waits until nothing runs; for when nothing is started any more. A run's last input is sent before.
    pub(crate) async fn over(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// None: it was cut. A run that does not wait is over at its first poll, and never joins those who wait for the cut.
async fn until_cut<T>(cut: &CancellationToken, run: impl Future<Output = T>) -> Option<T> {
    if cut.is_cancelled() {
        return None;
    }
    tokio::select! {
        biased;
        ended = run => Some(ended),
        () = cut.cancelled() => None,
    }
}

async fn reconcile(run: Run, (held, terms): Serving, means: Arc<Means>) -> RunReport {
    let module = match awake(&held, &terms).await {
        Ok(module) => module,
        Err(outcome) => return RunReport { outcome, usage: Usage::default() },
    };
    // Read as late as possible: the run sees the newest state, not the one that woke it. The server may be asked, so
    // this has the run's deadline too.
    let read = tokio::time::timeout(terms.limits.time(Bound::Deadline), means.writes.object_of(&run)).await;
    let object = match read {
        Ok(Ok(object)) => object,
        Ok(Err(error)) => return unread(&error),
        Err(_) => return unread(&ApiError::host("Timeout", "no answer within the deadline of a run")),
    };
    let Run { id, request, kind, failures, .. } = run;
    let input = RunInput { terms, run: id, request, kind, object, failures };
    instance::invoke(&module, input, means.host.clone()).await
}

/// The version in memory. A sleeper is waited for, but not longer than a run may take: it goes on waking up, and the
/// request comes again. A module is not to blame for what its host cannot find.
async fn awake(held: &Arc<Held>, terms: &Terms) -> Result<Awake, Outcome> {
    let deadline = terms.limits.time(Bound::Deadline);
    let again = |message, after| Outcome::Retry { message, after, explained: true };
    match tokio::time::timeout(deadline, held.awake()).await {
        Ok(Ok(awake)) => Ok(awake),
        Ok(Err(error)) => Err(again(error.to_string(), Some(error.retry_in))),
        Err(_) => Err(again("the module sleeps and is still being compiled again".to_owned(), None)),
    }
}

/// None: the question is to be put again.
async fn targets(
    ask: AskTargets,
    (held, terms): Serving,
    means: Arc<Means>,
) -> (Option<Vec<Vec<ObjectName>>>, Duration) {
    let Ok(module) = awake(&held, &terms).await else { return (None, Duration::ZERO) };
    let report = instance::targets(&module, terms, &ask, means.host.clone()).await;
    tell_reads(&means.observers, &ask.module, &report.usage);
    let targets = report.targets.inspect_err(|error| tell_failed(&means.observers, &ask, error));
    (targets.ok(), report.usage.cpu)
}

/// Nobody knows how the object stands: not a fault of the module, and to be tried again.
fn unread(error: &ApiError) -> RunReport {
    let message =
        format!("an earlier write's outcome is not known, and the object could not be read: {error}");
    let outcome = Outcome::Retry { message, after: None, explained: true };
    RunReport { outcome, usage: Usage::default() }
}

/// From where an invocation's reads were answered.
fn tell_reads(observers: &Observers, module: &ModuleName, usage: &Usage) {
    let (cache, server) = (usage.tally.cached_reads, usage.tally.server_reads);
    if cache + server > 0 {
        observers.fact(&Fact::ReadsAnswered { module: module.clone(), cache, server });
    }
}

/// Nothing else would say why the changes lead to no run.
fn tell_failed(observers: &Observers, ask: &AskTargets, error: &TargetsError) {
    observers.fact(&Fact::TargetsFailed {
        module: ask.module.clone(),
        controller: ask.controller.clone(),
        watch: ask.watch.clone(),
        message: error.to_string(),
    });
}

fn given_up() -> RunReport {
    RunReport { outcome: Outcome::Abandoned, usage: Usage::default() }
}
