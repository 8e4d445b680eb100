//! Own writes of one view, laid over what its watches said until they have passed them.
//!
//! What the watches said stays as it is below: a watch event is compared with that, so the event that carries an own
//! write's version is told as a change like any other. Only readers see the upper layer.

use super::{
    Before, LiveRead,
    live::Listed,
    query::{Fields, Filter, Query, Question},
    state::{Held, Members, State},
    version::Version,
};
use crate::{
    field_path::FieldPath,
    input::WatchId,
    name::{NameRef, ObjectName},
    object::Object,
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// So many own writes are remembered in one view. Beyond that the oldest are given up: until the watches have passed
/// them, reads of the view go to the server.
pub(super) const WRITES_MAX: usize = 4_096;

/// So many of them may be without a known version: deletions, and writes of unknown outcome.
pub(super) const OPEN_MAX: usize = 2_048;

/// When the watches have not passed an own write by then, one live read tells how the object stands.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits before a live read that failed, or that showed nothing of a write of unknown outcome, is made again.
const AGAIN_MIN: Duration = Duration::from_millis(250);
const AGAIN_MAX: Duration = Duration::from_secs(30);

/// After so many live reads that show an object as it was before, the write counts as not carried out: the server
/// cancels a request whose connection is lost, or has carried it out within moments.
const LOOKS: u32 = 3;

/// `shown` needs a watch for each object, and no watch has this number.
const NOBODY: WatchId = WatchId(u64::MAX);

/// What readers are to see of one object.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// This state.
    Object(Arc<Object>),
    /// No object: it was deleted, or it left every selection of the view.
    Gone,
    /// Nobody knows here: ask the server.
    Unseen,
}

/// When the server is asked how an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Not again: a live read has shown it.
    Shown,
    /// If the watches take too long.
    Later,
    /// At once: the write was carried out, and its answer does not show the object.
    Now,
    /// At once, and again if there is nothing to be seen of the write: nobody knows whether it was carried out.
    UntilSeen,
}

/// What is laid over one object.
#[derive(Clone, Debug)]
pub(super) struct Lay {
    pub(super) what: What,
    /// The watches have to pass this. None: not known yet.
    pub(super) version: Option<Version>,
    /// Of the object, as far as known.
    pub(super) uid: Box<str>,
    /// The object's version before the write; empty where there was none to be seen.
    pub(super) base: Box<str>,
    pub(super) ask: Ask,
}

#[derive(Debug)]
struct Entry {
    lay: Lay,
    /// Number of the write: what was read from the server earlier says nothing about it.
    nth: u64,
    /// When to read it live. None: it was, or is being read.
    due: Option<Time>,
    looks: u32,
    /// A live read has shown it.
    settled: bool,
    witnessed: Witnessed,
}

/// What modules were shown of an object while only the server knows how it stands. A live read that began before it does
/// not take that back.
#[derive(Debug, Default)]
struct Witnessed {
    version: Option<Version>,
    /// So many writes had been laid when one was told last that it was not there.
    absent: u64,
}

/// The own writes of one view.
#[derive(Debug, Default)]
pub(super) struct Laid {
    entries: BTreeMap<ObjectName, Entry>,
    /// Those of known version, the lowest first.
    versions: BTreeSet<(Version, ObjectName)>,
    /// The objects that readers see, indexed like the view's own.
    shown: State,
    unseen: usize,
    /// Without a version.
    open: usize,
    /// Own writes up to this version were given up.
    given_up: Option<Version>,
}

impl Laid {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.given_up.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether another write may be begun: those of unknown version cannot be given up.
    pub(super) fn has_room(&self) -> bool {
        self.open < OPEN_MAX
    }

    /// What readers see of an object. None: what the watches said.
    pub(super) fn see(&self, name: &ObjectName) -> Option<&What> {
        match self.entries.get(name) {
            Some(entry) => Some(&entry.lay.what),
            None => self.given_up.is_some().then_some(&What::Unseen),
        }
    }

