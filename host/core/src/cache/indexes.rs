//! From a label, an owner or a field's value to the slots of the objects that have it (I2).

use super::{postings::Postings, query::Filter};
use crate::{field_path::FieldPath, object::Object, selector::Test};
use std::collections::HashMap;

type Values = HashMap<Box<str>, Postings>;

/// All indexes of one view.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    owners: Values,
    labels: HashMap<Box<str>, Values>,
    fields: Vec<(FieldPath, Values)>,
}

impl Indexes {
    /// Empty, with the same declared fields.
    pub(super) fn same_fields(other: &Self) -> Self {
        let fields = other.fields.iter().map(|(path, _)| (path.clone(), Values::new())).collect();
        Self { fields, ..Self::default() }
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

    pub(super) fn add(&mut self, slot: u32, object: &Object) {
        for owner in object.owners() {
            insert(&mut self.owners, owner.uid, slot);
        }
        for (key, value) in object.labels().iter() {
            match self.labels.get_mut(key) {
                Some(values) => insert(values, value, slot),
                None => insert(self.labels.entry(key.into()).or_default(), value, slot),
            }
        }
        for (path, values) in &mut self.fields {
            object.each_string(path, &mut |value| insert(values, &value, slot));
        }
    }

    pub(super) fn remove(&mut self, slot: u32, object: &Object) {
        for owner in object.owners() {
            remove(&mut self.owners, owner.uid, slot);
        }
        for (key, value) in object.labels().iter() {
            if let Some(values) = self.labels.get_mut(key) {
                remove(values, value, slot);
                if values.is_empty() {
                    self.labels.remove(key);
                }
            }
        }
        for (path, values) in &mut self.fields {
            object.each_string(path, &mut |value| remove(values, &value, slot));
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

    /// The fewest slots that some index narrows the filter down to; none if no index applies.
    pub(super) fn narrow(&self, filter: &Filter<'_>) -> Option<Vec<u32>> {
        let mut offers: Vec<Vec<&Postings>> = Vec::new();
        if let Some(uid) = filter.owner_uid {
            offers.push(self.owners.get(uid).into_iter().collect());
        }
        if let Some((path, value)) = filter.index
            && let Some((_, values)) = self.fields.iter().find(|(known, _)| known == path)
        {
            offers.push(values.get(value).into_iter().collect());
        }
        for requirement in filter.labels.map_or(&[][..], |labels| labels.requirements()) {
            let values = self.labels.get(&requirement.key);
            match &requirement.test {
                Test::In(set) => {
                    offers.push(set.iter().filter_map(|value| values?.get(value)).collect());
                }
                Test::Exists => offers.push(values.into_iter().flat_map(HashMap::values).collect()),
                _ => {}
            }
        }
        let count = |sets: &Vec<&Postings>| sets.iter().map(|set| set.len()).sum::<usize>();
        let sets = offers.into_iter().min_by_key(count)?;
        let mut slots = Vec::with_capacity(count(&sets));
        sets.iter().for_each(|set| set.extend_into(&mut slots));
        Some(slots)
    }
}

fn insert(values: &mut Values, value: &str, slot: u32) {
    match values.get_mut(value) {
        Some(postings) => postings.insert(slot),
        None => {
            values.insert(value.into(), Postings::One(slot));
        }
    }
}

fn remove(values: &mut Values, value: &str, slot: u32) {
    if values.get_mut(value).is_some_and(|postings| postings.remove(slot)) {
        values.remove(value);
    }
}

/// The values of one path over some objects.
pub(super) fn values_of<'o>(
    path: &FieldPath,
    objects: impl Iterator<Item = (u32, &'o Object)>,
) -> HashMap<Box<str>, Postings> {
    let mut values = Values::new();
    for (slot, object) in objects {
        object.each_string(path, &mut |value| insert(&mut values, &value, slot));
    }
    values
}
