//! Who wrote what last, how often it went back and forth, and the fights that are on.

use super::{FieldChange, Fight, FightStage, Wrote};
use crate::{
    name::{Kind, ModuleName, ObjectName, Request},
    object::compare_versions,
    time::Time,
};
use foldhash::fast::RandomState;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    mem,
    sync::Arc,
    time::Duration,
};

/// Objects whose last writes are remembered: at most twice so many.
const OBJECTS_MAX: usize = 2_048;
/// Fields of one object that are remembered.
const FIELDS_MAX: usize = 16;
/// Writers of one field that are remembered.
const WRITERS_MAX: usize = 16;
/// Writers of a field that are named.
const NAMED_MAX: usize = 4;
/// Fights that are on at a time; what is over this is not slowed down.
const FIGHTS_MAX: usize = 256;
/// So many flips in a row are a fight.
const FLIPS_MAX: u32 = 8;
/// Flips that are further apart than this, besides what the host held their writer back, are not in a row.
const IN_A_ROW: Duration = Duration::from_secs(60);
/// How long a writer is held back at first; twice as long after each further flip.
const DELAY_MIN: Duration = Duration::from_secs(1);
/// How long at most.
const DELAY_MAX: Duration = Duration::from_secs(300);

/// What had caused the run that wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Only changes of the object that it wrote now.
    ByThis,
    /// Anything else.
    Otherwise,
}

#[derive(Debug, Default)]
struct Record {
    /// The version that the last write of a module led to; none: it was deleted.
    version: Option<Box<str>>,
    writer: Option<Arc<Request>>,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    path: Box<str>,
    /// What each writer wrote last, the latest last.
    words: Vec<(Arc<Request>, u64)>,
    elsewhere: bool,
    flips: u32,
    /// When the last flip was.
    flipped_at: Time,
    /// How long its writer was held back then.
    delay: Duration,
}

/// Whose word was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flip {
    Own,
    Others,
    Elsewhere,
}

#[derive(Debug)]
struct Open {
    fight: Fight,
    /// Who is held back because of it.
    held: BTreeSet<Request>,
    quiet_at: Time,
}

/// All that is remembered of writes.
#[derive(Debug, Default)]
pub(crate) struct Fights {
    young: HashMap<(Kind, ObjectName), Record, RandomState>,
    /// Forgotten when `young` is full once more.
    old: HashMap<(Kind, ObjectName), Record, RandomState>,
    open: BTreeMap<(Kind, ObjectName), Open>,
}

impl Fights {
    /// Takes in a write. Answers the fight that it belongs to, if it is a flip of one: its writer is to be held back.
    pub(crate) fn wrote(&mut self, now: Time, writer: &Request, woken: Woken, wrote: Wrote) -> Option<Fight> {
        let Wrote { kind, name, from_version, version, changes, .. } = wrote;
        let record = self.record(&kind, &name);
        let writer = record.intern(writer);
        let base = record.base(&writer, from_version.as_deref());
        let mut worst = None;
        for change in changes {
            let Some(at) = record.field(&change.path) else { break };
            let field = &mut record.fields[at];
            if let Some(flip) = field.flip(&writer, woken, base, &change) {
                field.count(now, flip);
                worst = worst.max(Some((field.flips, at)));
            }
            field.says(&writer, change.after);
        }
        record.version = version;
        record.writer = Some(writer.clone());
        let (flips, at) = worst.filter(|(flips, _)| *flips >= FLIPS_MAX)?;
        let field = &mut record.fields[at];
        let doublings = (flips - FLIPS_MAX).min(16);
        field.delay = DELAY_MIN.saturating_mul(1 << doublings).min(DELAY_MAX);
        let fight = Fight {
            kind: kind.clone(),
            name: name.clone(),
            field: field.path.clone(),
            writers: field.words.iter().rev().take(NAMED_MAX).map(|(one, _)| Request::clone(one)).collect(),
            elsewhere: field.elsewhere,
            flips,
            delay: field.delay,
            stage: FightStage::GoesOn,
        };
        let writer = Request::clone(&writer);
        self.goes_on(now, fight, writer)
    }

    fn goes_on(&mut self, now: Time, mut fight: Fight, held: Request) -> Option<Fight> {
        let quiet_at = now + IN_A_ROW + fight.delay * 2;
        let room = self.open.len() < FIGHTS_MAX;
        match self.open.entry((fight.kind.clone(), fight.name.clone())) {
            Entry::Occupied(open) => {
                let open = open.into_mut();
                (open.fight, open.quiet_at) = (fight.clone(), quiet_at);
                open.held.insert(held);
            }
            Entry::Vacant(_) if !room => return None,
            Entry::Vacant(new) => {
                fight.stage = FightStage::Began;
                new.insert(Open { fight: fight.clone(), held: BTreeSet::from([held]), quiet_at });
            }
        }
        Some(fight)
    }

