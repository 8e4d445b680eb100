//! From names to slots: by hash for one name, in order for many.
//!
//! No name is kept here, only slots; whoever asks says what the object in a slot is called. A name costs some twelve
//! bytes so, where a tree of names costs more than a hundred.

use crate::name::NameRef;
use hashbrown::HashTable;
use std::{
    hash::{BuildHasher, RandomState},
    iter::{Chain, Copied, Flatten},
    ops::Bound,
    slice,
};

/// Slots of one run of names. A longer run is split, so that a name in the middle moves few others.
const RUN_LEN_MAX: usize = 512;

/// Slots in name order.
pub(super) type Ordered<'s> = Copied<Chain<slice::Iter<'s, u32>, Flatten<slice::Iter<'s, Vec<u32>>>>>;

/// Every name of one state.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Half a hash and the slot: a table that grows looks at no object.
    table: HashTable<(u32, u32)>,
    /// In name order; no run is empty.
    runs: Vec<Vec<u32>>,
    /// Names are the cluster's: nobody may choose them so that they fall together.
    hasher: RandomState,
}

impl Names {
    pub(super) fn with_capacity(len: usize) -> Self {
        Self { table: HashTable::with_capacity(len), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get<'n>(&self, name: NameRef<'_>, of: impl Fn(u32) -> NameRef<'n>) -> Option<u32> {
        let hash = self.hash(name);
        self.table
            .find(spread(hash), |(half, slot)| *half == hash && of(*slot) == name)
            .map(|(_, slot)| *slot)
    }

    fn hash(&self, name: NameRef<'_>) -> u32 {
        self.hasher.hash_one(name) as u32
    }

    /// Takes in a slot whose name is not there yet. A name behind all others costs one comparison.
    pub(super) fn insert<'n>(&mut self, slot: u32, of: impl Fn(u32) -> NameRef<'n>) {
        let name = of(slot);
        let hash = self.hash(name);
        self.table.insert_unique(spread(hash), (hash, slot), |(half, _)| spread(*half));
        let Some(last) = self.runs.last_mut() else {
            self.runs.push(vec![slot]);
            return;
        };
        if last.last().is_some_and(|last| of(*last) < name) {
            if last.len() < RUN_LEN_MAX {
                last.push(slot);
            } else {
                self.runs.push(vec![slot]);
            }
            return;
        }
        let (run, at) = self.place(name, &of);
        let slots = &mut self.runs[run];
        slots.insert(at, slot);
        if slots.len() > RUN_LEN_MAX {
            let rest = slots.split_off(RUN_LEN_MAX / 2);
            self.runs.insert(run + 1, rest);
        }
    }

    /// Takes a slot out; it must still say its name.
    pub(super) fn remove<'n>(&mut self, slot: u32, of: impl Fn(u32) -> NameRef<'n>) {
        let name = of(slot);
        let hash = spread(self.hash(name));
        let Ok(found) = self.table.find_entry(hash, |(_, one)| *one == slot) else { return };
        found.remove();
        let (run, at) = self.place(name, &of);
        self.runs[run].remove(at);
        if self.runs[run].is_empty() {
            self.runs.remove(run);
        } else if run + 1 < self.runs.len()
            && self.runs[run].len() + self.runs[run + 1].len() < RUN_LEN_MAX / 4
        {
            let next = self.runs.remove(run + 1);
            self.runs[run].extend(next);
        }
    }

    /// Slots from a name on, in name order.
    pub(super) fn from<'n>(&self, from: Bound<NameRef<'_>>, of: impl Fn(u32) -> NameRef<'n>) -> Ordered<'_> {
        let (run, at) = match from {
            Bound::Unbounded => (0, 0),
            Bound::Included(name) => self.place(name, &of),
            Bound::Excluded(name) => {
                let (run, at) = self.place(name, &of);
                let there = self.runs.get(run).and_then(|slots| slots.get(at));
                (run, at + usize::from(there.is_some_and(|slot| of(*slot) == name)))
            }
        };
        let first = self.runs.get(run).map_or(&[][..], |slots| &slots[at..]);
        let rest = self.runs.get(run + 1..).unwrap_or_default();
        first.iter().chain(rest.iter().flatten()).copied()
    }

    /// Where a name stands, or would: the run, and the place in it. Behind all: a run that is not there.
    fn place<'n>(&self, name: NameRef<'_>, of: &impl Fn(u32) -> NameRef<'n>) -> (usize, usize) {
        let before = |slots: &Vec<u32>| slots.last().is_some_and(|last| of(*last) < name);
        let run = self.runs.partition_point(before);
        let at = self.runs.get(run).map_or(0, |slots| slots.partition_point(|slot| of(*slot) < name));
        (run, at)
    }
}

/// A table takes its place from the low bits of a hash, and a tag from the high ones.
fn spread(half: u32) -> u64 {
    u64::from(half) << 32 | u64::from(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn name(of: usize) -> (Option<String>, String) {
        (of.is_multiple_of(3).then(|| format!("n{}", of % 4)), format!("p{:02}", of * 7 % 1_000))
    }

    proptest! {
        #[test]
        fn names_are_an_ordered_map_at_every_size(
            steps in prop::collection::vec((0_usize..1_000, 0_u8..4), 0..200),
            filled in prop::collection::btree_set(0_usize..1_000, 0..900),
        ) {
            let all: Vec<_> = (0..1_000).map(name).collect();
            let of = |slot: u32| {
                let (namespace, name) = &all[slot as usize];
                NameRef { namespace: namespace.as_deref(), name }
            };
            let (mut names, mut want) = (Names::default(), BTreeMap::new());
            let first = filled.into_iter().map(|n| (n, 0));
            for (n, remove) in first.chain(steps) {
                let slot = n as u32;
                if remove == 1 {
                    if want.remove(&of(slot)).is_some() {
                        names.remove(slot, of);
                    }
                } else if want.insert(of(slot), slot).is_none() {
                    names.insert(slot, of);
                }
                prop_assert_eq!(names.get(of(slot), of), want.get(&of(slot)).copied());
            }
            prop_assert_eq!(names.len(), want.len());
            prop_assert!(names.runs.iter().all(|run| !run.is_empty() && run.len() <= RUN_LEN_MAX));
            for at in (0..1_000).step_by(97) {
                for bound in [Bound::Unbounded, Bound::Included(of(at)), Bound::Excluded(of(at))] {
                    let range = want.range((bound, Bound::Unbounded)).map(|(_, slot)| *slot);
                    prop_assert_eq!(names.from(bound, of).collect::<Vec<_>>(), range.collect::<Vec<_>>());
                }
            }
        }
    }
}
