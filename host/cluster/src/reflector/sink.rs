//! Where a reflector delivers.

use crate::transport::TransportError;
use std::{future::Future, sync::Arc, time::Duration};
use windlass_core::{
    cache::{Cache, Staging},
    call::ApiError,
    change::ObjectChange,
    input::WatchId,
    object::Object,
};

/// A change of one object.
#[derive(Clone, Debug)]
pub enum Delta {
    /// The object is there, new or changed: whether it is new, the sink knows best (S2).
    Upsert(Object),
    /// The object is gone; its last state as the DELETED event has it.
    Remove(Object),
}

impl Delta {
    /// The object it is about.
    #[must_use]
    pub fn object(&self) -> &Object {
        match self {
            Self::Upsert(object) | Self::Remove(object) => object,
        }
    }

    /// Lays it over what a list has staged. `share` makes the object one that can be kept, such as by
    /// [`Cache::share`].
    pub fn stage(self, staging: &mut Staging, share: impl FnOnce(Object) -> Arc<Object>) {
        match self {
            Self::Upsert(object) => staging.put(share(object)),
            Self::Remove(object) => staging.remove(Arc::new(object)),
        }
    }

    /// Lays it over what a watch holds in the cache. None when that changes nothing.
    #[must_use]
    pub fn lay(self, cache: &Cache, watch: WatchId) -> Option<ObjectChange> {
        match self {
            Self::Upsert(object) => cache.upsert(watch, object),
            Self::Remove(object) => {
                cache.remove(watch, &object.name().to_owned(), Some(object.resource_version()))
            }
        }
    }
}

/// Receives what one watch sees. A method that is slow holds back that watch and no other.
///
/// The order is `begin`, any number of `stage`, `commit`, then `change` and `bookmark` until the next `begin`.
/// A call that has begun is carried through when the watch is stopped, and no further one comes.
/// A `begin` may come again without a `commit`: what was staged is void then, and what was held stays held.
pub trait Sink: Send + 'static {
    /// A list begins: drop what an unfinished list staged. Readers keep what is held.
    fn begin(&mut self) -> impl Future<Output = ()> + Send;

    /// A part of the list: lay these over the staged set, in order. Never longer than `batch_len_max`.
    fn stage(&mut self, deltas: Vec<Delta>) -> impl Future<Output = ()> + Send;

    /// The staged set is what there was at this version and replaces what is held. Objects that are held and were not
    /// staged are gone; their last known state is what is held (D4).
    fn commit(&mut self, version: &str) -> impl Future<Output = ()> + Send;

    /// Neighbouring changes, in the server's order; the watch has reached this version with them. Never longer than
    /// `batch_len_max`.
    fn change(&mut self, deltas: Vec<Delta>, version: &str) -> impl Future<Output = ()> + Send;

    /// The watch has reached this version with no change of its objects.
    fn bookmark(&mut self, version: &str) -> impl Future<Output = ()> + Send;

    /// The watch failed and goes on after the delay. Told when a streak of failures begins, when the reason changes,
    /// and then at every 16th failure.
    fn failed(&mut self, error: &WatchError, retry_in: Duration) -> impl Future<Output = ()> + Send;

    /// The kind is not served: its CRD is not there, or not any more. Told once each time. A `begin` follows when the
    /// kind appears, maybe with another scope.
    ///
    /// What is held is gone then: a definition that is deleted takes its objects along, whether or not the watch could
    /// still say so, and of a version that is not served any more nobody can read or write an object. client-go keeps
    /// such objects for ever; whoever reconciles them then fails at each write.
    fn absent(&mut self) -> impl Future<Output = ()> + Send;
}

/// Why a watch could not go on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The server refused. The `Status` it sent.
    #[error("the server refused to {verb}: {error}")]
    Refused {
        /// `list` or `watch`.
        verb: &'static str,
        /// What it said.
        error: ApiError,
    },
    /// The host's account may not list or watch this.
    #[error("the server refused to {verb}: {error}; the host's account lacks {lacks}")]
    Forbidden {
        /// `list` or `watch`.
        verb: &'static str,
        /// What it said.
        error: Box<ApiError>,
        /// The RBAC rule that would allow it, and where it belongs.
        lacks: String,
    },
    /// No answer.
    #[error("the server cannot be reached: {0}")]
    Transport(#[source] TransportError),
    /// The answer makes no sense.
    #[error("the server's answer is no list and no watch: {0}")]
    Nonsense(String),
    /// The watch ended within a second and without an event (R14).
    #[error("the watch ended at once and without an event")]
    VeryShort,
    /// WatchList ended before it was complete (R16).
    #[error("the first list over the watch ended before it was complete")]
    Incomplete,
    /// Whether the kind is served could not be found out.
    #[error("the kind could not be looked up: {0}")]
    Discovery(String),
    /// The kind cannot be watched: it has no `list` and `watch`, or it has no namespaces and one was asked for.
    #[error("{0}")]
    Unwatchable(String),
}

impl WatchError {
    /// The `Status` code, if the server sent one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { error, .. } => Some(error.code),
            Self::Forbidden { error, .. } => Some(error.code),
            _ => None,
        }
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { error, .. } => error.retry_after,
            Self::Forbidden { error, .. } => error.retry_after,
            _ => None,
        }
    }

    /// Why a list is made anew after it: one of [`super::RELIST_REASONS`].
    pub(crate) fn relist_reason(&self) -> &'static str {
        match self {
            Self::Refused { error, .. } if error.code == 410 => "expired",
            Self::Refused { .. } => "refused",
            Self::Forbidden { .. } => "forbidden",
            Self::VeryShort => "short_watch",
            Self::Transport(_) => "transport",
            _ => "other",
        }
    }

    /// Whether the server is still making ready to serve the kind, as for a while after a CRD has come (R21): it
    /// refuses until its own cache is filled, and servers behind one address learn of the kind one after the other.
    pub(crate) fn is_settling(&self) -> bool {
        match self {
            Self::Refused { error, .. } => match error.code {
                404 => true,
                429 => error.message.contains("storage is (re)initializing"),
                _ => false,
            },
            _ => false,
        }
    }

    /// A word for the kind of failure: a change of it within a streak is told again.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Refused { error, .. } => format!("refused {} {}", error.code, error.reason),
            Self::Forbidden { error, .. } => format!("refused {} {}", error.code, error.reason),
            Self::Transport(error) => format!("transport {:?}", error.failure()),
            other => other.to_string(),
        }
    }
}
