//! Everything noteworthy that happens, one variant each. Facts feed logs, metrics and tests.

use crate::{
    call::ApiError,
    description::Description,
    fight::Fight,
    name::{Digest, Generation, Kind, ModuleName, ObjectName, Request},
    outcome::Outcome,
    quarantine::Standing,
};
use std::{sync::Arc, time::Duration};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A module's bytes were seen (first time or replaced).
    ModuleOffered {
        /// Which module.
        module: ModuleName,
        /// Of its bytes.
        digest: Digest,
    },
    /// A module's bytes or manifest were refused; what served before goes on.
    ModuleRejected {
        /// Which module.
        module: ModuleName,
        /// What, where, and what to do next.
        reason: String,
    },
    /// A module waits for its operator.
    ModuleWaiting {
        /// Which module.
        module: ModuleName,
        /// What for.
        reason: String,
    },
    /// A module was admitted, compiled, and said what it is.
    ModuleDescribed {
        /// Which module.
        module: ModuleName,
        /// Which bytes.
        digest: Digest,
        /// What it says.
        description: Arc<Description>,
    },
    /// A version began to serve.
    ModuleServing {
        /// Which module.
        module: ModuleName,
        /// Which bytes.
        digest: Digest,
        /// Which generation.
        generation: Generation,
        /// Since its bytes were complete.
        took: Duration,
    },
    /// A module goes back to the version before, and why.
    ModuleRolledBack {
        /// Which module.
        module: ModuleName,
        /// What served, and is rejected from now on.
        bad: Digest,
        /// What is to serve again.
        good: Digest,
        /// What the bad one did, or who did not want it.
        reason: String,
    },
    /// A module fails at everything and is slowed or held for it, or no longer is.
    ModuleStanding {
        /// Which module.
        module: ModuleName,
        /// How it stands now.
        standing: Standing,
    },
    /// A module that did not run for a time gave its memory back.
    ModuleAsleep {
        /// Which module.
        module: ModuleName,
    },
    /// A module that slept is in memory again.
    ModuleWoken {
        /// Which module.
        module: ModuleName,
        /// How long who woke it had to wait.
        took: Duration,
        /// Its compiled code was gone or void: it was compiled again.
        compiled: bool,
    },
    /// A module that sleeps cannot be had back; its requests wait and are tried again.
    ModuleNotWoken {
        /// Which module.
        module: ModuleName,
        /// Why, and what to do.
        reason: String,
        /// How long it is not tried again.
        retry_in: Duration,
    },
    /// A module was taken out; what its finalizers still hold.
    ModuleWithdrawn {
        /// Which module.
        module: ModuleName,
    },
    /// A watch holds all there was when it began.
    WatchSynced {
        /// Of which kind.
        kind: Kind,
        /// How many objects.
        objects: usize,
    },
    /// A watch failed and will be tried again.
    WatchFailed {
        /// Of which kind.
        kind: Kind,
        /// Why.
        reason: String,
        /// When.
        retry_in: Duration,
    },
    /// A watched kind is not served (its CRD is absent); it is waited for.
    KindAbsent {
        /// Which kind.
        kind: Kind,
    },
    /// A run ended.
    RunEnded(Box<RunEnded>),
    /// A guest's write was answered.
    CallAnswered {
        /// On behalf of which request.
        request: Request,
        /// `patch`, ….
        verb: &'static str,
        /// The kind written.
        kind: Kind,
        /// The object written.
        name: ObjectName,
        /// Subresource.
        subresource: Option<String>,
        /// None: it succeeded.
        error: Option<ApiError>,
        /// False when the object was already as it was wanted, as far as the cache can tell.
        changed: bool,
        /// How long it took.
        took: Duration,
    },
    /// From where the reads of a question to `targets` were answered; those of a run are told with its end.
    ReadsAnswered {
        /// Which module.
        module: ModuleName,
        /// From where.
        reads: Reads,
    },
    /// A guest's write was not sent: the object is already as it would make it.
    WriteSpared {
        /// On behalf of which request.
        request: Request,
        /// `patch`, ….
        verb: &'static str,
        /// The kind that would have been written.
        kind: Kind,
        /// The object that would have been written.
        name: ObjectName,
        /// Subresource.
        subresource: Option<String>,
    },
    /// A call was refused by the grant.
    CallRefused {
        /// Which module.
        module: ModuleName,
        /// What was wanted, and the rule that would allow it.
        reason: String,
        /// Whether it is the first one of this module that this rule would have prevented.
        first: bool,
    },
    /// A guest wrote a log line; escaped and bounded.
    GuestLog {
        /// On behalf of which request; none while describing.
        request: Option<Request>,
        /// Which module.
        module: ModuleName,
        /// `trace` … `error`.
        level: LogLevel,
        /// The line.
        message: String,
        /// Its fields.
        fields: Vec<(String, String)>,
    },
    /// A guest changed a metric of its own. Names are valid Prometheus names, without prefix.
    GuestMetric {
        /// Which module.
        module: ModuleName,
        /// The metric.
        name: String,
        /// What is done to it.
        change: MetricChange,
        /// Name and value.
        labels: Vec<(String, String)>,
        /// Series that the module may have in all.
        series_max: usize,
    },
    /// A module gave no answer to which requests some changes lead to; it is asked again.
    TargetsFailed {
        /// Which module.
        module: ModuleName,
        /// Of its controllers, the one with the watch.
        controller: Arc<str>,
        /// The watch that saw the changes.
        watch: Arc<str>,
        /// What went wrong; escaped.
        message: String,
    },
    /// Writes go in circles, or no longer do.
    Fight(Box<Fight>),
    /// A module came to one of its limits.
    BoundReached {
        /// Which module.
        module: ModuleName,
        /// The field of `spec.limits`.
        bound: &'static str,
        /// How often.
        count: u32,
    },
    /// Something bounded was full and something was dropped.
    Dropped {
        /// Which bound.
        bound: &'static str,
        /// How many.
        count: u64,
    },
    /// This host became the leader, or stopped being it.
    Leadership {
        /// Whether it leads now.
        leading: bool,
        /// Who holds the lease, as far as known.
        holder: Option<Arc<str>>,
    },
}

