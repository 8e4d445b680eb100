//! How things stand: plain data for `windlass status` and gauges.

use crate::{
    input::WatchId,
    name::{Digest, Generation, Kind, ModuleName},
};
use std::sync::Arc;

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Whether runs may start.
    pub leading: bool,
    /// Whether the host is ending.
    pub draining: bool,
    /// Runs and questions under way.
    pub slots_held: usize,
    /// By name.
    pub modules: Vec<ModuleStatus>,
    /// By number.
    pub watches: Vec<WatchStatus>,
}

/// One module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleStatus {
    /// Its name.
    pub name: ModuleName,
    /// What serves; none before the first version does.
    pub serving: Option<(Digest, Generation)>,
    /// What will serve, and what it waits for.
    pub pending: Option<(Digest, String)>,
    /// Nothing of it runs until it is resumed.
    pub paused: bool,
    /// Runs under way.
    pub running: usize,
    /// By name.
    pub controllers: Vec<ControllerStatus>,
}

/// One controller.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerStatus {
    /// Its name in the description.
    pub name: Arc<str>,
    /// The kind it reconciles.
    pub kind: Kind,
    /// Requests that could run now.
    pub ready: usize,
    /// Requests that wait for their time.
    pub waiting: usize,
    /// Requests that run.
    pub running: usize,
    /// Requests whose last run failed.
    pub failing: usize,
    /// Requests put in since the start, repeats not counted.
    pub adds: u64,
    /// Requests dropped because the queue was full.
    pub dropped: u64,
    /// Changes that wait for the module's `targets`.
    pub unasked: usize,
}

/// One watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchStatus {
    /// Its number.
    pub id: WatchId,
    /// What it watches.
    pub kind: Kind,
    /// None: everywhere.
    pub namespace: Option<Arc<str>>,
    /// Label selector.
    pub labels: Option<String>,
    /// Field selector.
    pub fields: Option<Arc<str>>,
    /// Metadata only.
    pub metadata_only: bool,
    /// Whether it holds all there was when it began.
    pub synced: bool,
    /// Who needs it: `module/controller`.
    pub users: Vec<String>,
}
