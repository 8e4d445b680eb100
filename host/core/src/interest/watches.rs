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
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    plans: BTreeMap<Kind, Arc<FieldPlan>>,
}

impl Watches {
    /// Wants watches for these atoms, each kind's objects projected by its plan.
    pub(crate) fn want(&mut self, atoms: Vec<Atom>, plans: BTreeMap<Kind, FieldPlan>) -> Vec<Order> {
        let mut orders = Vec::new();
        self.replan(plans, &mut orders);
        self.running.values_mut().for_each(|running| running.wanted = false);
        for atom in merged(atoms) {
            if let Some(running) = self.running.values_mut().find(|running| running.atom == atom) {
                running.wanted = true;
                continue;
            }
            self.id_last += 1;
            let id = WatchId(self.id_last);
            let plan = self.plans.entry(atom.kind.clone()).or_default();
            orders.push(Order::Start(id, atom.spec(plan)));
            self.running.insert(id, Running { atom, synced: false, wanted: true });
        }
        orders
    }

    fn replan(&mut self, plans: BTreeMap<Kind, FieldPlan>, orders: &mut Vec<Order>) {
        self.plans.retain(|kind, _| plans.contains_key(kind));
        for (kind, plan) in plans {
            if self.plans.get(&kind).is_some_and(|known| **known == plan) {
                continue;
            }
            let plan = Arc::new(plan);
            for (id, _) in self.running.iter().filter(|(_, running)| running.atom.kind == kind) {
                orders.push(Order::Replan(*id, plan.clone()));
            }
            self.plans.insert(kind, plan);
        }
    }

    /// A watch holds all there was. None when it is not known.
    pub(crate) fn synced(&mut self, id: WatchId) -> Option<&Kind> {
        let running = self.running.get_mut(&id)?;
        running.synced = true;
        Some(&running.atom.kind)
    }

    /// Ends what is no longer wanted and no longer stands in for a watch that is not synced yet.
    pub(crate) fn retire(&mut self) -> Vec<Order> {
        let unsynced: BTreeSet<Kind> = self
            .running
            .values()
            .filter(|running| running.wanted && !running.synced)
            .map(|running| running.atom.kind.clone())
            .collect();
        let gone: Vec<_> = self
            .running
            .iter()
            .filter(|(_, running)| !running.wanted && !unsynced.contains(&running.atom.kind))
            .map(|(id, _)| *id)
            .collect();
        gone.iter().for_each(|id| drop(self.running.remove(id)));
        gone.into_iter().map(Order::Stop).collect()
    }

    /// The shape in which an atom is held: by a synced watch if there is one, and rather by one that stays.
    pub(crate) fn shape(&self, atom: &Atom) -> Option<Shape> {
        let serving = self.running.values().filter(|running| running.atom.serves(atom));
        let best = serving.max_by_key(|running| (running.synced, running.wanted, !running.atom.metadata))?;
        Some(best.atom.shape())
    }

    /// Whether a synced watch brings this atom.
    pub(crate) fn is_synced(&self, atom: &Atom) -> bool {
        self.running.values().any(|running| running.synced && running.atom.serves(atom))
    }

    /// The watches that serve an atom.
    pub(crate) fn serving(&self, atom: &Atom) -> impl Iterator<Item = WatchId> {
        self.running.iter().filter(move |(_, running)| running.atom.serves(atom)).map(|(id, _)| *id)
    }

    /// Every watch: number, what it watches, whether it is synced.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WatchId, &Atom, bool)> {
        self.running.iter().map(|(id, running)| (*id, &running.atom, running.synced))
    }
}
