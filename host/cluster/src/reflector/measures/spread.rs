//! How durations and numbers of items are spread: counts by bucket, added to by one and read by another without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Lists, in seconds: from one of few objects in the server's memory to one of a hundred thousand over a slow line.
const LIST_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Watches, in seconds: short ones, cut ones, and the five to ten minutes after which the server ends them.
const WATCH_SECONDS: &[f64] = &[0.1, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 450.0, 600.0, 900.0, 1800.0];
/// Items.
const ITEMS: &[f64] = &[0.0, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
/// The sum is kept in whole numbers.
const PARTS: f64 = 1e6;

/// Values so far, by bucket.
#[derive(Debug)]
pub struct Spread {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above all.
    counts: Box<[AtomicU64]>,
    sum_parts: AtomicU64,
}

impl Spread {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum_parts: AtomicU64::new(0) }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no value is negative, and what is too large is the largest"
    )]
    fn add(&self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum_parts.fetch_add((value * PARTS) as u64, Ordering::Relaxed);
    }

    pub(in crate::reflector) fn took(&self, time: Duration) {
        self.add(time.as_secs_f64());
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of items are exact up to 2^53")]
    pub(in crate::reflector) fn brought(&self, items: u64) {
        self.add(items as f64);
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// What they come to; seconds, or items.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a sum for a graph")]
    pub fn sum(&self) -> f64 {
        self.sum_parts.load(Ordering::Relaxed) as f64 / PARTS
    }

    /// Each bucket's upper bound, the last one's infinite, and how many values lie in it and in no lower one.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

/// What lists and watches took and brought.
#[derive(Debug)]
pub struct Spreads {
    /// How long lists took, in seconds, WatchLists included.
    pub list_time: Spread,
    /// How many objects lists brought.
    pub list_items: Spread,
    /// How long watches lived, in seconds.
    pub watch_time: Spread,
    /// How many events watches brought.
    pub watch_items: Spread,
}

impl Default for Spreads {
    fn default() -> Self {
        Self {
            list_time: Spread::new(LIST_SECONDS),
            list_items: Spread::new(ITEMS),
            watch_time: Spread::new(WATCH_SECONDS),
            watch_items: Spread::new(ITEMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_the_lowest_bucket_that_holds_it() {
        let Spreads { list_time, list_items, .. } = Spreads::default();
        for millis in [1, 5, 6, 10_000, 61_000] {
            list_time.took(Duration::from_millis(millis));
        }
        let filled = |spread: &Spread| spread.buckets().filter(|(_, count)| *count > 0).collect::<Vec<_>>();
        assert_eq!(filled(&list_time), [(0.005, 2), (0.01, 1), (10.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((list_time.count(), (list_time.sum() * 1e3).round()), (5, 71_012.0));
        [0, 1, 2, 250_000].into_iter().for_each(|items| list_items.brought(items));
        assert_eq!(filled(&list_items), [(0.0, 1), (1.0, 1), (10.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((list_items.count(), list_items.sum()), (4, 250_003.0));
    }
}
