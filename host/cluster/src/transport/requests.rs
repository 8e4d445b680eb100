//! How many requests went out, by method and answer.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Counts of one connection's requests; they only ever grow.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<(u16, String), u64>>);

impl Requests {
    /// An answer came with this status; 0: none came.
    pub(super) fn count(&self, status: u16, method: &http::Method) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (status, method.as_str());
        match counts.iter_mut().find(|((status, method), _)| (*status, method.as_str()) == key) {
            Some((_, count)) => *count += 1,
            None => drop(counts.insert((status, key.1.to_owned()), 1)),
        }
    }

    /// Status (0: no answer), method, how many.
    #[must_use]
    pub fn all(&self) -> Vec<(u16, String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((status, method), count)| (*status, method.clone(), *count)).collect()
    }
}
