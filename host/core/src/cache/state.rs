//! What one view holds: objects in slots, their names in order, who watches them, and the indexes.

use super::{indexes::Indexes, query::Filter};
use crate::{
    input::{WatchId, WatchSpec},
    name::ObjectName,
    object::{Object, compare_versions},
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, btree_map},
    ops::Bound,
    sync::Arc,
};

/// One watch of a view.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) spec: Arc<WatchSpec>,
    pub(super) synced: bool,
    pub(super) version: Box<str>,
}

/// The watches that hold an object; hardly ever more than one.
#[derive(Clone, Debug)]
pub(super) enum Members {
    One(WatchId),
    Many(Box<[WatchId]>),
}

impl Members {
    pub(super) fn as_slice(&self) -> &[WatchId] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(list) => list,
        }
    }

    fn are_only(&self, watch: WatchId) -> bool {
        self.as_slice() == [watch]
    }

    fn with(&self, watch: WatchId) -> Self {
        if self.as_slice().contains(&watch) {
            return self.clone();
        }
        Self::Many(self.as_slice().iter().copied().chain([watch]).collect())
    }

    /// None when nobody is left.
    pub(super) fn without(&self, watch: WatchId) -> Option<Self> {
        let rest: Vec<_> = self.as_slice().iter().copied().filter(|one| *one != watch).collect();
        match rest[..] {
            [] => None,
            [only] => Some(Self::One(only)),
            _ => Some(Self::Many(rest.into())),
        }
    }
}

#[derive(Debug)]
struct Entry {
    object: Arc<Object>,
    members: Members,
}

/// What putting an object did.
#[derive(Debug)]
pub(super) enum Put {
    /// It is new here.
    Added(Arc<Object>),
    /// It replaced this state.
    Updated(Arc<Object>, Arc<Object>),
    /// The same or a newer version was there.
    Unchanged,
}

/// The objects of one view.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) watches: BTreeMap<WatchId, Held>,
    pub(super) indexes: Indexes,
    names: BTreeMap<ObjectName, u32>,
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
}

impl State {
    /// The same watches and declared indexes, no objects.
    pub(super) fn emptied(&self) -> Self {
        Self {
            watches: self.watches.clone(),
            indexes: Indexes::same_fields(&self.indexes),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    fn entry(&self, name: &ObjectName) -> Option<(u32, &Entry)> {
        let slot = *self.names.get(name)?;
        Some((slot, self.slots[slot as usize].as_ref()?))
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<&Arc<Object>> {
        Some(&self.entry(name)?.1.object)
    }

    /// Every object with its slot and watches, in name order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, &Arc<Object>, &Members)> {
        self.names.values().filter_map(|slot| {
            let entry = self.slots[*slot as usize].as_ref()?;
            Some((*slot, &entry.object, &entry.members))
        })
    }

    /// Takes in an object for a watch. `authoritative`: the watch's own list says so, which counts even against a
    /// newer version that no other watch vouches for (a cluster restored from a backup goes back in time).
    pub(super) fn put(&mut self, watch: WatchId, object: Arc<Object>, authoritative: bool) -> Put {
        let name = object.name().to_owned();
        let Some(slot) = self.names.get(&name).copied() else {
            self.insert(object.clone(), Members::One(watch));
            return Put::Added(object);
        };
        let Some(entry) = self.slots[slot as usize].as_mut() else { return Put::Unchanged };
        let alone = entry.members.are_only(watch);
        if !alone {
            entry.members = entry.members.with(watch);
        }
        if !supersedes(&object, &entry.object, authoritative && alone) {
            return Put::Unchanged;
        }
        let before = std::mem::replace(&mut entry.object, object.clone());
        self.indexes.update(slot, &before, &object);
        Put::Updated(before, object)
    }

    /// Puts an object that is not there yet.
    pub(super) fn insert(&mut self, object: Arc<Object>, members: Members) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("memory ends before four thousand million objects")
        });
        self.indexes.add(slot, &object);
        self.names.insert(object.name().to_owned(), slot);
        self.slots[slot as usize] = Some(Entry { object, members });
    }

    /// Ends a watch's hold on an object; the object, if it was the last hold and none newer than `version`.
    pub(super) fn drop_member(
        &mut self,
        watch: WatchId,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Option<Arc<Object>> {
        let slot = *self.names.get(name)?;
        let entry = self.slots[slot as usize].as_mut()?;
        if !entry.members.as_slice().contains(&watch) {
            return None;
        }
        if let Some(members) = entry.members.without(watch) {
            entry.members = members;
            return None;
        }
        let held = entry.object.resource_version();
        if version.is_some_and(|version| compare_versions(version, held) == Some(Ordering::Less)) {
            return None;
        }
        let gone = self.slots[slot as usize].take()?.object;
        self.names.remove(name);
        self.free.push(slot);
        self.indexes.remove(slot, &gone);
        Some(gone)
    }

    /// What the filter lets through, in name order.
    pub(super) fn list(&self, filter: &Filter<'_>, limit: usize) -> Vec<Arc<Object>> {
        let Some(mut slots) = self.indexes.narrow(filter) else { return self.scan(filter, limit) };
        slots.sort_unstable();
        slots.dedup();
        let objects = slots.iter().filter_map(|slot| Some(&self.slots[*slot as usize].as_ref()?.object));
        let mut found: Vec<_> = objects.filter(|object| filter.lets(object)).collect();
        found.sort_by(|one, other| one.name().cmp(&other.name()));
        found.into_iter().take(limit).cloned().collect()
    }

    fn scan(&self, filter: &Filter<'_>, limit: usize) -> Vec<Arc<Object>> {
        let mut found = Vec::new();
        for (namespace, from) in self.ranges(filter) {
            let range = self.names.range((from, Bound::Unbounded));
            let here = range.take_while(|(name, _)| {
                namespace.as_ref().is_none_or(|namespace| name.namespace.as_ref() == Some(namespace))
            });
            let objects = here.filter_map(|(_, slot)| Some(&self.slots[*slot as usize].as_ref()?.object));
            let wanted = objects.filter(|object| filter.lets(object));
            found.extend(wanted.take(limit - found.len()).cloned());
        }
        found
    }

    /// Where to look: one range per namespace asked for, or everything.
    fn ranges(&self, filter: &Filter<'_>) -> Vec<(Option<Arc<str>>, Bound<ObjectName>)> {
        let after = filter.after.cloned();
        match filter.namespaces {
            super::Namespaces::All => vec![(None, after.map_or(Bound::Unbounded, Bound::Excluded))],
            super::Namespaces::These(list) => list
                .iter()
                .map(|namespace| {
                    let first = ObjectName { namespace: Some(namespace.clone()), name: "".into() };
                    (Some(namespace.clone()), Bound::Included(first))
                })
                .collect(),
        }
    }

    /// Whether a name is held by this watch.
    pub(super) fn holds(&self, watch: WatchId, name: &ObjectName) -> bool {
        self.entry(name).is_some_and(|(_, entry)| entry.members.as_slice().contains(&watch))
    }

    pub(super) fn watch(&mut self, watch: WatchId) -> btree_map::Entry<'_, WatchId, Held> {
        self.watches.entry(watch)
    }
}

/// Whether a state of an object takes the place of the one that is held.
pub(super) fn supersedes(new: &Object, held: &Object, even_older: bool) -> bool {
    match compare_versions(new.resource_version(), held.resource_version()) {
        Some(Ordering::Less) => even_older,
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => new.uid() != held.uid(),
        None => new.resource_version() != held.resource_version() || new.uid() != held.uid(),
    }
}
