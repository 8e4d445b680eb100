//! Which watches serve the single objects that requests follow.
//!
//! The rule, per kind and shape: up to a few objects of a namespace have a watch each (`metadata.name=`); more of them
//! share one of their namespace, and when all that comes to many watches, one of every namespace takes their place. A
//! wider watch is started only where the grant of a module that follows such objects allows list and watch, and is
//! given up when half as many would do, or when the server refuses it, as long as that does not make too many. What a
//! declared watch holds anyway needs none of these.

use super::atom::Atom;
use crate::{
    call::Shape,
    description::Selection,
    field_selector::FieldSelector,
    name::{Kind, ModuleName, ObjectName, Resource},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Whether a module may list and watch a resource in this shape in a namespace (none: in all of them).
pub(crate) type MayWatch<'a> = dyn Fn(&ModuleName, &Resource, Shape, Option<&str>) -> Leave + 'a;

/// Whether there may be a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leave {
    NotGranted,
    /// The server refuses it to the host.
    Refused,
    Given,
}

impl Leave {
    /// Whether `len` watches are one, which they may have been before.
    fn shares(self, shared: bool, len: usize, apart_max: usize) -> bool {
        match self {
            Self::NotGranted => false,
            Self::Refused => shared && len > apart_max,
            Self::Given => true,
        }
    }
}

/// When objects share a watch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sharing {
    /// Objects of a namespace that are watched one by one.
    pub(crate) objects_max: usize,
    /// Watches of a kind, before there is one of every namespace.
    pub(crate) watches_max: usize,
    /// Watches that one which the server refuses after all may be replaced by; more wait for it to be allowed.
    pub(crate) apart_max: usize,
}

/// The single objects that are followed, and how they share watches.
#[derive(Debug)]
pub(crate) struct Cover {
    sharing: Sharing,
    groups: BTreeMap<(Kind, bool), Group>,
}

/// The objects of one kind in one shape.
#[derive(Debug)]
struct Group {
    resource: Resource,
    /// Watched everywhere.
    whole: bool,
    cells: BTreeMap<Option<Arc<str>>, Cell>,
    /// Watches of all cells, were there none of everywhere.
    watches: usize,
    /// Who follows, and in how many subscriptions.
    modules: BTreeMap<ModuleName, usize>,
}

/// Those of one namespace, or of the cluster.
#[derive(Debug, Default)]
struct Cell {
    /// The namespace is watched as a whole.
    whole: bool,
    names: BTreeSet<Arc<str>>,
}

impl Cell {
    fn watches(&self) -> usize {
        if self.whole { 1 } else { self.names.len() }
    }
}

/// What is watched for one object, if nothing wider is.
pub(crate) fn single(kind: &Kind, name: &ObjectName, metadata: bool) -> Atom {
    let selection = Selection { fields: Some(FieldSelector::of_name(&name.name)), ..Selection::default() };
    Atom::new(kind, name.namespace.clone(), &selection, metadata)
}

impl Cover {
    pub(crate) fn new(sharing: Sharing) -> Self {
        Self { sharing, groups: BTreeMap::new() }
    }

    /// An object is followed from now on.
    pub(crate) fn add(&mut self, resource: &Resource, name: &ObjectName, metadata: bool) {
        let group = self.groups.entry((resource.kind.clone(), metadata)).or_insert_with(|| Group {
            resource: resource.clone(),
            whole: false,
            cells: BTreeMap::new(),
            watches: 0,
            modules: BTreeMap::new(),
        });
        let cell = group.cells.entry(name.namespace.clone()).or_default();
        let before = cell.watches();
        cell.names.insert(name.name.clone());
        group.watches = group.watches + cell.watches() - before;
    }

    /// Nobody follows an object any more.
    pub(crate) fn remove(&mut self, kind: &Kind, name: &ObjectName, metadata: bool) {
        let key = (kind.clone(), metadata);
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Some(cell) = group.cells.get_mut(&name.namespace) else { return };
        let before = cell.watches();
        cell.names.remove(&name.name);
        if cell.names.is_empty() {
            group.cells.remove(&name.namespace);
            group.watches -= before;
        } else {
            group.watches = group.watches + cell.watches() - before;
        }
        if group.cells.is_empty() {
            self.groups.remove(&key);
        }
    }

