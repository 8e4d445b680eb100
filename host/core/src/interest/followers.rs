//! Who follows a kind, so that a change is held against those only whom it may concern.
//!
//! A need whose selector demands a label concerns changes of objects that have it before or after, and no others: needs
//! are found by the label, and a thousand modules that each follow their own label cost a change no more than one.

use super::Need;
use crate::{
    change::ObjectChange,
    name::ModuleName,
    object::Object,
    selector::{Requirement, Selector, Test},
};
use foldhash::fast::FixedState;
use std::{collections::HashMap, hash::BuildHasher as _};

/// A need: whose, and which of its module's.
pub(super) type Place = (ModuleName, usize);

/// The needs that follow one kind.
#[derive(Debug, Default)]
pub(super) struct Followers {
    /// Those that demand no label, in order.
    anything: Vec<Place>,
    /// Those that do, by a hash of its key and, where they name values, of each. Two labels may have one: whoever is found
    /// here is asked again.
    labelled: HashMap<u64, Vec<Place>, FixedState>,
}

impl Followers {
    pub(super) fn is_empty(&self) -> bool {
        self.anything.is_empty() && self.labelled.is_empty()
    }

    pub(super) fn add(&mut self, place: &Place, need: &Need) {
        let marks = marks(need);
        if marks.is_empty() {
            let at = self.anything.partition_point(|known| known < place);
            self.anything.insert(at, place.clone());
        }
        for mark in marks {
            self.labelled.entry(mark).or_default().push(place.clone());
        }
    }

    pub(super) fn remove(&mut self, place: &Place, need: &Need) {
        let marks = marks(need);
        if marks.is_empty() {
            self.anything.retain(|known| known != place);
        }
        for mark in marks {
            if let Some(places) = self.labelled.get_mut(&mark) {
                places.retain(|known| known != place);
                if places.is_empty() {
                    self.labelled.remove(&mark);
                }
            }
        }
    }

    /// Whom a change may concern, each once, in the order of the modules and their descriptions.
    pub(super) fn of(&self, change: &ObjectChange) -> impl Iterator<Item = &Place> {
        let mut labelled = Vec::new();
        if !self.labelled.is_empty() {
            let states = [&change.before, &change.after].into_iter().flatten();
            let marks = states.flat_map(|object| marks_of(object));
            labelled.extend(marks.filter_map(|mark| self.labelled.get(&mark)).flatten());
        }
        let mut alone: &[Place] = &[];
        if labelled.is_empty() {
            alone = &self.anything;
        } else {
            labelled.extend(&self.anything);
            labelled.sort_unstable();
            labelled.dedup();
        }
        alone.iter().chain(labelled)
    }
}

/// Where a need is found; nowhere in particular if it demands no label.
fn marks(need: &Need) -> Vec<u64> {
    let requirements = need.selection.labels.as_ref().map_or(&[][..], Selector::requirements);
    let mut marks: Vec<_> = requirements.iter().find_map(demanded).unwrap_or_default();
    marks.sort_unstable();
    marks.dedup();
    marks
}

/// What of a label is demanded: none where its absence is good as well.
fn demanded(requirement: &Requirement) -> Option<Vec<u64>> {
    let key = &*requirement.key;
    match &requirement.test {
        Test::In(values) => Some(values.iter().map(|value| mark(key, Some(value))).collect()),
        Test::Exists | Test::Greater(_) | Test::Less(_) => Some(vec![mark(key, None)]),
        Test::NotIn(_) | Test::Absent => None,
    }
}

fn marks_of(object: &Object) -> impl Iterator<Item = u64> {
    object.labels().iter().flat_map(|(key, value)| [mark(key, None), mark(key, Some(value))])
}

fn mark(key: &str, value: Option<&str>) -> u64 {
    FixedState::default().hash_one((key, value))
}
