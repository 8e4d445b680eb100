//! One task per watch: what the API server holds of one kind, as a stream of deltas into a [`Sink`].
//!
//! Flow: resolve the kind → WatchList, or LIST → WATCH from the last version → … for ever, by client-go's rules R1–R21.
//!
//! Guarantees: nothing reaches the sink's held set between `begin` and `commit`; after `commit` every change is
//! delivered in the server's order, or a new `begin` … `commit` covers the gap. One backoff per reflector, so a
//! failing watch delays no other. Memory: one page's unfinished item, or one event, beside what the sink holds.
//!
//! Assumptions: the sink lays deltas over what it holds by name; the same object may come twice.

mod backoff;
mod consistency;
mod drive;
mod event;
mod lines;
mod list;
mod measures;
mod page;
mod served;
mod sink;
mod stop;
mod target;
mod watch;
mod watch_list;

#[cfg(test)]
mod tests;

pub use consistency::Versions;
pub use measures::{Counters, Measures, RELIST_REASONS, Spread, Spreads};
pub use served::Following;
pub use sink::{Delta, Sink, WatchError};

use crate::{connect::Connection, discovery::Discovery};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch as latest;
use tokio_util::sync::CancellationToken;
use windlass_core::{input::WatchSpec, object::FieldPlan};

/// How reflectors behave. The defaults are client-go's, save where a field says otherwise.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Try WatchList before LIST (R2).
    pub watch_list: bool,
    /// After so many failed WatchLists in a row the first list is a LIST (R19).
    pub watch_list_attempts_max: u32,
    /// Objects a page (R5).
    pub page_size: u32,
    /// The server is asked to end a watch after a random time between this and twice this (R9).
    pub watch_timeout_min: Duration,
    /// A watch from which nothing comes for so long is begun anew; the server sends bookmarks each minute.
    pub idle_max: Duration,
    /// A LIST is given up after so long without a byte.
    pub list_idle_max: Duration,
    /// First delay of the backoff; see R1.
    pub backoff_min: Duration,
    /// Where the backoff stops growing; the jitter comes on top.
    pub backoff_max: Duration,
    /// So long without a failure, and the backoff begins anew.
    pub backoff_reset: Duration,
    /// After a broken stream the next watch starts within this, so that a lost connection is not a stampede.
    pub reconnect_jitter_max: Duration,
    /// A line or item longer than this is skipped and counted.
    pub item_len_max: usize,
    /// Deltas handed to the sink at a time.
    pub batch_len_max: usize,
    /// How often an absent kind is looked for without a hint from [`Discovery::invalidate`].
    pub absent_poll: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            watch_list: true,
            watch_list_attempts_max: 3,
            page_size: 500,
            watch_timeout_min: Duration::from_secs(300),
            idle_max: Duration::from_secs(180),
            list_idle_max: Duration::from_secs(60),
            backoff_min: Duration::from_millis(800),
            backoff_max: Duration::from_secs(30),
            backoff_reset: Duration::from_secs(120),
            reconnect_jitter_max: Duration::from_millis(200),
            item_len_max: 16 << 20,
            batch_len_max: 256,
            absent_poll: Duration::from_secs(30),
        }
    }
}

/// Starts watches.
#[derive(Clone, Debug)]
pub struct Reflector {
    connection: Connection,
    discovery: Arc<Discovery>,
    settings: Arc<Settings>,
    measures: Arc<Measures>,
}

/// A running watch. It ends when this is dropped or stopped.
#[derive(Debug)]
pub struct Running {
    plan: latest::Sender<Arc<FieldPlan>>,
    cancel: CancellationToken,
}

impl Running {
    /// Objects that arrive from now on are searched by this plan.
    pub fn replan(&self, plan: Arc<FieldPlan>) {
        self.plan.send_replace(plan);
    }

    /// Ends the watch; the sink is dropped soon after.
    pub fn stop(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Reflector {
    /// Watches over this connection, with kinds resolved by this discovery.
    #[must_use]
    pub fn new(connection: Connection, discovery: Arc<Discovery>, settings: Settings) -> Self {
        Self { connection, discovery, settings: Arc::new(settings), measures: Arc::default() }
    }

    /// What its watches did, by kind.
    #[must_use]
    pub fn measures(&self) -> &Arc<Measures> {
        &self.measures
    }

    /// Starts a watch in a task of its own.
    #[must_use]
    pub fn start<S: Sink>(&self, spec: WatchSpec, sink: S) -> Running {
        let (plan, plans) = latest::channel(spec.plan.clone());
        let cancel = CancellationToken::new();
        tokio::spawn(self.clone().run(spec, plans, sink, cancel.clone()));
        Running { plan, cancel }
    }

    /// Watches until cancelled; a call of the sink that has begun is carried through. Dropping the future ends the
    /// watch as well, at once and wherever it is.
    pub async fn run<S: Sink>(
        self,
        spec: WatchSpec,
        plans: latest::Receiver<Arc<FieldPlan>>,
        sink: S,
        cancel: CancellationToken,
    ) {
        let sink = stop::Carried::new(sink, cancel.clone());
        let under_way = sink.under_way();
        let drive = drive::Drive::new(self, spec, plans, sink);
        stop::until_stopped(drive.forever(), cancel, under_way).await;
    }
}
