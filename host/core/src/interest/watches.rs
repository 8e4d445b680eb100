//! The watches that run, and how they follow what is wanted.
//!
//! Widening and narrowing leave no gap: the watches that are wanted now start first, and one that is no longer wanted
//! goes on until all wanted ones of its kind are synced.

use super::atom::{Atom, merged};
use crate::{
    call::Shape,
    input::{WatchId, WatchSpec},
    name::Kind,
    object::FieldPlan,
    time::Time,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// A watch that serves many needs at once, but nobody's alone, is asked for again so long after it was refused.
const REFUSED_FOR: Duration = Duration::from_secs(3600);

#[derive(Debug)]
struct Running {
    atom: Atom,
    synced: bool,
    wanted: bool,
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
}

impl Watches {
    /// Wants watches for these atoms, each kind's objects projected by its plan.
    pub(crate) fn want(
        &mut self,
        atoms: Vec<Atom>,
        plans: BTreeMap<Kind, FieldPlan>,
        now: Time,
    ) -> Vec<Order> {
        let mut orders = Vec::new();
        self.replan(plans, &mut orders);
        self.running.values_mut().for_each(|running| running.wanted = false);
        for atom in self.merged(atoms, now) {
            let same = self.of_kind(&atom.kind).find(|(_, running)| running.atom == atom).map(|(id, _)| id);
            if let Some(running) = same.and_then(|id| self.running.get_mut(&id)) {
                running.wanted = true;
                continue;
            }
            self.id_last += 1;
            let id = WatchId(self.id_last);
            let plan = self.plans.entry(atom.kind.clone()).or_default();
            orders.push(Order::Start(id, atom.spec(plan)));
            self.by_kind.entry(atom.kind.clone()).or_default().push(id);
            self.running.insert(id, Running { atom, synced: false, wanted: true });
        }
        orders
    }

    fn merged(&mut self, atoms: Vec<Atom>, now: Time) -> Vec<Atom> {
        let tried = |atom: &Atom| self.of_kind(&atom.kind).any(|(_, running)| running.atom == *atom);
        let old = |(atom, at): &(Atom, Time)| now.since(*at) >= REFUSED_FOR && !tried(atom);
        let kept: Vec<_> = self.refused.iter().filter(|refused| !old(refused)).cloned().collect();
        self.refused = kept;
        let refused: Vec<Atom> = self.refused.iter().map(|(atom, _)| atom.clone()).collect();
        merged(atoms, &refused)
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
        running.synced = true;
        self.refused.retain(|(atom, _)| *atom != running.atom);
        Some(&running.atom.kind)
    }

    /// The server refuses a watch.
    pub(crate) fn refused(&mut self, id: WatchId, now: Time) {
        if let Some(running) = self.running.get(&id) {
            self.refused.retain(|(atom, _)| *atom != running.atom);
            self.refused.push((running.atom.clone(), now));
        }
    }

    /// Ends what is no longer wanted and no longer stands in for a watch that is not synced yet.
    pub(crate) fn retire(&mut self) -> Vec<Order> {
        let unsynced: BTreeSet<Kind> = self
            .running
            .values()
            .filter(|running| running.wanted && !running.synced)
            .filter(|running| self.refused.iter().all(|(atom, _)| *atom != running.atom))
            .map(|running| running.atom.kind.clone())
            .collect();
        let gone: Vec<_> = self
            .running
            .iter()
            .filter(|(_, running)| !running.wanted && !unsynced.contains(&running.atom.kind))
            .map(|(id, _)| *id)
            .collect();
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

    /// The shape in which an atom is held: by a synced watch if there is one, and rather by one that stays.
    pub(crate) fn shape(&self, atom: &Atom) -> Option<Shape> {
        let rank = |running: &Running| (running.synced, running.wanted, !running.atom.metadata);
        let best = self.serve(atom).max_by_key(|(_, running)| rank(running))?;
        Some(best.1.atom.shape())
    }

    /// Whether a synced watch brings this atom.
    pub(crate) fn is_synced(&self, atom: &Atom) -> bool {
        self.serve(atom).any(|(_, running)| running.synced)
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
