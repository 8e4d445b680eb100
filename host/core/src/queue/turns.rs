//! Whose turn it is among the modules: two accounts, CPU used and slots held.
//!
//! CPU is charged after the run. A module that was idle starts from where the others are, so it cannot save up turns
//! and then hold everyone up; nor does it have to make up for what it did long ago. And no module holds more than an
//! equal share of the slots while another one waits, so a module whose runs block for seconds cannot take them all.
//! Nor does it while nobody else waits: every eighth slot is kept for modules below their share, as a run cannot be
//! taken back, and who comes later would wait for its end.

use std::{collections::BTreeSet, time::Duration};

/// One slot in so many is kept for modules below their share.
const SLOTS_PER_KEPT: usize = 8;

/// What a run is charged besides its CPU: the work of starting it. Keeps modules in turn whose CPU is not measured.
const RUN_US: u64 = 50;

/// The number of a module's account; another module's once it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Account(u32);

#[derive(Debug)]
struct Standing<Owner> {
    /// None: closed.
    owner: Option<Owner>,
    cpu_us: u64,
    held: usize,
    waiting: bool,
}

/// The slots and who gets the next one.
#[derive(Debug)]
pub(crate) struct Turns<Owner> {
    slots_max: usize,
    held: usize,
    active: usize,
    /// CPU of the module that had the last turn; never goes back.
    cpu_us_now: u64,
    accounts: Vec<Standing<Owner>>,
    closed: Vec<Account>,
    /// Modules that could run, by the CPU they used, then by number.
    waiting: BTreeSet<(u64, Account)>,
}

