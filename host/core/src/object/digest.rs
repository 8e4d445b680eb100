//! Digests that are compared within one process: fast, and not meant to leave it.

use foldhash::quality::{FixedState, FoldHasher};
use std::hash::{BuildHasher, Hash, Hasher};

/// Takes in one text after the other; two lists of texts give the same digest only if they are alike.
pub(super) struct Digest(FoldHasher<'static>);

/// Nothing taken in.
pub(super) fn begin() -> Digest {
    // Fixed: digests of one process compare, and core answers the same to the same.
    Digest(FixedState::default().build_hasher())
}

impl Digest {
    pub(super) fn add(&mut self, text: &str) {
        text.hash(&mut self.0);
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.add(text);
        self
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.write_u64(number);
        self
    }

    pub(super) fn finish(self) -> u64 {
        self.0.finish()
    }
}
