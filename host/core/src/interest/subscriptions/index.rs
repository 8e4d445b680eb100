//! From an object to the subjects that it may concern, without looking at all of them.

use super::SubjectId;
use crate::{
    name::{Kind, ObjectName},
    subscription::{Subscribed, Subscription},
};
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

/// By kind.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<Kind, OfKind>);

#[derive(Debug, Default)]
struct OfKind {
    /// Single objects, by name.
    one: HashMap<ObjectName, BTreeSet<SubjectId>>,
    /// Selections within a namespace.
    within: HashMap<Arc<str>, BTreeSet<SubjectId>>,
    /// Selections over all namespaces, or of a cluster-scoped kind.
    everywhere: BTreeSet<SubjectId>,
}

impl Index {
    pub(super) fn add(&mut self, id: SubjectId, of: &Subscription) {
        let kind = self.0.entry(of.resource.kind.clone()).or_default();
        match &of.what {
            Subscribed::One(name) => drop(kind.one.entry(name.clone()).or_default().insert(id)),
            Subscribed::Many(selection) if selection.namespaces.is_empty() => {
                kind.everywhere.insert(id);
            }
            Subscribed::Many(selection) => {
                for namespace in &selection.namespaces {
                    kind.within.entry(namespace.clone()).or_default().insert(id);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, id: SubjectId, of: &Subscription) {
        let Some(kind) = self.0.get_mut(&of.resource.kind) else { return };
        match &of.what {
            Subscribed::One(name) => take(&mut kind.one, name, id),
            Subscribed::Many(selection) => {
                kind.everywhere.remove(&id);
                selection.namespaces.iter().for_each(|namespace| take(&mut kind.within, namespace, id));
            }
        }
        if kind.one.is_empty() && kind.within.is_empty() && kind.everywhere.is_empty() {
            self.0.remove(&of.resource.kind);
        }
    }

    /// The subjects that an object of this name may belong to, in a fixed order for each of the three ways.
    pub(super) fn concerned(&self, kind: &Kind, name: &ObjectName) -> impl Iterator<Item = SubjectId> {
        let of_kind = self.0.get(kind);
        let one = of_kind.and_then(|kind| kind.one.get(name));
        let within = of_kind.and_then(|kind| kind.within.get(name.namespace.as_ref()?));
        let everywhere = of_kind.map(|kind| &kind.everywhere);
        [one, within, everywhere].into_iter().flatten().flatten().copied()
    }
}

fn take<K: Eq + Hash>(from: &mut HashMap<K, BTreeSet<SubjectId>>, key: &K, id: SubjectId) {
    if let Some(ids) = from.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            from.remove(key);
        }
    }
}
