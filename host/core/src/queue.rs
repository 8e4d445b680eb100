//! The queue of one controller: which requests are due, in which order, and none of them twice.
//!
//! - One entry per request (P1). An entry that is added again keeps the higher priority and the earlier time (P2), so
//!   a change absorbs a delay that was pending (P3, where W7 would run twice).
//! - A request that runs is locked: what is added meanwhile waits until it is done, then goes to the tail (W2, W4,
//!   P5). So it never runs twice at once, and however many changes came, exactly one more run follows (W5).
//! - First in, first out within a priority; what becomes due or is raised goes to the tail (P2, P6).
//! - A low priority never starves: once its first entry has been ready for a while, every eighth turn is its own.

mod backoff;
#[cfg(test)]
mod tests;
mod turns;

use crate::{fact::Reason, name::ObjectName, outcome::Outcome, time::Time};
pub(crate) use backoff::Backoff;
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    time::Duration,
};
pub(crate) use turns::Turns;

/// While a lower priority has waited too long, it gets one turn in so many.
const TURNS_PER_LOW: u8 = 8;

/// How urgent a request is (P7). The order of the variants is the order of urgency, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Priority {
    /// First list, resync, reload.
    Low,
    /// The reconciler asked to come back.
    Requeued,
    /// Something changed, or an operator asks.
    Live,
}

const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Requeued, Priority::Live];

/// The bounds of a queue.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) requests_max: usize,
    pub(crate) backoff: Backoff,
    pub(crate) ageing: Duration,
}

/// A request that is to run now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) name: ObjectName,
    pub(crate) reason: Reason,
    pub(crate) failures: u32,
    pub(crate) waited: Duration,
}

#[derive(Debug)]
struct Pending {
    priority: Priority,
    place: Place,
    /// Since when it has been due, or will be.
    since: Time,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In `ready`, under this number.
    Ready(u64),
    /// In `waiting`, under this time and number.
    Waiting(Time, u64),
    /// Nowhere until the run is done; due then.
    Locked,
}

#[derive(Debug)]
struct Running {
    started: Time,
    priority: Priority,
    reason: Reason,
}

#[derive(Debug, Default)]
struct Slot {
    pending: Option<Pending>,
    running: Option<Running>,
    failures: u32,
    /// Until when the last counted failure holds the request back; changes do not wait for it.
    backoff_until: Time,
}

/// The requests of one controller.
#[derive(Debug)]
pub(crate) struct RequestQueue {
    limits: Limits,
    slots: HashMap<ObjectName, Slot>,
    ready: [BTreeMap<u64, ObjectName>; PRIORITIES.len()],
    waiting: BTreeMap<(Time, u64), ObjectName>,
    number_next: u64,
    turns_since_low: u8,
    running: usize,
    failing: usize,
    adds: u64,
    dropped: u64,
}

