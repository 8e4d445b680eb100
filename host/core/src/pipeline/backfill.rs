//! Looking at all that is held, a slice at a time, so that a big kind does not hold up dispatch: when a version
//! begins to serve (S6: a late joiner gets the store's content), at a resync, and when an operator asks.

use super::Pipeline;
use crate::{
    cache::Query,
    change::{Cause, ObjectChange},
    description::Relation,
    fact::Reason,
    interest::{self, Need},
    name::ModuleName,
    object::Object,
    queue::Priority,
};
use std::{sync::Arc, vec};

/// Objects still to be looked at for one need.
#[derive(Debug)]
pub(super) struct Backfill {
    module: ModuleName,
    need: Need,
    priority: Priority,
    /// Of requests for the objects themselves.
    reason: Reason,
    objects: vec::IntoIter<Arc<Object>>,
}

impl Pipeline {
    /// Looks again at the reconciled objects of a module, or of one of its controllers.
    pub(super) fn backfill_own(
        &mut self,
        module: &ModuleName,
        controller: Option<&Arc<str>>,
        priority: Priority,
        reason: &Reason,
    ) {
        let needs = self.interest.of(module).iter().filter(|need| {
            need.watch.is_none() && controller.is_none_or(|controller| need.controller == *controller)
        });
        for need in needs.cloned().collect::<Vec<_>>() {
            // Asking twice for the same is asking once.
            let another = |other: &Backfill| {
                other.module != *module
                    || other.reason != *reason
                    || other.need.watch.is_some()
                    || other.need.controller != need.controller
            };
            self.backfills.retain(another);
            self.stalled.retain(another);
            self.backfill_need(module, need, priority, reason);
        }
    }

    pub(super) fn backfill_need(
        &mut self,
        module: &ModuleName,
        need: Need,
        priority: Priority,
        reason: &Reason,
    ) {
        let mut objects = Vec::new();
        for (atom, shape) in &need.atoms {
            let Some(shape) = shape else { continue };
            let query = Query { question: atom.question(*shape), ..Query::default() };
            objects.extend(self.cache.list_of_view(&need.kind, &query).unwrap_or_default());
        }
        if !objects.is_empty() {
            let (module, reason, objects) = (module.clone(), reason.clone(), objects.into_iter());
            self.backfills.push_back(Backfill { module, need, priority, reason, objects });
        }
    }

    /// What a module was told of a `mapped` watch by another view or version is held against what is there now: a
    /// deletion may have been told to neither.
    pub(super) fn look_again(&mut self, module: &ModuleName, need: &Need) {
        let Some((watch, Relation::Mapped)) = &need.watch else { return };
        let lanes = self.modules.get_mut(module).map(|module| &mut module.lanes);
        let lane = lanes.and_then(|lanes| lanes.get_mut(&need.controller));
        if let Some(asks) = lane.and_then(|lane| lane.asks.get_mut(watch)) {
            asks.look_again();
            self.touch(module);
        }
    }

    /// What was still to be looked at for an earlier version's needs.
    pub(super) fn drop_backfills(&mut self, module: &ModuleName) {
        self.backfills.retain(|backfill| backfill.module != *module);
        self.stalled.retain(|backfill| backfill.module != *module);
    }

    /// What was still to be looked at goes on under these needs of the same version.
    pub(super) fn renew_backfills(&mut self, module: &ModuleName, needs: &[Need]) {
        let renew = |backfill: &mut Backfill| {
            if backfill.module != *module {
                return true;
            }
            let Some(need) = needs.iter().find(|need| need.is_of(&backfill.need)) else { return false };
            backfill.need = Need { atoms: backfill.need.atoms.clone(), ..need.clone() };
            true
        };
        self.backfills.retain_mut(renew);
        self.stalled.retain_mut(renew);
    }

    /// Looks at the next slice.
    pub(super) fn backfill(&mut self) {
        let mut left = self.settings.backfill_slice.max(1);
        while left > 0
            && let Some(mut backfill) = self.backfills.pop_front()
        {
            let room = self.room(&backfill);
            if room == 0 {
                self.stalled.push(backfill);
                continue;
            }
            let slice: Vec<_> = backfill.objects.by_ref().take(left.min(room)).collect();
            left -= slice.len();
            for object in slice {
                self.look_at(&backfill, object);
            }
            if backfill.objects.len() > 0 {
                self.backfills.push_front(backfill);
            }
        }
    }

    /// How many more requests the backfill may lead to.
    fn room(&self, backfill: &Backfill) -> usize {
        let lanes = self.modules.get(&backfill.module).map(|module| &module.lanes);
        let lane = lanes.and_then(|lanes| lanes.get(&backfill.need.controller)).filter(|lane| lane.live);
        lane.map_or(usize::MAX, |lane| lane.queue.room())
    }

    /// A controller's queue has room again: its backfills go on, and everything that it reconciles is looked at once
    /// more if changes of some of it were dropped.
    pub(super) fn refill(&mut self, module: &ModuleName, controller: &Arc<str>, dropped: bool) {
        let of_this =
            |backfill: &mut Backfill| backfill.module == *module && backfill.need.controller == *controller;
        self.backfills.extend(self.stalled.extract_if(.., of_this));
        if dropped {
            self.backfill_own(module, Some(controller), Priority::Low, &Reason::Overflowed);
        }
    }

    fn look_at(&mut self, backfill: &Backfill, object: Arc<Object>) {
        let need = &backfill.need;
        if need.watch.is_none() {
            let name = object.name().to_owned();
            if need.selects(&object) && need.target.reaches(&name) {
                let controller = need.controller.clone();
                let reason = backfill.reason.clone();
                self.enqueue(&backfill.module, &controller, name, backfill.priority, reason);
            }
            return;
        }
        let name = object.name().to_owned();
        let change = ObjectChange {
            kind: need.kind.clone(),
            shape: need.atoms.iter().find_map(|(_, shape)| *shape).unwrap_or_default(),
            fields: need.fields.clone(),
            name,
            before: None,
            after: Some(object),
            cause: Cause::Initial,
        };
        let mut routed = Vec::new();
        interest::route(&backfill.module, need, &change, &self.cache, &mut routed);
        self.put(routed);
    }
}
