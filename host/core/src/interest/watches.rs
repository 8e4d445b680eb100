//! The watches that run, and how they follow what is wanted.
//!
//! Widening and narrowing leave no gap: the watches that are wanted now start first, and one that is no longer wanted
//! goes on until all wanted ones of its kind are synced.

use super::atom::{Atom, Spot, distinct, is_among, merged, widened};
use crate::{
    call::Shape,
    input::{WatchId, WatchSpec},
    name::Kind,
    object::FieldPlan,
    time::Time,
};
use foldhash::fast::RandomState;
use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
    time::Duration,
};

/// A watch that serves many needs at once, but nobody's alone, is asked for again so long after it was refused.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Running {
    atom: Atom,
    synced: bool,
    /// Its kind is not served: it waits for it, and holds nothing.
    absent: bool,
    wanted: bool,
    /// It was refused, and a new one is tried in its place: it goes when others bring what it brought.
    stale: bool,
    /// Wanted by a description, not only by what requests follow.
    declared: bool,
}

impl Running {
    fn new(atom: Atom, declared: bool) -> Self {
        Self { atom, synced: false, absent: false, wanted: true, stale: false, declared }
    }
}

/// What is to be watched.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// For descriptions.
    pub(crate) described: Vec<&'a Atom>,
    /// For subscriptions.
    pub(crate) followed: Vec<Atom>,
    /// For nobody yet: the server refused it, and narrower ones are described in its place until it is allowed.
    pub(crate) tried: Vec<&'a Atom>,
}

/// The watches of one kind: all, and by their [`Spot`].
#[derive(Debug, Default)]
struct OfKind {
    ids: Vec<WatchId>,
    spots: HashMap<OwnedSpot, Vec<WatchId>, RandomState>,
}

type OwnedSpot = (Option<Arc<str>>, Option<Arc<str>>, Option<Arc<str>>);

fn owned((namespace, view, name): Spot<'_>) -> OwnedSpot {
    (namespace.cloned(), view.cloned(), name.cloned())
}

impl OfKind {
    fn add(&mut self, id: WatchId, atom: &Atom) {
        self.ids.push(id);
        self.spots.entry(owned(atom.spot())).or_default().push(id);
    }

    fn remove(&mut self, id: WatchId, atom: &Atom) {
        self.ids.retain(|one| *one != id);
        let spot = owned(atom.spot());
        if let Some(ids) = self.spots.get_mut(&spot) {
            ids.retain(|one| *one != id);
            if ids.is_empty() {
                self.spots.remove(&spot);
            }
        }
    }
}

/// What to do about a watch.
#[derive(Debug)]
pub(crate) enum Order {
    Start(WatchId, WatchSpec),
    Replan(WatchId, Arc<FieldPlan>),
    Stop(WatchId),
}

/// All watches of the host.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    id_last: u64,
    running: BTreeMap<WatchId, Running>,
    by_kind: BTreeMap<Kind, OfKind>,
    plans: BTreeMap<Kind, Arc<FieldPlan>>,
    /// What the server refuses, and when it last did.
    refused: HashMap<Atom, Time, RandomState>,
    /// What is watched without selector because too many have one.
    widened: Vec<Atom>,
}

impl Watches {
    /// Wants watches for these atoms, each kind's objects projected by its plan.
    pub(crate) fn want(
        &mut self,
        wanted: &Wanted,
        plans: BTreeMap<Kind, FieldPlan>,
        now: Time,
    ) -> Vec<Order> {
        let mut orders = Vec::new();
        self.replan(plans, &mut orders);
        self.running.values_mut().for_each(|running| running.wanted = false);
        let described = distinct(wanted.described.iter().copied());
        let followed = distinct(&wanted.followed);
        let mut tried = distinct(wanted.tried.iter().copied());
        tried.retain(|atom| !is_among(atom, &described) && !is_among(atom, &followed));
        for atom in self.merged([&described[..], &followed, &tried].concat(), now) {
            let only_tried = is_among(&atom, &tried);
            if only_tried {
                self.replace_synced(&atom);
            }
            let same = self.same(&atom).map(|(id, _)| id);
            if let Some(running) = same.and_then(|id| self.running.get_mut(&id)) {
                (running.wanted, running.declared) = (true, only_tried);
                continue;
            }
            self.id_last += 1;
            let id = WatchId(self.id_last);
            let plan = self.plans.entry(atom.kind.clone()).or_default();
            orders.push(Order::Start(id, atom.spec(plan)));
            self.by_kind.entry(atom.kind.clone()).or_default().add(id, &atom);
            self.running.insert(id, Running::new(atom, only_tried));
        }
        self.declare(&described);
        orders
    }

