//! Fights: a module that wakes itself by its own writes again and again, and writers that undo each other's.
//!
//! Both show in what is written: the same field of the same object, over and over. The driver says of each write which
//! fields it changed ([`changed_fields`], computed in the run's own task); the pipeline counts a *flip* when
//!
//! - a request writes back what it wrote before over what another request, or somebody outside the host, put there;
//! - a request changes a field again that it had the last word on, in a run that only its own write had caused, and
//!   nobody else had written the object meanwhile.
//!
//! After some flips in a row it is a fight: it is named, each further flip holds its writer back for longer, and when
//! there are none for a while it is over. A held request is never dropped. Everything here is bounded; what falls out of
//! the bounds begins to be counted anew.

mod changes;
mod records;
#[cfg(test)]
mod tests;

use crate::{
    input::RunId,
    name::{Kind, ObjectName, Request},
};
pub use changes::changed_fields;
pub(crate) use records::{Fights, Woken};
use std::{fmt, time::Duration};

/// A write of a run that changed something, answered by the API server.
#[derive(Clone, Debug)]
pub struct Wrote {
    /// Whose.
    pub run: RunId,
    /// The kind written.
    pub kind: Kind,
    /// The object written.
    pub name: ObjectName,
    /// The version that `changes` begin from; none: the object was not there.
    pub from_version: Option<Box<str>>,
    /// The version it has now; none: it is gone.
    pub version: Option<Box<str>>,
    /// Which fields are another than before.
    pub changes: Vec<FieldChange>,
}

/// One field that a write changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// `.spec.replicas`; empty for the object itself, when it was created or deleted.
    pub path: Box<str>,
    /// Hash of its value before; 0 where there was none.
    pub before: u64,
    /// Hash of its value now; 0 where there is none.
    pub after: u64,
}

/// How a fight goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FightStage {
    /// It was just detected.
    Began,
    /// One more flip.
    GoesOn,
    /// There were no flips for a while, or a writer is gone or replaced.
    Over,
}

/// Writes that go in circles.
#[derive(Clone, Debug, PartialEq)]
pub struct Fight {
    /// Of the object that is fought over.
    pub kind: Kind,
    /// The object that is fought over.
    pub name: ObjectName,
    /// The field; empty for the object itself.
    pub field: Box<str>,
    /// Who writes it: one request that wakes itself, or several. At most four are named.
    pub writers: Vec<Request>,
    /// Somebody who is not run by this host writes it as well.
    pub elsewhere: bool,
    /// Flips of this field in a row.
    pub flips: u32,
    /// How long the last writer is held back.
    pub delay: Duration,
    /// How it goes.
    pub stage: FightStage,
}

impl fmt::Display for Fight {
    /// What happens, what the host does about it, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, flips, delay, .. } = self;
        let field = if self.field.is_empty() { "the existence" } else { &self.field };
        let writers: Vec<_> = self.writers.iter().map(ToString::to_string).collect();
        let who = writers.join(" and ");
        if self.elsewhere {
            write!(f, "{who} and somebody outside this host undo each other's writes")?;
        } else if writers.len() > 1 {
            write!(f, "{who} undo each other's writes")?;
        } else {
            write!(f, "{who} wakes itself by its own writes")?;
        }
        write!(f, " of {field} of {kind} {name}, {flips} times in a row")?;
        if self.stage == FightStage::Over {
            return f.write_str("; this is over");
        }
        write!(f, "; it is held back for {delay:?} after each. ")?;
        if writers.len() > 1 || self.elsewhere {
            f.write_str("Let one of them own the field")
        } else {
            f.write_str("Write it only where it must be another, or filter its changes with a predicate")
        }
    }
}
