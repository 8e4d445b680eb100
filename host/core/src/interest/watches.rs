//! The watches that run, and how they follow what is wanted.
//!
//! Widening and narrowing leave no gap: the watches that are wanted now start first, and one that is no longer wanted
//! goes on until all wanted ones of its kind are synced.

use super::atom::{Atom, distinct, merged, widened};
use crate::{
    call::Shape,
    input::{WatchId, WatchSpec},
    name::Kind,
    object::FieldPlan,
    time::Time,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
pub(crate) struct Wanted {
    /// For descriptions.
    pub(crate) described: Vec<Atom>,
    /// For subscriptions.
    pub(crate) followed: Vec<Atom>,
    /// For nobody yet: the server refused it, and narrower ones are described in its place until it is allowed.
    pub(crate) tried: Vec<Atom>,
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
    by_kind: BTreeMap<Kind, Vec<WatchId>>,
    plans: BTreeMap<Kind, Arc<FieldPlan>>,
    /// What the server refuses, and when it last did.
    refused: Vec<(Atom, Time)>,
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
        let Wanted { described, followed, tried } = wanted;
        for atom in self.merged([&described[..], followed, tried].concat(), now) {
            let only_tried = tried.contains(&atom) && !described.contains(&atom) && !followed.contains(&atom);
            if only_tried {
                self.replace_synced(&atom);
            }
            let is_same = |(_, one): &(_, &Running)| one.atom == atom && !one.stale;
            let same = self.of_kind(&atom.kind).find(is_same).map(|(id, _)| id);
            let declared = only_tried || described.iter().any(|one| atom.serves(one));
            if let Some(running) = same.and_then(|id| self.running.get_mut(&id)) {
                (running.wanted, running.declared) = (true, declared);
                continue;
            }
            self.id_last += 1;
            let id = WatchId(self.id_last);
            let plan = self.plans.entry(atom.kind.clone()).or_default();
            orders.push(Order::Start(id, atom.spec(plan)));
            self.by_kind.entry(atom.kind.clone()).or_default().push(id);
            self.running.insert(id, Running::new(atom, declared));
        }
        orders
    }

    /// What a refused watch still holds is not the truth any more, and others take its place: a new one is tried, which
    /// holds nothing, so that nobody is shown what the others have seen go.
    fn replace_synced(&mut self, atom: &Atom) {
        let same = self.running.values_mut().filter(|running| running.synced && running.atom == *atom);
        same.for_each(|running| running.stale = true);
    }

    fn merged(&mut self, atoms: Vec<Atom>, now: Time) -> Vec<Atom> {
        let tried = |atom: &Atom| self.tries(atom);
        let old = |(atom, at): &(Atom, Time)| now.since(*at) >= REFUSED_FOR && !tried(atom);
        let kept: Vec<_> = self.refused.iter().filter(|refused| !old(refused)).cloned().collect();
        self.refused = kept;
        let refused: Vec<Atom> = self.refused.iter().map(|(atom, _)| atom.clone()).collect();
        let atoms = distinct(atoms);
        self.widened = widened(&atoms, &refused, &self.widened);
        merged([atoms, self.widened.clone()].concat(), &refused)
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
        self.refused.retain(|(atom, _)| *atom != running.atom);
        Some(&running.atom.kind)
    }

    fn tries(&self, atom: &Atom) -> bool {
        self.of_kind(&atom.kind).any(|(_, running)| running.atom == *atom && !running.stale)
    }

    /// Whether the server refuses a watch, as far as is known: it is tried and was refused, or was not long ago.
    pub(crate) fn refuses(&self, atom: &Atom, now: Time) -> bool {
        let last = self.refused.iter().find(|(refused, _)| refused == atom).map(|(_, at)| *at);
        last.is_some_and(|at| now.since(at) < REFUSED_FOR || self.tries(atom))
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
            self.refused.retain(|(atom, _)| *atom != running.atom);
            self.refused.push((running.atom.clone(), now));
        }
    }

    /// Ends what is no longer wanted and no longer stands in for a watch that is not synced yet and may bring the same
    /// objects. A watch that cannot sync so holds up none that has nothing to do with it, one that is refused or whose
    /// kind is absent none at all.
    pub(crate) fn retire(&mut self) -> Vec<Order> {
        let is_refused = |running: &Running| self.refused.iter().any(|(atom, _)| *atom == running.atom);
        let mut gone = Vec::new();
        for (id, running) in self.running.iter().filter(|(_, running)| !running.wanted) {
            let stands_in = self.of_kind(&running.atom.kind).any(|(_, other)| {
                let pending = other.wanted && !other.synced && !other.absent && !is_refused(other);
                pending && other.atom.may_overlap(&running.atom)
            });
            if !stands_in {
                gone.push(*id);
            }
        }
        for id in &gone {
            let kind = self.running.remove(id).map(|running| running.atom.kind);
            if let Some(ids) = kind.and_then(|kind| self.by_kind.get_mut(&kind)) {
                ids.retain(|one| one != id);
            }
        }
        gone.into_iter().map(Order::Stop).collect()
    }

    fn of_kind(&self, kind: &Kind) -> impl Iterator<Item = (WatchId, &Running)> {
        let ids = self.by_kind.get(kind).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.running.get(id)?)))
    }

    fn serve(&self, atom: &Atom) -> impl Iterator<Item = (WatchId, &Running)> {
        self.of_kind(&atom.kind).filter(move |(_, running)| running.atom.serves(atom))
    }

    /// The watch from which an atom is held, in which shape, and whether that is synced: a synced one if there is one,
    /// and rather one that stays.
    pub(crate) fn best(&self, atom: &Atom) -> Option<(WatchId, Shape, bool)> {
        let rank = |running: &Running| (running.synced, running.wanted, !running.atom.metadata);
        let (id, best) = self.serve(atom).max_by_key(|(_, running)| rank(running))?;
        Some((id, best.atom.shape(), best.synced))
    }

    /// The shape in which an atom is held.
    pub(crate) fn shape(&self, atom: &Atom) -> Option<Shape> {
        self.best(atom).map(|(_, shape, _)| shape)
    }

    /// Whether a watch that stays brings this atom, now or once it is synced.
    pub(crate) fn is_wanted(&self, atom: &Atom) -> bool {
        let refused = |of: &Atom| self.refused.iter().any(|(refused, _)| refused == of);
        self.serve(atom)
            .any(|(_, running)| running.wanted && (running.atom == *atom || !refused(&running.atom)))
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
