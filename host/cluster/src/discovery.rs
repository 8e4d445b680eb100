//! Which kinds the server serves, under which resource names, with which subresources (M1–M6).
//!
//! Guarantees: a name is never guessed, always from the server (M6); one look-up at a time, shared by all who wait
//! (single flight); an answer "not served" is asked again at most every [`NEGATIVE_INTERVAL`]; a group that is down
//! takes no other group along (M2).

mod aggregated;
mod hints;
mod legacy;
mod snapshot;

#[cfg(test)]
mod tests;

pub use hints::Changes;
pub use snapshot::{Served, Snapshot, Subresource};

use crate::{
    client::{Wire, api_error},
    connect::Connection,
    transport::{Transport, TransportError},
};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};
use windlass_core::{call::ApiError, name::Kind};

/// A kind that was not found is asked for again at most so often, whoever asks.
pub const NEGATIVE_INTERVAL: Duration = Duration::from_secs(2);
/// Two look-ups are at least so far apart, however often [`Discovery::invalidate`] is called.
const INTERVAL_MIN: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_LEN_MAX: usize = 64 << 20;

/// Why it is not known whether a kind is served.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// No answer.
    #[error("discovery of {path} failed: {what}")]
    Transport {
        /// What was asked.
        path: String,
        /// What happened.
        what: String,
    },
    /// The server refused.
    #[error("discovery of {path} was refused: {error}")]
    Refused {
        /// What was asked.
        path: String,
        /// What it said.
        error: ApiError,
    },
    /// The answer makes no sense.
    #[error("discovery of {path} brought no sense: {what}")]
    Nonsense {
        /// What was asked.
        path: String,
        /// What was wrong.
        what: String,
    },
    /// The server that serves this group version is down just now (M2).
    #[error("the server of {group_version} is not available: `kubectl get apiservices` shows why")]
    Unavailable {
        /// `metrics.k8s.io/v1beta1`.
        group_version: String,
    },
}

/// Knows what is served. Shared by everything that talks to one server.
#[derive(Debug)]
pub struct Discovery {
    transport: Transport,
    /// Read at each call of each guest: a lock would be written by every thread.
    snapshot: ArcSwap<Snapshot>,
    /// Raised by each invalidation; a snapshot answers the number that it was begun at.
    wanted: AtomicU64,
    fetched: Mutex<Option<Fetched>>,
    hints: hints::Hints,
    /// Whether definitions and API services are watched.
    followed: [AtomicBool; 2],
}

/// How the last look-up ended.
#[derive(Debug)]
struct Fetched {
    at: Instant,
    error: Option<DiscoveryError>,
}

impl Discovery {
    /// Nothing is asked before the first look-up.
    #[must_use]
    pub fn new(connection: &Connection) -> Arc<Self> {
        Arc::new(Self {
            transport: connection.calls().clone(),
            snapshot: ArcSwap::default(),
            wanted: AtomicU64::new(1),
            fetched: Mutex::new(None),
            hints: hints::Hints::default(),
            followed: Default::default(),
        })
    }

