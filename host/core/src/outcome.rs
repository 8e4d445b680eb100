//! How a run ended, and what that means for its request.

use std::time::Duration;

/// A run's result as the queue sees it. The retry policy is in the type: the queue does not guess (C3).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Until something changes.
    Done,
    /// Again after a time, or as soon as something changes.
    RequeueAfter(Duration),
    /// The reconciler failed and wants another try.
    Retry {
        /// For people.
        message: String,
        /// None: exponential backoff (W9).
        after: Option<Duration>,
        /// Whether an API answer explains it (0, 401, 403, 409, 429, 5xx); such failures do not speak against a new version.
        explained: bool,
    },
    /// The reconciler failed and does not want another try until something changes.
    Terminal {
        /// For people.
        message: String,
        /// As for [`Outcome::Retry`].
        explained: bool,
    },
    /// The instance died: trap, limit, deadline. Retried with backoff like a failure (C5).
    Trapped(Trap),
    /// The run was given up by the host (swap, shutdown, lost lease) and says nothing about the module; it is queued again at once.
    Abandoned,
}

/// Why an instance died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Which bound or fault it was.
    pub kind: TrapKind,
    /// What the guest said last (its panic text) and the trap, for people; escaped, bounded.
    pub message: String,
    /// Guest frames, innermost first; escaped, bounded.
    pub frames: Vec<String>,
}

/// The faults and bounds that end an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrapKind {
    /// The guest trapped by itself (panic, unreachable, out of bounds …).
    Fault,
    /// More CPU than one run may use.
    Cpu,
    /// The run took longer than its deadline, waiting included.
    Deadline,
    /// More memory or table elements than the limit.
    Memory,
    /// Call stack exhausted.
    Stack,
    /// A bound on host calls: payload, count, handles.
    HostCalls,
}

/// What a run says about the version that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It does its work.
    For,
    /// It failed, and nothing outside it explains why: what it said.
    Against(&'a str),
    /// Neither: an answer of the cluster explains the failure, or the host gave the run up.
    Nothing,
}

impl TrapKind {
    /// A word for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Cpu => "cpu",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::HostCalls => "host-calls",
        }
    }
}

impl Outcome {
    /// Whether the failure counter of the request goes up (C3).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Terminal { .. } | Self::Trapped(_))
    }

    /// What this outcome says about the bytes that ran.
    #[must_use]
    pub fn verdict(&self) -> Verdict<'_> {
        match self {
            Self::Done | Self::RequeueAfter(_) => Verdict::For,
            Self::Retry { message, explained: false, .. } | Self::Terminal { message, explained: false } => {
                Verdict::Against(message)
            }
            Self::Trapped(trap) => Verdict::Against(&trap.message),
            Self::Retry { .. } | Self::Terminal { .. } | Self::Abandoned => Verdict::Nothing,
        }
    }

    /// The value of the metric label `result` (C9, plus `terminal` and `trap`).
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Done => "success",
            Self::RequeueAfter(_) => "requeue_after",
            Self::Retry { .. } => "error",
            Self::Terminal { .. } => "terminal",
            Self::Trapped(_) => "trap",
            Self::Abandoned => "abandoned",
        }
    }
}
