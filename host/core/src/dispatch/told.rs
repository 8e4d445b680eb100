//! The state of each object that a module was last asked about.
//!
//! No name is kept here: an object has its own. As long as nothing waits these are the cache's objects, so one costs
//! some nine bytes.

use crate::{name::NameRef, object::Object};
use hashbrown::{HashTable, hash_table::Entry};
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// Objects by name.
#[derive(Debug, Default)]
pub(super) struct Told {
    table: HashTable<Arc<Object>>,
    hasher: RandomState,
}

impl Told {
    pub(super) fn get(&self, name: NameRef<'_>) -> Option<&Arc<Object>> {
        self.table.find(self.hasher.hash_one(name), |object| object.name() == name)
    }

    /// Takes the place of the object of that name, if there is one.
    pub(super) fn put(&mut self, object: Arc<Object>) {
        let hasher = &self.hasher;
        let hash = |object: &Arc<Object>| hasher.hash_one(object.name());
        match self.table.entry(hash(&object), |other| other.name() == object.name(), hash) {
            Entry::Occupied(mut known) => *known.get_mut() = object,
            Entry::Vacant(place) => drop(place.insert(object)),
        }
    }

    pub(super) fn remove(&mut self, name: NameRef<'_>) {
        let hash = self.hasher.hash_one(name);
        if let Ok(known) = self.table.find_entry(hash, |object| object.name() == name) {
            known.remove();
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Object) -> bool) {
        self.table.retain(|object| keep(object));
        let hasher = &self.hasher;
        self.table.shrink_to(self.table.len() * 2, |object| hasher.hash_one(object.name()));
    }

    /// In no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.table.iter()
    }
}
