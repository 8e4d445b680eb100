//! Which slots have a value: one, a few, or many.

use roaring::RoaringBitmap;

/// So many slots are kept in a plain list; most owners and many values of labels have fewer.
const FEW_MAX: usize = 16;

/// A set of slots that costs little at every size: a slot among many takes two bytes, or a bit.
#[derive(Debug)]
pub(super) enum Postings {
    One(u32),
    /// Sorted.
    Few(Box<[u32]>),
    Many(Box<RoaringBitmap>),
}

impl Postings {
    pub(super) fn insert(&mut self, slot: u32) {
        match self {
            Self::One(only) if *only == slot => {}
            Self::One(only) => *self = Self::Few([slot.min(*only), slot.max(*only)].into()),
            Self::Few(list) => {
                let Err(at) = list.binary_search(&slot) else { return };
                if list.len() < FEW_MAX {
                    *list = [&list[..at], &[slot], &list[at..]].concat().into();
                } else {
                    *self = Self::Many(Box::new(list.iter().copied().chain([slot]).collect()));
                }
            }
            Self::Many(set) => {
                set.insert(slot);
            }
        }
    }

    /// Takes a slot out. True when none is left (I3: an empty set must go).
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        match self {
            Self::One(only) => *only == slot,
            Self::Few(list) => {
                *list = list.iter().copied().filter(|one| *one != slot).collect();
                list.is_empty()
            }
            Self::Many(set) => {
                set.remove(slot);
                set.is_empty()
            }
        }
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        match self {
            Self::One(only) => *only == slot,
            Self::Few(list) => list.binary_search(&slot).is_ok(),
            Self::Many(set) => set.contains(slot),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Few(list) => list.len(),
            Self::Many(set) => usize::try_from(set.len()).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn extend_into(&self, out: &mut Vec<u32>) {
        match self {
            Self::One(only) => out.push(*only),
            Self::Few(list) => out.extend_from_slice(list),
            Self::Many(set) => out.extend(set.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn postings_are_a_set_at_every_size(steps in prop::collection::vec((0_u32..80, any::<bool>()), 1..300)) {
            let mut want = BTreeSet::from([0]);
            let mut postings = Postings::One(0);
            for (slot, insert) in steps {
                if insert {
                    want.insert(slot);
                    postings.insert(slot);
                } else if want.len() > 1 {
                    want.remove(&slot);
                    prop_assert!(!postings.remove(slot));
                }
                let mut have = Vec::new();
                postings.extend_into(&mut have);
                prop_assert_eq!(have.len(), postings.len());
                prop_assert_eq!(postings.contains(slot), want.contains(&slot));
                prop_assert_eq!(have.into_iter().collect::<BTreeSet<_>>(), want.clone());
            }
        }
    }
}
