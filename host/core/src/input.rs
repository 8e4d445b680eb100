//! The closed lists of what comes into the pipeline and what it orders.

use crate::{
    call::Shape,
    change::ObjectChange,
    description::{Description, Selection},
    fact::{Fact, Reads, Reason},
    fight::Wrote,
    grant::Grant,
    name::{Digest, Generation, Kind, ModuleName, ObjectName, Request, Resource},
    object::FieldPlan,
    outcome::Outcome,
    subscription::{Following, Seen, SubscribeError, Subscription, SubscriptionId},
    time::Time,
    trial::Regression,
    unneeded::Spares,
};
use std::{sync::Arc, time::Duration};

/// One watch of the API server, as the pipeline numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// What is to be watched.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchSpec {
    /// Which kind.
    pub kind: Kind,
    /// Which objects of it. `namespaces` has at most one entry: more namespaces are more watches.
    pub selection: Selection,
    /// Hold only `metadata`.
    pub metadata_only: bool,
    /// What to find in each object at ingest.
    pub plan: Arc<FieldPlan>,
}

/// A version of a module that is ready to serve: verified, compiled, described.
#[derive(Clone, Debug)]
pub struct Version {
    /// Which module.
    pub module: ModuleName,
    /// Which bytes.
    pub digest: Digest,
    /// What it wants.
    pub description: Arc<Description>,
    /// What it may.
    pub grant: Arc<Grant>,
    /// Its settings as JSON; other settings are another generation.
    pub settings: Arc<str>,
    /// What discovery knows of the kinds that the description names. A kind that is not here is absent from the
    /// cluster: nothing of it is watched until [`Input::Discovered`] brings it, and serving does not wait for it.
    pub resources: Vec<Resource>,
    /// Runs at a time, per controller; at least 1.
    pub concurrency: u32,
    /// Runs and questions at a time, all controllers together; at least 1.
    pub runs_max: u32,
    /// Everything is reconciled again so often; zero: never.
    pub resync: Duration,
    /// Described and watching, but not run.
    pub paused: bool,
    /// Writes that would change nothing are not sent.
    pub suppress_no_op_writes: bool,
}

/// Everything that can come into the pipeline.
#[derive(Clone, Debug)]
pub enum Input {
    /// A module appears, is replaced, or gets another grant, concurrency or pause. It serves once its watches are synced.
    Offer(Box<Version>),
    /// What a module may do is another from now on, whichever version of it serves or waits. What serves and asks for
    /// more is stopped where it can no longer watch, and refused where it can no longer call.
    Grant(ModuleName, Arc<Grant>),
    /// A module is taken out: its runs finish, its requests are dropped, its watches end if nobody else wants them.
    Withdraw(ModuleName),
    /// Run nothing of this module until resumed; changes are still collected.
    Pause(ModuleName),
    /// Undoes a pause.
    Resume(ModuleName),
    /// An operator asks for a run of one request, or of all requests of the module (no name).
    Ask(ModuleName, Option<ObjectName>),
    /// Kinds that the server serves now (a CRD was installed), or whose scope or plural changed.
    Discovered(Vec<Resource>),
    /// Objects changed; the cache holds them already. In slices of at most some hundreds.
    Changed(Vec<ObjectChange>),
    /// A watch holds everything that was there when it began; told again after it was refused or its kind was absent.
    Synced(WatchId),
    /// A run's write was answered and changed something; before the run's end.
    Wrote(Box<Wrote>),
    /// The server refuses a watch to the host's account; it is still tried, and [`Input::Synced`] tells when that changes.
    Refused(WatchId),
    /// The kind of a watch is not served, or not any more; after the deletions of what it held were told. The watch waits
    /// for the kind, and [`Input::Synced`] tells when it holds it again. No version waits for it meanwhile.
    Absent(WatchId),
    /// A run reads something that its request is to follow, told before the read is made. Answered by
    /// [`Command::Subscribed`] in the same step.
    Subscribe(Subscribe),
    /// What that read showed; only where the answer was [`crate::subscription::Following::Starting`]. None if nobody can tell.
    Seen(RunId, SubscriptionId, Option<Seen>),
    /// A run ended.
    Ended(Ended),
    /// A module answered which requests some changes lead to, one list per change asked; none if it failed (asked again with backoff).
    /// With the CPU it used, which the fair turns charge as a run's.
    Targets(TargetsId, Option<Vec<Vec<ObjectName>>>, Duration),
    /// This host may run modules, or may not (lost lease). Runs under way are ended by the driver.
    Leading(bool),
    /// No new runs; the driver waits for those under way.
    Drain,
    /// The time that the pipeline asked to be woken at has come.
    Tick,
}

