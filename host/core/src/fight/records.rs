//! What is remembered of all writes, and the fights that are on.

use super::{
    Fight, FightStage, Woken, Wrote,
    bygone::Bygone,
    record::{Field, IN_A_ROW, Record},
};
use crate::{
    name::{Kind, ModuleName, ObjectName, Request},
    time::Time,
};
use foldhash::fast::RandomState;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    mem,
    time::Duration,
};

/// Objects whose last writes are remembered: at most twice so many, besides those that are fought over.
const OBJECTS_MAX: usize = 4_096;
/// Fights that are on at a time.
const FIGHTS_MAX: usize = 4_096;
/// Writers of a field that are named.
const NAMED_MAX: usize = 4;

type Key = (Kind, ObjectName);

#[derive(Debug)]
struct Open {
    fight: Fight,
    /// Who is held back because of it: each has a slot in its queue, so the queues' bounds are its bound.
    held: BTreeSet<Request>,
    quiet_at: Time,
    /// Kept here as long as the fight is on, so that other writes cannot push it out.
    record: Record,
}

/// A fight that is over, and who was held back because of it and is by no other.
pub(crate) type Ended = (Fight, BTreeSet<Request>);

/// All that is remembered of writes.
#[derive(Debug, Default)]
pub(crate) struct Fights {
    young: HashMap<Key, Record, RandomState>,
    /// Forgotten when `young` is full once more.
    old: HashMap<Key, Record, RandomState>,
    bygone: Bygone,
    open: BTreeMap<Key, Open>,
    /// No fight is over before this; none: there is no fight.
    quiet_next: Option<Time>,
    dropped: u64,
}

impl Fights {
    /// Takes in a write. Answers the fight that it belongs to, if it is a flip of one: its writer is to be held back.
    pub(crate) fn wrote(&mut self, now: Time, writer: &Request, woken: Woken, wrote: Wrote) -> Option<Fight> {
        let Wrote { kind, name, from_version, version, changes, .. } = wrote;
        let key = (kind, name);
        if !self.open.contains_key(&key) {
            self.remember(&key);
        }
        let record = match self.open.get_mut(&key) {
            Some(open) => &mut open.record,
            None => self.young.entry(key.clone()).or_default(),
        };
        let about = (&key.0, &key.1);
        let versions = (from_version, version);
        let at = record.takes((now, &mut self.bygone), about, (writer, woken), versions, &changes)?;
        self.flipped(now, key, at, writer)
    }

    /// Makes room for an object, or brings it back among the young.
    fn remember(&mut self, key: &Key) {
        if self.young.contains_key(key) {
            return;
        }
        let known = self.old.remove(key).unwrap_or_default();
        if self.young.len() >= OBJECTS_MAX {
            let forgotten = mem::replace(&mut self.old, mem::take(&mut self.young));
            self.dropped += forgotten.values().map(|record| u64::from(record.flips())).sum::<u64>();
        }
        self.young.insert(key.clone(), known);
    }

    /// A flip of the field `at`: its fight begins or goes on.
    fn flipped(&mut self, now: Time, key: Key, at: usize, writer: &Request) -> Option<Fight> {
        let room = self.open.len() < FIGHTS_MAX;
        let (open, stage) = match self.open.entry(key) {
            Entry::Occupied(open) => (open.into_mut(), FightStage::GoesOn),
            Entry::Vacant(_) if !room => {
                self.dropped += 1;
                return None;
            }
            Entry::Vacant(new) => {
                let record = self.young.remove(new.key()).unwrap_or_default();
                let fight = Fight::new(new.key());
                let open = Open { fight, held: BTreeSet::new(), quiet_at: now, record };
                (new.insert(open), FightStage::Began)
            }
        };
        open.held.insert(writer.clone());
        open.fight.shows(&open.record.fields[at]);
        open.quiet_at = now + IN_A_ROW + open.fight.delay * 2;
        self.quiet_next = Some(self.quiet_next.map_or(open.quiet_at, |next| next.min(open.quiet_at)));
        Some(Fight { stage, ..open.fight.clone() })
    }

    /// When to look whether a fight is over; it may be too early for that.
    pub(crate) fn quiet_next(&self) -> Option<Time> {
        self.quiet_next
    }

    /// Takes out the fights that are over.
    pub(crate) fn quiet(&mut self, now: Time) -> Vec<Ended> {
        if self.quiet_next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        self.end(|open| open.quiet_at <= now)
    }

    /// A module is gone or replaced: what it wrote says nothing of what comes. Takes out its fights.
    pub(crate) fn forget(&mut self, module: &ModuleName) -> Vec<Ended> {
        let fought_over = self.open.values_mut().map(|open| &mut open.record);
        let all = self.young.values_mut().chain(self.old.values_mut()).chain(fought_over);
        all.for_each(|record| record.forget(module));
        // Nobody knows whose each of these is.
        self.bygone.clear();
        self.end(|open| open.fight.modules.contains(module))
    }

    fn end(&mut self, over: impl Fn(&Open) -> bool) -> Vec<Ended> {
        let over: Vec<Open> = self.open.extract_if(.., |_, open| over(open)).map(|(_, open)| open).collect();
        self.quiet_next = self.open.values().map(|open| open.quiet_at).min();
        let on: BTreeSet<&Request> = self.open.values().flat_map(|open| &open.held).collect();
        let free = |held: BTreeSet<Request>| held.into_iter().filter(|one| !on.contains(one)).collect();
        over.into_iter()
            .map(|open| (Fight { stage: FightStage::Over, ..open.fight }, free(open.held)))
            .collect()
    }

    /// How often something that went back and forth was forgotten, or not slowed down, because a bound was reached;
    /// begins anew with each call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        mem::take(&mut self.dropped)
    }

    /// The fights that are on.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Fight> {
        self.open.values().map(|open| &open.fight)
    }

    /// How many objects, fields and words of further writers are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> [usize; 3] {
        let open = self.open.values().map(|open| &open.record);
        let all: Vec<_> = self.young.values().chain(self.old.values()).chain(open).collect();
        [all.len(), all.iter().map(|record| record.fields.len()).sum(), self.bygone.len()]
    }
}

impl Fight {
    fn new((kind, name): &Key) -> Self {
        Self {
            kind: kind.clone(),
            name: name.clone(),
            field: Box::default(),
            writers: Vec::new(),
            others: 0,
            modules: BTreeSet::new(),
            elsewhere: false,
            flips: 0,
            delay: Duration::ZERO,
            stage: FightStage::GoesOn,
        }
    }

    /// This field has just flipped.
    fn shows(&mut self, field: &Field) {
        let words = field.words.iter().rev();
        self.modules.extend(words.clone().map(|(one, _)| one.controller.module.clone()));
        self.writers = words.map(|(one, _)| Request::clone(one)).take(NAMED_MAX).collect();
        self.others = field.words.len() - self.writers.len();
        self.field.clone_from(&field.path);
        (self.elsewhere, self.flips, self.delay) = (field.is_elsewhere(), field.flips, field.delay);
    }
}