    /// What is known may be out of date: a CRD or APIService changed. The next look-up asks the server.
    pub fn invalidate(&self) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
        self.hints.give();
    }

    /// Whether a hint is sure to come when a kind appears: definitions and API services are watched.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.followed.iter().all(|followed| followed.load(Ordering::Relaxed))
    }

    pub(crate) fn followed(&self, at: usize, followed: bool) {
        self.followed[at].store(followed, Ordering::Relaxed);
    }

    /// Tells each invalidation.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.hints.follow()
    }

    /// Where a kind is served; none if it is not.
    ///
    /// # Errors
    /// When that cannot be known now.
    pub async fn resolve(&self, kind: &Kind) -> Result<Option<Arc<Served>>, DiscoveryError> {
        self.find(&kind.api_version, |snapshot| snapshot.kind(kind).cloned()).await
    }

    /// What a resource of a group is, in the group's preferred version; none if it is not served.
    ///
    /// # Errors
    /// When that cannot be known now.
    pub async fn resource(&self, group: &str, plural: &str) -> Result<Option<Arc<Served>>, DiscoveryError> {
        self.find(group, |snapshot| snapshot.resource(group, plural).cloned()).await
    }

    /// Everything that is served, as far as known; asks the server if that is out of date.
    ///
    /// # Errors
    /// When nothing is known and nothing can be known now.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, DiscoveryError> {
        let held = self.held();
        if held.answers >= self.wanted.load(Ordering::Acquire) {
            return Ok(held);
        }
        // Boxed, as hardly ever needed: each call of a guest looks a kind up, and what it awaits is moved along.
        Box::pin(self.refresh(&held)).await
    }

    /// Looks in what is known, and asks the server once if it is not there.
    async fn find<T>(
        &self,
        group_version: &str,
        look: impl Fn(&Snapshot) -> Option<T>,
    ) -> Result<Option<T>, DiscoveryError> {
        if let Some(found) = self.look(&look) {
            return Ok(Some(found));
        }
        let mut known = match self.snapshot().await {
            Ok(known) => known,
            // A server that cannot be asked has not changed its mind.
            Err(error) => return look(&self.held()).map(Some).ok_or(error),
        };
        let mut found = look(&known);
        if found.is_none() && known.age() >= NEGATIVE_INTERVAL {
            known = Box::pin(self.refresh(&known)).await?;
            found = look(&known);
        }
        match found {
            None if known.is_down(group_version) => {
                Err(DiscoveryError::Unavailable { group_version: group_version.to_owned() })
            }
            found => Ok(found),
        }
    }

    /// Looks in what is known, if that is not out of date.
    fn look<T>(&self, look: impl Fn(&Snapshot) -> Option<T>) -> Option<T> {
        let known = self.snapshot.load();
        look(&known).filter(|_| known.answers >= self.wanted.load(Ordering::Acquire))
    }

    fn held(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// One at a time; those who waited for it take its result, be it a failure.
    async fn refresh(&self, seen: &Arc<Snapshot>) -> Result<Arc<Snapshot>, DiscoveryError> {
        let asked = Instant::now();
        let mut last = self.fetched.lock().await;
        let held = self.held();
        if !Arc::ptr_eq(seen, &held) && held.answers >= self.wanted.load(Ordering::Acquire) {
            return Ok(held);
        }
        if let Some(Fetched { at, error }) = &*last {
            if let Some(error) = error.as_ref().filter(|_| *at > asked) {
                return Err(error.clone());
            }
            tokio::time::sleep_until(*at + INTERVAL_MIN).await;
        }
        let answers = self.wanted.load(Ordering::Acquire);
        let fresh = self.fetch().await;
        *last = Some(Fetched { at: Instant::now(), error: fresh.as_ref().err().cloned() });
        let fresh = Arc::new(fresh?.seal(answers));
        self.snapshot.store(fresh.clone());
        Ok(fresh)
    }

    /// Aggregated, or group by group where the server does not know that form (M1).
    async fn fetch(&self) -> Result<Snapshot, DiscoveryError> {
        match aggregated::fetch(self).await? {
            Some(snapshot) => Ok(snapshot),
            None => legacy::fetch(self).await,
        }
    }

    /// One GET; the answer may be a refusal.
    async fn ask(&self, path: &str, accept: &'static str) -> Result<Response<Bytes>, DiscoveryError> {
        let lost = |error: TransportError| DiscoveryError::Transport {
            path: path.to_owned(),
            what: error.to_string(),
        };
        let request = Wire::get(path.to_owned(), accept).request();
        let request = request.map_err(|error| DiscoveryError::Refused { path: path.to_owned(), error })?;
        self.transport.exchange(request, TIMEOUT, ANSWER_LEN_MAX).await.map_err(lost)
    }
}

/// Parses a successful answer; a 404 is none.
fn sense<T: serde::de::DeserializeOwned>(
    path: &str,
    answer: &Response<Bytes>,
) -> Result<Option<T>, DiscoveryError> {
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !answer.status().is_success() {
        let error = api_error(answer.status(), answer.headers(), answer.body());
        return Err(DiscoveryError::Refused { path: path.to_owned(), error });
    }
    let parsed = serde_json::from_slice(answer.body());
    parsed
        .map(Some)
        .map_err(|error| DiscoveryError::Nonsense { path: path.to_owned(), what: error.to_string() })
}