/// A read that is to be followed.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Its number.
    pub id: SubscriptionId,
    /// Which run reads.
    pub run: RunId,
    /// What. The grant allows it: get or list, and watch.
    pub subscription: Subscription,
}

/// One question to a module's `targets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetsId(pub u64);

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which run.
    pub run: RunId,
    /// When; it may be told some time after.
    pub at: Time,
    /// How.
    pub outcome: Outcome,
    /// CPU that the guest used: what the fair turns charge.
    pub cpu: Duration,
    /// Host calls made.
    pub calls: u32,
    /// From where its reads were answered.
    pub reads: Reads,
}

/// Everything the pipeline can order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Start a watch; its changes go to the cache and come back as [`Input::Changed`].
    StartWatch(WatchId, WatchSpec),
    /// Find these fields too from now on.
    Replan(WatchId, Arc<FieldPlan>),
    /// End a watch and forget what only it held.
    StopWatch(WatchId),
    /// Run a module.
    Run(Run),
    /// Ask a module's `targets`.
    AskTargets(TargetsId, AskTargets),
    /// Answer a run that wants to follow what it reads.
    Subscribed(SubscriptionId, Result<Following, SubscribeError>),
    /// From now on this digest serves this module; the one before is freed when its last run ends.
    Serve {
        /// Which module.
        module: ModuleName,
        /// Which bytes.
        digest: Digest,
        /// Which generation.
        generation: Generation,
        /// The version that it is on trial against: to be kept until another one is told, or none.
        good: Option<Digest>,
    },
    /// No run of this version is left or will come.
    Free {
        /// Which module.
        module: ModuleName,
        /// Which bytes.
        digest: Digest,
    },
    /// The version that serves is worse than the one before: bring that back, and reject this one until an operator
    /// wants it. Ordered once; the version serves on until another one is offered.
    RollBack(ModuleName, Regression),
    /// Tell somebody.
    Tell(Fact),
}

/// One run to start.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number; [`Ended`] names it.
    pub id: RunId,
    /// What to reconcile. The driver reads the object from the cache as late as it can.
    pub request: Request,
    /// The reconciled kind.
    pub kind: Kind,
    /// What the controller selects of it: read the object with [`crate::cache::Cache::selected`], which leaves out
    /// what other modules hold beyond that.
    pub selection: Arc<Selection>,
    /// Which bytes run.
    pub digest: Digest,
    /// Of which generation.
    pub generation: Generation,
    /// Why.
    pub reason: Reason,
    /// How many times in a row this request has failed.
    pub failures: u32,
    /// Since the first trigger.
    pub waited: Duration,
    /// What decides which of its writes need not be sent; none: all are.
    pub spares: Option<Spares>,
}

/// Some changes that reached a `mapped` watch of one module.
#[derive(Clone, Debug)]
pub struct AskTargets {
    /// Which module.
    pub module: ModuleName,
    /// Which bytes.
    pub digest: Digest,
    /// Which controller.
    pub controller: Arc<str>,
    /// Which of its watches.
    pub watch: Arc<str>,
    /// How much of the objects the module is shown; what is held may be more.
    pub shape: Shape,
    /// The changes, in order.
    pub changes: Vec<ObjectChange>,
}

/// What one step ordered.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// To be carried out in order.
    pub commands: Vec<Command>,
    /// When to send [`Input::Tick`] if nothing comes before; none: never.
    pub wake_at: Option<Time>,
}