    /// The last state of an object that was seen before only the server knew how it stands.
    pub(super) fn before(&self, name: &ObjectName) -> Option<Before> {
        let Lay { what, uid, base, .. } = &self.entries.get(name)?.lay;
        let is_known = matches!(what, What::Unseen) && !uid.is_empty() && !base.is_empty();
        is_known.then(|| Before { uid: uid.clone(), version: base.clone() })
    }

    /// Notes what a module was shown of an object, if only a live read tells how that stands: it will be read anyway.
    pub(super) fn witness(&mut self, name: &ObjectName, shown: &Lay, nth: u64) -> bool {
        let Some(version) = &shown.version else {
            return matches!(shown.what, What::Gone) && self.witness_absence(name, nth);
        };
        let Some(witnessed) = self.witnessed_of(name) else { return false };
        witnessed.version = witnessed.version.take().max(Some(version.clone()));
        true
    }

    /// The same of an object that was not there, when `nth` writes had been laid.
    pub(super) fn witness_absence(&mut self, name: &ObjectName, nth: u64) -> bool {
        let Some(witnessed) = self.witnessed_of(name) else { return false };
        witnessed.absent = nth.max(witnessed.absent);
        true
    }

    fn witnessed_of(&mut self, name: &ObjectName) -> Option<&mut Witnessed> {
        let entry = self.entries.get_mut(name).filter(|entry| entry.lay.is_open());
        entry.map(|entry| &mut entry.witnessed)
    }

    /// Notes that a module's list did not have them.
    pub(super) fn witness_list(&mut self, listed: &Listed<'_>) {
        if self.unseen == 0 {
            return;
        }
        let open = self.entries.iter_mut().filter(|(_, entry)| entry.lay.is_open());
        for (_, entry) in open.filter(|(name, _)| listed.misses(name)) {
            let version = &mut entry.witnessed.version;
            *version = version.take().max(Some(listed.version.clone()));
        }
    }

