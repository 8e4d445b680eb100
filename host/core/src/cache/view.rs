//! One view: the objects of a kind in one shape. Writers take turns; readers go on while a list is taken in.

use super::{
    Before, LiveRead, Namespaces,
    laid::{Laid, Lay, What, could_hold, passed},
    live::{Listed, Shown},
    query::{Fields, Query, Question, selects, watch_covers},
    state::{Held, Put, State, supersedes},
    version::Version,
};
use crate::{
    call::Shape,
    change::{Cause, ObjectChange},
    field_path::FieldPath,
    input::{WatchId, WatchSpec},
    name::{Kind, ObjectName},
    object::{Object, compare_versions},
    sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Time,
};
use std::{
    cmp::Ordering,
    mem,
    sync::{Arc, PoisonError},
};

/// A list that touches at most so many objects is taken in under the lock (about a millisecond); a longer one builds
/// the next state aside, and readers go on meanwhile.
const IN_PLACE_MAX: usize = 256;

/// What a view is of. Metadata is held apart from whole objects, and so is what only the server can select.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ViewKey {
    pub(super) kind: Kind,
    pub(super) metadata: bool,
    pub(super) fields: Option<Arc<str>>,
}

/// The objects of one view.
#[derive(Debug)]
pub(super) struct View {
    pub(super) key: ViewKey,
    /// Held by whoever changes the view, so that a list can be built aside from a state that stands still.
    turn: Mutex<()>,
    state: RwLock<State>,
    /// Own writes over it. Locked after `state`, and ended only while `state` is locked for writing: readers see
    /// either the write or that the watches have passed it.
    laid: RwLock<Laid>,
}

/// What a view answers to a reader.
#[derive(Debug)]
pub(super) enum Reading<T> {
    Known(T),
    /// The view does not hold enough.
    Uncovered,
    /// It would, but for an own write of which only the server knows what became of it.
    Unseen,
}

impl<T> Reading<T> {
    /// The answer; notes if there is none because of an own write.
    pub(super) fn known(self, unseen: &mut bool) -> Option<T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::Unseen => {
                *unseen = true;
                None
            }
            Self::Uncovered => None,
        }
    }
}

impl View {
    pub(super) fn new(key: ViewKey, indexes: &[FieldPath]) -> Self {
        let view = Self { key, turn: Mutex::default(), state: RwLock::default(), laid: RwLock::default() };
        view.index(indexes);
        view
    }

