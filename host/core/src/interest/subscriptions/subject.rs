//! What is followed, by whom, and which watch brings it.

use super::Woken;
use crate::{
    cache::{Fields, selects},
    call::Shape,
    change::ObjectChange,
    fact::Reason,
    input::WatchId,
    interest::{
        Atom,
        cover::{Cover, MayWatch, single},
        watches::Watches,
    },
    name::{ModuleName, Request},
    subscription::{Seen, Subscribed, Subscription},
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a request knows of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It reads the subject just now, and its watch holds nothing yet.
    Unread,
    /// It has read this, and its watch holds nothing yet.
    Read(Seen),
    /// It has read something, and nobody can tell what.
    Unknown,
    /// All changes since its read were told.
    InStep,
}

#[derive(Debug)]
pub(super) struct Subject {
    pub(super) of: Arc<Subscription>,
    pub(super) holders: BTreeMap<Request, Shown>,
    /// Nobody follows it, and it is forgotten then.
    pub(super) idle_until: Option<Time>,
    /// What has to be watched at least, and where each part comes from once it is held.
    atoms: Vec<(Atom, Option<(WatchId, Shape)>)>,
    /// The view its objects are in, if only the server can select them.
    fields: Option<Arc<str>>,
}

impl Subject {
    pub(super) fn new(of: Arc<Subscription>) -> Self {
        let (kind, metadata) = (&of.resource.kind, of.shape == Shape::Metadata);
        let (atoms, fields) = match &of.what {
            Subscribed::One(name) => (vec![single(kind, name, metadata)], None),
            Subscribed::Many(selection) => {
                let atom = |namespace| Atom::new(kind, namespace, selection, metadata);
                let atoms = match &selection.namespaces[..] {
                    [] => vec![atom(None)],
                    list => list.iter().map(|namespace| atom(Some(namespace.clone()))).collect(),
                };
                (atoms, Fields::view(selection.fields.as_ref()))
            }
        };
        let atoms = atoms.into_iter().map(|atom| (atom, None)).collect();
        Self { of, holders: BTreeMap::new(), idle_until: None, atoms, fields }
    }

    pub(super) fn metadata(&self) -> bool {
        self.of.shape == Shape::Metadata
    }

    /// Whether synced watches bring all of it.
    pub(super) fn in_step(&self) -> bool {
        self.atoms.iter().all(|(_, bound)| bound.is_some())
    }

    pub(super) fn atoms(&self) -> impl Iterator<Item = Atom> {
        self.atoms.iter().map(|(atom, _)| atom.clone())
    }

    /// The watches that hold it or are to do so.
    pub(super) fn brought_by(&self, watches: &Watches) -> BTreeSet<WatchId> {
        let bound = |(atom, bound): &(Atom, Option<(WatchId, Shape)>)| match bound {
            Some((id, _)) => Some(*id),
            None => watches.best(atom).map(|(id, ..)| id),
        };
        self.atoms.iter().filter_map(bound).collect()
    }

    pub(super) fn lacks_watch(&self, watches: &Watches) -> bool {
        self.atoms.iter().any(|(atom, _)| !watches.is_wanted(atom))
    }

    /// Whether a watch serves a part of it.
    pub(super) fn could_use(&self, id: WatchId, watches: &Watches) -> bool {
        self.atoms.iter().any(|(atom, _)| watches.serving(atom).any(|by| by == id))
    }

    /// Adds its subscriptions to those of each controller.
    pub(super) fn count_holders(&self, users: &mut BTreeMap<String, usize>) {
        for request in self.holders.keys() {
            *users.entry(request.controller.to_string()).or_default() += 1;
        }
    }

    pub(super) fn counted(&self, cover: &mut Cover, module: &ModuleName, more: bool) {
        if let Subscribed::One(_) = &self.of.what {
            cover.count(&self.of.resource.kind, self.metadata(), module, more);
        }
    }

    pub(super) fn shared(&self, cover: &mut Cover, may: &MayWatch<'_>) {
        if let Subscribed::One(name) = &self.of.what {
            let group = (&self.of.resource.kind, self.metadata());
            cover.share(group, name.namespace.as_ref(), may);
        }
    }

    pub(super) fn is_shared(&self, cover: &Cover) -> bool {
        match &self.of.what {
            Subscribed::One(name) => {
                cover.is_shared((&self.of.resource.kind, self.metadata()), name.namespace.as_ref())
            }
            Subscribed::Many(_) => false,
        }
    }

    /// Whether a change concerns it: told by the view that serves it, of an object that it selects before or after
    /// (S11).
    pub(super) fn sees(&self, change: &ObjectChange) -> bool {
        let from_here = self.in_step()
            && change.fields == self.fields
            && self.atoms.iter().any(|(atom, bound)| {
                bound.is_some_and(|(_, shape)| shape == change.shape)
                    && (atom.namespace.is_none() || atom.namespace == change.name.namespace)
            });
        from_here
            && match &self.of.what {
                Subscribed::One(name) => *name == change.name,
                Subscribed::Many(selection) => {
                    let states = [&change.before, &change.after].into_iter().flatten();
                    states.into_iter().any(|object| selects(selection, object))
                }
            }
    }

    /// Takes in which watches hold it. When it has just come in step, whoever read something else is woken; when
    /// another view serves it, everybody, for that view may have been ahead.
    pub(super) fn bind(
        &mut self,
        watches: &Watches,
        held: &dyn Fn(&Subscription) -> Option<Seen>,
        out: &mut Woken,
    ) {
        let (was_in_step, mut moved) = (self.in_step(), false);
        for (atom, bound) in &mut self.atoms {
            let best = watches.best(atom).filter(|(.., synced)| *synced);
            let now = best.map(|(id, shape, _)| (id, shape));
            moved |= matches!((&bound, &now), (Some((_, old)), Some((_, new))) if old != new);
            *bound = now;
        }
        match (was_in_step, self.in_step()) {
            (false, true) => {
                let now = held(&self.of);
                for request in self.holders.keys().cloned().collect::<Vec<_>>() {
                    self.compare(&request, now, out);
                }
            }
            (true, true) if moved => out.extend(self.holders.keys().map(|one| (one.clone(), self.reason()))),
            (true, false) => self.holders.values_mut().for_each(|shown| *shown = Shown::Unknown),
            _ => {}
        }
    }

    /// Wakes a request that read something else than what is held, now that everything further is told.
    pub(super) fn compare(&mut self, request: &Request, now: Option<Seen>, out: &mut Woken) {
        let reason = self.reason();
        let Some(shown) = self.holders.get_mut(request) else { return };
        let same = match *shown {
            Shown::Unread => return,
            Shown::InStep => true,
            Shown::Read(seen) => Some(seen) == now,
            Shown::Unknown => false,
        };
        *shown = Shown::InStep;
        if !same {
            out.push((request.clone(), reason));
        }
    }

    /// The run that read it is over and never said what it saw.
    pub(super) fn unread(&mut self, request: &Request, out: &mut Woken) {
        if self.holders.get(request) != Some(&Shown::Unread) {
            return;
        }
        self.holders.insert(request.clone(), Shown::Unknown);
        if self.in_step() {
            self.compare(request, None, out);
        }
    }

    fn reason(&self) -> Reason {
        let name = match &self.of.what {
            Subscribed::One(name) => Some(name.clone()),
            Subscribed::Many(_) => None,
        };
        Reason::Followed { kind: self.of.resource.kind.clone(), name }
    }
}
