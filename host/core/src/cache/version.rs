//! Resource versions in order.

use crate::object::compare_versions;
use std::cmp::Ordering;

/// A resourceVersion that can be a key: decimal digits of any length, ordered as by [`compare_versions`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(Box<str>);

impl Version {
    /// None where the text cannot be compared with other versions.
    pub(super) fn of(text: &str) -> Option<Self> {
        compare_versions(text, text).map(|_| Self(text.into()))
    }

    /// Whether another version is this one or a later one.
    pub(super) fn is_reached_by(&self, other: &str) -> bool {
        matches!(compare_versions(other, &self.0), Some(Ordering::Equal | Ordering::Greater))
    }

    /// Whether another version is a later one.
    pub(super) fn is_before(&self, other: &str) -> bool {
        compare_versions(other, &self.0) == Some(Ordering::Greater)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