    /// Whether only a live read tells how an object stands.
    pub(super) fn is_open(&self, name: &ObjectName) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.lay.is_open())
    }

    /// Whether a question may be about an object of which only the server knows how it stands.
    pub(super) fn hides_from(&self, question: &Question) -> bool {
        if self.unseen == 0 || self.given_up.is_some() {
            return self.given_up.is_some();
        }
        let fields = Fields::of(question.fields.as_ref());
        let asked = |name: &ObjectName| {
            question.namespaces.contain(name.as_ref())
                && (name.name.is_empty() || fields.matches(name.as_ref()))
        };
        self.entries.iter().any(|(name, entry)| matches!(entry.lay.what, What::Unseen) && asked(name))
    }

    /// What the filter lets through: own writes over what the watches said, in name order.
    pub(super) fn list(&self, state: &State, query: &Query) -> Vec<Arc<Object>> {
        let (filter, limit) = (Filter::of(query), query.limit.unwrap_or(usize::MAX));
        if self.entries.is_empty() {
            return state.list(&filter, limit);
        }
        let mut found = state.list(&filter, limit.saturating_add(self.entries.len()));
        found.retain(|object| match self.entries.get(&object.name().to_owned()) {
            None => true,
            Some(entry) => matches!(entry.lay.what, What::Unseen),
        });
        found.extend(self.shown.list(&filter, limit));
        found.sort_by(|one, other| one.name().cmp(&other.name()));
        found.truncate(limit);
        found
    }

    /// Indexes these paths and no others.
    pub(super) fn index(&mut self, paths: &[FieldPath]) {
        let fresh: Vec<_> =
            paths.iter().filter(|path| !self.shown.indexes.paths().any(|known| known == *path)).collect();
        let objects = || self.shown.entries().map(|(slot, object, _)| (slot, &**object));
        let values: Vec<_> = fresh
            .iter()
            .map(|path| ((*path).clone(), self.shown.indexes.values_of(path, objects())))
            .collect();
        self.shown.indexes.keep_paths(paths);
        values.into_iter().for_each(|(path, values)| self.shown.indexes.add_path(path, values));
    }

    /// Lays a write over an object, unless a newer one is there or the watches were faster than the answer. How many
    /// writes had to be given up for it.
    pub(super) fn lay(&mut self, state: &State, name: &ObjectName, lay: Lay, nth: u64, now: Time) -> u64 {
        match self.entries.get_mut(name) {
            // What was read before this write says nothing of it.
            Some(entry) if entry.lay.is_open() && !lay.is_open() => {
                (entry.nth, entry.due) = (nth, Some(now));
                return 0;
            }
            // It is gone, and was not yet, or came back, up to that version: a live read tells.
            Some(entry) if !entry.settled && entry.lay.is_doubted_by(&lay) => {
                let version = entry.lay.version.clone();
                let doubt = Lay { what: What::Unseen, ask: Ask::Now, uid: Box::default(), ..lay };
                self.drop_entry(name);
                let witnessed = Witnessed { version, absent: nth };
                self.put(
                    name,
                    Entry { lay: doubt, nth, due: Some(now), looks: 0, settled: false, witnessed },
                );
                return 0;
            }
            Some(entry) if entry.lay.is_newer_than(&lay) => return 0,
            _ => {}
        }
        self.drop_entry(name);
        let given_up = self.make_room();
        let due = match lay.ask {
            Ask::Shown => None,
            Ask::Later => Some(now + PATIENCE),
            Ask::Now | Ask::UntilSeen => Some(now),
        };
        let settled = lay.ask == Ask::Shown;
        self.put(name, Entry { lay, nth, due, looks: 0, settled, witnessed: Witnessed::default() });
        self.look_at(state, name);
        given_up
    }

    fn put(&mut self, name: &ObjectName, entry: Entry) {
        match &entry.lay.version {
            Some(version) => drop(self.versions.insert((version.clone(), name.clone()))),
            None => self.open += 1,
        }
        match &entry.lay.what {
            What::Object(object) => self.shown.insert(object.clone(), Members::One(NOBODY)),
            What::Gone => {}
            What::Unseen => self.unseen += 1,
        }
        self.entries.insert(name.clone(), entry);
    }

    fn drop_entry(&mut self, name: &ObjectName) -> Option<Entry> {
        let entry = self.entries.remove(name)?;
        match &entry.lay.version {
            Some(version) => drop(self.versions.remove(&(version.clone(), name.clone()))),
            None => self.open -= 1,
        }
        match &entry.lay.what {
            What::Object(_) => drop(self.shown.drop_member(NOBODY, name.as_ref())),
            What::Gone => {}
            What::Unseen => self.unseen -= 1,
        }
        Some(entry)
    }

    /// Gives up the oldest writes of known version. Of the others there is a bound before they are
    /// sent.
    fn make_room(&mut self) -> u64 {
        let mut count = 0;
        while self.entries.len() >= WRITES_MAX
            && let Some((version, name)) = self.versions.first().cloned()
        {
            self.drop_entry(&name);
            self.given_up = self.given_up.take().max(Some(version));
            count += 1;
        }
        count
    }

    /// A watch has reached a version, maybe with an event of one object. Ends what the watches have passed.
    pub(super) fn pass(&mut self, state: &State, reached: &str, touched: Option<NameRef<'_>>) {
        if self.is_empty() {
            return;
        }
        let within = self.versions.iter().take_while(|(version, _)| version.is_reached_by(reached));
        let names: Vec<_> =
            within.map(|(_, name)| name.clone()).chain(touched.map(NameRef::to_owned)).collect();
        names.iter().for_each(|name| self.look_at(state, name));
        let all_passed = |version: &Version| state.watches.values().all(|held| passed(held, version));
        if self.given_up.as_ref().is_some_and(all_passed) {
            self.given_up = None;
        }
    }

    /// The watches are others now, or hold something else.
    pub(super) fn review(&mut self, state: &State) {
        let names: Vec<_> = self.entries.keys().cloned().collect();
        names.iter().for_each(|name| self.look_at(state, name));
    }

    /// The watches said that an object ended at this version, which the answer to its deletion did not say.
    pub(super) fn ended(&mut self, object: &Object, version: &str) {
        let name = &object.name().to_owned();
        // A watch that lags may tell of the end of an earlier object of that name.
        let later = Version::of(object.resource_version()).is_none_or(|own| own.is_reached_by(version));
        let is_it = |lay: &Lay| {
            let deleted = matches!(lay.what, What::Gone) && lay.version.is_none();
            later && deleted && *lay.uid == *object.uid()
        };
        if self.entries.get(name).is_some_and(|entry| is_it(&entry.lay))
            && let Some(mut entry) = self.drop_entry(name)
        {
            entry.lay.version = Version::of(version);
            self.put(name, entry);
        }
    }

    /// Ends what the watches have passed. What one of them has passed and another has not is held up in its newer
    /// state: the other one's news would take readers back.
    fn look_at(&mut self, state: &State, name: &ObjectName) {
        if self.is_over(state, name) {
            self.drop_entry(name);
            return;
        }
        let newer = state
            .get(name.as_ref())
            .filter(|object| self.entries.get(name).is_some_and(|entry| entry.lay.is_succeeded_by(object)));
        if let Some(object) = newer
            && let Some(mut entry) = self.drop_entry(name)
        {
            entry.lay.what = What::Object(object.clone());
            entry.lay.version = Version::of(object.resource_version());
            entry.lay.uid = object.uid().into();
            self.put(name, entry);
        }
    }

    fn is_over(&self, state: &State, name: &ObjectName) -> bool {
        let Some(Entry { lay, settled, .. }) = self.entries.get(name) else { return false };
        let mut watches = state.watches.values().filter(|held| could_hold(held, name));
        let version = match &lay.version {
            // Another object of that name: the watches are past the one that was deleted if they are past this.
            None => {
                let another = state.get(name.as_ref()).filter(|object| lay.is_succeeded_by(object));
                another.and_then(|object| Version::of(object.resource_version()))
            }
            Some(version) => Some(version.clone()),
        };
        match version {
            None => watches.next().is_none(),
            // A watch that was never in step may never be.
            Some(version) => watches.all(|held| passed(held, &version) || (!held.synced && *settled)),
        }
    }

    /// When the next object is to be read live.
    pub(super) fn due_next(&self) -> Option<Time> {
        self.entries.values().filter_map(|entry| entry.due).min()
    }

    /// What is to be read live by now; it is not given out again until the read is answered.
    pub(super) fn overdue(&mut self, now: Time, count_max: usize) -> Vec<ObjectName> {
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
        due.take(count_max)
            .map(|(name, entry)| {
                entry.due = None;
                name.clone()
            })
            .collect()
    }

    /// A live read failed that began when `nth` writes had been laid.
    pub(super) fn read_failed(&mut self, name: &ObjectName, nth: u64, now: Time) {
        let entry = self.entries.get_mut(name).filter(|entry| entry.nth <= nth && entry.due.is_none());
        if let Some(entry) = entry {
            entry.look_again(now);
        }
    }

    /// A live read showed this, at a version of the server (`at`). Whether that settles the object.
    pub(super) fn settle(
        &mut self,
        state: &State,
        LiveRead { name, nth, .. }: &LiveRead,
        read: Lay,
        at: &str,
        now: Time,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.nth <= *nth) else { return false };
        if entry.witnessed.is_later_than(&read, *nth, at) {
            entry.look_again(now);
            return false;
        }
        let unchanged = match &read.what {
            What::Object(object) => *object.resource_version() == *entry.lay.base,
            What::Gone => entry.lay.base.is_empty(),
            What::Unseen => false,
        };
        if entry.lay.ask == Ask::UntilSeen && unchanged && entry.looks + 1 < LOOKS {
            entry.looks += 1;
            entry.due = Some(now + AGAIN_MIN * 2_u32.pow(entry.looks));
            return false;
        }
        let nth = entry.nth;
        self.drop_entry(name);
        // A version that cannot be compared would never be passed.
        if read.version.is_some() {
            self.put(
                name,
                Entry { lay: read, nth, due: None, looks: 0, settled: true, witnessed: Witnessed::default() },
            );
            self.look_at(state, name);
        }
        true
    }

    /// The kind is not served any more: nothing of it is there.
    pub(super) fn vanish(&mut self, name: &ObjectName) {
        self.drop_entry(name);
    }
}

