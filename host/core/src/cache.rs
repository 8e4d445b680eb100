//! The cache: one copy of every watched object, shared by all modules.
//!
//! Each watch task writes what its watch tells; guests read from any thread, without passing the pipeline. Objects of a
//! kind live in *views*: whole objects, metadata only, and one more for each field selector that only the server
//! can evaluate. Watches of one view share its objects; each object knows which watches hold it, so a narrow watch
//! that loses sight of an object ends only its own hold. Readers share the objects themselves and cannot change
//! them (I6), and the store is never behind a change that was told (S1).

mod indexes;
mod laid;
mod live;
mod names;
mod own_writes;
mod postings;
mod query;
mod spread;
mod staging;
mod state;
#[cfg(test)]
mod tests;
#[cfg(all(test, shuttle))]
mod threads;
mod version;
mod view;

use crate::{
    call::Shape,
    change::ObjectChange,
    description::Selection,
    field_path::FieldPath,
    input::{WatchId, WatchSpec},
    name::{Kind, ObjectName},
    object::{Object, compare_versions},
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};
pub use own_writes::{Before, LiveAnswer, LiveRead, OwnWrite, OwnWrites};
pub(crate) use query::{Fields, labels_cover, selects};
pub use query::{Namespaces, Query, Question};
pub use staging::Staging;
use std::{
    cmp,
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, atomic::Ordering},
};
use view::{Reading, View, ViewKey};

/// The store of snapshots. Cheap to share: put it in an `Arc`.
#[derive(Debug, Default)]
pub struct Cache {
    shelves: RwLock<Shelves>,
    counts: own_writes::Counts,
}

#[derive(Debug, Default)]
struct Shelves {
    views: BTreeMap<ViewKey, Arc<View>>,
    watches: HashMap<WatchId, Arc<View>>,
    indexes: HashMap<Kind, Vec<FieldPath>>,
}

