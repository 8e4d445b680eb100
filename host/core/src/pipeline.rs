//! The one way in: [`Pipeline::step`] turns an input into commands.
//!
//! The pipeline tells of itself: [`Fact::ModuleServing`], [`Fact::ModuleWaiting`], [`Fact::ModuleWithdrawn`], [`Fact::ModuleStanding`],
//! [`Fact::RunEnded`], [`Fact::WatchSynced`], [`Fact::KindAbsent`], [`Fact::Fight`] and [`Fact::Dropped`]; all other facts are the
//! driver's to tell.

mod backfill;
mod fights;
mod judge;
mod namespaces;
mod renew;
mod run;
mod serve;
pub mod status;
mod subscribe;
#[cfg(test)]
mod tests;

use crate::{
    cache::Cache,
    change::ObjectChange,
    dispatch::{Asks, Module},
    fact::{Fact, Reason},
    fight::Fights,
    input::{Command, Commands, Input, RunId, TargetsId},
    interest::{Bounds, Interest, Resources, Routed, Sharing, Subscriptions, Watches, Woken},
    name::{ControllerName, Generation, Kind, ModuleName, ObjectName},
    queue::{Backoff, Limits, Priority, RequestQueue, Turns},
    time::Time,
};
use backfill::Backfill;
use run::{Question, Running};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

/// The bounds of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Runs and questions at a time over all modules.
    pub slots_max: usize,
    /// Requests that one controller's queue may hold; further ones are dropped and counted.
    pub requests_max: usize,
    /// Changes in one question to a module's `targets`.
    pub targets_changes_max: usize,
    /// JSON bytes in one question to a module's `targets` (one change may be more).
    pub targets_bytes_max: usize,
    /// Objects that one step looks at when a version begins to serve or a resync is due; more take further steps.
    pub backfill_slice: usize,
    /// First delay after a failure (W9).
    pub backoff_min: Duration,
    /// Longest delay after failures (W9).
    pub backoff_max: Duration,
    /// A request of low priority that is ready so long gets every eighth turn of its controller.
    pub ageing: Duration,
    /// Reads that one run may subscribe to; further ones are refused and counted, as with the next two.
    pub subscriptions_per_request_max: usize,
    /// Subscriptions of all requests of a module.
    pub subscriptions_per_module_max: usize,
    /// Watches that run only for the subscriptions of one module. Also how many a shared one may be replaced by that the
    /// server refuses.
    pub subscription_watches_per_module_max: usize,
    /// Objects of one namespace that are followed by a watch each; more of them share one of their namespace, where
    /// the grant of a module that follows them allows list and watch.
    pub followed_objects_max: usize,
    /// Watches of one kind for such objects; more of them become one of every namespace, in the same way.
    pub followed_watches_max: usize,
    /// How long a watch goes on that no subscription uses any more.
    pub subscription_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots_max: 64,
            requests_max: 1_000_000,
            targets_changes_max: 64,
            targets_bytes_max: 1 << 20,
            backfill_slice: 1_000,
            backoff_min: Duration::from_millis(5),
            backoff_max: Duration::from_secs(1_000),
            ageing: Duration::from_secs(10),
            subscriptions_per_request_max: 100,
            subscriptions_per_module_max: 10_000,
            subscription_watches_per_module_max: 64,
            followed_objects_max: 8,
            followed_watches_max: 32,
            subscription_grace: Duration::from_secs(10),
        }
    }
}

impl Settings {
    fn subscriptions(&self) -> Bounds {
        Bounds {
            per_request_max: self.subscriptions_per_request_max,
            per_module_max: self.subscriptions_per_module_max,
            grace: self.subscription_grace,
            sharing: Sharing {
                objects_max: self.followed_objects_max,
                watches_max: self.followed_watches_max,
                apart_max: self.subscription_watches_per_module_max,
            },
        }
    }
}

