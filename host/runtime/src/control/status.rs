//! How a host stands, as `windlass status` shows it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// Of Windlass.
    pub version: String,
    /// Its process.
    pub process_id: u32,
    /// Since it started.
    pub uptime_seconds: u64,
    /// Whether it may run modules.
    pub leadership: Leadership,
    /// By name.
    pub modules: Vec<ModuleStatus>,
    /// Over all modules.
    pub watches: Vec<WatchStatus>,
}

/// Whether a host may run modules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leadership {
    /// It may.
    pub leading: bool,
    /// Who holds the lease, as far as known; none where there is no lease.
    pub holder: Option<String>,
    /// Why the lease cannot be had, where that is not just another host's.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleStatus {
    /// Its identity.
    pub name: String,
    /// How it stands.
    pub state: ModuleState,
    /// Why it stands so, and what to do, where that needs saying.
    pub reason: Option<String>,
    /// Of the bytes that serve, 64 hexadecimal digits; none while nothing does.
    pub digest: Option<String>,
    /// Of what serves; 0 while nothing does.
    pub generation: u64,
    /// What it calls itself.
    pub title: String,
    /// What it calls its version.
    pub version: String,
    /// A newer version that was refused while this one goes on.
    pub rejected: Option<Rejection>,
    /// What is wrong while it serves, and what to do.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// It had nothing to do for a time and takes no memory for code until it has.
    #[serde(default)]
    pub asleep: bool,
    /// Reads that its requests follow (`subscribe`).
    #[serde(default)]
    pub subscriptions: usize,
    /// Its reconciled kinds.
    pub controllers: Vec<ControllerStatus>,
}

/// How a module stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// Its watches are not in step yet.
    Syncing,
    /// It runs.
    Serving,
    /// An operator paused it.
    Paused,
    /// Nobody granted anything to it.
    WaitingForGrant,
    /// It was refused, and nothing older serves.
    Rejected,
}

/// Something that holds of a module for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// One word for machines: `Fighting`.
    pub kind: String,
    /// For people: what, where, what to do.
    pub message: String,
}

/// A version that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// None if already the manifest could not be read.
    pub digest: Option<String>,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// One reconciled kind of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerStatus {
    /// Unique in its module.
    pub name: String,
    /// `apps/v1 Deployment`.
    pub kind: String,
    /// Requests that could run now.
    pub ready: usize,
    /// Requests that run.
    pub running: usize,
    /// Requests that wait for their time (backoff, requeue-after).
    pub delayed: usize,
    /// The latest run that failed and has not succeeded since.
    pub last_error: Option<LastError>,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// `namespace/name`.
    pub object: String,
    /// What it said.
    pub message: String,
    /// How long ago.
    pub seconds_ago: u64,
}

/// A watch of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchStatus {
    /// `apps/v1 Deployment`.
    pub kind: String,
    /// None: all namespaces, or a cluster-scoped kind.
    pub namespace: Option<String>,
    /// Label and field selector, as the server is asked; empty: all objects.
    #[serde(default)]
    pub selector: String,
    /// Only metadata is held.
    #[serde(default)]
    pub metadata_only: bool,
    /// Why it runs: each controller whose description wants it, and each whose requests follow by it what they read.
    #[serde(default)]
    pub users: Vec<WatchUser>,
    /// It holds what there is.
    pub synced: bool,
    /// Objects held.
    pub objects: usize,
    /// Why it is not in step.
    pub error: Option<String>,
}

/// A controller that a watch runs for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchUser {
    /// `module/controller`.
    pub controller: String,
    /// Its description wants the watch.
    pub declared: bool,
    /// Reads of its requests that are followed by it.
    pub subscriptions: usize,
}

impl fmt::Display for WatchUser {
    /// `module/controller`, and how much it follows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.controller)?;
        match self.subscriptions {
            0 => Ok(()),
            1 => f.write_str(" (1 read)"),
            some => write!(f, " ({some} reads)"),
        }
    }
}

impl fmt::Display for ModuleState {
    /// A word or three for a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Syncing => "syncing",
            Self::Serving => "serving",
            Self::Paused => "paused",
            Self::WaitingForGrant => "waiting for a grant",
            Self::Rejected => "rejected",
        })
    }
}
