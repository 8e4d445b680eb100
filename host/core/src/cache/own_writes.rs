//! Own writes: what a module wrote is visible to its next cached read, before the watch tells of it.
//!
//! An answer is laid over every view of its kind that could hold the object, for all modules at once. It stays until the
//! watches have passed its version; after five seconds a live read tells how the object stands. A write of unknown
//! outcome sends reads of its object to the server until a live read made after it has settled that.

#[cfg(test)]
mod model;
#[cfg(test)]
pub(super) mod server;
#[cfg(test)]
pub(super) mod tests;

use super::{
    Cache,
    laid::{Ask, Lay, What},
    query::selects,
    version::Version,
};
use crate::{
    call::{Answered, ApiError, Call, Reply},
    description::Selection,
    name::{Kind, ObjectName},
    object::Object,
    sync::AtomicU64,
    time::Time,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

/// An object as readers saw it when a write of it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    pub(super) uid: Box<str>,
    pub(super) version: Box<str>,
}

/// A write that was made, and what is known of its outcome.
#[derive(Clone, Debug)]
pub struct OwnWrite {
    kind: Kind,
    /// An empty name: the server would have made one up, and nobody knows which.
    name: ObjectName,
    before: Option<Before>,
    told: Told,
}

/// What the server said of an object.
#[derive(Clone, Debug)]
enum Told {
    Object(Arc<Object>),
    /// It is gone; at which version was not said. It was there at this one.
    Gone(Before),
    /// The write was carried out, and the answer does not show the object.
    Nothing,
    /// Whether the write was carried out is not known.
    Unknown,
}

/// A live read to be made, and its moment: how many writes had been laid when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRead {
    /// Of which kind.
    pub kind: Kind,
    /// Which object; with an empty name the namespace, in which an object of unknown name may have been made.
    pub name: ObjectName,
    pub(super) nth: u64,
}

/// What a live read found.
#[derive(Clone, Debug)]
pub enum LiveAnswer {
    /// The list that held at most this object.
    Read {
        /// The object, if it is there.
        object: Option<Arc<Object>>,
        /// The list's version.
        version: Box<str>,
    },
    /// The kind is not served any more.
    NotServed,
    /// It failed: it is to be made again.
    Failed,
}

/// How own writes stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnWrites {
    /// Objects over which a write lies now, in all views.
    pub live: usize,
    /// Objects that a live read settled.
    pub settled: u64,
    /// Reads that went to the server because only it knew what became of a write.
    pub asked: u64,
    /// Writes that were given up because too many lay over one view.
    pub given_up: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) writes: AtomicU64,
    settled: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) given_up: AtomicU64,
}

impl OwnWrite {
    /// What an answer says of the object written. None: nothing was written.
    #[must_use]
    pub fn answered(call: &Call, before: Option<Before>, answer: &Result<Reply, ApiError>) -> Option<Self> {
        if !call.action.is_write() || call.action.is_dry_run() {
            return None;
        }
        let told = match answer {
            Ok(Reply::Written { object: Answered::Object(object), .. }) => Told::of(object),
            Ok(Reply::Deleted { left: Some(object), gone: false, .. }) => Told::of(object),
            Ok(Reply::Deleted { left: Some(object), .. }) => Told::Gone(Before::of(object)),
            Ok(Reply::Deleted { uid, .. }) => match &before {
                Some(before) if Some(&before.uid) == uid.as_ref() => Told::Gone(before.clone()),
                // Not the one that was seen here: there may be a third by now.
                _ => Told::Nothing,
            },
            Ok(_) => Told::Nothing,
            Err(error) if error.leaves_open() => Told::Unknown,
            Err(_) => return None,
        };
        Self::told(call, before, told)
    }

    /// A write of which no answer will come: its caller is gone.
    #[must_use]
    pub fn unanswered(call: &Call, before: Option<Before>) -> Option<Self> {
        let counts = call.action.is_write() && !call.action.is_dry_run();
        counts.then(|| Self::told(call, before, Told::Unknown)).flatten()
    }

    fn told(call: &Call, before: Option<Before>, told: Told) -> Option<Self> {
        let name = match &told {
            Told::Object(object) => object.name().to_owned(),
            _ => call.action.name()?.clone(),
        };
        Some(Self { kind: call.kind.clone(), name, before, told })
    }

    fn lay(&self) -> Lay {
        let base = self.before.as_ref().map(|before| before.version.clone()).unwrap_or_default();
        match &self.told {
            Told::Object(object) => {
                let (uid, version) = (object.uid().into(), object.resource_version());
                Lay {
                    what: What::Object(object.clone()),
                    version: Version::of(version),
                    uid,
                    base,
                    ask: Ask::Later,
                }
            }
            Told::Gone(Before { uid, version }) => {
                let (uid, base) = (uid.clone(), version.clone());
                Lay { what: What::Gone, version: None, uid, base, ask: Ask::Later }
            }
            Told::Nothing => unseen(base, Ask::Now),
            Told::Unknown => unseen(base, Ask::UntilSeen),
        }
    }
}

fn unseen(base: Box<str>, ask: Ask) -> Lay {
    Lay { what: What::Unseen, version: None, uid: Box::default(), base, ask }
}

