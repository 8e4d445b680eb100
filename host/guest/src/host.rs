//! What the sandbox needs from the program around it: one trait, the only way out of a guest.

use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::time::Instant;
pub use windlass_core::fact::MetricChange;
use windlass_core::{
    cache::Cache,
    call::{ApiError, Call, Reply},
    description::Index,
    fact::LogLevel,
    grant::Refusal,
    input::RunId,
    name::{Digest, Kind, ModuleName, ObjectName, Request, Resource},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};

use crate::{
    grant::CurrentGrant,
    limits::{Bound, Limits},
    pace::Pace,
};

/// What the operator's manifest gives one module. One value for all runs of a generation.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The module's identity.
    pub module: ModuleName,
    /// What it may do now.
    pub grant: CurrentGrant,
    /// Its name in `managedFields`; unique in the host.
    pub field_manager: Arc<str>,
    /// `spec.settings` as JSON text.
    pub settings: Arc<str>,
    /// The field indexes that its description declares; reads name them.
    pub indexes: Arc<[Index]>,
    /// What it may use.
    pub limits: Limits,
    /// The pace of its writes, all its runs together.
    pub pace: Arc<Pace>,
}

/// Who calls: every effect of a guest is told together with this.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What its manifest gives it.
    pub terms: Arc<Terms>,
    /// Which bytes run.
    pub digest: Digest,
    /// What they run for.
    pub activity: Activity,
    /// The deadline of this invocation.
    pub ends_at: Instant,
}

/// What an invocation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Asking a module what it is; no call of the cluster is allowed.
    Describe,
    /// A reconcile.
    Reconcile {
        /// Its number in the pipeline.
        run: RunId,
        /// What is reconciled.
        request: Request,
        /// Of which kind.
        kind: Kind,
    },
    /// Asking which requests some changes lead to.
    Targets {
        /// Of which controller.
        controller: Arc<str>,
    },
}

impl Caller {
    /// Which module calls.
    #[must_use]
    pub fn module(&self) -> &ModuleName {
        &self.terms.module
    }

    /// In which run, if it is a reconcile.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match &self.activity {
            Activity::Reconcile { run, .. } => Some(*run),
            Activity::Describe | Activity::Targets { .. } => None,
        }
    }

    /// On behalf of which request, if it is a reconcile.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        match &self.activity {
            Activity::Reconcile { request, .. } => Some(request),
            Activity::Describe | Activity::Targets { .. } => None,
        }
    }
}

/// The program around the sandbox. Everything a guest can do or depend on goes through here, so this is also where
/// a run is recorded and replayed.
///
/// *Guarantees to the implementor:* every [`Call`] has passed the caller's grant, its names and sizes are checked
/// and its field manager is the manifest's. Text for people is escaped and bounded.
/// *Assumptions:* the plain functions do not block; a future may be dropped at any await.
pub trait Host: Send + Sync + 'static {
    /// Makes a checked call of the API server.
    fn call<'a>(&'a self, caller: &'a Caller, call: Call) -> BoxFuture<'a, Result<Reply, ApiError>>;

    /// Where a kind is served: discovery. `NotFound` when it is not.
    fn resource<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>>;

    /// What the watches hold. Reads of it are checked like calls of the server.
    fn cache(&self) -> &Cache;

    /// A Kubernetes Event.
    fn event(&self, caller: &Caller, event: EventData);

    /// A log line.
    fn log(&self, caller: &Caller, line: LogLine);

    /// A metric sample.
    fn metric(&self, caller: &Caller, sample: MetricSample);

    /// Run the caller's request again when this changes. Asked before the read is made, so that no change falls
    /// between; the set of a successful run replaces the one before. Only for reconciles.
    ///
    /// # Errors
    /// What the guest's read then fails with: a read that cannot be followed must not look as if it were.
    fn subscribe<'a>(
        &'a self,
        caller: &'a Caller,
        subscription: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>>;

    /// What a read showed that was to be followed and whose watch was still starting. None if that cannot be told.
    fn seen<'a>(
        &'a self,
        caller: &'a Caller,
        subscription: SubscriptionId,
        seen: Option<Seen>,
    ) -> BoxFuture<'a, ()>;

    /// A bound was reached so many times. Told once for each bound, at the end of an invocation.
    fn reached(&self, caller: &Caller, bound: Bound, times: u32);

    /// The grant refused a call; nothing was done.
    fn refused(&self, caller: &Caller, refusal: &Refusal);

    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self, caller: &Caller) -> f64;

    /// Fills with random bytes.
    fn random(&self, caller: &Caller, bytes: &mut [u8]);
}

/// A Kubernetes Event as a guest emits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventData {
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// What it is about.
    pub regarding: ObjectReference,
    /// A second object.
    pub related: Option<ObjectReference>,
    /// UpperCamelCase, for machines.
    pub reason: String,
    /// What was done.
    pub action: String,
    /// For people.
    pub note: String,
}

/// Points at an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectReference {
    /// Of which kind.
    pub kind: Kind,
    /// Which.
    pub name: ObjectName,
    /// If the guest knows it.
    pub uid: Option<String>,
}

/// A guest's log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How important.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// Key and value.
    pub fields: Vec<(String, String)>,
}

/// A sample of one of the module's own metrics. Name and label names are valid Prometheus names, without prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSample {
    /// The metric.
    pub name: String,
    /// What is done to it.
    pub change: MetricChange,
    /// Name and value.
    pub labels: Vec<(String, String)>,
}
