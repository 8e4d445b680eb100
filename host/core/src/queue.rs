//! The queue of one controller: which requests are due, in which order, and none of them twice.
//!
//! - One entry per request (P1). An entry that is added again keeps the higher priority and the earlier time (P2), so
//!   a change absorbs a delay that was pending (P3, where W7 would run twice).
//! - A request that runs is locked: what is added meanwhile waits until it is done, then goes to the tail (W2, W4,
//!   P5). So it never runs twice at once, and however many changes came, exactly one more run follows (W5).
//! - First in, first out within a priority; what becomes due or is raised goes to the tail (P2, P6).
//! - A low priority never starves: once its first entry has been ready for a while, every eighth turn is its own.
//! - Full is full, but nothing is lost: what the cache can bring back is brought back once there is room, and what it
//!   cannot (a deletion, an operator's word) has as much room again.
//! - A request in a fight is held back for a time, whatever is added; it is never dropped.

mod backoff;
mod slots;
#[cfg(test)]
mod tests;
mod turns;

use crate::{fact::Reason, name::ObjectName, outcome::Outcome, time::Time};
pub(crate) use backoff::Backoff;
pub(crate) use slots::Ticket;
use slots::{Order, Slot, Slots};
use std::{collections::BTreeMap, time::Duration};
pub(crate) use turns::{Account, Turns};

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
    /// What [`RequestQueue::done`] takes back.
    pub(crate) ticket: Ticket,
    pub(crate) name: ObjectName,
    pub(crate) reason: Reason,
    /// Nothing else than `reason` was told while it waited.
    pub(crate) alone: bool,
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
    alone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In `ready`.
    Ready,
    /// In `waiting`, under this time and number.
    Waiting(Time, u64),
    /// Nowhere until the run is done; due then.
    Locked,
}

#[derive(Debug)]
struct Running {
    started: Time,
    priority: Priority,
    /// Why it runs, for a run that is given up.
    reason: Reason,
}

/// The requests of one controller.
#[derive(Debug)]
pub(crate) struct RequestQueue {
    limits: Limits,
    slots: Slots,
    ready: [Order; PRIORITIES.len()],
    waiting: BTreeMap<(Time, u64), Ticket>,
    number_last: u64,
    turns_since_low: u8,
    running: usize,
    failing: usize,
    adds: u64,
    dropped: u64,
    /// Something was dropped since the last refill.
    overflowed: bool,
}