    fn record(&mut self, kind: &Kind, name: &ObjectName) -> &mut Record {
        let key = (kind.clone(), name.clone());
        if self.young.len() >= OBJECTS_MAX && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with_key(|key| old.remove(key).unwrap_or_default())
    }

    /// When the next fight is over, if nothing flips until then.
    pub(crate) fn quiet_next(&self) -> Option<Time> {
        self.open.values().map(|open| open.quiet_at).min()
    }

    /// Takes out the fights that are over, with those who are held back.
    pub(crate) fn quiet(&mut self, now: Time) -> Vec<(Fight, BTreeSet<Request>)> {
        if self.open.is_empty() {
            return Vec::new();
        }
        self.end(|open| open.quiet_at <= now)
    }

    /// A module is gone or replaced: what it wrote says nothing of what comes. Takes out its fights.
    pub(crate) fn forget(&mut self, module: &ModuleName) -> Vec<(Fight, BTreeSet<Request>)> {
        let of_module = |writer: &Request| writer.controller.module == *module;
        for record in self.young.values_mut().chain(self.old.values_mut()) {
            for field in &mut record.fields {
                let before = field.words.len();
                field.words.retain(|(writer, _)| !of_module(writer));
                if field.words.len() < before {
                    field.flips = 0;
                }
            }
        }
        self.end(|open| open.held.iter().chain(&open.fight.writers).any(of_module))
    }

    fn end(&mut self, over: impl Fn(&Open) -> bool) -> Vec<(Fight, BTreeSet<Request>)> {
        let over = self.open.extract_if(.., |_, open| over(open));
        over.map(|(_, open)| (Fight { stage: FightStage::Over, ..open.fight }, open.held)).collect()
    }

    /// How many objects and fields are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        let records = || self.young.values().chain(self.old.values());
        (records().count(), records().map(|record| record.fields.len()).sum())
    }

    /// The fights that are on.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Fight> {
        self.open.values().map(|open| &open.fight)
    }
}

/// What a write began from, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// From this writer's own last write.
    Own,
    /// From something later than the last write that is known: somebody outside wrote.
    Later,
    /// From another's write, or from what is older than the last known one.
    Other,
}

impl Record {
    fn intern(&self, writer: &Request) -> Arc<Request> {
        let known = self
            .writer
            .iter()
            .chain(self.fields.iter().flat_map(|field| field.words.iter().map(|(one, _)| one)));
        known
            .into_iter()
            .find(|known| ***known == *writer)
            .cloned()
            .unwrap_or_else(|| Arc::new(writer.clone()))
    }

    fn base(&self, writer: &Arc<Request>, version: Option<&str>) -> Base {
        let Some(last) = &self.writer else { return Base::Other };
        if self.version.as_deref() == version {
            return if last == writer { Base::Own } else { Base::Other };
        }
        match (&self.version, version) {
            (Some(known), Some(now)) if compare_versions(now, known) == Some(Ordering::Greater) => {
                Base::Later
            }
            _ => Base::Other,
        }
    }

    /// Where a field is remembered; none when there are too many.
    fn field(&mut self, path: &str) -> Option<usize> {
        if let Some(at) = self.fields.iter().position(|field| *field.path == *path) {
            return Some(at);
        }
        if self.fields.len() >= FIELDS_MAX {
            let quiet = self.fields.iter().enumerate().min_by_key(|(_, field)| field.flipped_at);
            let at = quiet.map(|(at, _)| at)?;
            self.fields[at] = Field::new(path);
            return Some(at);
        }
        self.fields.push(Field::new(path));
        Some(self.fields.len() - 1)
    }
}

impl Field {
    fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            words: Vec::new(),
            elsewhere: false,
            flips: 0,
            flipped_at: Time::default(),
            delay: Duration::ZERO,
        }
    }

    /// Whether a change is a flip.
    fn flip(&self, writer: &Arc<Request>, woken: Woken, base: Base, change: &FieldChange) -> Option<Flip> {
        let (last, word) = self.words.last()?;
        let own = self.words.iter().find(|(one, _)| one == writer).map(|(_, word)| *word);
        if last != writer {
            return (own == Some(change.after) && *word != change.after).then_some(Flip::Others);
        }
        if base == Base::Own && woken == Woken::ByThis {
            return Some(Flip::Own);
        }
        let undone = base == Base::Later && *word == change.after && change.before != *word;
        undone.then_some(Flip::Elsewhere)
    }

    fn count(&mut self, now: Time, flip: Flip) {
        let in_a_row = now.since(self.flipped_at) <= IN_A_ROW + self.delay * 2;
        if !in_a_row {
            (self.flips, self.elsewhere, self.delay) = (0, false, Duration::ZERO);
        }
        self.flips = self.flips.saturating_add(1);
        self.flipped_at = now;
        self.elsewhere |= flip == Flip::Elsewhere;
    }

    fn says(&mut self, writer: &Arc<Request>, word: u64) {
        self.words.retain(|(one, _)| one != writer);
        if self.words.len() >= WRITERS_MAX {
            self.words.remove(0);
        }
        self.words.push((writer.clone(), word));
    }
}
