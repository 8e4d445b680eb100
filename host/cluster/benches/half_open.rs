//! How long until a watch over a half-open connection goes on: a TCP proxy swallows every byte from a random moment on,
//! with the settings that users have. Takes some minutes; prints one line.
//!
//! `cargo bench -p windlass-cluster --bench half_open`. The same experiment with `kube`'s watcher took 295 s.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first surprise, and tells its figure"
)]

#[path = "../tests/connection/proxy.rs"]
mod proxy;
#[path = "../tests/connection/server.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod server;

use proxy::Proxy;
use server::{Options, Server};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use windlass_cluster::{
    connect::Liveness,
    discovery::Discovery,
    reflector::{self, Delta, Reflector, Sink, WatchError},
};
use windlass_core::{description::Selection, input::WatchSpec, name::Kind};

const ROUNDS: usize = 5;

struct Nothing;

impl Sink for Nothing {
    async fn begin(&mut self) {}
    async fn stage(&mut self, _: Vec<Delta>) {}
    async fn commit(&mut self, _: &str) {}
    async fn change(&mut self, _: Vec<Delta>, _: &str) {}
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, _: &WatchError, _: Duration) {}
    async fn absent(&mut self) {}
}

/// From the last byte that passed to the next watch.
async fn round() -> Duration {
    let server = Server::start(Options::default()).await;
    let proxy = Proxy::start(server.port).await;
    let connection = server.connect(proxy.port, Liveness::default()).await;
    let reflector =
        Reflector::new(connection.clone(), Discovery::new(&connection), reflector::Settings::default());
    let spec = WatchSpec {
        kind: Kind::new("v1", "ConfigMap"),
        selection: Selection::default(),
        metadata_only: false,
        plan: Arc::default(),
    };
    let _running = reflector.start(spec, Nothing);
    server.until_seen(1).await;
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1_100..21_000))).await;
    proxy.swallow();
    let since = Instant::now();
    while server.seen().len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.seen()[1].line, "WATCH rv=5", "no relist");
    since.elapsed()
}

#[tokio::main]
async fn main() {
    let mut times = futures::future::join_all((0..ROUNDS).map(|_| round())).await;
    times.sort();
    let seconds = |at: usize| times[at].as_secs_f64();
    println!(
        "a half-open watch goes on after {:.1} s (median), {:.1} s (worst of {ROUNDS}); kube 295 s",
        seconds(ROUNDS / 2),
        seconds(ROUNDS - 1)
    );
}
