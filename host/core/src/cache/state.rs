//! What one view holds: objects in slots, their names in order, who watches them, and the indexes.

use super::{
    Namespaces,
    indexes::Indexes,
    names::Names,
    query::{Fields, Filter},
};
use crate::{
    input::{WatchId, WatchSpec},
    name::{NameRef, ObjectName},
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

/// Where the objects lie. A slot keeps its number while its object changes.
#[derive(Debug, Default)]
struct Slots {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
}

impl Slots {
    fn get(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    fn get_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    /// What the object in a slot is called.
    fn name(&self, slot: u32) -> NameRef<'_> {
        self.get(slot).map_or(NameRef { namespace: None, name: "" }, |entry| entry.object.name())
    }

    fn fill(&mut self, entry: Entry) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).expect("memory ends before four thousand million objects")
        });
        self.entries[slot as usize] = Some(entry);
        slot
    }

    fn empty(&mut self, slot: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(entry)
    }
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
    names: Names,
    slots: Slots,
}

impl State {
    /// The same watches and declared indexes, no objects; room for so many.
    pub(super) fn emptied(&self, capacity: usize) -> Self {
        Self {
            watches: self.watches.clone(),
            indexes: Indexes::same_fields(&self.indexes),
            names: Names::with_capacity(capacity),
            slots: Slots { entries: Vec::with_capacity(capacity), free: Vec::new() },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    fn slot(&self, name: NameRef<'_>) -> Option<u32> {
        self.names.get(name, |slot| self.slots.name(slot))
    }

    fn entry(&self, name: NameRef<'_>) -> Option<&Entry> {
        self.slots.get(self.slot(name)?)
    }

    pub(super) fn get(&self, name: NameRef<'_>) -> Option<&Arc<Object>> {
        Some(&self.entry(name)?.object)
    }

    /// An object that a watch in step holds.
    pub(super) fn in_step(&self, name: NameRef<'_>) -> Option<&Arc<Object>> {
        let Entry { object, members } = self.entry(name)?;
        let synced = |watch: &WatchId| self.watches.get(watch).is_some_and(|held| held.synced);
        members.as_slice().iter().any(synced).then_some(object)
    }

    /// Every object with its slot and watches, in name order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, &Arc<Object>, &Members)> {
        self.names.from(Bound::Unbounded, |slot| self.slots.name(slot)).filter_map(|slot| {
            let entry = self.slots.get(slot)?;
            Some((slot, &entry.object, &entry.members))
        })
    }

    /// Takes in an object for a watch. `authoritative`: the watch's own list says so, which counts even against a
    /// newer version that no other watch vouches for (a cluster restored from a backup goes back in time).
    pub(super) fn put(&mut self, watch: WatchId, object: Arc<Object>, authoritative: bool) -> Put {
        let Some(slot) = self.slot(object.name()) else {
            self.insert(object.clone(), Members::One(watch));
            return Put::Added(object);
        };
        let Some(entry) = self.slots.get_mut(slot) else { return Put::Unchanged };
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
        let slot = self.slots.fill(Entry { object: object.clone(), members });
        self.names.insert(slot, |slot| self.slots.name(slot));
        self.indexes.add(slot, &object);
    }

    /// Ends a watch's hold on an object; the object, if it was the last hold.
    pub(super) fn drop_member(&mut self, watch: WatchId, name: NameRef<'_>) -> Option<Arc<Object>> {
        let slot = self.slot(name)?;
        let entry = self.slots.get_mut(slot)?;
        if !entry.members.as_slice().contains(&watch) {
            return None;
        }
        if let Some(members) = entry.members.without(watch) {
            entry.members = members;
            return None;
        }
        self.names.remove(slot, |slot| self.slots.name(slot));
        let gone = self.slots.empty(slot)?.object;
        self.indexes.remove(slot, &gone);
        Some(gone)
    }

    /// What the filter lets through, in name order.
    pub(super) fn list(&self, filter: &Filter<'_>, limit: usize) -> Vec<Arc<Object>> {
        let slots = self.named(filter).or_else(|| self.indexes.narrow(filter));
        let Some(slots) = slots else { return self.scan(filter, limit) };
        if self.is_scanned_sooner(slots.len(), limit) {
            return self.scan(filter, limit);
        }
        let objects = slots.iter().filter_map(|slot| Some(&self.slots.get(*slot)?.object));
        let mut found: Vec<_> =
            objects.map(|object| (object.name(), object)).filter(|(_, object)| filter.lets(object)).collect();
        found.sort_unstable_by_key(|(name, _)| *name);
        found.into_iter().take(limit).map(|(_, object)| object.clone()).collect()
    }

    /// The slots of a filter that lets through one name in some namespaces.
    fn named(&self, filter: &Filter<'_>) -> Option<Vec<u32>> {
        let (Fields::Local(fields), Namespaces::These(list)) = (&filter.fields, filter.namespaces) else {
            return None;
        };
        let name = fields.only_name()?;
        let slots =
            list.iter().filter_map(|namespace| self.slot(NameRef { namespace: Some(namespace), name }));
        Some(slots.collect())
    }

    /// Whether a page of so many candidates is full sooner by walking all names in order than by sorting the candidates.
    fn is_scanned_sooner(&self, candidates: usize, limit: usize) -> bool {
        const SORTED_ALWAYS: usize = 1_000;
        candidates > SORTED_ALWAYS
            && limit.min(candidates).saturating_mul(self.len()) / candidates < candidates * 2
    }

    fn scan(&self, filter: &Filter<'_>, limit: usize) -> Vec<Arc<Object>> {
        let mut found = Vec::new();
        for (namespace, from) in ranges(filter) {
            let slots = self.names.from(from, |slot| self.slots.name(slot));
            let objects = slots.filter_map(|slot| Some(&self.slots.get(slot)?.object));
            let here = objects.take_while(|object| {
                namespace.is_none_or(|namespace| object.name().namespace == Some(namespace))
            });
            let wanted = here.filter(|object| filter.lets(object));
            found.extend(wanted.take(limit - found.len()).cloned());
        }
        found
    }

    /// Whether a name is held by this watch.
    pub(super) fn holds(&self, watch: WatchId, name: NameRef<'_>) -> bool {
        self.entry(name).is_some_and(|entry| entry.members.as_slice().contains(&watch))
    }

    pub(super) fn watch(&mut self, watch: WatchId) -> btree_map::Entry<'_, WatchId, Held> {
        self.watches.entry(watch)
    }
}

/// Where to look: one range per namespace asked for, or everything.
fn ranges<'f>(filter: &'f Filter<'_>) -> Vec<(Option<&'f str>, Bound<NameRef<'f>>)> {
    let after = filter.after.map(ObjectName::as_ref);
    match filter.namespaces {
        Namespaces::All => vec![(None, after.map_or(Bound::Unbounded, Bound::Excluded))],
        Namespaces::These(list) => list
            .iter()
            .map(|namespace| {
                let first = NameRef { namespace: Some(namespace), name: "" };
                let from = match after {
                    Some(after) if after > first => Bound::Excluded(after),
                    _ => Bound::Included(first),
                };
                (Some(&**namespace), from)
            })
            .collect(),
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
