//! The good module beside the bad ones, and what the process takes: how both are measured.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};
use windlass_tests::{Cluster, host::SeenRun};

/// Greetings of `hello`, one after the other: when each was asked for, and when it was there.
pub(super) struct Greetings(Vec<(Instant, Instant)>);

impl Greetings {
    /// So many.
    pub(super) async fn many(cluster: &Cluster, name: &str, count: usize) -> Self {
        let mut all = Vec::new();
        for nth in 0..count {
            all.push(greeting(cluster, &format!("{name}-{nth}")).await);
        }
        Self(all)
    }

    /// As many as come until the attacks are over.
    pub(super) async fn until(cluster: &Cluster, name: &str, over: &AtomicBool) -> Self {
        let mut all = Vec::new();
        while !over.load(Relaxed) {
            all.push(greeting(cluster, &format!("{name}-{}", all.len())).await);
        }
        Self(all)
    }

    /// How long it took, of so many hundredths of them at most.
    pub(super) fn percentile(&self, hundredths: usize) -> Duration {
        let mut took: Vec<Duration> = self.0.iter().map(|(from, to)| *to - *from).collect();
        took.sort_unstable();
        took[(took.len() * hundredths / 100).min(took.len() - 1)]
    }
}

impl fmt::Display for Greetings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [50, 99, 100].map(|hundredths| self.percentile(hundredths));
        write!(f, "{} greetings: p50 {half:?}, p99 {most:?}, slowest {all:?}", self.0.len())
    }
}

async fn greeting(cluster: &Cluster, name: &str) -> (Instant, Instant) {
    let since = Instant::now();
    cluster.ask_hello(name, "x").await;
    cluster.until_greeted(name, "x").await;
    let greeted = Instant::now();
    // So many would fill the lists of the attacks.
    cluster.delete(("v1 ConfigMap", &format!("default/{name}"))).await.unwrap();
    (since, greeted)
}

/// Runs of other modules that ended while one of `hello`'s waited in its queue, at most.
pub(super) fn others(runs: &[SeenRun]) -> usize {
    let (own, others): (Vec<_>, Vec<_>) =
        runs.iter().partition(|seen| *seen.run.request.controller.module.0 == *"hello");
    let mut ends: Vec<Instant> = others.iter().map(|seen| seen.at).collect();
    ends.sort_unstable();
    let before = |moment: Instant| ends.partition_point(|end| *end < moment);
    let passed = |seen: &&SeenRun| before(seen.began()) - before(seen.began() - seen.run.waited);
    own.iter().map(passed).max().unwrap_or_default()
}

/// What the process holds now; its peak counts from here on.
pub(super) fn start_memory_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    memory_kib("VmRSS")
}

/// A line of the kernel's account of this process.
pub(super) fn memory_kib(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