impl Entry {
    fn look_again(&mut self, now: Time) {
        self.looks = self.looks.saturating_add(1);
        self.due = Some(now + AGAIN_MIN.saturating_mul(2_u32.saturating_pow(self.looks)).min(AGAIN_MAX));
    }
}

impl Witnessed {
    /// Whether a read that showed this may have been made before. It began when `nth` writes had been laid.
    fn is_later_than(&self, read: &Lay, nth: u64, at: &str) -> bool {
        let before = |own: &Version| Version::of(at).is_some_and(|at| at < *own);
        (matches!(read.what, What::Object(_)) && nth < self.absent)
            || self.version.as_ref().is_some_and(before)
    }
}

impl Lay {
    /// Whether only a live read tells how the object stands.
    fn is_open(&self) -> bool {
        self.version.is_none() && matches!(self.what, What::Unseen)
    }

    /// Whether this says only that the object is another one since some version, and then it is found gone.
    fn is_doubted_by(&self, later: &Self) -> bool {
        let gone = matches!(later.what, What::Gone) && later.version.is_none();
        gone && matches!(self.what, What::Unseen) && self.version.is_some()
    }

    /// Whether the watches show a later state of this object, or another object that has taken its name since.
    fn is_succeeded_by(&self, object: &Object) -> bool {
        let later = |base: Version| base.is_before(object.resource_version());
        match (&self.version, &self.what) {
            (Some(version), What::Object(_)) => version.is_before(object.resource_version()),
            // It left the selections that there were then; a watch that began since selects this very state.
            (Some(version), What::Gone | What::Unseen) => version.is_reached_by(object.resource_version()),
            (None, What::Gone) => *object.uid() != *self.uid && Version::of(&self.base).is_none_or(later),
            (None, _) => false,
        }
    }

