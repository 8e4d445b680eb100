//! What writers said whom a field has no room for any more: one pool for all fields, a few bytes each.

use super::record::Place;
use crate::name::Request;
use foldhash::fast::RandomState;
use std::{collections::HashSet, hash::BuildHasher as _, mem};

/// Words that are remembered: at most twice so many, in half a megabyte.
pub(super) const BYGONE_MAX: usize = 16_384;

/// Fingerprints of who wrote what where. Two that are equal by chance would count one flip too many.
#[derive(Debug, Default)]
pub(super) struct Bygone {
    hasher: RandomState,
    young: HashSet<u64, RandomState>,
    /// Forgotten when `young` is full once more.
    old: HashSet<u64, RandomState>,
}

impl Bygone {
    pub(super) fn add(&mut self, place: Place<'_>, writer: &Request, word: u64) {
        if self.young.len() >= BYGONE_MAX {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(self.hasher.hash_one((place, writer, word)));
    }

    pub(super) fn has(&self, place: Place<'_>, writer: &Request, word: u64) -> bool {
        let print = self.hasher.hash_one((place, writer, word));
        self.young.contains(&print) || self.old.contains(&print)
    }

    pub(super) fn clear(&mut self) {
        (self.young, self.old) = Default::default();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
