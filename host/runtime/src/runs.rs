//! Runs on order of the pipeline, and how they end.

use crate::{
    aside::Aside,
    clock::Clock,
    hands::{Hands, Work},
    observe::{Observer, Observers},
    own_writes::OwnWrites,
    spare::Sparing,
};
use futures::FutureExt as _;
use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{AcqRel, Acquire},
        },
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use windlass_core::{
    call::ApiError,
    fact::{Fact, Reads},
    input::{AskTargets, Ended, Input, Run, TargetsId},
    name::ObjectName,
    outcome::Outcome,
};
use windlass_guest::{
    deadline::before,
    host::{Host, Terms},
    instance::{self, RunInput, RunReport, TargetsError, Usage},
    limits::Bound,
    registry::{Awake, Held},
};

/// A version of a module, awake or not, and what its manifest gives it.
pub(crate) type Serving = (Arc<Held>, Arc<Terms>);

/// Starts runs and follows them.
pub(crate) struct Runs(Hands<Arc<Means>>);

/// What every run uses; shared as one, since each count of sharers is a line of memory that processors take from each
/// other twice in every run.
struct Means {
    writes: Arc<OwnWrites>,
    sparing: Arc<Sparing>,
    host: Arc<dyn Host>,
    observers: Observers,
    clock: Clock,
    aside: Aside,
    cuts: Cuts,
}

enum Order {
    Run(Run, Option<Serving>),
    Ask(TargetsId, AskTargets, Option<Serving>),
}

impl Runs {
    pub(crate) fn new(
        (writes, sparing): (Arc<OwnWrites>, Arc<Sparing>),
        host: Arc<dyn Host>,
        clock: Clock,
        observers: Observers,
    ) -> Self {
        let (aside, cuts) = (Aside::default(), Cuts::default());
        Self(Hands::new(Means { writes, sparing, host, observers, clock, aside, cuts }.into()))
    }

    /// Runs a module for a request, from the next [`Runs::begin`] on. Where the version is gone (the pipeline frees none
    /// that it still runs) the run is told as given up, so that its request is not lost.
    pub(crate) fn start(&mut self, run: Run, serving: Option<Serving>) {
        self.give(Order::Run(run, serving));
    }

    /// Asks a module which requests some changes lead to, from the next [`Runs::begin`] on.
    pub(crate) fn ask(&mut self, id: TargetsId, ask: AskTargets, serving: Option<Serving>) {
        self.give(Order::Ask(id, ask, serving));
    }

    fn give(&mut self, order: Order) {
        let cuts = self.0.work().cuts.until_now();
        self.0.give((cuts, order));
    }

    /// Lets begin what was started.
    pub(crate) fn begin(&mut self) {
        self.0.begin();
    }

    /// Waits until it is time to look at [`Runs::ends`].
    pub(crate) async fn called(&self) {
        self.0.called().await;
    }

    /// Adds how runs and questions ended until now. What a run sent before its end is in the inputs by then.
    pub(crate) fn ends(&self, ends: &mut Vec<Input>) {
        self.0.ends(ends);
    }

    /// Ends what runs, at once; each run is told as given up.
    pub(crate) fn cut(&self) {
        self.0.work().cuts.cut();
    }

    /// Waits until nothing runs; for when nothing is started any more.
    pub(crate) async fn over(&self) {
        self.0.over().await;
    }
}

impl Work for Arc<Means> {
    /// With the number of cuts before it was given.
    type Order = (u64, Order);
    type End = Input;

    async fn carry_out(&self, (cuts, order): Self::Order) -> Input {
        match order {
            Order::Run(run, serving) => Input::Ended(self.run(cuts, run, serving).await),
            Order::Ask(id, ask, serving) => {
                let (answer, cpu) = match serving {
                    None => (None, Duration::ZERO),
                    Some(serving) => {
                        let asked = unbroken(targets(ask, serving, self.clone())).boxed();
                        let answer = self.cuts.or(cuts, self.aside.run(asked)).await;
                        answer.flatten().flatten().unwrap_or_default()
                    }
                };
                Input::Targets(id, answer, cpu)
            }
        }
    }
}

impl Means {
    async fn run(self: &Arc<Self>, cuts: u64, run: Run, serving: Option<Serving>) -> Ended {
        let id = run.id;
        let known = self.sparing.begin(&run);
        let report = match serving {
            None => given_up(),
            Some(serving) => {
                let run = unbroken(reconcile(run, serving, self.clone())).boxed();
                match self.cuts.or(cuts, self.aside.run(run)).await.flatten() {
                    Some(Some(report)) => report,
                    Some(None) => broken(),
                    None => given_up(),
                }
            }
        };
        drop(known);
        let RunReport { outcome, usage } = report;
        let (calls, reads) = (usage.tally.host_calls, reads_of(&usage));
        Ended { run: id, at: self.clock.now(), outcome, cpu: usage.cpu, calls, reads }
    }
}

