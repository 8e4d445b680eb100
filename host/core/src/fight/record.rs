//! What is known of the writes of one object: who had which field's last words, and how often they were undone.

use super::{FieldChange, Woken, bygone::Bygone};
use crate::{
    name::{Kind, ModuleName, ObjectName, Request},
    object::compare_versions,
    time::Time,
};
use std::{cmp::Ordering, sync::Arc, time::Duration};

/// Fields of one object that are remembered.
pub(super) const FIELDS_MAX: usize = 16;
/// Writers of one field that are remembered by name; of further ones there is only what they wrote ([`Bygone`]).
pub(super) const WRITERS_MAX: usize = 16;
/// So many flips in a row are a fight.
pub(super) const FLIPS_MAX: u32 = 8;
/// Flips that are further apart than this, besides what the host held their writer back, are not in a row.
pub(super) const IN_A_ROW: Duration = Duration::from_secs(60);
/// How long a writer is held back at first; twice as long after each further flip.
const DELAY_MIN: Duration = Duration::from_secs(1);
/// How long at most, where all that is held back are modules.
const DELAY_MAX: Duration = Duration::from_secs(300);
/// How long at most where somebody outside the host undoes a module's writes. Nobody there is held back, so all that is
/// won is load, and a person who tries a thing some times should not wait for the repair.
const DELAY_MAX_ELSEWHERE: Duration = Duration::from_secs(10);

/// Which field of which object.
pub(super) type Place<'a> = (&'a Kind, &'a ObjectName, &'a str);

#[derive(Debug, Default)]
pub(super) struct Record {
    /// The version that the last write of a module led to; none: it was deleted.
    version: Option<Box<str>>,
    writer: Option<Arc<Request>>,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) path: Box<str>,
    /// What each writer wrote last, the latest last.
    pub(super) words: Vec<(Arc<Request>, u64)>,
    /// Flips in a row over what nobody here is known to have written.
    elsewhere: u32,
    /// The version that the last of them began from.
    unexplained: Option<Box<str>>,
    pub(super) flips: u32,
    /// When the last flip was.
    flipped_at: Time,
    /// How long its writer was held back then.
    pub(super) delay: Duration,
}

/// Whose word was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flip {
    Own,
    Others,
    Elsewhere,
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
    /// Takes in what a write changed and which version it led from and to. Where the field is whose flips make this
    /// write a turn of a fight.
    pub(super) fn takes(
        &mut self,
        (now, bygone): (Time, &mut Bygone),
        (kind, name): (&Kind, &ObjectName),
        (writer, woken): (&Request, Woken),
        (from_version, version): (Option<Box<str>>, Option<Box<str>>),
        changes: &[FieldChange],
    ) -> Option<usize> {
        let writer = self.intern(writer);
        let base = self.base(&writer, from_version.as_deref());
        let is_late = self.is_late(version.as_deref());
        self.fields.iter_mut().for_each(|field| field.explain(version.as_deref()));
        let mut worst = None;
        for change in changes {
            let at = self.field(&change.path);
            let (place, field) = ((kind, name, &*change.path), &mut self.fields[at]);
            if let Some(flip) = field.flip((place, bygone), (&writer, woken, base), change) {
                field.count(now, flip);
                if flip == Flip::Elsewhere {
                    field.unexplained.clone_from(&from_version);
                }
                worst = worst.max(Some((field.flips, at)));
            }
            field.says((place, bygone), &writer, change.after, is_late);
        }
        if !is_late {
            (self.version, self.writer) = (version, Some(writer));
        }
        worst.filter(|(flips, _)| *flips >= FLIPS_MAX).map(|(_, at)| at)
    }

    /// Whether a write was told after one that the server took later: two answers may overtake each other.
    fn is_late(&self, version: Option<&str>) -> bool {
        let versions = version.zip(self.version.as_deref());
        versions.is_some_and(|(now, known)| compare_versions(now, known) == Some(Ordering::Less))
    }

    /// A module is gone or replaced: what it wrote says nothing of what comes.
    pub(super) fn forget(&mut self, module: &ModuleName) {
        for field in &mut self.fields {
            let before = field.words.len();
            field.words.retain(|(writer, _)| writer.controller.module != *module);
            if field.words.len() < before {
                field.flips = 0;
            }
        }
    }

    /// Whether a field went back and forth.
    pub(super) fn flips(&self) -> bool {
        self.fields.iter().any(|field| field.flips > 0)
    }

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

    /// Where a field is remembered.
    fn field(&mut self, path: &str) -> usize {
        if let Some(at) = self.fields.iter().position(|field| *field.path == *path) {
            return at;
        }
        if self.fields.len() >= FIELDS_MAX {
            let quiet = self.fields.iter().enumerate().min_by_key(|(_, field)| field.flipped_at);
            let at = quiet.map_or(0, |(at, _)| at);
            self.fields[at] = Field::new(path);
            return at;
        }
        self.fields.push(Field::new(path));
        self.fields.len() - 1
    }
}

