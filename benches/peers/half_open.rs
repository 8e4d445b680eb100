//! How long until a watch over a half-open connection goes on: a TCP proxy swallows every byte from some moment on, and
//! each side has the settings that its users have.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench half_open`. All rounds wait at once: five minutes for
//! kube-rs, which `--quick` leaves out. `--client-go` names the built program of `benches/client-go`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first surprise, and tells its figure"
)]

#[path = "../../host/cluster/tests/connection/proxy.rs"]
mod proxy;
#[path = "../../host/cluster/tests/connection/server.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod server;
#[path = "half_open/sides.rs"]
mod sides;

use futures::future::join_all;
use proxy::Proxy;
use server::{Options, Server};
use sides::Side;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use windlass_peers::figure::{HALF_OPEN, argument, as_lines, median};

const ROUNDS: u32 = 5;
/// The rounds begin at different distances from the last byte that the client heard.
const SILENT_AFTER: Duration = Duration::from_millis(1_100);
const APART: Duration = Duration::from_secs(5);
/// Longer than any side needs that notices at all.
const PATIENCE: Duration = Duration::from_secs(900);

/// From the last byte that passed to the next watch; and the requests that led there.
async fn round(side: &Side, number: u32) -> (f64, Vec<String>) {
    let server = Server::start(Options::default()).await;
    let proxy = Proxy::start(server.port).await;
    let _client = side.follow(&server, proxy.port).await;
    timeout(PATIENCE, until_watches(&server, 1)).await.expect("the client watches");
    sleep(SILENT_AFTER + APART * number).await;
    let before = server.seen().len();
    proxy.swallow();
    let since = Instant::now();
    timeout(PATIENCE, until_watches(&server, 2)).await.expect("the client notices");
    let seen = server.seen();
    (since.elapsed().as_secs_f64(), seen[before..].iter().map(|seen| seen.line.clone()).collect())
}

/// Polls: the answer is in seconds.
async fn until_watches(server: &Server, count: usize) {
    while server.seen().iter().filter(|seen| seen.line.starts_with("WATCH")).count() < count {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::main]
async fn main() {
    let mut sides = vec![Side::Ours];
    sides.extend(argument("--client-go").map(|program| Side::ClientGo(program.into())));
    if !std::env::args().any(|argument| argument == "--quick") {
        sides.push(Side::KubeRs);
    }
    let of_side = |side| join_all((0..ROUNDS).map(move |number| round(side, number)));
    for (side, rounds) in sides.iter().zip(join_all(sides.iter().map(of_side)).await) {
        let times: Vec<f64> = rounds.iter().map(|(time, _)| *time).collect();
        if as_lines() {
            times.iter().for_each(|time| println!("{}", HALF_OPEN.line(side.name(), *time)));
        } else {
            let worst = times.iter().copied().fold(0.0, f64::max);
            let middle = median(times).unwrap_or_default();
            let then = rounds[0].1.join(", ");
            println!(
                "{:<10} goes on after {middle:.1} s (median), {worst:.1} s (worst of {ROUNDS}), with {then}",
                side.name()
            );
        }
        if matches!(side, Side::Ours) {
            assert!(rounds.iter().all(|(_, then)| *then == ["WATCH rv=5"]), "no relist: {rounds:?}");
        }
    }
}
