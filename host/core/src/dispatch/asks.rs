//! Changes of a `mapped` watch that wait for the module to say what they mean.

use crate::{
    change::{Cause, ObjectChange},
    name::ObjectName,
    time::Time,
};
use std::collections::{BTreeMap, HashMap};

/// The changes of one watch that are not asked yet, in order. One question is under way at a time; what comes meanwhile
/// waits. Several changes of one object are one: from the first state to the last. So the bound is the number
/// of objects watched, and nothing is dropped.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    changes: BTreeMap<i64, ObjectChange>,
    numbers: HashMap<ObjectName, i64>,
    under_way: bool,
    failures: u32,
    retry_at: Time,
}

impl Asks {
    /// Puts a change at the end, or into the one of the same object.
    pub(crate) fn push(&mut self, change: ObjectChange) {
        if let Some(number) = self.numbers.get(&change.name).copied() {
            if let Some(known) = self.changes.get_mut(&number) {
                known.after = change.after;
                if change.cause == Cause::Live {
                    known.cause = Cause::Live;
                }
                self.drop_if_void(number);
            }
            return;
        }
        let number = self.changes.last_key_value().map_or(0, |(last, _)| last + 1);
        self.numbers.insert(change.name.clone(), number);
        self.changes.insert(number, change);
    }

    /// What came and went before anybody was asked means nothing.
    fn drop_if_void(&mut self, number: i64) {
        if self.changes.get(&number).is_some_and(|change| change.before.is_none() && change.after.is_none())
            && let Some(change) = self.changes.remove(&number)
        {
            self.numbers.remove(&change.name);
        }
    }

    /// Takes the first changes for a question: at most so many, and so many bytes unless one alone is more.
    pub(crate) fn take(&mut self, changes_max: usize, bytes_max: usize) -> Vec<ObjectChange> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.changes.first_entry() {
            let sides = [&first.get().before, &first.get().after];
            bytes += sides.into_iter().flatten().map(|object| object.json().len()).sum::<usize>();
            if batch.len() >= changes_max.max(1) || (bytes > bytes_max && !batch.is_empty()) {
                break;
            }
            let change = first.remove();
            self.numbers.remove(&change.name);
            batch.push(change);
        }
        self.under_way = true;
        batch
    }

    /// The question was answered.
    pub(crate) fn answered(&mut self) {
        self.under_way = false;
        self.failures = 0;
    }

    /// The question failed: its changes come first again, at `retry_at`, together with what came since.
    pub(crate) fn failed(&mut self, changes: Vec<ObjectChange>, retry_at: Time) {
        self.under_way = false;
        self.failures = self.failures.saturating_add(1);
        self.retry_at = retry_at;
        for change in changes.into_iter().rev() {
            if let Some(number) = self.numbers.get(&change.name).copied() {
                if let Some(later) = self.changes.get_mut(&number) {
                    later.before = change.before;
                }
                self.drop_if_void(number);
                continue;
            }
            let number = self.changes.first_key_value().map_or(0, |(first, _)| first - 1);
            self.numbers.insert(change.name.clone(), number);
            self.changes.insert(number, change);
        }
    }

    /// A new version answers from now on; it does not inherit the waiting of the old one.
    pub(crate) fn reload(&mut self) {
        self.failures = 0;
        self.retry_at = Time::default();
    }

    /// How often in a row the module failed to answer.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// How many changes wait.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether a question can be put now.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        !self.under_way && !self.changes.is_empty() && self.retry_at <= now
    }

    /// When a failed question can be put again.
    pub(crate) fn due_at(&self) -> Option<Time> {
        (!self.under_way && !self.changes.is_empty()).then_some(self.retry_at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{call::Shape, name::Kind, object::Object};
    use std::sync::Arc;

    fn change(name: &str, before: u32, after: u32) -> ObjectChange {
        let kind = Kind::new("v1", "Pod");
        let state = |version: u32| {
            let raw = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
            (version > 0).then(|| Arc::new(Object::ingest(&kind, &raw).unwrap()))
        };
        let (before, after) = (state(before), state(after));
        let name = ObjectName::cluster(name);
        ObjectChange {
            kind: kind.clone(),
            shape: Shape::Whole,
            fields: None,
            name,
            before,
            after,
            cause: Cause::Live,
        }
    }

    fn told(batch: &[ObjectChange]) -> Vec<String> {
        let version = |object: &Option<Arc<Object>>| {
            object.as_ref().map_or("-".to_owned(), |object| object.resource_version().to_owned())
        };
        batch.iter().map(|c| format!("{} {}>{}", c.name, version(&c.before), version(&c.after))).collect()
    }

    #[test]
    fn changes_of_one_object_are_one_from_the_first_state_to_the_last() {
        let mut asks = Asks::default();
        for (name, before, after) in [("a", 1, 2), ("b", 0, 3), ("a", 2, 4), ("c", 0, 5), ("c", 5, 0)] {
            asks.push(change(name, before, after));
        }
        assert_eq!(told(&asks.take(10, 10_000)), ["a 1>4", "b ->3"]);
    }

    #[test]
    fn a_failed_question_comes_first_again_with_what_came_since() {
        let mut asks = Asks::default();
        for (name, before, after) in [("a", 1, 2), ("b", 1, 3), ("c", 1, 4)] {
            asks.push(change(name, before, after));
        }
        let batch = asks.take(2, 10_000);
        assert!(!asks.is_due(Time(0)), "one question at a time");
        asks.push(change("b", 3, 5));
        asks.failed(batch, Time(10));
        assert!(!asks.is_due(Time(9)) && asks.is_due(Time(10)));
        assert_eq!(told(&asks.take(10, 10_000)), ["a 1>2", "c 1>4", "b 1>5"]);
    }

    #[test]
    fn a_question_is_bounded_in_changes_and_bytes_but_never_empty() {
        let mut asks = Asks::default();
        (0..5).for_each(|n| asks.push(change(&format!("p{n}"), 1, 2)));
        assert_eq!(asks.take(2, 10_000).len(), 2);
        assert_eq!(asks.take(2, 1).len(), 1);
        assert_eq!(asks.len(), 2);
    }
}
