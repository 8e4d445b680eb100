//! The end of a host: no new runs, those under way finish, and then nothing is waited for.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::{Duration, Instant};
use windlass_runtime::{
    control::{Answer, Command},
    core::outcome::Outcome,
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module},
};

/// Runs of milliseconds are over long before; the grace period is ten seconds.
const SOON: Duration = Duration::from_secs(5);

const OBJECTS: usize = 40;

/// Hosts that are started and stopped.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_stopped_amid_its_runs_ends_with_them() {
    let hello = module("hello");
    let cluster = Cluster::start(&[]).await;
    for nth in 0..OBJECTS {
        cluster.ask_hello(&format!("one-{nth}"), "0").await;
    }
    let manifest = manifest("hello");
    let files = [("hello.yaml", manifest.as_bytes()), ("hello.wasm", &*hello)];
    for round in 1..=ROUNDS {
        let host = Host::start_with(&cluster, Hosting::default(), &files).await;
        host.serving("hello").await;
        // Nothing is written, so no watch wakes the host: the ends of its runs are all that it hears of.
        host.until_idle().await;
        let all = Command::Reconcile { module: "hello".to_owned(), object: None };
        assert!(matches!(host.command(&all).await, Answer::Done { .. }));
        let since = Instant::now();
        let runs = host.stop().await;
        assert!(since.elapsed() < SOON, "round {round} ended after {:?}", since.elapsed());
        assert!(!runs.is_empty(), "the host was stopped before it ran anything");
        runs.iter().for_each(|seen| assert_eq!(seen.run.outcome, Outcome::Done, "{:?}", seen.run));
    }
    cluster.stop().await;
}
