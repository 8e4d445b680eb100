//! Calls to the API server as plain data: what a guest asks for and what it gets.

use crate::{
    name::{Kind, ObjectName},
    object::Object,
};
use std::{sync::Arc, time::Duration};

/// Whole objects, or their metadata only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The whole object.
    #[default]
    Whole,
    /// `PartialObjectMetadata`.
    Metadata,
}

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PatchType {
    /// Server-side apply.
    Apply,
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// Strategic merge; built-in kinds only.
    Strategic,
}

impl PatchType {
    /// The media type of the request body.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Apply => "application/apply-patch+yaml",
            Self::Merge => "application/merge-patch+json",
            Self::Json => "application/json-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

/// What becomes of dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// Deleted afterwards.
    Background,
    /// Deleted first.
    Foreground,
    /// Left behind.
    Orphan,
}

impl Propagation {
    /// As `propagationPolicy` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// Which objects a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// None: all namespaces, or a cluster-scoped kind.
    pub namespace: Option<Arc<str>>,
    /// Label selector.
    pub labels: Option<String>,
    /// Field selector.
    pub fields: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub continue_token: Option<String>,
}

/// One call to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The kind it is about.
    pub kind: Kind,
    /// `status`, `scale`, …; none for the object itself.
    pub subresource: Option<String>,
    /// What is to be done.
    pub action: Action,
}

/// What a call does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read one.
    Get {
        /// Which.
        name: ObjectName,
        /// How much of it.
        shape: Shape,
    },
    /// Read many.
    List {
        /// Which.
        query: ListQuery,
        /// How much of each.
        shape: Shape,
    },
    /// Make one.
    Create {
        /// An empty name: from the body's `metadata.name` or `generateName`.
        name: ObjectName,
        /// JSON.
        body: String,
        /// How it is written.
        write: WriteOptions,
    },
    /// Replace one.
    Update {
        /// Which.
        name: ObjectName,
        /// JSON with `metadata.resourceVersion`.
        body: String,
        /// How it is written.
        write: WriteOptions,
    },
    /// Change one.
    Patch {
        /// Which.
        name: ObjectName,
        /// How the body is meant.
        patch_type: PatchType,
        /// JSON.
        body: String,
        /// Take fields over from other managers (apply only).
        force: bool,
        /// How it is written.
        write: WriteOptions,
    },
    /// Delete one.
    Delete {
        /// Which.
        name: ObjectName,
        /// How.
        options: DeleteOptions,
    },
}

/// How a write is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// From the manifest, never from the guest.
    pub field_manager: Arc<str>,
    /// Nothing is stored.
    pub dry_run: bool,
}

/// How a deletion is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// None: the kind's default.
    pub propagation: Option<Propagation>,
    /// Refuse unless the object still has this uid.
    pub uid: Option<String>,
    /// Refuse unless the object still has this resourceVersion.
    pub resource_version: Option<String>,
    /// Seconds of grace.
    pub grace_period_seconds: Option<u32>,
    /// Nothing is deleted.
    pub dry_run: bool,
}

impl Action {
    /// The RBAC verb. A patch of type apply is `patch`, as for the server.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::List { .. } => "list",
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
        }
    }

    /// Whether it changes the cluster.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Get { .. } | Self::List { .. })
    }

    /// Whether nothing is stored of it.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        match self {
            Self::Get { .. } | Self::List { .. } => false,
            Self::Create { write, .. } | Self::Update { write, .. } | Self::Patch { write, .. } => {
                write.dry_run
            }
            Self::Delete { options, .. } => options.dry_run,
        }
    }

    /// The object it names, if it names one.
    #[must_use]
    pub fn name(&self) -> Option<&ObjectName> {
        match self {
            Self::List { .. } => None,
            Self::Get { name, .. }
            | Self::Create { name, .. }
            | Self::Update { name, .. }
            | Self::Patch { name, .. }
            | Self::Delete { name, .. } => Some(name),
        }
    }
}

/// The answer to a call. Objects are JSON text, normalised as the cache holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// To a get; none where there is no such object.
    Object(Option<String>),
    /// To a list.
    Page(Page),
    /// To create, update, patch.
    Written {
        /// The object as the server has it now, or what a subresource answered.
        object: Answered,
        /// `Warning` headers.
        warnings: Vec<String>,
    },
    /// To a delete.
    Deleted {
        /// False when the object stays until finalizers or grace are over.
        gone: bool,
        /// Of the object, where the answer says it.
        uid: Option<Box<str>>,
        /// The object as the answer shows it: with its deletion begun, or for the last time.
        left: Option<Arc<Object>>,
    },
}

/// What the server answered to a write.
#[derive(Clone, Debug)]
pub enum Answered {
    /// The object that was written.
    Object(Arc<Object>),
    /// What a subresource answers instead of the object: `Scale`, `TokenRequest`, `Status`.
    Other(String),
}

impl Answered {
    /// As JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        match self {
            Self::Object(object) => object.json(),
            Self::Other(text) => text,
        }
    }
}

impl PartialEq for Answered {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Objects as JSON text.
    pub items: Vec<String>,
    /// Where to go on.
    pub continue_token: Option<String>,
    /// The list's version.
    pub resource_version: String,
}

/// Why a call failed: the parts of a `meta/v1 Status` that controllers branch on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code}): {message}")]
pub struct ApiError {
    /// HTTP status; 0 when the host answered by itself.
    pub code: u16,
    /// `StatusReason`, or the host's own (see [`ApiError::host`]).
    pub reason: String,
    /// For people.
    pub message: String,
    /// The whole `Status` as JSON where the server sent one.
    pub status: Option<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An answer of the host itself: `NotGranted`, `NotLeader`, `TooLarge`, `Throttled`, `BadRequest`, `LimitExceeded`, `OutcomeUnknown`, `Unavailable`.
    #[must_use]
    pub fn host(reason: &str, message: impl Into<String>) -> Self {
        Self { code: 0, reason: reason.to_owned(), message: message.into(), status: None, retry_after: None }
    }

    /// Whether a write that failed so may have been carried out all the same: its answer was lost, or the server failed
    /// at a moment that it does not tell.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        self.reason == "OutcomeUnknown" || matches!(self.code, 500..=599)
    }

    /// Whether it speaks of the cluster's state or load, not of the module's code (0, 401, 403, 409, 429, 5xx).
    #[must_use]
    pub fn explains_failure(&self) -> bool {
        matches!(self.code, 0 | 401 | 403 | 409 | 429 | 500..=599)
    }
}