impl RequestQueue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: HashMap::new(),
            ready: Default::default(),
            waiting: BTreeMap::new(),
            number_next: 0,
            turns_since_low: 0,
            running: 0,
            failing: 0,
            adds: 0,
            dropped: 0,
        }
    }

    /// An empty queue with the same limits.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.limits.clone())
    }

    fn number(&mut self) -> u64 {
        self.number_next += 1;
        self.number_next
    }

    /// Puts a request in, due at `due` or now. False when the queue is full and it was dropped.
    pub(crate) fn add(
        &mut self,
        now: Time,
        name: &ObjectName,
        priority: Priority,
        due: Time,
        reason: &dyn Fn() -> Reason,
    ) -> bool {
        if !self.slots.contains_key(name) {
            if self.slots.len() >= self.limits.requests_max {
                self.dropped += 1;
                return false;
            }
            self.slots.insert(name.clone(), Slot::default());
        }
        let number = self.number();
        let Some(slot) = self.slots.get_mut(name) else { return false };
        let locked = slot.running.is_some();
        let old = slot.pending.take();
        let raised = old.as_ref().is_some_and(|old| priority > old.priority);
        let at = due.max(now);
        let sooner = old.as_ref().is_some_and(|old| match old.place {
            Place::Ready(_) => false,
            Place::Waiting(..) => at < old.since || at == now,
            Place::Locked => at < old.since,
        });
        let pending = match old {
            Some(old) if !raised && !sooner => {
                slot.pending = Some(old);
                return true;
            }
            Some(old) => {
                match old.place {
                    Place::Ready(number) => drop(self.ready[old.priority as usize].remove(&number)),
                    Place::Waiting(time, number) => drop(self.waiting.remove(&(time, number))),
                    Place::Locked => {}
                }
                let since = old.since.min(at);
                Pending {
                    priority: priority.max(old.priority),
                    place: Place::Locked,
                    since,
                    reason: reason(),
                }
            }
            None => {
                self.adds += 1;
                Pending { priority, place: Place::Locked, since: at, reason: reason() }
            }
        };
        let pending = if locked { pending } else { self.placed(now, name, pending, number) };
        if let Some(slot) = self.slots.get_mut(name) {
            slot.pending = Some(pending);
        }
        true
    }

    /// Puts an entry where it belongs by its time.
    fn placed(&mut self, now: Time, name: &ObjectName, mut pending: Pending, number: u64) -> Pending {
        if pending.since > now {
            self.waiting.insert((pending.since, number), name.clone());
            pending.place = Place::Waiting(pending.since, number);
        } else {
            self.ready[pending.priority as usize].insert(number, name.clone());
            pending.place = Place::Ready(number);
        }
        pending
    }

    /// Makes ready what has become due, in the order of its time (P6).
    pub(crate) fn advance(&mut self, now: Time) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            let name = entry.remove();
            let number = self.number();
            let Some(slot) = self.slots.get_mut(&name) else { continue };
            let Some(pending) = &mut slot.pending else { continue };
            pending.place = Place::Ready(number);
            self.ready[pending.priority as usize].insert(number, name);
        }
    }

    /// When the next delayed request is due.
    pub(crate) fn due_next(&self) -> Option<Time> {
        self.waiting.first_key_value().map(|((time, _), _)| *time)
    }

    /// Takes the next ready request and locks it (W3).
    pub(crate) fn take(&mut self, now: Time) -> Option<Taken> {
        let level = self.level(now)?;
        let (_, name) = self.ready[level].pop_first()?;
        let slot = self.slots.get_mut(&name)?;
        let pending = slot.pending.take()?;
        let waited = now.since(pending.since);
        let taken = Taken { name, reason: pending.reason.clone(), failures: slot.failures, waited };
        slot.running = Some(Running { started: now, priority: pending.priority, reason: pending.reason });
        self.running += 1;
        Some(taken)
    }

    /// Whose turn it is: the highest priority with a ready entry, or now and then a lower one that has aged.
    fn level(&mut self, now: Time) -> Option<usize> {
        let highest = (0..PRIORITIES.len()).rev().find(|level| !self.ready[*level].is_empty())?;
        let aged = (0..highest).find(|level| {
            let first = self.ready[*level].first_key_value().and_then(|(_, name)| self.slots.get(name));
            let since = first.and_then(|slot| Some(slot.pending.as_ref()?.since));
            since.is_some_and(|since| now.since(since) >= self.limits.ageing)
        });
        let Some(aged) = aged else { return Some(highest) };
        self.turns_since_low += 1;
        if self.turns_since_low < TURNS_PER_LOW {
            return Some(highest);
        }
        self.turns_since_low = 0;
        Some(aged)
    }

    /// Ends a run: unlocks the request, counts the outcome, and puts in what follows from it (W4, C3).
    pub(crate) fn done(&mut self, now: Time, name: &ObjectName, outcome: &Outcome) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        let Some(run) = slot.running.take() else { return };
        self.running -= 1;
        let failing = slot.failures > 0;
        let again = match outcome {
            Outcome::Done => {
                slot.succeeded();
                None
            }
            Outcome::RequeueAfter(delay) => {
                slot.succeeded();
                Some((Priority::Requeued, now + *delay, Reason::Requeued))
            }
            Outcome::Retry { after, .. } => {
                let due = slot.failed(now, run.started, *after, &self.limits.backoff);
                Some((run.priority, due, Reason::Retried))
            }
            Outcome::Trapped(_) => {
                let due = slot.failed(now, run.started, None, &self.limits.backoff);
                Some((run.priority, due, Reason::Retried))
            }
            Outcome::Terminal(_) => {
                slot.failures = slot.failures.saturating_add(1);
                slot.backoff_until = now;
                None
            }
            Outcome::Abandoned => Some((run.priority, now, run.reason)),
        };
        self.failing = self.failing + usize::from(slot.failures > 0) - usize::from(failing);
        if let Some(pending) = slot.pending.take() {
            let number = self.number();
            let pending = self.placed(now, name, pending, number);
            if let Some(slot) = self.slots.get_mut(name) {
                slot.pending = Some(pending);
            }
        }
        if let Some((priority, due, reason)) = again {
            self.add(now, name, priority, due, &|| reason.clone());
        }
        self.tidy(name);
    }

    /// Lets go of a request of which nothing needs to be remembered.
    fn tidy(&mut self, name: &ObjectName) {
        if let Entry::Occupied(entry) = self.slots.entry(name.clone()) {
            let slot = entry.get();
            if slot.pending.is_none() && slot.running.is_none() && slot.failures == 0 {
                entry.remove();
            }
        }
    }

    /// Forgets the failures of a request that is neither due nor running: its object is gone.
    pub(crate) fn forget(&mut self, name: &ObjectName) {
        if let Some(slot) = self.slots.get_mut(name)
            && slot.pending.is_none()
            && slot.running.is_none()
        {
            self.failing -= usize::from(slot.failures > 0);
            self.slots.remove(name);
        }
    }

    /// A new version serves: failures of the old one no longer count, and whatever is here runs again, at low priority
    /// unless it was due anyway; what runs now, once it is done.
    pub(crate) fn reload(&mut self, now: Time, keep: &dyn Fn(&ObjectName) -> bool) {
        self.drop_pending(&|name| !keep(name));
        let mut names: Vec<_> = self.slots.keys().cloned().collect();
        names.sort_unstable();
        for name in &names {
            if let Some(slot) = self.slots.get_mut(name) {
                slot.failures = 0;
                slot.backoff_until = Time::default();
                if keep(name) {
                    self.add(now, name, Priority::Low, now, &|| Reason::Reloaded);
                } else {
                    self.tidy(name);
                }
            }
        }
        self.failing = 0;
    }

    /// Drops every request that does not run; those that run stay locked until they are done.
    pub(crate) fn clear(&mut self) {
        self.drop_pending(&|_| true);
        self.slots.retain(|_, slot| slot.running.is_some());
        self.slots.values_mut().for_each(|slot| slot.failures = 0);
        self.failing = 0;
    }

    fn drop_pending(&mut self, which: &dyn Fn(&ObjectName) -> bool) {
        self.ready.iter_mut().for_each(|level| level.retain(|_, name| !which(name)));
        self.waiting.retain(|_, name| !which(name));
        for (name, slot) in &mut self.slots {
            if which(name) {
                slot.pending = None;
            }
        }
    }

    /// Requests that could run now (W11: the depth).
    pub(crate) fn ready(&self) -> usize {
        self.ready.iter().map(BTreeMap::len).sum()
    }

    /// Requests that wait for their time.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Requests that run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Requests whose last run failed.
    pub(crate) fn failing(&self) -> usize {
        self.failing
    }

    /// Requests put in since the start, repeats not counted (W11).
    pub(crate) fn adds(&self) -> u64 {
        self.adds
    }

    /// Requests dropped since the start because the queue was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Slot {
    fn succeeded(&mut self) {
        self.failures = 0;
        self.backoff_until = Time::default();
    }

    /// Counts a failure and says when to try again. A run that a change started before the last backoff was over is
    /// not counted: else a few changes would push the request to the longest delay without ever waiting (W10).
    fn failed(&mut self, now: Time, started: Time, after: Option<Duration>, backoff: &Backoff) -> Time {
        let counted = started >= self.backoff_until;
        if counted {
            self.failures = self.failures.saturating_add(1);
        }
        let due = match after {
            Some(after) => now + after,
            None if !counted && self.backoff_until > now => self.backoff_until,
            None => now + backoff.delay(self.failures.saturating_sub(1)),
        };
        self.backoff_until = due;
        due
    }
}