impl<Owner: Clone> Turns<Owner> {
    pub(crate) fn new(slots_max: usize) -> Self {
        Self {
            slots_max: slots_max.max(1),
            held: 0,
            active: 0,
            cpu_us_now: 0,
            accounts: Vec::new(),
            closed: Vec::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Slots held by everybody.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// A module joins.
    pub(crate) fn open(&mut self, owner: Owner) -> Account {
        let standing = Standing { owner: Some(owner), cpu_us: 0, held: 0, waiting: false };
        if let Some(account) = self.closed.pop() {
            self.accounts[account.0 as usize] = standing;
            return account;
        }
        let number = u32::try_from(self.accounts.len()).expect("fewer modules than would fill the memory");
        self.accounts.push(standing);
        Account(number)
    }

    /// A module that holds no slot leaves.
    pub(crate) fn close(&mut self, account: Account) {
        self.set_waiting(account, false);
        let standing = &mut self.accounts[account.0 as usize];
        if standing.held == 0 && standing.owner.take().is_some() {
            self.closed.push(account);
        }
    }

    /// Changes an account, and keeps order and counts in step.
    fn change(&mut self, account: Account, change: impl FnOnce(&mut Standing<Owner>)) {
        let standing = &mut self.accounts[account.0 as usize];
        let was_active = standing.waiting || standing.held > 0;
        let was_waiting = standing.waiting.then_some(standing.cpu_us);
        change(standing);
        let is_active = standing.waiting || standing.held > 0;
        if is_active && !was_active {
            standing.cpu_us = standing.cpu_us.max(self.cpu_us_now);
        }
        let is_waiting = standing.waiting.then_some(standing.cpu_us);
        if is_waiting != was_waiting {
            was_waiting.map(|cpu_us| self.waiting.remove(&(cpu_us, account)));
            is_waiting.map(|cpu_us| self.waiting.insert((cpu_us, account)));
        }
        self.active = self.active + usize::from(is_active) - usize::from(was_active);
    }

    /// Says whether a module has something to run.
    pub(crate) fn set_waiting(&mut self, account: Account, waiting: bool) {
        if self.accounts[account.0 as usize].waiting != waiting {
            self.change(account, |standing| standing.waiting = waiting);
        }
    }

    /// Who gets the next slot; none when no slot is free or nobody waits.
    pub(crate) fn next(&self) -> Option<(Account, Owner)> {
        if self.held >= self.slots_max {
            return None;
        }
        let others = self.accounts.len() - self.closed.len() > 1;
        let kept = if others { self.slots_max / SLOTS_PER_KEPT } else { 0 };
        let share = (self.slots_max / self.active.max(1 + usize::from(others))).max(1);
        let held = |account: Account| self.accounts[account.0 as usize].held;
        let below = self.waiting.iter().find(|(_, account)| held(*account) < share);
        let above = || {
            let least = self.waiting.iter().min_by_key(|(cpu_us, account)| (held(*account), *cpu_us));
            least.filter(|_| self.held + kept < self.slots_max)
        };
        let (_, next) = below.or_else(above)?;
        Some((*next, self.accounts[next.0 as usize].owner.clone()?))
    }

    /// A module takes a slot.
    pub(crate) fn hold(&mut self, account: Account) {
        self.change(account, |standing| standing.held += 1);
        self.held += 1;
        self.cpu_us_now = self.cpu_us_now.max(self.accounts[account.0 as usize].cpu_us);
    }

    /// A module gives a slot back and is charged.
    pub(crate) fn release(&mut self, account: Account, cpu: Duration) {
        let cost = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX).saturating_add(RUN_US);
        self.change(account, |standing| {
            standing.held = standing.held.saturating_sub(1);
            standing.cpu_us = standing.cpu_us.saturating_add(cost);
        });
        self.held = self.held.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn turns_even_out_the_cpu_that_was_used() {
        let mut turns = Turns::new(1);
        let (light, noisy) = (turns.open("light"), turns.open("noisy"));
        turns.set_waiting(light, true);
        turns.set_waiting(noisy, true);
        let mut runs = BTreeMap::new();
        for _ in 0..1_000 {
            let (next, _) = turns.next().unwrap();
            turns.hold(next);
            *runs.entry(next).or_insert(0) += 1;
            turns.release(next, Duration::from_micros(if next == noisy { 9_950 } else { 950 }));
        }
        assert!((85..=95).contains(&runs[&noisy]), "{runs:?}");
    }

    #[test]
    fn a_module_that_was_idle_saves_up_nothing_and_owes_nothing() {
        let mut turns = Turns::new(1);
        let (old, new) = (turns.open("old"), turns.open("new"));
        turns.set_waiting(old, true);
        for _ in 0..100 {
            turns.hold(old);
            turns.release(old, Duration::from_secs(1));
        }
        turns.set_waiting(new, true);
        let mut of_new = 0;
        for _ in 0..100 {
            let (next, _) = turns.next().unwrap();
            of_new += usize::from(next == new);
            turns.hold(next);
            turns.release(next, Duration::from_secs(1));
        }
        assert!((49..=52).contains(&of_new), "{of_new}");
    }

    proptest! {
        #[test]
        fn no_module_gets_a_slot_above_its_share_while_another_below_it_waits(
            slots in 1_usize..20,
            steps in prop::collection::vec((0_usize..4, any::<bool>(), 0_u64..5_000), 1..200),
        ) {
            let mut turns = Turns::new(slots);
            let modules = ["a", "b", "c", "d"].map(|name| turns.open(name));
            let mut held = [0_usize; 4];
            let mut waits = [false; 4];
            for (at, waiting, cpu_us) in steps {
                if held[at] > 0 && !waiting {
                    held[at] -= 1;
                    turns.release(modules[at], Duration::from_micros(cpu_us));
                } else {
                    waits[at] = waiting;
                    turns.set_waiting(modules[at], waiting);
                }
                let active = (0..4).filter(|at| waits[*at] || held[*at] > 0).count().max(1);
                let share = (slots / active.max(2)).max(1);
                let free = slots - held.iter().sum::<usize>();
                let next = turns.next();
                let below = (0..4).any(|at| waits[at] && held[at] < share);
                let takes = free > 0 && waits.contains(&true) && (below || free > slots / 8);
                prop_assert_eq!(next.is_some(), takes);
                if let Some((next, _)) = next {
                    let got = modules.iter().position(|one| *one == next).unwrap();
                    let poorer = (0..4).any(|at| waits[at] && held[at] < share);
                    prop_assert!(held[got] < share || !poorer);
                    held[got] += 1;
                    turns.hold(next);
                }
            }
        }
    }
}
