//! What a module has to do: its versions, one lane per controller, and what can start now.

mod asks;
mod told;

use crate::{
    description::Selection,
    fact::Reason,
    input::Version,
    interest::Need,
    name::{Digest, Generation, Kind, ModuleName},
    quarantine::Quarantine,
    queue::{Account, RequestQueue, Taken},
    time::Time,
    trial::Trials,
    unneeded::Spares,
};
pub(crate) use asks::{Asked, Asks};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A module as the pipeline knows it.
#[derive(Debug)]
pub(crate) struct Module {
    /// Of the fair turns.
    pub(crate) account: Account,
    /// It is among the modules that this step looks at in the end.
    pub(crate) touched: bool,
    pub(crate) serving: Option<Serving>,
    pub(crate) pending: Option<Pending>,
    pub(crate) paused: bool,
    /// What its versions are worth.
    pub(crate) trials: Trials,
    /// Whether it may run as it likes.
    pub(crate) quarantine: Quarantine,
    /// By controller. A lane of a controller that is gone stays until its last run is done: it holds the locks.
    /// Boxed, as a tree has room for eleven wherever it holds one, and most modules have one.
    pub(crate) lanes: BTreeMap<Arc<str>, Box<Lane>>,
    /// Runs and questions under way of each version that is not freed.
    uses: Vec<(Digest, usize)>,
    turn_last: u64,
}

/// The version that serves.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) version: Arc<Version>,
    pub(crate) generation: Generation,
}

/// A version that will serve when its watches are synced.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) version: Arc<Version>,
    /// What it needs, or what it is not granted.
    pub(crate) needs: Result<Vec<Need>, String>,
    pub(crate) since: Time,
}

/// The work of one controller.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) kind: Kind,
    pub(crate) selection: Arc<Selection>,
    /// Its needs without predicates.
    pub(crate) unfiltered: Arc<[Need]>,
    pub(crate) suppress_no_op_writes: bool,
    /// Whether the serving version has this controller.
    pub(crate) live: bool,
    pub(crate) concurrency: usize,
    pub(crate) queue: RequestQueue,
    /// By watch.
    pub(crate) asks: BTreeMap<Arc<str>, Asks>,
    pub(crate) resync_every: Duration,
    pub(crate) resync_at: Option<Time>,
    /// The time it is to be looked at again, as the pipeline has it noted.
    pub(crate) alarm: Option<Time>,
    turn: u64,
}

/// The next thing a module does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Put a question about this controller's watch.
    Ask(Arc<str>, Arc<str>),
    /// Run this request of this controller.
    Run(Arc<str>, Taken),
}

impl Lane {
    pub(crate) fn new(kind: Kind, queue: RequestQueue) -> Self {
        Self {
            kind,
            selection: Arc::default(),
            unfiltered: Arc::default(),
            suppress_no_op_writes: false,
            live: false,
            concurrency: 1,
            queue,
            asks: BTreeMap::new(),
            resync_every: Duration::ZERO,
            resync_at: None,
            alarm: None,
            turn: 0,
        }
    }

    /// What decides which writes of a run for this reason need not be sent. What makes sure sends all.
    pub(crate) fn spares(&self, reason: &Reason) -> Option<Spares> {
        let sure = matches!(reason, Reason::Resync | Reason::Asked | Reason::Reloaded);
        let spares = || Spares { unfiltered: self.unfiltered.clone(), resync: self.resync_every };
        (self.suppress_no_op_writes && !sure).then(spares)
    }

    /// Whether it has something to do that only its module's quarantine holds back.
    pub(crate) fn could_start(&self, now: Time) -> bool {
        self.can_run() || self.can_ask(now)
    }

    fn can_run(&self) -> bool {
        self.live && self.queue.ready() > 0 && self.queue.running() < self.concurrency
    }

    fn can_ask(&self, now: Time) -> bool {
        self.live && self.asks.values().any(|asks| asks.is_due(now))
    }

    /// When something becomes due in this lane that is not due now.
    pub(crate) fn alarm_next(&self, now: Time) -> Option<Time> {
        let asks = self.asks.values().filter_map(Asks::due_at).filter(|at| *at > now);
        let resync = self.resync_at.filter(|_| self.live);
        asks.chain(resync).chain(self.queue.due_next()).min()
    }
}