    /// A module follows one object more of a kind, or one less.
    pub(crate) fn count(&mut self, kind: &Kind, metadata: bool, module: &ModuleName, more: bool) {
        let Some(group) = self.groups.get_mut(&(kind.clone(), metadata)) else { return };
        let count = group.modules.entry(module.clone()).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            group.modules.remove(module);
        }
    }

    /// Decides again which objects of a kind and namespace share a watch. True when that changed.
    pub(crate) fn share(
        &mut self,
        (kind, metadata): (&Kind, bool),
        namespace: Option<&Arc<str>>,
        may: &MayWatch<'_>,
    ) -> bool {
        let sharing = self.sharing;
        self.groups
            .get_mut(&(kind.clone(), metadata))
            .is_some_and(|group| group.share(sharing, metadata, namespace, may))
    }

    /// Whether the objects of a namespace share a watch.
    pub(crate) fn is_shared(&self, (kind, metadata): (&Kind, bool), namespace: Option<&Arc<str>>) -> bool {
        self.groups.get(&(kind.clone(), metadata)).is_some_and(|group| {
            group.whole || group.cells.get(&namespace.cloned()).is_some_and(|cell| cell.whole)
        })
    }

    /// Decides everything again: the grants are others, or a module is gone.
    pub(crate) fn share_all(&mut self, may: &MayWatch<'_>) {
        for ((_, metadata), group) in &mut self.groups {
            for namespace in group.cells.keys().cloned().collect::<Vec<_>>() {
                group.share(self.sharing, *metadata, namespace.as_ref(), may);
            }
        }
    }

    /// What has to be watched.
    pub(crate) fn atoms(&self) -> impl Iterator<Item = Atom> {
        self.groups.iter().flat_map(|((kind, metadata), group)| {
            let wide = |namespace: Option<&Arc<str>>| {
                Atom::new(kind, namespace.cloned(), &Selection::default(), *metadata)
            };
            let everywhere = group.whole.then(|| wide(None));
            let cells = group.cells.iter().filter(|_| !group.whole);
            let apart = cells.flat_map(move |(namespace, cell)| {
                let whole = cell.whole.then(|| wide(namespace.as_ref()));
                let names = cell.names.iter().filter(|_| !cell.whole);
                whole.into_iter().chain(names.map(|name| {
                    let name = ObjectName { namespace: namespace.clone(), name: name.clone() };
                    single(kind, &name, *metadata)
                }))
            });
            everywhere.into_iter().chain(apart)
        })
    }
}

impl Group {
    fn share(
        &mut self,
        sharing: Sharing,
        metadata: bool,
        namespace: Option<&Arc<str>>,
        may: &MayWatch<'_>,
    ) -> bool {
        let shape = if metadata { Shape::Metadata } else { Shape::Whole };
        let (resource, modules) = (&self.resource, &self.modules);
        let may = |namespace| {
            let each = modules.keys().map(|module| may(module, resource, shape, namespace));
            each.max().unwrap_or(Leave::NotGranted)
        };
        let mut changed = false;
        if let Some(cell) = self.cells.get_mut(&namespace.cloned()) {
            let before = (cell.whole, cell.watches());
            let len = cell.names.len();
            cell.whole = too_many(len, sharing.objects_max, cell.whole)
                && may(namespace.map(|namespace| &**namespace)).shares(cell.whole, len, sharing.apart_max);
            changed = cell.whole != before.0;
            self.watches = self.watches + cell.watches() - before.1;
        }
        let whole = too_many(self.watches, sharing.watches_max, self.whole)
            && may(None).shares(self.whole, self.watches, sharing.apart_max);
        changed |= whole != self.whole;
        self.whole = whole;
        changed
    }
}

/// Above the bound; once shared, not before half of it is reached again, so that one object more or less does not
/// start a list.
fn too_many(len: usize, max: usize, shared: bool) -> bool {
    len > if shared { max / 2 } else { max }
}
