//! Versions come, wait for their watches, serve, and go.

use super::Pipeline;
use crate::{
    call::Shape,
    change::ObjectChange,
    description::Selection,
    dispatch::{Lane, Module, Pending, Serving},
    fact::{Fact, Reason},
    input::{Command, Version},
    interest::{Atom, Need, NotGranted, Offered, Order, Plans, Wanted, Woken, needs, own_of, watch_of},
    name::{ControllerName, Generation, Kind, ModuleName, ObjectName},
    queue::Priority,
    time::Time,
};
use std::{collections::BTreeSet, mem, sync::Arc, time::Duration};

impl Pipeline {
    pub(super) fn offer(&mut self, mut version: Version) {
        self.discovered(mem::take(&mut version.resources));
        let name = version.module.clone();
        let version = Arc::new(version);
        let now = self.now;
        let turns = &mut self.turns;
        let module =
            self.modules.entry(name.clone()).or_insert_with(|| Module::new(turns.open(name.clone())));
        module.mind_pause(version.paused);
        if let Some(serving) =
            module.serving.as_mut().filter(|serving| swaps_nothing(&serving.version, &version))
        {
            serving.version = version.clone();
            module.pending = None;
            for (controller, lane) in module.lanes.iter_mut().filter(|(_, lane)| lane.live) {
                let controller = ControllerName { module: name.clone(), controller: controller.clone() };
                lane.serve(&version, &controller, now);
            }
            module.touch(&name, &mut self.touched);
            self.follow(None);
            self.tidy(&name);
            return;
        }
        module.uses_of(version.digest);
        let refuses = |atom: &Atom| self.watches.refuses(atom, now);
        let offered = Offered { resources: &self.resources, refuses: &refuses, labels: &*self.cache };
        let needs = needs(&version, offered).map_err(|NotGranted(reason)| reason);
        let reason = needs.as_ref().err().cloned();
        let absent: BTreeSet<Kind> = match &needs {
            Ok(needs) => {
                needs.iter().filter(|need| need.atoms.is_empty()).map(|need| need.kind.clone()).collect()
            }
            Err(_) => BTreeSet::new(),
        };
        module.pending = Some(Pending { version, needs, since: now });
        if let Some(reason) = reason {
            self.tell(Fact::ModuleWaiting { module: name.clone(), reason });
        }
        absent.into_iter().for_each(|kind| self.tell(Fact::KindAbsent { kind }));
        self.follow(None);
        self.serve_what_can();
        self.tidy(&name);
    }

