//! Histograms of which there is one for each controller: counts and a sum, and nothing else.

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// controller-runtime's, and three below: a run takes tenths of a millisecond.
pub(super) const RECONCILE_SECONDS: [f64; 43] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
    0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0,
    20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
];

/// client-go's: tenfold from 10 ns to 1,000 s.
pub(super) const QUEUE_SECONDS: [f64; 12] =
    [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1_000.0];

/// A histogram with these upper bounds, which whoever asks it gives.
#[derive(Debug)]
pub(super) struct Times<const N: usize> {
    /// By bucket, each without the ones before.
    counts: [AtomicU64; N],
    above: AtomicU64,
    nanoseconds: AtomicU64,
}

impl<const N: usize> Default for Times<N> {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; N],
            above: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl<const N: usize> Times<N> {
    pub(super) fn observe(&self, bounds: &[f64; N], time: Duration) {
        let bucket = bounds.partition_point(|bound| *bound < time.as_secs_f64());
        self.counts.get(bucket).unwrap_or(&self.above).fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    pub(super) fn encode(&self, bounds: &[f64; N], mut to: MetricEncoder<'_>) -> fmt::Result {
        let counts = self.counts.iter().chain([&self.above]).map(|count| count.load(Relaxed));
        let bounds = bounds.iter().copied().chain([f64::MAX]);
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let seconds = Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64();
        to.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }
}