    /// Marks the wanted watches that serve what descriptions want.
    fn declare(&mut self, described: &[&Atom]) {
        let serving = described.iter().flat_map(|atom| self.serve(atom));
        let found = serving.filter(|(_, by)| by.wanted && !by.declared).map(|(id, _)| id);
        for id in found.collect::<Vec<_>>() {
            if let Some(running) = self.running.get_mut(&id) {
                running.declared = true;
            }
        }
    }

    /// What a refused watch still holds is not the truth any more, and others take its place: a new one is tried, which
    /// holds nothing, so that nobody is shown what the others have seen go.
    fn replace_synced(&mut self, atom: &Atom) {
        let synced = self.at(&atom.kind, atom.spot()).filter(|(_, one)| one.synced && one.atom == *atom);
        for id in synced.map(|(id, _)| id).collect::<Vec<_>>() {
            if let Some(running) = self.running.get_mut(&id) {
                running.stale = true;
            }
        }
    }

    fn merged(&mut self, atoms: Vec<&Atom>, now: Time) -> Vec<Atom> {
        let mut refused = mem::take(&mut self.refused);
        refused.retain(|atom, at| now.since(*at) < REFUSED_FOR || self.tries(atom));
        self.refused = refused;
        let is_refused = |atom: &Atom| self.refused.contains_key(atom);
        let atoms = distinct(atoms);
        self.widened = widened(&atoms, &is_refused, &self.widened);
        merged(atoms.into_iter().chain(&self.widened), &is_refused)
    }

    fn replan(&mut self, plans: BTreeMap<Kind, FieldPlan>, orders: &mut Vec<Order>) {
        self.plans.retain(|kind, _| plans.contains_key(kind));
        for (kind, plan) in plans {
            if self.plans.get(&kind).is_some_and(|known| **known == plan) {
                continue;
            }
            let plan = Arc::new(plan);
            orders.extend(self.of_kind(&kind).map(|(id, _)| Order::Replan(id, plan.clone())));
            self.plans.insert(kind, plan);
        }
    }

    /// A watch holds all there was. None when it is not known.
    pub(crate) fn synced(&mut self, id: WatchId) -> Option<&Kind> {
        let running = self.running.get_mut(&id)?;
        (running.synced, running.absent) = (true, false);
        self.refused.remove(&running.atom);
        Some(&running.atom.kind)
    }

    fn tries(&self, atom: &Atom) -> bool {
        self.same(atom).is_some()
    }

    /// The watch of just this atom.
    fn same(&self, atom: &Atom) -> Option<(WatchId, &Running)> {
        self.at(&atom.kind, atom.spot()).find(|(_, running)| running.atom == *atom && !running.stale)
    }

    /// Whether the server refuses a watch, as far as is known: it is tried and was refused, or was not long ago.
    pub(crate) fn refuses(&self, atom: &Atom, now: Time) -> bool {
        self.refused.get(atom).is_some_and(|at| now.since(*at) < REFUSED_FOR || self.tries(atom))
    }

    /// What a watch watches.
    pub(crate) fn atom(&self, id: WatchId) -> Option<&Atom> {
        self.running.get(&id).map(|running| &running.atom)
    }

    /// The kind of a watch is not served. None when the watch is not known.
    pub(crate) fn absent(&mut self, id: WatchId) -> Option<&Kind> {
        let running = self.running.get_mut(&id)?;
        running.absent = true;
        Some(&running.atom.kind)
    }

    /// The server refuses a watch.
    pub(crate) fn refused(&mut self, id: WatchId, now: Time) {
        if let Some(running) = self.running.get_mut(&id) {
            running.absent = false;
            self.refused.insert(running.atom.clone(), now);
        }
    }