    /// Begins to serve every version whose watches are synced, those of kinds that are served.
    pub(super) fn serve_what_can(&mut self) {
        let can = |pending: &Pending| {
            self.knows_labels(&pending.version)
                && pending.needs.as_ref().is_ok_and(|needs| {
                    needs.iter().flat_map(|need| &need.atoms).all(|(atom, _)| self.watches.is_ready(atom))
                })
        };
        let ready = self.modules.iter().filter(|(_, module)| module.pending.as_ref().is_some_and(can));
        for name in ready.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.serve(&name);
        }
    }

    fn serve(&mut self, name: &ModuleName) {
        let generation = self.generations.get(name).map_or(Generation(1), |last| Generation(last.0 + 1));
        let fresh = self.queue();
        let Some(module) = self.modules.get_mut(name) else { return };
        let Some(Pending { version, needs: Ok(needs), since }) = module.pending.take() else { return };
        self.generations.insert(name.clone(), generation);
        let digest = version.digest;
        module.trials.serve(digest);
        let freed = module.quarantine.free();
        let before = module.serving.replace(Serving { version: version.clone(), generation });
        for (controller, lane) in &mut module.lanes {
            let stays = version
                .description
                .controllers
                .iter()
                .any(|one| one.name == *controller && one.reconciles == lane.kind);
            if !stays {
                lane.retire(self.now);
            }
        }
        for controller in &version.description.controllers {
            let lane = module.lanes.entry(controller.name.clone());
            let lane =
                lane.or_insert_with(|| Box::new(Lane::new(controller.reconciles.clone(), fresh.fresh())));
            lane.kind = controller.reconciles.clone();
            let id = ControllerName { module: name.clone(), controller: controller.name.clone() };
            lane.serve(&version, &id, self.now);
            lane.take_over(&needs, &controller.name, self.now);
        }
        module.touch(name, &mut self.touched);
        let good = module.trials.good();
        self.out.push(Command::Serve { module: name.clone(), digest, generation, good });
        let took = self.now.since(since);
        self.tell(Fact::ModuleServing { module: name.clone(), digest, generation, took });
        self.stands(name, freed);
        self.drop_backfills(name);
        self.forget_fights(name);
        self.interest.set(name, needs);
        self.retain_subscriptions(name);
        let reason = if before.is_some() { Reason::Reloaded } else { Reason::Appeared };
        self.follow(Some((name, reason)));
        self.tidy(name);
    }

    pub(super) fn withdraw(&mut self, name: &ModuleName) {
        let Some(module) = self.modules.get_mut(name) else { return };
        module.serving = None;
        module.pending = None;
        module.lanes.values_mut().for_each(|lane| lane.retire(self.now));
        module.touch(name, &mut self.touched);
        self.drop_backfills(name);
        self.forget_fights(name);
        self.interest.remove(name);
        self.retain_subscriptions(name);
        self.follow(None);
        self.tidy(name);
        self.tell(Fact::ModuleWithdrawn { module: name.clone() });
    }

    pub(super) fn set_paused(&mut self, name: &ModuleName, paused: bool) {
        if let Some(module) = self.modules.get_mut(name) {
            module.paused = paused;
            module.touch(name, &mut self.touched);
        }
        if !paused {
            self.free(name);
        }
    }

    /// An operator asks for runs. A name that no controller holds is run by each that could reconcile it.
    pub(super) fn ask(&mut self, name: &ModuleName, object: Option<&ObjectName>) {
        self.free(name);
        let Some(object) = object else {
            return self.backfill_own(name, None, Priority::Requeued, &Reason::Asked);
        };
        let own = self.interest.of(name).iter().filter(|need| need.watch.is_none());
        let could: Vec<_> = own.filter(|need| need.target.reaches(object)).cloned().collect();
        let holds = |need: &&Need| self.cache.selected(&need.kind, &need.target.selection, object).is_some();
        let holding: Vec<_> = could.iter().filter(holds).cloned().collect();
        for need in if holding.is_empty() { could } else { holding } {
            self.enqueue(name, &need.controller, object.clone(), Priority::Live, Reason::Asked);
        }
    }

    /// Makes the watches follow the needs, and the needs the watches. Needs that are served from elsewhere than before
    /// are looked at anew, for the module that just began to serve with its reason.
    pub(super) fn follow(&mut self, began: Option<(&ModuleName, Reason)>) {
        self.follow_all(began, None);
    }

    /// The same, where only what is followed of one kind has changed.
    pub(super) fn follow_kind(&mut self, kind: &Kind) {
        self.follow_all(None, Some(kind));
    }

    fn follow_all(&mut self, began: Option<(&ModuleName, Reason)>, kind: Option<&Kind>) {
        let mut plans = Plans::default();
        let (namespaces, followed) = (self.namespaces_wanted(), self.subscriptions.atoms());
        let described = namespaces.iter().collect();
        let mut wanted = Wanted { described, followed, ..Wanted::default() };
        for (name, module) in &self.modules {
            let serving = module.serving.as_ref().map(|serving| (&serving.version, self.interest.of(name)));
            let pending = module
                .pending
                .as_ref()
                .and_then(|pending| Some((&pending.version, pending.needs.as_ref().ok()?.as_slice())));
            for (version, needs) in serving.into_iter().chain(pending) {
                plans.add(&version.description, needs);
                let atoms = needs.iter().flat_map(|need| &need.atoms);
                wanted.described.extend(atoms.map(|(atom, _)| atom));
                wanted.tried.extend(needs.iter().filter_map(|need| need.tried.as_ref()));
            }
        }
        let indexes = plans.indexes();
        for kind in self.indexed.iter().filter(|kind| !indexes.contains_key(*kind)) {
            self.cache.index(kind, Vec::new());
        }
        self.indexed = indexes.keys().cloned().collect();
        indexes.into_iter().for_each(|(kind, paths)| self.cache.index(&kind, paths));
        let orders = self.watches.want(&wanted, plans.fields(), self.now);
        let none_ends = self.order(orders);
        debug_assert!(none_ends.is_empty(), "watches end only when their heirs are synced");
        let mut woken = Woken::new();
        self.subscriptions.rebind(kind, &self.watches, &self.cache, &mut woken);
        self.wake(woken);
        let moved = self.interest.rebind(&self.watches, self.now);
        for (name, need) in moved {
            let reason = match &began {
                Some((module, reason)) if **module == name => reason.clone(),
                _ => Reason::Appeared,
            };
            self.look_again(&name, &need);
            self.backfill_need(&name, need, Priority::Low, &reason);
        }
        let orders = self.watches.retire();
        let gone = self.order(orders);
        self.left(gone);
    }

    /// What the watches that end held alone is answered as deleted.
    fn order(&mut self, orders: Vec<Order>) -> Vec<ObjectChange> {
        let mut gone = Vec::new();
        for order in orders {
            let command = match order {
                Order::Start(id, spec) => {
                    self.cache.open(id, &spec);
                    Command::StartWatch(id, spec)
                }
                Order::Replan(id, plan) => Command::Replan(id, plan),
                Order::Stop(id) => {
                    gone.extend(self.cache.forget(id));
                    Command::StopWatch(id)
                }
            };
            self.out.push(command);
        }
        gone
    }

    /// Objects that only a watch held which has ended. Whoever follows them by the watch that came in its place has
    /// lost them: a deletion that the old watch was not told yet, and the new one never will be.
    fn left(&mut self, gone: Vec<ObjectChange>) {
        let mut lost = Vec::new();
        for change in gone {
            for shape in [Shape::Whole, Shape::Metadata] {
                if self.cache.held(&change.kind, shape, change.fields.as_ref(), &change.name).is_none() {
                    lost.push(ObjectChange { shape, ..change.clone() });
                }
            }
        }
        self.changed(&lost);
    }

    /// Frees the versions that nobody runs any more, and lets go of lanes and modules of which nothing is left.
    pub(super) fn tidy(&mut self, name: &ModuleName) {
        let Some(module) = self.modules.get_mut(name) else { return };
        for digest in module.unused() {
            module.freed(&digest);
            self.out.push(Command::Free { module: name.clone(), digest });
        }
        let mut gone = Vec::new();
        module.lanes.retain(|controller, lane| {
            let stays = lane.live || lane.queue.running() > 0;
            if let Some(alarm) = lane.alarm.filter(|_| !stays) {
                gone.push((alarm, ControllerName { module: name.clone(), controller: controller.clone() }));
            }
            stays
        });
        let over = module.is_over();
        self.alarms.retain(|alarm| !gone.contains(alarm));
        if over {
            self.turns.close(module.account);
            self.modules.remove(name);
        }
    }
}