/// The host's decisions: which watches run, which requests wait, which run starts.
#[derive(Debug)]
pub struct Pipeline {
    cache: Arc<Cache>,
    settings: Settings,
    now: Time,
    leading: bool,
    draining: bool,
    resources: Resources,
    interest: Interest,
    watches: Watches,
    subscriptions: Subscriptions,
    /// Kinds with declared indexes.
    indexed: BTreeSet<Kind>,
    modules: BTreeMap<ModuleName, Module>,
    /// Outlives the module: a generation never comes again.
    generations: BTreeMap<ModuleName, Generation>,
    turns: Turns<ModuleName>,
    alarms: BTreeSet<(Time, ControllerName)>,
    backfills: VecDeque<Backfill>,
    /// Backfills of controllers whose queues are full.
    stalled: Vec<Backfill>,
    runs: BTreeMap<RunId, Running>,
    run_last: u64,
    questions: BTreeMap<TargetsId, Question>,
    fights: Fights,
    question_last: u64,
    /// Modules whose work may have changed in this step; each says of itself that it is here.
    touched: Vec<ModuleName>,
    dropped: u64,
    out: Vec<Command>,
}

impl Pipeline {
    /// A pipeline without modules that does not lead: nothing runs until [`Input::Leading`] says so.
    #[must_use]
    pub fn new(cache: Arc<Cache>, settings: Settings) -> Self {
        Self {
            cache,
            turns: Turns::new(settings.slots_max),
            subscriptions: Subscriptions::new(settings.subscriptions()),
            settings,
            now: Time::default(),
            leading: false,
            draining: false,
            resources: Resources::new(),
            interest: Interest::default(),
            watches: Watches::default(),
            indexed: BTreeSet::new(),
            modules: BTreeMap::new(),
            generations: BTreeMap::new(),
            alarms: BTreeSet::new(),
            backfills: VecDeque::new(),
            stalled: Vec::new(),
            runs: BTreeMap::new(),
            run_last: 0,
            questions: BTreeMap::new(),
            fights: Fights::default(),
            question_last: 0,
            touched: Vec::new(),
            dropped: 0,
            out: Vec::new(),
        }
    }

    /// Takes in one input, and answers what is to be done, in order. A time earlier than the last one counts as that.
    pub fn step(&mut self, now: Time, input: Input) -> Commands {
        self.now = self.now.max(now);
        self.ring();
        self.end_quiet_fights();
        self.expire_subscriptions();
        self.take_in(input);
        self.backfill();
        self.settle();
        self.dispatch();
        self.arm();
        if self.dropped > 0 {
            let count = mem::take(&mut self.dropped);
            self.tell(Fact::Dropped { bound: "requests_max", count });
        }
        let alarm = self.alarms.first().map(|(time, _)| *time);
        let next =
            [alarm, self.fights.quiet_next(), self.subscriptions.expires_at()].into_iter().flatten().min();
        let wake_at = if self.backfills.is_empty() { next } else { Some(self.now) };
        Commands { commands: mem::take(&mut self.out), wake_at }
    }

    fn take_in(&mut self, input: Input) {
        match input {
            Input::Offer(version) => self.offer(*version),
            Input::Grant(module, grant) => self.regrant(&module, &grant),
            Input::Withdraw(module) => self.withdraw(&module),
            Input::Pause(module) => self.set_paused(&module, true),
            Input::Resume(module) => self.set_paused(&module, false),
            Input::Ask(module, name) => self.ask(&module, name.as_ref()),
            Input::Discovered(resources) => self.discovered(resources),
            Input::Changed(changes) => self.changed(&changes),
            Input::Synced(watch) => self.synced(watch),
            Input::Wrote(wrote) => self.wrote(*wrote),
            Input::Refused(watch) => self.refused(watch),
            Input::Absent(watch) => self.absent(watch),
            Input::Subscribe(asked) => self.subscribe(asked),
            Input::Seen(run, id, seen) => self.seen(run, id, seen),
            Input::Ended(ended) => self.ended(ended),
            Input::Targets(id, targets, cpu) => self.targets(id, targets, cpu),
            Input::Leading(leading) => self.leading = leading,
            Input::Drain => self.draining = true,
            Input::Tick => {}
        }
    }

    /// Leads changes to whom they concern.
    fn changed(&mut self, changes: &[ObjectChange]) {
        self.relabelled(changes);
        let (mut routed, mut woken) = (Vec::new(), Woken::new());
        for change in changes {
            self.interest.route(change, self.now, &self.cache, &mut routed);
            self.subscriptions.route(change, &mut woken);
        }
        self.put(routed);
        self.wake(woken);
    }

