//! The one way in: [`Pipeline::step`] turns an input into commands.

pub mod status;

use crate::{
    cache::Cache,
    input::{Commands, Input},
    time::Time,
};
use status::Status;
use std::{sync::Arc, time::Duration};

/// The bounds of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Runs and questions at a time over all modules.
    pub slots_max: usize,
    /// Requests that one controller's queue may hold; further ones are dropped and counted.
    pub requests_max: usize,
    /// Changes in one question to a module's `targets`.
    pub targets_changes_max: usize,
    /// JSON bytes in one question to a module's `targets` (one change may be more).
    pub targets_bytes_max: usize,
    /// Objects that one step looks at when a version begins to serve or a resync is due; more take further steps.
    pub backfill_slice: usize,
    /// First delay after a failure (W9).
    pub backoff_min: Duration,
    /// Longest delay after failures (W9).
    pub backoff_max: Duration,
    /// A request of low priority that is ready so long gets every eighth turn of its controller.
    pub ageing: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots_max: 64,
            requests_max: 1_000_000,
            targets_changes_max: 64,
            targets_bytes_max: 1 << 20,
            backfill_slice: 1_000,
            backoff_min: Duration::from_millis(5),
            backoff_max: Duration::from_secs(1_000),
            ageing: Duration::from_secs(10),
        }
    }
}

/// The host's decisions: which watches run, which requests wait, which run starts.
#[derive(Debug)]
pub struct Pipeline {
    cache: Arc<Cache>,
    settings: Settings,
}

impl Pipeline {
    /// A pipeline without modules that does not lead: nothing runs until [`Input::Leading`] says so.
    #[must_use]
    pub fn new(cache: Arc<Cache>, settings: Settings) -> Self {
        Self { cache, settings }
    }

    /// Takes in one input at a time that never goes back, and answers what is to be done, in order.
    pub fn step(&mut self, now: Time, input: Input) -> Commands {
        let _seen = (now, input, &self.cache, &self.settings);
        Commands::default()
    }

    /// How things stand, for `windlass status`.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::default()
    }
}