    /// Ends what is no longer wanted and no longer stands in for a watch that is not synced yet and may bring the same
    /// objects. A watch that cannot sync so holds up none that has nothing to do with it, one that is refused or whose
    /// kind is absent none at all.
    pub(crate) fn retire(&mut self) -> Vec<Order> {
        let mut pending: BTreeMap<&Kind, Vec<&Atom>> = BTreeMap::new();
        for Running { atom, .. } in
            self.running.values().filter(|one| one.wanted && !one.synced && !one.absent)
        {
            if !self.refused.contains_key(atom) {
                pending.entry(&atom.kind).or_default().push(atom);
            }
        }
        let stands_in = |atom: &Atom| {
            pending.get(&atom.kind).into_iter().flatten().any(|awaited| awaited.may_overlap(atom))
        };
        let unwanted = self.running.iter().filter(|(_, running)| !running.wanted);
        let gone: Vec<_> =
            unwanted.filter(|(_, running)| !stands_in(&running.atom)).map(|(id, _)| *id).collect();
        for id in &gone {
            let Some(Running { atom, .. }) = self.running.remove(id) else { continue };
            if let Some(of_kind) = self.by_kind.get_mut(&atom.kind) {
                of_kind.remove(*id, &atom);
            }
        }
        gone.into_iter().map(Order::Stop).collect()
    }

    fn of_kind(&self, kind: &Kind) -> impl Iterator<Item = (WatchId, &Running)> {
        let ids = self.by_kind.get(kind).into_iter().flat_map(|of_kind| &of_kind.ids);
        ids.filter_map(|id| Some((*id, self.running.get(id)?)))
    }

    /// The watches of a kind at a spot.
    fn at(&self, kind: &Kind, spot: Spot<'_>) -> impl Iterator<Item = (WatchId, &Running)> {
        let ids = self.by_kind.get(kind).and_then(|of_kind| of_kind.spots.get(&owned(spot)));
        ids.into_iter().flatten().filter_map(|id| Some((*id, self.running.get(id)?)))
    }

    fn serve(&self, atom: &Atom) -> impl Iterator<Item = (WatchId, &Running)> {
        let found = atom.wider().flat_map(|spot| self.at(&atom.kind, spot));
        found.filter(move |(_, running)| running.atom.serves(atom))
    }

    /// The watch from which an atom is held, in which shape, and whether that is synced: a synced one if there is one,
    /// and rather one that stays.
    pub(crate) fn best(&self, atom: &Atom) -> Option<(WatchId, Shape, bool)> {
        let rank = |running: &Running| (running.synced, running.wanted, !running.atom.metadata);
        let (id, best) = self.serve(atom).max_by_key(|(id, running)| (rank(running), *id))?;
        Some((id, best.atom.shape(), best.synced))
    }

    /// The shape in which an atom is held.
    pub(crate) fn shape(&self, atom: &Atom) -> Option<Shape> {
        self.best(atom).map(|(_, shape, _)| shape)
    }

    /// Whether a watch that stays brings this atom, now or once it is synced.
    pub(crate) fn is_wanted(&self, atom: &Atom) -> bool {
        self.serve(atom).any(|(_, running)| {
            running.wanted && (running.atom == *atom || !self.refused.contains_key(&running.atom))
        })
    }

    /// Whether a description wants this watch.
    pub(crate) fn is_declared(&self, id: WatchId) -> bool {
        self.running.get(&id).is_some_and(|running| running.wanted && running.declared)
    }

    /// Whether a synced watch brings this atom.
    pub(crate) fn is_synced(&self, atom: &Atom) -> bool {
        self.serve(atom).any(|(_, running)| running.synced)
    }

    /// Whether there is nothing to wait for: a synced watch brings this atom, or its kind is not served.
    pub(crate) fn is_ready(&self, atom: &Atom) -> bool {
        self.serve(atom).any(|(_, running)| running.synced || running.absent)
    }

    /// The watches that serve an atom.
    pub(crate) fn serving(&self, atom: &Atom) -> impl Iterator<Item = WatchId> {
        self.serve(atom).map(|(id, _)| id)
    }

    /// Every watch: number, what it watches, whether it is synced.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WatchId, &Atom, bool)> {
        self.running.iter().map(|(id, running)| (*id, &running.atom, running.synced))
    }
}
