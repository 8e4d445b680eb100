//! From a namespace, a label, an owner or a field's value to the slots of the objects that have it (I2).

use super::{Namespaces, postings::Postings, query::Filter};
use crate::{field_path::FieldPath, object::Object, selector::Test};
use hashbrown::HashTable;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

/// Sets that are asked one after the other whether they have a slot.
const SETS_SIFTED_MAX: usize = 8;

/// Slots by the hash of a value. The value itself is not kept: should two ever have the same hash, a list looks at
/// some objects more, and lets through the same.
#[derive(Debug, Default)]
pub(super) struct Values(HashTable<(u64, Postings)>);

impl Values {
    fn get(&self, value: u64) -> Option<&Postings> {
        self.0.find(value, |(hash, _)| *hash == value).map(|(_, postings)| postings)
    }

    fn insert(&mut self, value: u64, slot: u32) {
        let entry = self.0.entry(value, |(hash, _)| *hash == value, |(hash, _)| *hash);
        entry
            .and_modify(|(_, postings)| postings.insert(slot))
            .or_insert_with(|| (value, Postings::One(slot)));
    }

    fn remove(&mut self, value: u64, slot: u32) {
        if let Ok(mut entry) = self.0.find_entry(value, |(hash, _)| *hash == value)
            && entry.get_mut().1.remove(slot)
        {
            entry.remove();
        }
    }

    fn all(&self) -> impl Iterator<Item = &Postings> {
        self.0.iter().map(|(_, postings)| postings)
    }
}

/// All indexes of one view.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    namespaces: Values,
    owners: Values,
    labels: HashMap<Box<str>, Values>,
    fields: Vec<(FieldPath, Values)>,
    /// Values are the cluster's: nobody may choose them so that they fall together.
    hasher: RandomState,
}

impl Indexes {
    /// Empty, with the same declared fields.
    pub(super) fn same_fields(other: &Self) -> Self {
        let fields = other.fields.iter().map(|(path, _)| (path.clone(), Values::default())).collect();
        Self { fields, hasher: other.hasher.clone(), ..Self::default() }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        self.fields.iter().map(|(path, _)| path)
    }

    pub(super) fn add_path(&mut self, path: FieldPath, values: Values) {
        self.fields.push((path, values));
    }

    pub(super) fn keep_paths(&mut self, wanted: &[FieldPath]) {
        self.fields.retain(|(path, _)| wanted.contains(path));
    }

    /// The values of one path over some objects.
    pub(super) fn values_of<'o>(
        &self,
        path: &FieldPath,
        objects: impl Iterator<Item = (u32, &'o Object)>,
    ) -> Values {
        let mut values = Values::default();
        for (slot, object) in objects {
            object.each_string(path, &mut |value| values.insert(self.hasher.hash_one(&*value), slot));
        }
        values
    }

    pub(super) fn add(&mut self, slot: u32, object: &Object) {
        let hash = |value: &str| self.hasher.hash_one(value);
        if let Some(namespace) = object.name().namespace {
            self.namespaces.insert(hash(namespace), slot);
        }
        for owner in object.owners() {
            self.owners.insert(hash(owner.uid), slot);
        }
        for (key, value) in object.labels().iter() {
            match self.labels.get_mut(key) {
                Some(values) => values.insert(hash(value), slot),
                None => self.labels.entry(key.into()).or_default().insert(hash(value), slot),
            }
        }
        for (path, values) in &mut self.fields {
            object.each_string(path, &mut |value| values.insert(hash(&value), slot));
        }
    }

    pub(super) fn remove(&mut self, slot: u32, object: &Object) {
        let hash = |value: &str| self.hasher.hash_one(value);
        if let Some(namespace) = object.name().namespace {
            self.namespaces.remove(hash(namespace), slot);
        }
        for owner in object.owners() {
            self.owners.remove(hash(owner.uid), slot);
        }
        for (key, value) in object.labels().iter() {
            if let Some(values) = self.labels.get_mut(key) {
                values.remove(hash(value), slot);
                if values.0.is_empty() {
                    self.labels.remove(key);
                }
            }
        }
        for (path, values) in &mut self.fields {
            object.each_string(path, &mut |value| values.remove(hash(&value), slot));
        }
    }

