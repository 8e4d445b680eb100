//! The control socket: how `windlass status | reload | pause | …` reach a running host.
//!
//! `STATE/control.sock`, for the host's user only. A client sends one line of JSON, a [`Command`], and gets lines of
//! JSON back: any number of notes, then one [`Answer`]. `STATE/control.lock` is held while the host lives, so that a
//! socket without its holder is known to be stale and two hosts never share a state directory.

mod client;
mod server;
mod show;
mod status;
#[cfg(test)]
mod tests;

pub use client::{CallError, call};
pub use server::{ControlError, ControlServer};
pub use status::{
    Condition, ControllerStatus, LastError, Leadership, ModuleState, ModuleStatus, Rejection, StatusReport,
    WatchStatus, WatchUser,
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// The socket's name in the state directory.
pub const SOCKET_NAME: &str = "control.sock";
const LOCK_NAME: &str = "control.lock";
/// A request is a name or two; an answer is a status of thousands of modules at most.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What an operator asks of a running host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// How things stand.
    Status {},
    /// Read a module's file and manifest again and swap it in anew; all modules without a name.
    Reload {
        /// Which.
        #[serde(default)]
        module: Option<String>,
    },
    /// Run nothing of a module until it is resumed.
    Pause {
        /// Which.
        module: String,
    },
    /// Undo a pause.
    Resume {
        /// Which.
        module: String,
    },
    /// Go back to the version that served before.
    Rollback {
        /// Which.
        module: String,
    },
    /// Run one request now; all of the module without an object.
    Reconcile {
        /// Which module.
        module: String,
        /// Which object.
        #[serde(default)]
        object: Option<ObjectArgument>,
    },
}

/// An object as an operator names it: `NAMESPACE/NAME`, or `NAME` when it is cluster-scoped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectArgument {
    /// None when cluster-scoped.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl std::str::FromStr for ObjectArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
            None => (None, text.to_owned()),
        };
        if name.is_empty() || name.contains('/') || namespace.as_deref() == Some("") {
            return Err(format!(
                "`{text}` names no object: write NAMESPACE/NAME, or NAME if it is cluster-scoped"
            ));
        }
        Ok(Self { namespace, name })
    }
}

/// The last line of what a host answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done {
        /// What was done, for people.
        message: String,
    },
    /// It was not done.
    Failed {
        /// Why, and what to do.
        message: String,
    },
    /// To [`Command::Status`].
    Status(Box<StatusReport>),
}

impl Answer {
    /// What was done, for people.
    #[must_use]
    pub fn done(message: impl Into<String>) -> Self {
        Self::Done { message: message.into() }
    }

    /// Why it was not done, and what to do.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into() }
    }
}

/// A command that waits for the driver.
#[derive(Debug)]
pub struct ControlRequest {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes.
    pub reply: Reply,
}

/// Answers one command. Dropped without an answer, the client is told that the host ended.
#[derive(Debug)]
pub struct Reply {
    notes: mpsc::Sender<String>,
    answer: oneshot::Sender<Answer>,
}

impl Reply {
    /// Tells how it goes on. Lost if the client does not read.
    pub fn note(&self, text: impl Into<String>) {
        // A client that has gone, or that reads too slowly, does without.
        self.notes.try_send(text.into()).unwrap_or_default();
    }

    /// Ends the answer. A client that has gone does without.
    pub fn finish(self, answer: Answer) {
        self.answer.send(answer).unwrap_or_default();
    }
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Answer(Answer),
    Note { note: String },
}