/// Whether an object was deleted with the write that it answers: nothing holds it back any more. (The server deletes
/// an object that is written without finalizers after its deletion began, unless it still has time to end.)
fn has_ended(object: &Object) -> bool {
    object.is_deleting() && object.finalizers().next().is_none() && object.deletion_grace_seconds() == 0
}

impl Told {
    fn of(object: &Arc<Object>) -> Self {
        if has_ended(object) { Self::Gone(Before::of(object)) } else { Self::Object(object.clone()) }
    }
}

impl Before {
    /// From an object as it is seen.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self { uid: object.uid().into(), version: object.resource_version().into() }
    }

    /// Its resourceVersion.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl LiveAnswer {
    /// The object, if it is there and selected, as far as that can be told without the server.
    #[must_use]
    pub fn selected(&self, selection: &Selection) -> Option<Arc<Object>> {
        let Self::Read { object, .. } = self else { return None };
        object.clone().filter(|object| selects(selection, object))
    }

    fn lay(&self, read: &LiveRead) -> Option<Lay> {
        let Self::Read { object, version } = self else { return None };
        let (what, version, uid) = match object {
            _ if read.name.name.is_empty() => (What::Unseen, Version::of(version), Box::default()),
            Some(object) => {
                (What::Object(object.clone()), Version::of(object.resource_version()), object.uid().into())
            }
            None => (What::Gone, Version::of(version), Box::default()),
        };
        Some(Lay { what, version, uid, base: Box::default(), ask: Ask::Later })
    }
}

impl Cache {
    /// An object as readers see it, or saw it last, for [`OwnWrite::answered`].
    #[must_use]
    pub fn before(&self, kind: &Kind, name: &ObjectName) -> Option<Before> {
        self.of_kind(kind).iter().find_map(|view| view.before(name))
    }

    /// A whole object as any watch of its kind shows it, whatever that selects by.
    #[must_use]
    pub fn shown(&self, kind: &Kind, name: &ObjectName) -> Option<Arc<Object>> {
        self.of_kind(kind).iter().filter(|view| !view.key.metadata).find_map(|view| view.get(name))
    }

    /// Lays a write over every view that could hold its object. To be done before the guest has the answer.
    pub fn lay(&self, write: &OwnWrite, now: Time) {
        let views = self.of_kind(&write.kind);
        if views.is_empty() {
            return;
        }
        let nth = self.counts.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let written = write.lay();
        let given_up: u64 = views.iter().map(|view| view.lay(&write.name, &written, nth, now)).sum();
        self.counts.given_up.fetch_add(given_up, Ordering::Relaxed);
    }

    /// Whether another write of a kind may be begun. False while too many are open: deletions that no watch has told
    /// of, and writes of unknown outcome.
    #[must_use]
    pub fn has_room(&self, kind: &Kind) -> bool {
        self.of_kind(kind).iter().all(|view| view.laid().has_room())
    }

    /// Whether only the server knows how an object stands: a request for it is not to run on what is held.
    #[must_use]
    pub fn must_ask(&self, kind: &Kind, name: &ObjectName) -> bool {
        let unseen = |view: &Arc<super::View>| matches!(view.laid().see(name), Some(What::Unseen));
        self.of_kind(kind).iter().filter(|view| !view.key.metadata).any(unseen)
    }

    /// When the next object is to be read live; none: no write lies over anything, or all are settled.
    #[must_use]
    pub fn due_next(&self) -> Option<Time> {
        self.all().iter().filter_map(|view| view.laid().due_next()).min()
    }

    /// What is to be read live by now, at most so many. Each is to be told to [`Cache::settle`].
    #[must_use]
    pub fn overdue(&self, now: Time, count_max: usize) -> Vec<LiveRead> {
        let mut due = BTreeSet::new();
        for view in self.all() {
            let names = view.overdue(now, count_max.saturating_sub(due.len()));
            due.extend(names.into_iter().map(|name| (view.key.kind.clone(), name)));
        }
        due.into_iter().map(|(kind, name)| self.read_live(kind, name)).collect()
    }

    /// A live read that begins now.
    #[must_use]
    pub fn read_live(&self, kind: Kind, name: ObjectName) -> LiveRead {
        LiveRead { kind, name, nth: self.counts.writes.load(Ordering::Relaxed) }
    }

    /// Takes in what a live read found: readers see that now. Says nothing about writes that were laid after it began.
    pub fn settle(&self, read: &LiveRead, answer: &LiveAnswer, now: Time) {
        let views = self.of_kind(&read.kind);
        match answer {
            LiveAnswer::Failed => views.iter().for_each(|view| view.read_failed(&read.name, read.nth, now)),
            LiveAnswer::NotServed => views.iter().for_each(|view| view.vanish(&read.name)),
            LiveAnswer::Read { version, .. } => {
                let Some(found) = answer.lay(read) else { return };
                let settle = |view: &Arc<super::View>| view.settle(read, &found, version, now);
                if views.iter().filter(|view| settle(view)).count() > 0 {
                    self.counts.settled.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// How own writes stand.
    #[must_use]
    pub fn own_writes(&self) -> OwnWrites {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OwnWrites {
            live: self.all().iter().map(|view| view.laid().len()).sum(),
            settled: count(&self.counts.settled),
            asked: count(&self.counts.asked),
            given_up: count(&self.counts.given_up),
        }
    }
}
