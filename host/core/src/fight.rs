//! Fights: a module that wakes itself by its own writes again and again, and writers that undo each other's.
//!
//! Both show in what is written: the same field of the same object, over and over. The driver says of each write which
//! fields it changed ([`changed_fields`], computed in the run's own task); the pipeline counts a *flip* when
//!
//! - a request writes back what it wrote before over what another request, or somebody outside the host, put there;
//! - a request changes a field again that it had the last word on, in a run that only its own write had caused, and
//!   nobody else had written the object meanwhile.
//!
//! Eight flips in a row, each within a minute of the one before, are a fight: it is named, each further flip holds its
//! writer back for twice as long (1 s, 2 s, 4 s, … 300 s), and it is over when there was none for a minute and twice the
//! last delay, or as soon as a module with part in it is replaced. A held request is never dropped, and an operator's
//! `reconcile` comes through.
//!
//! A person or a tool that edits against a module is a fight worth a name, but nobody there is held back, so it is
//! slowed mildly: the first eight edits are repaired at once, the next one 1 s after the repair before it at the
//! earliest, then 2 s, 4 s, 8 s, and never more than 10 s; 80 s after the last repair at the latest it is over. Who
//! comes by more rarely than once a minute is neither named nor slowed.
//!
//! Everything here is bounded: some thousands of objects, sixteen fields of each, sixteen writers of each field by name.
//! Of further writers a common pool of fingerprints keeps what they wrote, so that any number of them in turn is a
//! fight too, up to the size of the pool. What falls out of the bounds begins to be counted anew; where it had gone back
//! and forth, that is counted as `fights` in `windlass_dropped`.

mod bygone;
mod changes;
mod record;
mod records;
#[cfg(test)]
mod tests;

use crate::{
    input::RunId,
    name::{Kind, ModuleName, ObjectName, Request},
};
pub use changes::changed_fields;
use record::WRITERS_MAX;
pub(crate) use records::{Ended, Fights};
use std::{collections::BTreeSet, fmt, time::Duration};

/// What had caused the run that wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Only changes of the object that it wrote now.
    ByThis,
    /// Anything else.
    Otherwise,
}

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
    /// Who writes it: one request that wakes itself, or several, the last one first. At most four are named.
    pub writers: Vec<Request>,
    /// How many more write it; sixteen writers are told apart.
    pub others: usize,
    /// Every module that has part in it.
    pub modules: BTreeSet<ModuleName>,
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
        let mut writers: Vec<_> = self.writers.iter().map(ToString::to_string).collect();
        match self.others {
            0 => {}
            1 => writers.push("1 other".to_owned()),
            others if self.writers.len() + others < WRITERS_MAX => writers.push(format!("{others} others")),
            others => writers.push(format!("{others} others or more")),
        }
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