/// The answer to a read of one object.
#[derive(Clone, Debug)]
pub enum Found {
    /// It is held.
    Object(Arc<Object>),
    /// What is held covers the question, and there is no such object.
    Absent,
    /// What is held does not cover the question: ask the server.
    Unknown,
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn shelves(&self) -> RwLockReadGuard<'_, Shelves> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelves_mut(&self) -> RwLockWriteGuard<'_, Shelves> {
        self.shelves.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_watch(&self, watch: WatchId) -> Option<Arc<View>> {
        self.shelves().watches.get(&watch).cloned()
    }

    fn all(&self) -> Vec<Arc<View>> {
        self.shelves().views.values().cloned().collect()
    }

    /// Every view of a kind.
    fn of_kind(&self, kind: &Kind) -> Vec<Arc<View>> {
        let first = ViewKey { kind: kind.clone(), metadata: false, fields: None };
        let shelves = self.shelves();
        let views = shelves.views.range(first..).take_while(|(key, _)| key.kind == *kind);
        views.map(|(_, view)| view.clone()).collect()
    }

    /// A read goes to the server because of a write of which only that knows what became of it.
    fn asks(&self) {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// The views that can answer a question of this shape and field selector, best first.
    fn views(&self, kind: &Kind, shape: Shape, fields: Option<&Arc<str>>) -> impl Iterator<Item = Arc<View>> {
        let fields = Fields::view(fields);
        let view = |metadata| ViewKey { kind: kind.clone(), metadata, fields: fields.clone() };
        let shelves = self.shelves();
        let whole = shelves.views.get(&view(false)).cloned();
        let metadata = (shape == Shape::Metadata).then(|| shelves.views.get(&view(true)).cloned());
        whole.into_iter().chain(metadata.flatten())
    }

    /// Makes room for a watch before it starts. The pipeline does this when it orders the watch.
    pub fn open(&self, watch: WatchId, spec: &WatchSpec) {
        let fields = Fields::view(spec.selection.fields.as_ref());
        let key = ViewKey { kind: spec.kind.clone(), metadata: spec.metadata_only, fields };
        let mut shelves = self.shelves_mut();
        let indexes = shelves.indexes.get(&spec.kind).cloned().unwrap_or_default();
        let view = shelves.views.entry(key);
        let view = view.or_insert_with_key(|key| Arc::new(View::new(key.clone(), &indexes))).clone();
        shelves.watches.insert(watch, view.clone());
        view.open(watch, Arc::new(spec.clone()));
    }

    /// Takes in an object that a watch told of. None when that changes nothing: the same version or a newer one is
    /// held (the watch holds the object from now on all the same), or the watch has ended. Whether an object is new
    /// is decided by what is held, not by the type of the watch event (S2).
    pub fn upsert(&self, watch: WatchId, object: Object) -> Option<ObjectChange> {
        self.of_watch(watch)?.upsert(watch, object)
    }

    /// An object was deleted, or left the watch's selection. None when another watch still holds it, or it was not
    /// held. The change carries the last known state.
    pub fn remove(
        &self,
        watch: WatchId,
        name: &ObjectName,
        resource_version: Option<&str>,
    ) -> Option<ObjectChange> {
        self.of_watch(watch)?.remove(watch, name, resource_version)
    }

    /// Takes in a watch's whole list at once and counts the watch as synced. Readers keep the old view until it is
    /// complete. Deletions come first, with the last known state (F3, D4); what did not change is not told.
    pub fn replace(
        &self,
        watch: WatchId,
        list: impl IntoIterator<Item = impl Into<Arc<Object>>>,
        list_version: &str,
    ) -> Vec<ObjectChange> {
        let Some(view) = self.of_watch(watch) else { return Vec::new() };
        let mut staging = Staging::default();
        list.into_iter().for_each(|object| staging.put(object.into()));
        view.replace(watch, staging.take(), list_version)
    }

    /// The held copy of an object, if it is held in this very state, else the object itself. A list that is staged
    /// goes through here, so that a relist costs the memory of what changed.
    #[must_use]
    pub fn share(&self, watch: WatchId, object: Object) -> Arc<Object> {
        match self.of_watch(watch) {
            Some(view) => view.share(object),
            None => Arc::new(object),
        }
    }

    /// Nothing changed up to this version (F6).
    pub fn bookmark(&self, watch: WatchId, version: &str) {
        if let Some(view) = self.of_watch(watch) {
            view.bookmark(watch, version);
        }
    }

    /// Ends a watch: what only it held goes, and is answered. To those who follow such an object by another watch it is
    /// gone: that watch has found it so, or will tell of it. What the watch still tells is ignored. The pipeline
    /// does this when it orders the end.
    pub fn forget(&self, watch: WatchId) -> Vec<ObjectChange> {
        let mut shelves = self.shelves_mut();
        let Some(view) = shelves.watches.remove(&watch) else { return Vec::new() };
        let shared = shelves.watches.values().any(|other| Arc::ptr_eq(other, &view));
        if !shared {
            shelves.views.remove(&view.key);
        }
        drop(shelves);
        view.forget(watch)
    }

    /// What the watches of the view of this shape and field selector said last of an object. Own writes that no watch
    /// has told of yet are not in it.
    pub(crate) fn held(
        &self,
        kind: &Kind,
        shape: Shape,
        fields: Option<&Arc<str>>,
        name: &ObjectName,
    ) -> Option<Arc<Object>> {
        let key = ViewKey { kind: kind.clone(), metadata: shape == Shape::Metadata, fields: fields.cloned() };
        let view = self.shelves().views.get(&key).cloned()?;
        view.read().get(name.as_ref()).cloned()
    }

    /// As [`Self::list_known`], but from the view of exactly this shape: another one may know less of the same objects.
    pub(crate) fn list_of_view(&self, kind: &Kind, query: &Query) -> Option<Vec<Arc<Object>>> {
        let question = &query.question;
        let fields = Fields::view(question.fields.as_ref());
        let key = ViewKey { kind: kind.clone(), metadata: question.shape == Shape::Metadata, fields };
        let view = self.shelves().views.get(&key).cloned();
        view?.list_known(query)
    }

    /// Declares which fields of a kind are indexed, in place of those declared before. What is held is indexed at
    /// once (I5).
    pub fn index(&self, kind: &Kind, paths: Vec<FieldPath>) {
        let mut shelves = self.shelves_mut();
        let views: Vec<_> = shelves.views.values().filter(|view| view.key.kind == *kind).cloned().collect();
        let old = shelves.indexes.insert(kind.clone(), paths.clone());
        drop(shelves);
        if old.as_ref() != Some(&paths) {
            views.iter().for_each(|view| view.index(&paths));
        }
    }

    /// Whether what is held and synced covers a question, so that a read of it may be answered here.
    #[must_use]
    pub fn covers(&self, kind: &Kind, question: &Question) -> bool {
        self.views(kind, question.shape, question.fields.as_ref()).any(|view| view.covers(question))
            || self.covers_spread(kind, question)
    }

    /// One object, if what is held covers it; the answer and its coverage are of one moment. Never older than what a
    /// module of this host wrote.
    #[must_use]
    pub fn find(&self, kind: &Kind, name: &ObjectName, shape: Shape) -> Found {
        for view in self.views(kind, shape, None) {
            match view.find(name, shape) {
                Reading::Known(found) => return found.map_or(Found::Absent, Found::Object),
                Reading::Unseen => self.asks(),
                Reading::Uncovered => {}
            }
        }
        Found::Unknown
    }

    /// One whole object as readers see it, whether or not anything covers it. After a write of unknown outcome it may
    /// be older than that; see [`Cache::must_ask`].
    #[must_use]
    pub fn get(&self, kind: &Kind, name: &ObjectName) -> Option<Arc<Object>> {
        self.views(kind, Shape::Whole, None).find_map(|view| view.get(name))
    }

    /// The object of a request as its controller selects it: none when it is gone or has left the selection, also
    /// where a watch of another module still holds it.
    #[must_use]
    pub fn selected(&self, kind: &Kind, selection: &Selection, name: &ObjectName) -> Option<Arc<Object>> {
        let mut views = self.views(kind, Shape::Whole, selection.fields.as_ref());
        let object = views.find_map(|view| view.get(name))?;
        selects(selection, &object).then_some(object)
    }

    /// Objects in name order by the best index, if what is held covers the question; none: ask the server. Own writes
    /// are among them.
    #[must_use]
    pub fn list(&self, kind: &Kind, query: &Query) -> Option<Vec<Arc<Object>>> {
        let question = &query.question;
        let mut views =
            self.views(kind, question.shape, question.fields.as_ref()).map(|view| view.list(query));
        let mut unseen = false;
        let alone = views.find_map(|reading| reading.known(&mut unseen));
        let found = match alone {
            None if !unseen => self.list_spread(kind, query).known(&mut unseen),
            found => found,
        };
        if found.is_none() && unseen {
            self.asks();
        }
        found
    }

    /// The same for the host's own decisions, which take an object as it was before a write of unknown outcome rather
    /// than not at all.
    pub(crate) fn list_known(&self, kind: &Kind, query: &Query) -> Option<Vec<Arc<Object>>> {
        let question = &query.question;
        self.views(kind, question.shape, question.fields.as_ref()).find_map(|view| view.list_known(query))
    }

    /// Whether a watch's first list is taken in.
    #[must_use]
    pub fn synced(&self, watch: WatchId) -> bool {
        let view = self.of_watch(watch);
        view.is_some_and(|view| view.read().watches.get(&watch).is_some_and(|held| held.synced))
    }

    /// The version up to which everything held of a kind is known: the lowest of its synced watches. None when there
    /// is none.
    #[must_use]
    pub fn version(&self, kind: &Kind) -> Option<Box<str>> {
        let views: Vec<_> =
            self.shelves().views.values().filter(|view| view.key.kind == *kind).cloned().collect();
        let mut lowest: Option<Box<str>> = None;
        for view in views {
            for held in view.read().watches.values().filter(|held| held.synced) {
                let lower = lowest.as_ref().is_none_or(|lowest| {
                    compare_versions(&held.version, lowest) == Some(cmp::Ordering::Less)
                });
                if lower {
                    lowest = Some(held.version.clone());
                }
            }
        }
        lowest
    }

    /// How many objects of a kind are held, in every view.
    #[must_use]
    pub fn len(&self, kind: &Kind) -> usize {
        self.shelves()
            .views
            .values()
            .filter(|view| view.key.kind == *kind)
            .map(|view| view.read().len())
            .sum()
    }

    /// Whether nothing of a kind is held.
    #[must_use]
    pub fn is_empty(&self, kind: &Kind) -> bool {
        self.len(kind) == 0
    }

    /// How many objects one watch's view holds.
    #[must_use]
    pub fn len_of(&self, watch: WatchId) -> usize {
        self.of_watch(watch).map_or(0, |view| view.read().len())
    }
}
