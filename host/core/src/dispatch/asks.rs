//! Objects of a `mapped` watch that changed, and wait for the module to say what that means.

use super::told::Told;
use crate::{
    change::{Cause, ObjectChange},
    input::TargetsId,
    name::{Kind, ObjectName},
    object::Object,
    time::Time,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The objects of one watch that changed since the module was asked about them, in order. One question is under way at a
/// time; what comes meanwhile waits.
///
/// Flow: a change notes its object; a question takes what was last told of each noted object, and what is held of it
/// now; the answer makes that what was last told.
///
/// Guarantees: what the questions say of an object makes a chain, each from where the one before ended, and the chain
/// ends in the object's last state. Changes may come in any order (two watches of one view tell theirs apart), and
/// late: the states come from the cache, which is never behind a change that was told, and never goes back.
///
/// Bound: the objects held, and those that were told and are gone since.
#[derive(Debug)]
pub(crate) struct Asks {
    kind: Kind,
    waiting: BTreeMap<i64, Waiting>,
    numbers: HashMap<ObjectName, i64>,
    told: Told,
    /// The question under way, and what it is about.
    asking: Option<(TargetsId, Vec<ObjectName>)>,
    failures: u32,
    retry_at: Time,
}

/// An object that waits.
#[derive(Debug)]
struct Waiting {
    name: ObjectName,
    cause: Cause,
    /// It is asked about also if it is as the module knows it: another version may see it in another way.
    anew: bool,
}

/// One object of a question: its name, why it is asked about, and its states as the module knows it and as it is.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) name: ObjectName,
    pub(crate) cause: Cause,
    pub(crate) before: Option<Arc<Object>>,
    pub(crate) after: Option<Arc<Object>>,
}

/// How an object stands now, as far as the watch selects it.
pub(crate) type Held<'h> = dyn Fn(&ObjectName) -> Option<Arc<Object>> + 'h;