/// How one run went.
#[derive(Clone, Debug)]
pub struct RunEnded {
    /// What was reconciled.
    pub request: Request,
    /// By which bytes.
    pub digest: Digest,
    /// Of which generation.
    pub generation: Generation,
    /// Why it ran.
    pub reason: Reason,
    /// How it ended.
    pub outcome: Outcome,
    /// From dispatch to result.
    pub took: Duration,
    /// CPU of the guest, as far as measured.
    pub cpu: Duration,
    /// From the first trigger to dispatch.
    pub waited: Duration,
    /// Host calls made.
    pub calls: u32,
    /// From where its reads were answered.
    pub reads: Reads,
}

/// How many reads of a guest were answered from where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// By the cache: what is held covers the question.
    pub cache: u32,
    /// By the server: not enough is held, or the guest wants it so.
    pub server: u32,
}

/// What a guest does to a metric of its own. Always a finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricChange {
    /// A counter grows; never negative.
    Add(f64),
    /// A gauge is set.
    Set(f64),
    /// A histogram sees a value.
    Observe(f64),
}

/// Level of a guest's log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Finest.
    Trace,
    /// For authors.
    Debug,
    /// For operators.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

/// Why a request is in the queue; the first reason of a run is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The object itself changed.
    Changed,
    /// The object is new to the host.
    Appeared,
    /// The object is gone.
    Gone,
    /// Another object changed.
    Related {
        /// Which watch of the description.
        watch: Arc<str>,
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: ObjectName,
    },
    /// What it read with `subscribe` changed.
    Followed {
        /// Of which kind.
        kind: Kind,
        /// Which object; none if a list of several may have changed.
        name: Option<ObjectName>,
    },
    /// The run before asked for it.
    Requeued,
    /// The run before failed.
    Retried,
    /// A periodic resync.
    Resync,
    /// The module was swapped.
    Reloaded,
    /// It came when the queue was full, or may have.
    Overflowed,
    /// An operator asked for it.
    Asked,
}
