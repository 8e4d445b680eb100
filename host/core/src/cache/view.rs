//! One view: the objects of a kind in one shape. Writers take turns; readers go on while a list is taken in.

use super::{
    Found, Namespaces,
    query::{Filter, Query, Question, selects, watch_covers},
    state::{Held, Put, State, is_same, supersedes},
};
use crate::{
    call::Shape,
    change::{Cause, ObjectChange},
    field_path::FieldPath,
    input::{WatchId, WatchSpec},
    name::{Kind, ObjectName},
    object::{Object, compare_versions},
};
use std::{
    cmp::Ordering,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
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
}

impl View {
    pub(super) fn new(key: ViewKey, indexes: &[FieldPath]) -> Self {
        let view = Self { key, turn: Mutex::default(), state: RwLock::default() };
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
        let put = state.put(watch, object, false);
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
        let cause = moved(&mut state, watch, version.unwrap_or_default())?;
        let gone = state.drop_member(watch, name.as_ref(), version)?;
        drop(state);
        Some(self.change(Some(gone), None, cause))
    }

    pub(super) fn bookmark(&self, watch: WatchId, version: &str) {
        let _turn = self.turn();
        moved(&mut self.write(), watch, version);
    }

    /// The state that is held, if it is this one: then the caller need not keep its own copy.
    pub(super) fn share(&self, object: Object) -> Arc<Object> {
        let state = self.read();
        match state.get(object.name()) {
            Some(held) if is_same(&object, held) => held.clone(),
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
            changes
        } else {
            let (mut next, changes) = self.replace_aside(&state, watch, list, cause);
            drop(state);
            settled(&mut next, watch, version);
            let before = mem::replace(&mut *self.write(), next);
            drop(before);
            changes
        }
    }

    fn replace_in_place(
        &self,
        state: &mut State,
        watch: WatchId,
        (gone, list): (Vec<Arc<Object>>, Vec<Arc<Object>>),
        cause: Cause,
    ) -> Vec<ObjectChange> {
        let deleted = gone.iter().filter_map(|object| state.drop_member(watch, object.name(), None));
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

    /// Ends a watch; what no other watch holds goes. What one of those would hold if it were still there is told as
    /// deleted: they were told so while this one, which was behind, still held it.
    pub(super) fn forget(&self, watch: WatchId) -> Vec<ObjectChange> {
        let _turn = self.turn();
        let state = self.read();
        if state.watches.keys().all(|one| *one == watch) {
            let mut next = state.emptied(0);
            next.watches.clear();
            drop(state);
            let before = mem::replace(&mut *self.write(), next);
            drop(before);
            return Vec::new();
        }
        let mut next = state.emptied(0);
        next.watches.remove(&watch);
        let others = || state.watches.iter().filter(|(id, held)| **id != watch && held.synced);
        let mut gone = Vec::new();
        for (_, object, members) in state.entries() {
            match members.without(watch) {
                Some(others) => next.insert(object.clone(), others),
                None if others().any(|(_, held)| selects(&held.spec.selection, object)) => {
                    gone.push(self.change(Some(object.clone()), None, Cause::Relist));
                }
                None => {}
            }
        }
        drop(state);
        let before = mem::replace(&mut *self.write(), next);
        drop(before);
        gone
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
    }

    pub(super) fn covers(&self, question: &Question) -> bool {
        covers(&self.read(), question)
    }

    pub(super) fn list(&self, query: &Query) -> Option<Vec<Arc<Object>>> {
        let state = self.read();
        if !covers(&state, &query.question) {
            return None;
        }
        Some(state.list(&Filter::of(query), query.limit.unwrap_or(usize::MAX)))
    }

    pub(super) fn find(&self, name: &ObjectName, question: &Question) -> Found {
        let state = self.read();
        match state.get(name.as_ref()) {
            _ if !covers(&state, question) => Found::Unknown,
            Some(object) => Found::Object(object.clone()),
            None => Found::Absent,
        }
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
