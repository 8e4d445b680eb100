//! Where the requests of one controller stand: one slot each, found by name or by number, and linked into the order
//! of its priority.
//!
//! A request is hashed twice in its life, when it comes and when nothing of it is left; between them its number finds
//! it. The orders are linked through the slots themselves, so putting in, taking out and raising allocate nothing.

use super::{Pending, Running};
use crate::{name::ObjectName, time::Time};
use foldhash::fast::RandomState;
use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    ops::{Index, IndexMut},
};

/// A queue that was this long and is empty gives its memory back.
const KEPT_MAX: usize = 4_096;

/// The number of a request's slot; another request's once nothing of this one is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u32);

const NONE: Ticket = Ticket(u32::MAX);

/// What is known of one request.
#[derive(Debug)]
pub(super) struct Slot {
    /// None: the slot is free.
    pub(super) name: Option<ObjectName>,
    pub(super) pending: Option<Pending>,
    pub(super) running: Option<Running>,
    pub(super) failures: u32,
    /// Until when the last counted failure holds the request back; changes do not wait for it.
    pub(super) backoff_until: Time,
    /// Until when it is held back whatever comes, because it is in a fight.
    pub(super) held_until: Time,
    before: Ticket,
    after: Ticket,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            name: None,
            pending: None,
            running: None,
            failures: 0,
            backoff_until: Time::default(),
            held_until: Time::default(),
            before: NONE,
            after: NONE,
        }
    }
}

/// All slots.
#[derive(Debug, Default)]
pub(super) struct Slots {
    names: HashMap<ObjectName, Ticket, RandomState>,
    slots: Vec<Slot>,
    free: Vec<Ticket>,
}

impl Slots {
    /// How many requests are known.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn find(&self, name: &ObjectName) -> Option<Ticket> {
        self.names.get(name).copied()
    }

    /// The slot of a request, a new one if there is none and `room` says so; none without room.
    pub(super) fn find_or_make(
        &mut self,
        name: ObjectName,
        room: impl FnOnce(usize) -> bool,
    ) -> Option<Ticket> {
        let len = self.names.len();
        match self.names.entry(name) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(_) if !room(len) => None,
            Entry::Vacant(new) => {
                let slot = Slot { name: Some(new.key().clone()), ..Slot::default() };
                let ticket = if let Some(free) = self.free.pop() {
                    self.slots[free.0 as usize] = slot;
                    free
                } else {
                    let next = u32::try_from(self.slots.len()).ok().filter(|next| *next < NONE.0)?;
                    if self.slots.is_empty() {
                        // Most controllers never have a second request.
                        self.slots.reserve_exact(1);
                    }
                    self.slots.push(slot);
                    Ticket(next)
                };
                Some(*new.insert(ticket))
            }
        }
    }

    /// Forgets a request that is in no order.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        let slot = mem::take(&mut self[ticket]);
        if let Some(name) = &slot.name {
            self.names.remove(name);
            self.free.push(ticket);
        }
        if self.names.is_empty() && self.slots.len() > KEPT_MAX {
            *self = Self::default();
        }
    }

    /// The slots in use, by number.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        let used = self.slots.iter().zip(0..).filter(|(slot, _)| slot.name.is_some());
        used.map(|(_, number)| Ticket(number)).collect()
    }
}

impl Index<Ticket> for Slots {
    type Output = Slot;

    fn index(&self, ticket: Ticket) -> &Slot {
        &self.slots[ticket.0 as usize]
    }
}

impl IndexMut<Ticket> for Slots {
    fn index_mut(&mut self, ticket: Ticket) -> &mut Slot {
        &mut self.slots[ticket.0 as usize]
    }
}

/// First in, first out, linked through the slots. A slot is in one order at most.
#[derive(Debug)]
pub(super) struct Order {
    first: Ticket,
    last: Ticket,
    len: usize,
}

impl Default for Order {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn first(&self) -> Option<Ticket> {
        (self.len > 0).then_some(self.first)
    }

    pub(super) fn push(&mut self, slots: &mut Slots, ticket: Ticket) {
        slots[ticket].before = self.last;
        slots[ticket].after = NONE;
        if self.last == NONE {
            self.first = ticket;
        } else {
            slots[self.last].after = ticket;
        }
        self.last = ticket;
        self.len += 1;
    }

    pub(super) fn take_out(&mut self, slots: &mut Slots, ticket: Ticket) {
        let before = mem::replace(&mut slots[ticket].before, NONE);
        let after = mem::replace(&mut slots[ticket].after, NONE);
        if before == NONE {
            self.first = after;
        } else {
            slots[before].after = after;
        }
        if after == NONE {
            self.last = before;
        } else {
            slots[after].before = before;
        }
        self.len -= 1;
    }
}