/// How often runs under way had to end at once: the lease was lost, or the grace period was over.
#[derive(Default)]
struct Cuts {
    count: AtomicU64,
    told: Notify,
}

impl Cuts {
    fn until_now(&self) -> u64 {
        self.count.load(Acquire)
    }

    fn cut(&self) {
        self.count.fetch_add(1, AcqRel);
        self.told.notify_waiters();
    }

    /// None: there was a cut. A run that does not wait is over at its first poll, and never joins those who wait for one.
    async fn or<T>(&self, before: u64, run: impl Future<Output = T>) -> Option<T> {
        if self.until_now() != before {
            return None;
        }
        tokio::select! {
            biased;
            ended = run => Some(ended),
            () = self.next(before) => None,
        }
    }

    async fn next(&self, before: u64) {
        loop {
            // Made before the look, so that a cut in between ends the wait.
            let told = self.told.notified();
            if self.until_now() != before {
                return;
            }
            told.await;
        }
    }
}

/// None: it panicked, which is a bug of the host, and has said so. It takes no hand along.
async fn unbroken<T>(run: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(run).catch_unwind().await.ok()
}

async fn reconcile(run: Run, (held, terms): Serving, means: Arc<Means>) -> RunReport {
    let ends_at = Instant::now() + terms.limits.time(Bound::Deadline);
    let module = match awake(held, ends_at).await {
        Ok(module) => module,
        Err(outcome) => return RunReport { outcome, usage: Usage::default() },
    };
    // Read as late as possible: the run sees the newest state, not the one that woke it. The server may be asked, so
    // this has the run's deadline too.
    let read = before(ends_at, pin!(means.writes.object_of(&run))).await;
    let object = match read {
        Some(Ok(object)) => object,
        Some(Err(error)) => return unread(&error),
        None => return unread(&ApiError::host("Timeout", "no answer within the deadline of a run")),
    };
    let Run { id, request, kind, failures, .. } = run;
    let input = RunInput { terms, run: id, request, kind, object, failures };
    instance::invoke(&module, input, means.host.clone()).await
}

/// The version in memory. A sleeper is waited for, but not longer than a run may take: it goes on waking up, and the
/// request comes again. A module is not to blame for what its host cannot find.
async fn awake(held: Arc<Held>, ends_at: Instant) -> Result<Awake, Outcome> {
    let again = |message, after| Outcome::Retry { message, after, explained: true };
    match before(ends_at, pin!(held.awake())).await {
        Some(Ok(awake)) => Ok(awake),
        Some(Err(error)) => Err(again(error.to_string(), Some(error.retry_in))),
        None => Err(again("the module sleeps and is still being compiled again".to_owned(), None)),
    }
}

/// None: the question is to be put again.
async fn targets(
    ask: AskTargets,
    (held, terms): Serving,
    means: Arc<Means>,
) -> (Option<Vec<Vec<ObjectName>>>, Duration) {
    let ends_at = Instant::now() + terms.limits.time(Bound::Deadline);
    let Ok(module) = awake(held, ends_at).await else { return (None, Duration::ZERO) };
    let report = instance::targets(&module, terms, &ask, means.host.clone()).await;
    means.observers.fact(&Fact::ReadsAnswered { module: ask.module.clone(), reads: reads_of(&report.usage) });
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

fn reads_of(usage: &Usage) -> Reads {
    Reads { cache: usage.tally.cached_reads, server: usage.tally.server_reads }
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

/// Tried again ever more seldom, as nobody knows what it was.
fn broken() -> RunReport {
    let message = "the host itself failed in this run, which is a bug; its log says where".to_owned();
    let outcome = Outcome::Retry { message, after: None, explained: true };
    RunReport { outcome, usage: Usage::default() }
}

fn given_up() -> RunReport {
    RunReport { outcome: Outcome::Abandoned, usage: Usage::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "what is tested is a panic")]
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_cut_ends_what_was_begun_before_it_and_nothing_else() {
        let cuts = Arc::new(Cuts::default());
        let before = cuts.until_now();
        let waits = tokio::spawn({
            let cuts = cuts.clone();
            async move { cuts.or::<()>(before, pending()).await }
        });
        assert_eq!(cuts.or(before, async { 1 }).await, Some(1));
        cuts.cut();
        assert_eq!(waits.await.ok(), Some(None));
        assert_eq!(cuts.or(before, async { 1 }).await, None, "it was given before the cut");
        assert_eq!(cuts.or(cuts.until_now(), async { 1 }).await, Some(1));
    }

    #[tokio::test]
    async fn a_run_that_panics_ends_itself_only_and_is_tried_again() {
        assert_eq!(unbroken(async { 1 }).await, Some(1));
        assert_eq!(unbroken::<()>(async { panic!("a bug of the host") }).await, None);
        assert!(matches!(broken().outcome, Outcome::Retry { after: None, .. }));
    }
}