    /// Whether what is laid already says more than a write that is answered now: answers may overtake each other.
    /// Objects of one name follow each other, so the one that was there at a later version is the later one.
    fn is_newer_than(&self, later: &Self) -> bool {
        let past = |base: &str, version: &Version| Version::of(base).is_none_or(|base| *version > base);
        match (&self.version, &later.version) {
            (Some(mine), Some(other)) if matches!(self.what, What::Unseen) => mine > other,
            (Some(mine), Some(other)) => mine >= other,
            // Deleted stays deleted: an earlier write of that object does not bring it back.
            (None, Some(other)) => self.uid == later.uid || !past(&self.base, other),
            // Made anew after the deletion.
            (Some(mine), None) => {
                matches!(later.what, What::Gone) && self.uid != later.uid && past(&later.base, mine)
            }
            (None, None) => {
                let both_gone = matches!((&self.what, &later.what), (What::Gone, What::Gone));
                both_gone && Version::of(&self.base) > Version::of(&later.base)
            }
        }
    }
}

/// Whether a watch could tell of an object of this name. Labels are left out, because an object's labels change.
pub(super) fn could_hold(held: &Held, name: &ObjectName) -> bool {
    let selection = &held.spec.selection;
    let here = match &name.namespace {
        Some(namespace) => selection.namespaces.is_empty() || selection.namespaces.contains(namespace),
        None => true,
    };
    let fields = || Fields::of(selection.fields.as_ref());
    here && (name.name.is_empty() || selection.fields.is_none() || fields().matches(name.as_ref()))
}

/// Whether a watch is in step and has come so far.
pub(super) fn passed(held: &Held, version: &Version) -> bool {
    held.synced && version.is_reached_by(&held.version)
}