impl RequestQueue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Slots::default(),
            ready: Default::default(),
            waiting: BTreeMap::new(),
            number_last: 0,
            turns_since_low: 0,
            running: 0,
            failing: 0,
            adds: 0,
            dropped: 0,
            overflowed: false,
        }
    }

    /// An empty queue with the same limits.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.limits.clone())
    }

    /// Puts a request in, due at `due` or now. False when the queue is full and it was dropped.
    pub(crate) fn add(
        &mut self,
        now: Time,
        name: ObjectName,
        priority: Priority,
        due: Time,
        reason: Reason,
    ) -> bool {
        let held_by_cache = !matches!(reason, Reason::Gone | Reason::Asked);
        let requests_max = self.limits.requests_max.saturating_mul(if held_by_cache { 1 } else { 2 });
        let Some(ticket) = self.slots.find_or_make(name, |len| len < requests_max) else {
            self.dropped += 1;
            self.overflowed |= held_by_cache;
            return false;
        };
        self.put(now, ticket, priority, due, reason);
        true
    }

    fn put(&mut self, now: Time, ticket: Ticket, priority: Priority, due: Time, reason: Reason) {
        let slot = &mut self.slots[ticket];
        let free_at = if reason == Reason::Asked { now } else { slot.held_until.max(now) };
        let at = due.max(free_at);
        let Some(old) = &mut slot.pending else {
            self.adds += 1;
            slot.pending = Some(Pending { priority, place: Place::Locked, since: at, reason, alone: true });
            return self.place(now, ticket);
        };
        let raised = priority > old.priority;
        let sooner = match old.place {
            Place::Ready => false,
            Place::Waiting(..) => at < old.since || at == now,
            Place::Locked => at < old.since,
        };
        old.alone = old.alone && old.reason == reason;
        if !raised && !sooner {
            return;
        }
        let (place, level) = (old.place, old.priority as usize);
        old.place = Place::Locked;
        old.priority = priority.max(old.priority);
        old.since = old.since.min(at);
        old.reason = reason;
        match place {
            Place::Ready => self.ready[level].take_out(&mut self.slots, ticket),
            Place::Waiting(time, number) => drop(self.waiting.remove(&(time, number))),
            Place::Locked => {}
        }
        self.place(now, ticket);
    }

    /// Puts an entry where it belongs by its time, unless its request runs.
    fn place(&mut self, now: Time, ticket: Ticket) {
        let slot = &mut self.slots[ticket];
        let (None, Some(pending)) = (&slot.running, &mut slot.pending) else { return };
        if pending.since > now {
            self.number_last += 1;
            pending.place = Place::Waiting(pending.since, self.number_last);
            self.waiting.insert((pending.since, self.number_last), ticket);
        } else {
            pending.place = Place::Ready;
            let level = pending.priority as usize;
            self.ready[level].push(&mut self.slots, ticket);
        }
    }

    /// Makes ready what has become due, in the order of its time (P6).
    pub(crate) fn advance(&mut self, now: Time) {
        while let Some(entry) = self.waiting.first_entry()
            && entry.key().0 <= now
        {
            let ticket = entry.remove();
            if let Some(pending) = &mut self.slots[ticket].pending {
                pending.place = Place::Ready;
                let level = pending.priority as usize;
                self.ready[level].push(&mut self.slots, ticket);
            }
        }
    }

    /// When the next delayed request is due.
    pub(crate) fn due_next(&self) -> Option<Time> {
        self.waiting.first_key_value().map(|((time, _), _)| *time)
    }

    /// Takes the next ready request and locks it (W3).
    pub(crate) fn take(&mut self, now: Time) -> Option<Taken> {
        let level = self.level(now)?;
        let ticket = self.ready[level].first()?;
        self.ready[level].take_out(&mut self.slots, ticket);
        let slot = &mut self.slots[ticket];
        let Pending { priority, since, reason, alone, .. } = slot.pending.take()?;
        let name = slot.name.clone()?;
        slot.running = Some(Running { started: now, priority, reason: reason.clone() });
        self.running += 1;
        Some(Taken { ticket, name, reason, alone, failures: slot.failures, waited: now.since(since) })
    }

    /// Whose turn it is: the highest priority with a ready entry, or now and then a lower one that has aged.
    fn level(&mut self, now: Time) -> Option<usize> {
        let highest = (0..PRIORITIES.len()).rev().find(|level| self.ready[*level].len() > 0)?;
        let aged = (0..highest).find(|level| {
            let first = self.ready[*level].first();
            let since = first.and_then(|ticket| Some(self.slots[ticket].pending.as_ref()?.since));
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
    pub(crate) fn done(&mut self, now: Time, ticket: Ticket, outcome: &Outcome) {
        let slot = &mut self.slots[ticket];
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
            Outcome::Terminal { .. } => {
                slot.failures = slot.failures.saturating_add(1);
                slot.backoff_until = now;
                None
            }
            Outcome::Abandoned => Some((run.priority, now, run.reason)),
        };
        self.failing = self.failing + usize::from(slot.failures > 0) - usize::from(failing);
        self.place(now, ticket);
        if let Some((priority, due, reason)) = again {
            self.put(now, ticket, priority, due, reason);
        }
        self.tidy(now, ticket);
    }

    /// Lets go of a request of which nothing needs to be remembered.
    fn tidy(&mut self, now: Time, ticket: Ticket) {
        let slot = &self.slots[ticket];
        if slot.is_idle() && slot.failures == 0 && slot.held_until <= now {
            self.slots.remove(ticket);
        }
    }

    /// Holds a request back until then at least, whatever is added meanwhile; only an operator's word comes through.
    pub(crate) fn hold(&mut self, now: Time, name: &ObjectName, until: Time) {
        let Some(ticket) = self.slots.find(name) else { return };
        let slot = &mut self.slots[ticket];
        let until = until.max(slot.held_until);
        slot.held_until = until;
        let Some(pending) = &mut slot.pending else { return };
        if pending.reason == Reason::Asked || pending.since >= until {
            return;
        }
        pending.since = until;
        self.unlink(ticket);
        self.place(now, ticket);
    }

    /// A request is free again: what was held back runs now.
    pub(crate) fn let_go(&mut self, now: Time, name: &ObjectName) {
        let Some(ticket) = self.slots.find(name) else { return };
        let slot = &mut self.slots[ticket];
        let until = std::mem::take(&mut slot.held_until);
        if let Some(pending) = slot.pending.as_mut().filter(|pending| pending.since == until && until > now) {
            pending.since = now;
            self.unlink(ticket);
            self.place(now, ticket);
        }
        self.tidy(now, ticket);
    }

    /// Forgets the failures of a request that is neither due nor running: its object is gone.
    pub(crate) fn forget(&mut self, name: &ObjectName) {
        let Some(ticket) = self.slots.find(name) else { return };
        if self.slots[ticket].is_idle() {
            self.failing -= usize::from(self.slots[ticket].failures > 0);
            self.slots.remove(ticket);
        }
    }

    /// A new version serves: failures of the old one no longer count, and whatever is here runs again, at low priority
    /// unless it was due anyway; what runs now, once it is done.
    pub(crate) fn reload(&mut self, now: Time, keep: &dyn Fn(&ObjectName) -> bool) {
        self.failing = 0;
        for ticket in self.slots.tickets() {
            let slot = &mut self.slots[ticket];
            slot.forgive();
            if slot.name.as_ref().is_some_and(keep) {
                self.put(now, ticket, Priority::Low, now, Reason::Reloaded);
            } else {
                self.drop_pending(ticket);
                self.tidy(now, ticket);
            }
        }
    }

    /// Drops what may not be kept; what runs stays locked until it is done, and is not run again.
    pub(crate) fn retain(&mut self, now: Time, keep: &dyn Fn(&ObjectName) -> bool) {
        for ticket in self.slots.tickets() {
            let slot = &mut self.slots[ticket];
            if slot.name.as_ref().is_some_and(|name| !keep(name)) {
                self.failing -= usize::from(slot.failures > 0);
                slot.forgive();
                self.drop_pending(ticket);
                self.tidy(now, ticket);
            }
        }
    }

    /// Drops every request that does not run; those that run stay locked until they are done.
    pub(crate) fn clear(&mut self, now: Time) {
        self.failing = 0;
        self.overflowed = false;
        for ticket in self.slots.tickets() {
            self.slots[ticket].forgive();
            self.drop_pending(ticket);
            self.tidy(now, ticket);
        }
    }

    fn drop_pending(&mut self, ticket: Ticket) {
        self.unlink(ticket);
        self.slots[ticket].pending = None;
    }

    /// Takes an entry out of where it stands.
    fn unlink(&mut self, ticket: Ticket) {
        let Some(pending) = &mut self.slots[ticket].pending else { return };
        let level = pending.priority as usize;
        match std::mem::replace(&mut pending.place, Place::Locked) {
            Place::Ready => self.ready[level].take_out(&mut self.slots, ticket),
            Place::Waiting(time, number) => drop(self.waiting.remove(&(time, number))),
            Place::Locked => {}
        }
    }

    /// How many more requests the queue takes.
    pub(crate) fn room(&self) -> usize {
        self.limits.requests_max.saturating_sub(self.slots.len())
    }

    /// Whether it is time to bring back what was dropped: half of the queue is free. Says so once.
    pub(crate) fn wants_refill(&mut self) -> bool {
        let wants = self.overflowed && self.room() >= self.limits.requests_max.div_ceil(2);
        self.overflowed &= !wants;
        wants
    }

    /// Requests that could run now (W11: the depth).
    pub(crate) fn ready(&self) -> usize {
        self.ready.iter().map(Order::len).sum()
    }

    /// Requests that could run now, by priority from the lowest.
    pub(crate) fn ready_by_priority(&self) -> [usize; PRIORITIES.len()] {
        [0, 1, 2].map(|level: usize| self.ready[level].len())
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
    fn is_idle(&self) -> bool {
        self.pending.is_none() && self.running.is_none()
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.backoff_until = Time::default();
    }

    /// Nothing that an earlier version did counts any more.
    fn forgive(&mut self) {
        self.succeeded();
        self.held_until = Time::default();
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