    // A panic between two field assignments cannot leave a state half changed in a way that a later read trips
    // over; a poisoned lock would take every module down for one bad object.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn laid(&self) -> RwLockReadGuard<'_, Laid> {
        self.laid.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn laid_mut(&self) -> RwLockWriteGuard<'_, Laid> {
        self.laid.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, watch: WatchId, spec: Arc<WatchSpec>) {
        let _turn = self.turn();
        let fresh = Held { spec: spec.clone(), synced: false, version: Box::default() };
        self.write().watch(watch).and_modify(|held| held.spec = spec).or_insert(fresh);
    }

    pub(super) fn upsert(&self, watch: WatchId, object: Object) -> Option<ObjectChange> {
        let _turn = self.turn();
        let object = Arc::new(object);
        let mut state = self.write();
        let cause = moved(&mut state, watch, object.resource_version())?;
        let put = state.put(watch, object.clone(), false);
        self.laid_mut().pass(&state, object.resource_version(), Some(object.name()));
        drop(state);
        self.told(put, cause)
    }

    pub(super) fn remove(
        &self,
        watch: WatchId,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Option<ObjectChange> {
        let _turn = self.turn();
        let mut state = self.write();
        let held = state.watches.get(&watch)?;
        // Told again, out of order. What counts is the order of this watch: the state may be another one's.
        if version.is_some_and(|version| compare_versions(version, &held.version) == Some(Ordering::Less)) {
            return None;
        }
        let sees_all = sees_all(held);
        let cause = moved(&mut state, watch, version.unwrap_or_default())?;
        let ended = state.get(name.as_ref()).filter(|_| sees_all).cloned();
        let gone = state.drop_member(watch, name.as_ref());
        let mut laid = self.laid_mut();
        if let (Some(ended), Some(version)) = (&ended, version) {
            laid.ended(ended, version);
        }
        laid.pass(&state, version.unwrap_or_default(), Some(name.as_ref()));
        drop(laid);
        drop(state);
        Some(self.change(Some(gone?), None, cause))
    }

    pub(super) fn bookmark(&self, watch: WatchId, version: &str) {
        let _turn = self.turn();
        let mut state = self.write();
        if moved(&mut state, watch, version).is_some() {
            self.laid_mut().pass(&state, version, None);
        }
    }

    /// The state that is held, if it is this one: then the caller need not keep its own copy.
    pub(super) fn share(&self, object: Object) -> Arc<Object> {
        let state = self.read();
        match state.get(object.name()) {
            Some(held) if object.is_same(held) => held.clone(),
            _ => Arc::new(object),
        }
    }

    /// Takes in a watch's whole list, in name order: deletions first, then what is new or changed (F3, D4).
    pub(super) fn replace(&self, watch: WatchId, list: Vec<Arc<Object>>, version: &str) -> Vec<ObjectChange> {
        let _turn = self.turn();
        let state = self.read();
        let Some(held) = state.watches.get(&watch) else { return Vec::new() };
        let cause = if held.synced { Cause::Relist } else { Cause::Initial };
        let mut listed = list.iter().map(|object| object.name()).peekable();
        let held = state.entries().filter(|(_, _, members)| members.as_slice().contains(&watch));
        let unlisted = held.map(|(_, object, _)| object).filter(|object| {
            while listed.next_if(|name| *name < object.name()).is_some() {}
            listed.peek() != Some(&object.name())
        });
        let gone: Vec<Arc<Object>> = unlisted.cloned().collect();
        if gone.len() + list.len() <= IN_PLACE_MAX {
            drop(state);
            let mut state = self.write();
            let changes = self.replace_in_place(&mut state, watch, (gone, list), cause);
            settled(&mut state, watch, version);
            self.reviewed(&state, version);
            changes
        } else {
            let (mut next, changes) = self.replace_aside(&state, watch, list, cause);
            drop(state);
            settled(&mut next, watch, version);
            let mut state = self.write();
            let before = mem::replace(&mut *state, next);
            self.reviewed(&state, version);
            drop(state);
            drop(before);
            changes
        }
    }

    /// A list was taken in.
    fn reviewed(&self, state: &State, version: &str) {
        let mut laid = self.laid_mut();
        laid.pass(state, version, None);
        laid.review(state);
    }

    fn replace_in_place(
        &self,
        state: &mut State,
        watch: WatchId,
        (gone, list): (Vec<Arc<Object>>, Vec<Arc<Object>>),
        cause: Cause,
    ) -> Vec<ObjectChange> {
        let deleted = gone.iter().filter_map(|object| state.drop_member(watch, object.name()));
        let mut changes: Vec<_> = deleted.map(|gone| self.change(Some(gone), None, cause)).collect();
        let put = list.into_iter().map(|object| state.put(watch, object, true));
        changes.extend(put.filter_map(|put| self.told(put, cause)));
        changes
    }

    fn replace_aside(
        &self,
        state: &State,
        watch: WatchId,
        list: Vec<Arc<Object>>,
        cause: Cause,
    ) -> (State, Vec<ObjectChange>) {
        let mut next = state.emptied(list.len());
        for (_, object, members) in state.entries() {
            if let Some(others) = members.without(watch) {
                next.insert(object.clone(), others);
            }
        }
        let mut upserts = Vec::new();
        for object in list {
            let held = state.get(object.name()).filter(|_| state.holds(watch, object.name()));
            let same = held.filter(|held| !supersedes(&object, held, true)).cloned();
            match next.put(watch, same.unwrap_or(object), true) {
                Put::Added(after) => match held {
                    Some(held) if Arc::ptr_eq(held, &after) => {}
                    held => upserts.push(self.change(held.cloned(), Some(after), cause)),
                },
                put => upserts.extend(self.told(put, cause)),
            }
        }
        let gone = state.entries().filter(|(_, object, _)| next.get(object.name()).is_none());
        let mut changes: Vec<_> =
            gone.map(|(_, object, _)| self.change(Some(object.clone()), None, cause)).collect();
        changes.append(&mut upserts);
        (next, changes)
    }

    /// Ends a watch; what no other watch holds goes, and is answered as a change.
    pub(super) fn forget(&self, watch: WatchId) -> Vec<ObjectChange> {
        let _turn = self.turn();
        let state = self.read();
        let mut next = state.emptied(0);
        next.watches.remove(&watch);
        let mut gone = Vec::new();
        for (_, object, members) in state.entries() {
            match members.without(watch) {
                Some(others) => next.insert(object.clone(), others),
                None => gone.push(self.change(Some(object.clone()), None, Cause::Relist)),
            }
        }
        drop(state);
        self.swap(next);
        gone
    }

    fn swap(&self, next: State) {
        let mut state = self.write();
        let before = mem::replace(&mut *state, next);
        self.laid_mut().review(&state);
        drop(state);
        drop(before);
    }

    /// Indexes these paths and no others; what is there already is indexed aside (I5).
    pub(super) fn index(&self, paths: &[FieldPath]) {
        let _turn = self.turn();
        let state = self.read();
        let fresh: Vec<_> =
            paths.iter().filter(|path| !state.indexes.paths().any(|one| one == *path)).collect();
        let objects = || state.entries().map(|(slot, object, _)| (slot, &**object));
        let values: Vec<_> =
            fresh.iter().map(|path| ((*path).clone(), state.indexes.values_of(path, objects()))).collect();
        drop(state);
        let mut state = self.write();
        state.indexes.keep_paths(paths);
        values.into_iter().for_each(|(path, values)| state.indexes.add_path(path, values));
        self.laid_mut().index(paths);
    }

    pub(super) fn covers(&self, question: &Question) -> bool {
        covers(&self.read(), question)
    }

    pub(super) fn list(&self, query: &Query) -> Reading<Vec<Arc<Object>>> {
        let (state, laid) = (self.read(), self.laid());
        match covers(&state, &query.question) {
            false => Reading::Uncovered,
            true if laid.hides_from(&query.question) => Reading::Unseen,
            true => Reading::Known(laid.list(&state, query)),
        }
    }

    /// The same for the host itself, which would rather see an object as it was than not at all.
    pub(super) fn list_known(&self, query: &Query) -> Option<Vec<Arc<Object>>> {
        let state = self.read();
        covers(&state, &query.question).then(|| self.laid().list(&state, query))
    }

    /// What a watch in step holds is there, however narrow that watch is; what none holds is only known to be absent
    /// where a watch covers the name.
    pub(super) fn find(&self, name: &ObjectName, shape: Shape) -> Reading<Option<Arc<Object>>> {
        let (state, laid) = (self.read(), self.laid());
        let held = state.in_step(name.as_ref());
        match (laid.see(name), held) {
            (Some(What::Object(object)), Some(_)) | (None, Some(object)) => {
                Reading::Known(Some(object.clone()))
            }
            _ if !covers(&state, &Question::one(name, shape)) => Reading::Uncovered,
            (Some(What::Unseen), _) => Reading::Unseen,
            (Some(What::Object(object)), None) => Reading::Known(Some(object.clone())),
            (Some(What::Gone), _) => Reading::Known(None),
            (None, None) => Reading::Known(state.get(name.as_ref()).cloned()),
        }
    }

    /// An object as readers see it, or as it was before a write of unknown outcome.
    pub(super) fn get(&self, name: &ObjectName) -> Option<Arc<Object>> {
        let (state, laid) = (self.read(), self.laid());
        match laid.see(name) {
            Some(What::Object(object)) => Some(object.clone()),
            Some(What::Gone) => None,
            Some(What::Unseen) | None => state.get(name.as_ref()).cloned(),
        }
    }

    /// Lays a write over what the watches said. How many had to be given up for it.
    pub(super) fn lay(&self, name: &ObjectName, written: &Lay, nth: u64, now: Time) -> u64 {
        let state = self.read();
        let held = state.get(name.as_ref()).is_some();
        let known = held || self.laid().see(name).is_some();
        let Some(mut lay) = self.fitted(&state, name, written, known) else { return 0 };
        if matches!(lay.what, What::Gone) && lay.version.is_none() && !held {
            lay.version = ended_before(&state, name, &lay.base);
        }
        self.laid_mut().lay(&state, name, lay, nth, now)
    }

    /// An object as readers see it, or as they saw it last before only the server knew how it stands.
    pub(super) fn before(&self, name: &ObjectName) -> Option<Before> {
        let (state, laid) = (self.read(), self.laid());
        match laid.see(name) {
            Some(What::Object(object)) => Some(Before::of(object)),
            Some(What::Gone) => None,
            Some(What::Unseen) | None => {
                laid.before(name).or_else(|| state.get(name.as_ref()).map(|object| Before::of(object)))
            }
        }
    }

    /// Lays what a module was shown by the server, where watches may still tell of something older. How many writes had
    /// to be given up.
    pub(super) fn show(&self, name: &ObjectName, shown: &Shown, nth: u64, now: Time) -> u64 {
        let state = self.read();
        let held = state.get(name.as_ref()).is_some();
        let known = held || self.laid().see(name).is_some();
        let is_object = matches!(shown.lay.what, What::Object(_));
        let news = match &shown.lay.version {
            Some(version) => !watches_of(&state, name).all(|watch| passed(watch, version)),
            // Versions that cannot be compared promise nothing.
            None => known && !is_object,
        };
        let is_noted = self.laid_mut().witness(name, &shown.lay, nth);
        if is_noted || !news {
            return 0;
        }
        let Some(mut lay) = self.fitted(&state, name, &shown.lay, known) else { return 0 };
        if is_object && shown.partial && !self.key.metadata && matches!(lay.what, What::Object(_)) {
            lay.what = What::Unseen;
        }
        if !is_object && !held {
            lay.version = ended_before(&state, name, &lay.base);
        }
        self.laid_mut().lay(&state, name, lay, nth, now)
    }

    /// An object that nobody sees here is not there.
    pub(super) fn show_absence(&self, name: &ObjectName, nth: u64) {
        self.laid_mut().witness_absence(name, nth);
    }

    /// Lays that a list did not show what readers see. How many writes had to be given up.
    pub(super) fn show_absent(&self, listed: &Listed<'_>, nth: u64, now: Time) -> u64 {
        if Fields::view(listed.question.fields.as_ref()) != self.key.fields {
            return 0;
        }
        let query = Query { question: listed.question.clone(), ..Query::default() };
        let state = self.read();
        let seen = self.laid().list(&state, &query);
        let mut laid = self.laid_mut();
        laid.witness_list(listed);
        let mut given_up = 0;
        for object in seen.iter().filter(|object| listed.lacks(object)) {
            let name = object.name().to_owned();
            if !laid.is_open(&name) {
                given_up += laid.lay(&state, &name, listed.lay_of(object), nth, now);
            }
        }
        given_up
    }

    /// What a write's answer or a live read means in this view. None: nothing, for none of its watches could tell of
    /// that object.
    fn fitted(&self, state: &State, name: &ObjectName, written: &Lay, known: bool) -> Option<Lay> {
        let mut watches = watches_of(state, name).peekable();
        let plan = watches.peek()?.spec.plan.clone();
        let mut lay = written.clone();
        let What::Object(object) = &written.what else { return Some(lay) };
        let selected = watches.any(|held| selects(&held.spec.selection, object));
        let shown = if self.key.metadata { object.metadata_only() } else { Some((**object).clone()) };
        lay.what = match shown {
            // Only the server knows whether it is still selected.
            _ if self.key.fields.is_some() => What::Unseen,
            Some(shown) if selected => What::Object(Arc::new(shown.projected(&plan))),
            None if selected => What::Unseen,
            _ if known => What::Gone,
            _ => return None,
        };
        Some(lay)
    }

    /// Takes in what a live read showed, at a version of the server (`at`). Whether that settled the object.
    pub(super) fn settle(&self, read: &LiveRead, found: &Lay, at: &str, now: Time) -> bool {
        let state = self.read();
        let Some(lay) = self.fitted(&state, &read.name, found, true) else { return false };
        self.laid_mut().settle(&state, read, lay, at, now)
    }

    /// What is to be read live by now.
    pub(super) fn overdue(&self, now: Time, count_max: usize) -> Vec<ObjectName> {
        if self.laid().due_next().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.laid_mut().overdue(now, count_max)
    }

    /// A live read failed.
    pub(super) fn read_failed(&self, name: &ObjectName, nth: u64, now: Time) {
        self.laid_mut().read_failed(name, nth, now);
    }

    /// The kind is not served any more.
    pub(super) fn vanish(&self, name: &ObjectName) {
        self.laid_mut().vanish(name);
    }

    fn told(&self, put: Put, cause: Cause) -> Option<ObjectChange> {
        match put {
            Put::Added(after) => Some(self.change(None, Some(after), cause)),
            Put::Updated(before, after) => Some(self.change(Some(before), Some(after), cause)),
            Put::Unchanged => None,
        }
    }

    fn change(&self, before: Option<Arc<Object>>, after: Option<Arc<Object>>, cause: Cause) -> ObjectChange {
        let some = after.as_ref().or(before.as_ref()).expect("a change has a side");
        let name = some.name().to_owned();
        let shape = if self.key.metadata { Shape::Metadata } else { Shape::Whole };
        ObjectChange {
            kind: self.key.kind.clone(),
            shape,
            fields: self.key.fields.clone(),
            name,
            before,
            after,
            cause,
        }
    }
}

