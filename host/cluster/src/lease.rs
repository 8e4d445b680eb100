//! Leader election over a Lease, by client-go's rules L1–L9, with a fence that client-go does not have.
//!
//! Guarantees: a host that leads has renewed within `renew_deadline` of its own monotonic clock, counted from the
//! *start* of the renewal (L7): a write that checks [`Leadership::may_write`] cannot be made after another host took
//! over, however long this one slept, as long as clocks run at about the same rate.
//!
//! Assumptions: remote timestamps mean nothing (L2). Every write carries the resourceVersion that was read (L3).

mod elect;
mod record;

#[cfg(test)]
mod tests;

pub use record::Record;

use crate::connect::Connection;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// How a Lease is held (L1).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the Lease is.
    pub namespace: String,
    /// Its name: hosts with the same one compete.
    pub name: String,
    /// Others wait so long after they last saw it change.
    pub lease_duration: Duration,
    /// Without a renewal in this time the host stops leading.
    pub renew_deadline: Duration,
    /// Between attempts.
    pub retry_period: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            name: "windlass".to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// Settings that contradict each other (L1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "lease settings do not fit: lease duration {lease:?} > renew deadline {renew:?} > 1.2 × retry period {retry:?} must hold"
)]
pub struct SettingsError {
    lease: Duration,
    renew: Duration,
    retry: Duration,
}

/// Who leads, as this host knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// Whether it is this host.
    pub leading: bool,
    /// Who holds the Lease; none while nobody does or nothing is known.
    pub holder: Option<Arc<str>>,
    /// Nothing may be written at or after this time (L7). None: this host does not lead.
    pub fence_until: Option<Instant>,
    /// Raised each time that this host begins to lead.
    pub term: u64,
    /// Why the last attempt failed, for people.
    pub trouble: Option<Arc<str>>,
}

impl Leadership {
    /// The check before each write (L7).
    #[must_use]
    pub fn may_write(&self, now: Instant) -> bool {
        self.leading && self.fence_until.is_some_and(|fence| now < fence)
    }
}

/// A host's part in the election. It gives up without release when this is dropped.
#[derive(Debug)]
pub struct Lease {
    leadership: watch::Receiver<Leadership>,
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Lease {
    /// Takes part in the election from now on, over the connection's own transport (L8). A host that lost the Lease
    /// competes for it again; its term is a new one.
    ///
    /// # Errors
    /// When the settings do not fit together.
    pub fn run(connection: &Connection, identity: &str, settings: Settings) -> Result<Self, SettingsError> {
        let (lease, renew, retry) = (settings.lease_duration, settings.renew_deadline, settings.retry_period);
        if lease <= renew || renew <= retry.mul_f64(1.2) || retry.is_zero() {
            return Err(SettingsError { lease, renew, retry });
        }
        let (told, leadership) = watch::channel(Leadership::default());
        let cancel = CancellationToken::new();
        let elect = elect::Elect::new(connection.lease().clone(), identity, settings, told);
        let task = tokio::spawn(elect.run(cancel.clone()));
        Ok(Self { leadership, cancel, task: Some(task) })
    }

    /// Who leads, and each change of it.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    /// Gives the Lease back, so that another host leads at once (L6). Only after all guarded work has ended (C10).
    pub async fn release(mut self) {
        self.cancel.cancel();
        if let Some(task) = self.task.take()
            && let Err(stopped) = task.await
        {
            tracing::error!(%stopped, "the election task did not end well; the lease ends by itself");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// An identity that no other process has: the host's name and a random part (L9).
#[must_use]
pub fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let host = host.trim();
    format!("{}_{}", if host.is_empty() { "windlass" } else { host }, uuid::Uuid::new_v4())
}