impl Module {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account,
            touched: false,
            serving: None,
            pending: None,
            paused: false,
            trials: Trials::default(),
            quarantine: Quarantine::default(),
            lanes: BTreeMap::new(),
            uses: Vec::new(),
            turn_last: 0,
        }
    }

    /// Notes that its work may have changed.
    pub(crate) fn touch(&mut self, name: &ModuleName, touched: &mut Vec<ModuleName>) {
        if !self.touched {
            self.touched = true;
            touched.push(name.clone());
        }
    }

    /// Takes in what an offered version says about pausing. Where it says the same as the version before, the
    /// operator's last word counts.
    pub(crate) fn mind_pause(&mut self, paused: bool) {
        let pending = self.pending.as_ref().map(|pending| pending.version.paused);
        let known = pending.or(self.serving.as_ref().map(|serving| serving.version.paused));
        if known != Some(paused) {
            self.paused = paused;
        }
    }

    /// Whether something could start now.
    pub(crate) fn has_work(&self, now: Time) -> bool {
        self.has_room() && self.wants_to_run(now)
    }

    /// Whether something waits for nothing but the end of another run of this module.
    pub(crate) fn is_held_back(&self, now: Time) -> bool {
        !self.has_room() && self.wants_to_run(now)
    }

    fn wants_to_run(&self, now: Time) -> bool {
        self.serving.is_some()
            && !self.paused
            && self.quarantine.may_start(now, self.under_way())
            && self.lanes.values().any(|lane| lane.could_start(now))
    }

    /// Runs of the version before count as well: they hold slots as long as they last.
    fn has_room(&self) -> bool {
        let max = self.serving.as_ref().map_or(1, |serving| serving.version.runs_max.max(1));
        self.under_way() < usize::try_from(max).unwrap_or(usize::MAX)
    }

    /// The next thing to do: the controllers take turns, and questions go before runs (they are short, and lead to
    /// runs; one per watch is under way at a time).
    pub(crate) fn next(&mut self, now: Time) -> Option<Work> {
        if self.paused || !self.has_room() || !self.quarantine.may_start(now, self.under_way()) {
            return None;
        }
        let ready = self.lanes.iter().filter(|(_, lane)| lane.could_start(now));
        let name = ready.min_by_key(|(_, lane)| lane.turn)?.0.clone();
        self.turn_last += 1;
        let lane = self.lanes.get_mut(&name)?;
        lane.turn = self.turn_last;
        if let Some((watch, _)) = lane.asks.iter().find(|(_, asks)| asks.is_due(now)) {
            return Some(Work::Ask(name, watch.clone()));
        }
        lane.queue.take(now).map(|taken| Work::Run(name, taken))
    }

    /// Digests that nobody will run any more.
    pub(crate) fn unused(&self) -> Vec<Digest> {
        let needed = [
            self.serving.as_ref().map(|serving| serving.version.digest),
            self.pending.as_ref().map(|pending| pending.version.digest),
        ];
        let idle = self.uses.iter().filter(|(digest, uses)| *uses == 0 && !needed.contains(&Some(*digest)));
        idle.map(|(digest, _)| *digest).collect()
    }

    /// The runs and questions of a version, which is not freed before [`Module::freed`].
    pub(crate) fn uses_of(&mut self, digest: Digest) -> &mut usize {
        let known = self.uses.iter().position(|(known, _)| *known == digest).unwrap_or_else(|| {
            // Hardly ever are there two.
            self.uses.reserve_exact(1);
            self.uses.push((digest, 0));
            self.uses.len() - 1
        });
        &mut self.uses[known].1
    }

    /// A version that was unused is freed.
    pub(crate) fn freed(&mut self, digest: &Digest) {
        self.uses.retain(|(known, _)| known != digest);
    }

    /// Whether no version of it is there any more.
    pub(crate) fn is_over(&self) -> bool {
        self.serving.is_none() && self.pending.is_none() && self.uses.is_empty()
    }

    /// A run or a question of a version is over. Answers whether something may be left over now: the version, or a
    /// lane whose controller is gone.
    pub(crate) fn used(&mut self, digest: &Digest) -> bool {
        let uses = self.uses.iter_mut().find(|(known, _)| known == digest).map_or(0, |(_, uses)| {
            *uses = uses.saturating_sub(1);
            *uses
        });
        let serves = self.serving.as_ref().is_some_and(|serving| serving.version.digest == *digest);
        (uses == 0 && !serves) || self.lanes.values().any(|lane| !lane.live)
    }

    /// Runs and questions under way.
    pub(crate) fn under_way(&self) -> usize {
        self.uses.iter().map(|(_, uses)| uses).sum()
    }
}