/// Whether two versions differ in nothing but how much and how often they run.
fn swaps_nothing(old: &Version, new: &Version) -> bool {
    let runs_alike = old.concurrency == new.concurrency
        && old.runs_max == new.runs_max
        && old.resync == new.resync
        && old.paused == new.paused
        && old.suppress_no_op_writes == new.suppress_no_op_writes;
    !runs_alike
        && old.digest == new.digest
        && old.description == new.description
        && old.grant == new.grant
        && old.settings == new.settings
}

/// How long until the next resync: the period ± 10 %, by the controller's name, so that they do not all come at once
/// (R17).
pub(super) fn resync_delay(controller: &ControllerName, every: Duration) -> Duration {
    let hash = controller.to_string().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let permille = 900 + u32::try_from(hash % 201).unwrap_or(100);
    every.saturating_mul(permille) / 1_000
}

impl Lane {
    /// Takes over how a version wants to be run.
    fn serve(&mut self, version: &Version, controller: &ControllerName, now: Time) {
        self.concurrency = usize::try_from(version.concurrency.max(1)).unwrap_or(usize::MAX);
        if !self.live || self.resync_every != version.resync {
            self.resync_every = version.resync;
            self.resync_at =
                (!version.resync.is_zero()).then(|| now + resync_delay(controller, version.resync));
        }
        self.live = true;
        self.suppress_no_op_writes = version.suppress_no_op_writes;
    }

    fn select(&mut self, needs: &[Need], controller: &Arc<str>) {
        let own = own_of(needs, controller);
        self.selection =
            own.map_or_else(|| Arc::new(Selection::nowhere()), |own| own.target.selection.clone());
        let unfiltered =
            needs.iter().filter(|need| need.controller == *controller && need.predicates.is_empty());
        self.unfiltered = unfiltered.cloned().collect();
    }

    /// The same version needs something else: what waits out of its reach is dropped.
    pub(super) fn renew(&mut self, needs: &[Need], controller: &Arc<str>, now: Time) {
        self.select(needs, controller);
        let own = own_of(needs, controller);
        self.queue.retain(now, &|name| own.is_some_and(|own| own.target.reaches(name)));
        self.asks.retain(|watch, asks| {
            let need = watch_of(needs, controller, watch);
            need.inspect(|need| asks.narrow(|object| need.selects(object))).is_some()
        });
    }

    /// A version takes over the requests and the unasked changes of the one before.
    fn take_over(&mut self, needs: &[Need], controller: &Arc<str>, now: Time) {
        self.select(needs, controller);
        let own = own_of(needs, controller);
        self.queue.reload(now, &|name| own.is_some_and(|own| own.target.reaches(name)));
        self.asks.retain(|watch, asks| {
            let same = |need: &&Need| need.is_mapped() && need.kind == *asks.kind();
            let need = watch_of(needs, controller, watch).filter(same);
            need.inspect(|need| asks.reload(|object| need.selects(object))).is_some()
        });
    }

    /// The controller is gone: what waits is dropped, what runs keeps its lock until it is done.
    fn retire(&mut self, now: Time) {
        self.live = false;
        self.queue.clear(now);
        self.asks.clear();
        self.resync_at = None;
    }
}