    fn tell(&mut self, fact: Fact) {
        self.out.push(Command::Tell(fact));
    }

    fn queue(&self) -> RequestQueue {
        let backoff = Backoff { min: self.settings.backoff_min, max: self.settings.backoff_max };
        let (requests_max, ageing) = (self.settings.requests_max, self.settings.ageing);
        RequestQueue::new(Limits { requests_max, backoff, ageing })
    }

    /// Puts what changes led to into the queues.
    fn put(&mut self, routed: Vec<Routed>) {
        for one in routed {
            match one {
                Routed::Request { module, controller, name, priority, reason } => {
                    self.enqueue(&module, &controller, name, priority, reason);
                }
                Routed::Ask { module, controller, watch, change } => {
                    let Some(known) = self.modules.get_mut(&module) else { continue };
                    let Some(need) = self.interest.of_watch(&module, &controller, &watch) else { continue };
                    if let Some(lane) = known.lanes.get_mut(&controller) {
                        let asks = lane.asks.entry(watch).or_insert_with(|| Asks::new(change.kind.clone()));
                        asks.push(&change, &|name| need.held(name, &self.cache));
                        known.touch(&module, &mut self.touched);
                    }
                }
                Routed::Uncounted { module, controller, watch, before, after } => {
                    let lanes = self.modules.get_mut(&module).map(|known| &mut known.lanes);
                    let lane = lanes.and_then(|lanes| lanes.get_mut(&controller));
                    if let Some(asks) = lane.and_then(|lane| lane.asks.get_mut(&watch)) {
                        asks.refresh(&before, &after);
                    }
                }
            }
        }
    }

    fn enqueue(
        &mut self,
        module: &ModuleName,
        controller: &Arc<str>,
        name: ObjectName,
        priority: Priority,
        reason: Reason,
    ) {
        let Some(known) = self.modules.get_mut(module) else { return };
        let Some(lane) = known.lanes.get_mut(controller).filter(|lane| lane.live) else { return };
        if !lane.queue.add(self.now, name, priority, self.now, reason) {
            self.dropped += 1;
        }
        known.touch(module, &mut self.touched);
    }

    fn touch(&mut self, name: &ModuleName) {
        if let Some(module) = self.modules.get_mut(name) {
            module.touch(name, &mut self.touched);
        }
    }

    /// Looks at every controller whose time has come.
    fn ring(&mut self) {
        while let Some((at, controller)) = self.alarms.first()
            && *at <= self.now
        {
            let name = controller.clone();
            self.alarms.pop_first();
            let lane =
                self.modules.get_mut(&name.module).and_then(|known| known.lanes.get_mut(&name.controller));
            let Some(lane) = lane else { continue };
            lane.alarm = None;
            lane.queue.advance(self.now);
            if let Some(due) = lane.resync_at
                && due <= self.now
            {
                lane.resync_at = Some(self.now + serve::resync_delay(&name, lane.resync_every));
                self.backfill_own(&name.module, Some(&name.controller), Priority::Low, &Reason::Resync);
            }
            self.touch(&name.module);
        }
    }

    /// Tells the turns who has work now.
    fn settle(&mut self) {
        for name in &self.touched {
            if let Some(module) = self.modules.get(name) {
                self.turns.set_waiting(module.account, module.has_work(self.now));
            }
        }
    }

    /// Notes when each controller that was touched is to be looked at again.
    fn arm(&mut self) {
        for name in mem::take(&mut self.touched) {
            let Some(module) = self.modules.get_mut(&name) else { continue };
            module.touched = false;
            let held = module.quarantine.start_at(self.now);
            for (controller, lane) in &mut module.lanes {
                let held = held.filter(|_| lane.could_start(self.now));
                let next = lane.alarm_next(self.now).into_iter().chain(held).min();
                if lane.alarm == next {
                    continue;
                }
                let controller = ControllerName { module: name.clone(), controller: controller.clone() };
                if let Some(old) = lane.alarm.take() {
                    self.alarms.remove(&(old, controller.clone()));
                }
                if let Some(next) = next {
                    self.alarms.insert((next, controller));
                }
                lane.alarm = next;
            }
        }
    }
}