    /// Moves a slot from the values of one state to those of the next; untouched where they agree (I3).
    pub(super) fn update(&mut self, slot: u32, before: &Object, after: &Object) {
        let agrees = |path| before.field_digest(path) == after.field_digest(path);
        if before.labels() != after.labels()
            || !before.owners().eq(after.owners())
            || !self.fields.iter().all(|(path, _)| agrees(path))
        {
            self.remove(slot, before);
            self.add(slot, after);
        }
    }

    /// The slots that every index lets through, in their own order; none if no index but that of the namespaces
    /// applies.
    pub(super) fn narrow(&self, filter: &Filter<'_>) -> Option<Vec<u32>> {
        let hash = |value: &str| self.hasher.hash_one(value);
        let mut offers: Vec<Vec<&Postings>> = Vec::new();
        if let Some(uid) = filter.owner_uid {
            offers.push(self.owners.get(hash(uid)).into_iter().collect());
        }
        if let Some((path, value)) = filter.index
            && let Some((_, values)) = self.fields.iter().find(|(known, _)| known == path)
        {
            offers.push(values.get(hash(value)).into_iter().collect());
        }
        for requirement in filter.labels.map_or(&[][..], |labels| labels.requirements()) {
            let values = self.labels.get(&requirement.key);
            match &requirement.test {
                Test::In(set) => {
                    offers.push(set.iter().filter_map(|value| values?.get(hash(value))).collect());
                }
                Test::Exists => offers.push(values.into_iter().flat_map(Values::all).collect()),
                _ => {}
            }
        }
        if offers.is_empty() {
            return None;
        }
        if let Namespaces::These(list) = filter.namespaces {
            offers.push(list.iter().filter_map(|namespace| self.namespaces.get(hash(namespace))).collect());
        }
        Some(common(offers))
    }
}

/// The slots that are in one set of every offer: those of the smallest offer, sifted by the others.
fn common(mut offers: Vec<Vec<&Postings>>) -> Vec<u32> {
    let count = |sets: &Vec<&Postings>| sets.iter().map(|set| set.len()).sum::<usize>();
    let Some(smallest) = (0..offers.len()).min_by_key(|at| count(&offers[*at])) else { return Vec::new() };
    let smallest = offers.swap_remove(smallest);
    let mut slots = Vec::with_capacity(count(&smallest));
    smallest.iter().for_each(|set| set.extend_into(&mut slots));
    if smallest.len() > 1 {
        slots.sort_unstable();
        slots.dedup();
    }
    // An offer of many sets (a label that only must be there) is cheaper asked of the object itself.
    offers.retain(|sets| sets.len() <= SETS_SIFTED_MAX);
    slots.retain(|slot| offers.iter().all(|sets| sets.iter().any(|set| set.contains(*slot))));
    slots
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::name::Kind;

    fn object(n: usize) -> Object {
        let (owner, label) = (n % 3, n % 5);
        let raw = format!(
            r#"{{"metadata":{{"namespace":"n{owner}","name":"p{n}","labels":{{"a":"{label}","l{label}":"x"}},"ownerReferences":[{{"apiVersion":"v1","kind":"K","name":"o","uid":"{owner}"}}]}},"spec":["s{label}","t"]}}"#
        );
        Object::ingest(&Kind::new("v1", "Pod"), &raw).unwrap()
    }

    #[test]
    fn i3_indexes_hold_nothing_of_what_is_gone() {
        let mut indexes = Indexes::default();
        indexes.add_path(FieldPath::parse(".spec[*]").unwrap(), Values::default());
        (0..50).for_each(|slot| indexes.add(slot, &object(slot as usize)));
        (0..50).for_each(|slot| indexes.update(slot, &object(slot as usize), &object(slot as usize + 1)));
        assert_eq!((indexes.namespaces.0.len(), indexes.owners.0.len(), indexes.labels.len()), (3, 3, 6));
        (0..50).for_each(|slot| indexes.remove(slot, &object(slot as usize + 1)));
        assert!(indexes.namespaces.0.is_empty() && indexes.owners.0.is_empty() && indexes.labels.is_empty());
        assert!(indexes.fields[0].1.0.is_empty());
    }
}