impl Asks {
    /// Of a watch of this kind.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            waiting: BTreeMap::new(),
            numbers: HashMap::new(),
            told: Told::default(),
            asking: None,
            failures: 0,
            retry_at: Time::default(),
        }
    }

    /// Which kind is watched.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// An object changed.
    pub(crate) fn push(&mut self, change: &ObjectChange, held: &Held<'_>) {
        let name = &change.name;
        if change.after.is_none() && !self.is_known(name) && held(name).is_none() {
            // It came and went before anybody was asked.
            if let Some(number) = self.numbers.remove(name) {
                self.waiting.remove(&number);
            }
            return;
        }
        let anew = change.cause == Cause::Initial;
        self.note(Waiting { name: name.clone(), cause: change.cause, anew });
    }

    /// One that waits already keeps its place; a change counts for more than that it was there.
    fn note(&mut self, one: Waiting) {
        match self.numbers.get(&one.name).and_then(|number| self.waiting.get_mut(number)) {
            Some(known) => {
                known.anew |= one.anew;
                if matches!(known.cause, Cause::Initial | Cause::Resync) {
                    known.cause = one.cause;
                }
            }
            None => self.wait_last(one),
        }
    }

    /// Whether the module knows of an object, or is just being asked about it.
    fn is_known(&self, name: &ObjectName) -> bool {
        let asked = self.asking.as_ref().is_some_and(|(_, names)| names.contains(name));
        asked || self.told.get(name.as_ref()).is_some()
    }

    fn wait_last(&mut self, one: Waiting) {
        let number = self.waiting.last_key_value().map_or(0, |(last, _)| last + 1);
        self.numbers.insert(one.name.clone(), number);
        self.waiting.insert(number, one);
    }

    /// An object changed in a way that the watch does not count: what the module knows of it is as good in its new
    /// state, and the old one need not be kept for it.
    pub(crate) fn refresh(&mut self, before: &Object, after: &Arc<Object>) {
        let name = after.name();
        if self.told.get(name).is_some_and(|told| told.is_same(before)) {
            self.told.put(after.clone());
        }
    }

    /// The watch is served from elsewhere now: all that the module knows is held against that.
    pub(crate) fn look_again(&mut self) {
        let mut names: Vec<_> = self.told.iter().map(|object| object.name().to_owned()).collect();
        names.retain(|name| !self.numbers.contains_key(name));
        names.sort_unstable();
        for name in names {
            self.wait_last(Waiting { name, cause: Cause::Initial, anew: false });
        }
    }

    /// Takes the first objects for a question: at most so many, and so many bytes unless one alone is more. Empty if
    /// all that waited is as the module knows it.
    pub(crate) fn take(
        &mut self,
        id: TargetsId,
        (changes_max, bytes_max): (usize, usize),
        held: &Held<'_>,
    ) -> Vec<Asked> {
        let mut batch: Vec<Asked> = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.waiting.first_entry() {
            let Waiting { name, cause, anew } = first.get();
            let (told, now) = (self.told.get(name.as_ref()), held(name));
            let same = match (told, &now) {
                (Some(told), Some(now)) => told.is_same(now),
                (None, None) => true,
                _ => false,
            };
            if !same || (*anew && now.is_some()) {
                let before = told.filter(|_| !same).cloned();
                let sides = [&before, &now].into_iter().flatten();
                bytes += sides.map(|object| object.json().len()).sum::<usize>();
                if batch.len() >= changes_max.max(1) || (bytes > bytes_max && !batch.is_empty()) {
                    break;
                }
                batch.push(Asked { name: name.clone(), cause: *cause, before, after: now });
            } else if let Some(now) = now {
                self.told.put(now);
            }
            self.numbers.remove(&first.remove().name);
        }
        if !batch.is_empty() {
            self.asking = Some((id, batch.iter().map(|asked| asked.name.clone()).collect()));
        }
        batch
    }

    /// The question was answered: the module knows these states now, as far as they are selected still. What a version
    /// answered that serves no more, the one that does is asked as well.
    pub(crate) fn answered(
        &mut self,
        id: TargetsId,
        (asked, by_old): (&[ObjectChange], bool),
        selects: impl Fn(&Object) -> bool,
    ) {
        if self.asking.take_if(|(asking, _)| *asking == id).is_none() {
            return;
        }
        self.failures = 0;
        for change in asked {
            match change.after.as_ref().filter(|object| selects(object)) {
                Some(object) => self.told.put(object.clone()),
                None => self.told.remove(change.name.as_ref()),
            }
            if by_old {
                self.note(Waiting { name: change.name.clone(), cause: Cause::Initial, anew: true });
            }
        }
    }

    /// The question failed: its objects come first again, at `retry_at`.
    pub(crate) fn failed(&mut self, id: TargetsId, asked: Vec<ObjectChange>, retry_at: Time) {
        if self.asking.take_if(|(asking, _)| *asking == id).is_none() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.retry_at = retry_at;
        for change in asked.into_iter().rev() {
            let (cause, anew) = (change.cause, change.before.is_none());
            if let Some(later) = self.numbers.get(&change.name).and_then(|at| self.waiting.get_mut(at)) {
                later.anew |= anew;
                continue;
            }
            let number = self.waiting.first_key_value().map_or(0, |(first, _)| first - 1);
            self.numbers.insert(change.name.clone(), number);
            self.waiting.insert(number, Waiting { name: change.name, cause, anew });
        }
    }

    /// A new version answers from now on; it does not inherit the waiting of the old one, nor what it does not select.
    /// What waits it is asked in any case: an object that a watch has let go of may come back as the old one knew it.
    pub(crate) fn reload(&mut self, selects: impl Fn(&Object) -> bool) {
        self.waiting.values_mut().for_each(|one| one.anew = true);
        self.failures = 0;
        self.retry_at = Time::default();
        self.told.retain(selects);
    }

    /// The watch looks at less now: what the module knows of the rest is forgotten. So it is not told that this is
    /// gone, which nobody knows.
    pub(crate) fn narrow(&mut self, selects: impl Fn(&Object) -> bool) {
        self.told.retain(selects);
    }

    /// How often in a row the module failed to answer.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// How many objects wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a question can be put now.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// When a failed question can be put again.
    pub(crate) fn due_at(&self) -> Option<Time> {
        (self.asking.is_none() && !self.waiting.is_empty()).then_some(self.retry_at)
    }
}

#[cfg(test)]
mod tests;