/// The watches that could tell of an object of this name.
fn watches_of<'a>(state: &'a State, name: &'a ObjectName) -> impl Iterator<Item = &'a Held> {
    state.watches.values().filter(|held| could_hold(held, name))
}

/// The version before which an object that is not held has ended, if a watch has told that already: it sees all objects,
/// and is past a state (`base`) that this one was in. Others may still lag, and come with a state from before.
fn ended_before(state: &State, name: &ObjectName, base: &str) -> Option<Version> {
    let base = Version::of(base)?;
    let sees_all = |held: &&Held| sees_all(held) && could_hold(held, name) && passed(held, &base);
    state.watches.values().find(sees_all).and_then(|held| Version::of(&held.version))
}

/// Whether whatever a watch ends to hold was deleted; with a selector it may only have left the selection.
fn sees_all(held: &Held) -> bool {
    held.spec.selection.labels.is_none() && held.spec.selection.fields.is_none()
}

/// Moves a watch's version on (I7, F6). None when the watch is not known: it was ended, and this came late.
fn moved(state: &mut State, watch: WatchId, version: &str) -> Option<Cause> {
    let held = state.watches.get_mut(&watch)?;
    let newer = compare_versions(version, &held.version) == Some(Ordering::Greater);
    if newer || held.version.is_empty() {
        held.version = version.into();
    }
    Some(if held.synced { Cause::Live } else { Cause::Initial })
}

fn settled(state: &mut State, watch: WatchId, version: &str) {
    if let Some(held) = state.watches.get_mut(&watch) {
        held.synced = true;
        held.version = version.into();
    }
}

fn covers(state: &State, question: &Question) -> bool {
    let synced = || state.watches.values().filter(|held| held.synced);
    let whole = synced().any(|held| watch_covers(&held.spec, question, None));
    whole
        || match &question.namespaces {
            Namespaces::All => false,
            Namespaces::These(list) => list
                .iter()
                .all(|namespace| synced().any(|held| watch_covers(&held.spec, question, Some(namespace)))),
        }
}