impl Field {
    fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            words: Vec::new(),
            elsewhere: 0,
            unexplained: None,
            flips: 0,
            flipped_at: Time::default(),
            delay: Duration::ZERO,
        }
    }

    /// Whether a change is a flip.
    fn flip(
        &self,
        (place, bygone): (Place<'_>, &Bygone),
        (writer, woken, base): (&Arc<Request>, Woken, Base),
        change: &FieldChange,
    ) -> Option<Flip> {
        let (last, word) = self.words.last()?;
        if last != writer {
            let again = match self.words.iter().find(|(one, _)| one == writer) {
                Some((_, own)) => *own == change.after,
                None => self.words.len() >= WRITERS_MAX && bygone.has(place, writer, change.after),
            };
            return (again && *word != change.after).then_some(Flip::Others);
        }
        if base == Base::Own && woken == Woken::ByThis {
            return Some(Flip::Own);
        }
        let undone = base == Base::Later && *word == change.after && change.before != *word;
        undone.then_some(Flip::Elsewhere)
    }

    /// One flip more, and how long that holds its writer back.
    fn count(&mut self, now: Time, flip: Flip) {
        let in_a_row = now.since(self.flipped_at) <= IN_A_ROW + self.delay * 2;
        if !in_a_row {
            (self.flips, self.elsewhere, self.delay) = (0, 0, Duration::ZERO);
        }
        self.flips = self.flips.saturating_add(1);
        self.flipped_at = now;
        self.elsewhere = self.elsewhere.saturating_add(u32::from(flip == Flip::Elsewhere));
        let delay_max = if flip == Flip::Elsewhere { DELAY_MAX_ELSEWHERE } else { DELAY_MAX };
        self.delay = match self.flips.checked_sub(FLIPS_MAX) {
            Some(doublings) => DELAY_MIN.saturating_mul(1 << doublings.min(16)).min(delay_max),
            None => Duration::ZERO,
        };
    }

    /// Whether somebody outside the host has part in it. One flip alone may be a write of ours that is told late.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.elsewhere > 1
    }

    /// What led to this version was written here after all.
    fn explain(&mut self, version: Option<&str>) {
        if version.is_some() && self.unexplained.as_deref() == version {
            self.elsewhere = self.elsewhere.saturating_sub(1);
            self.unexplained = None;
        }
    }

    fn says(
        &mut self,
        (place, bygone): (Place<'_>, &mut Bygone),
        writer: &Arc<Request>,
        word: u64,
        is_late: bool,
    ) {
        self.words.retain(|(one, _)| one != writer);
        if self.words.len() >= WRITERS_MAX {
            let (oldest, word) = self.words.remove(0);
            bygone.add(place, &oldest, word);
        }
        // The last word is the one that the server took last.
        let at = self.words.len().saturating_sub(usize::from(is_late));
        self.words.insert(at, (writer.clone(), word));
    }
}
