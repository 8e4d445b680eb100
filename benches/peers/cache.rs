//! The cache beside kube-rs's reflector store: memory, first list, relist, ingest of a watch event, lists.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench cache`. Both sides ask the same server in this process
//! and get the same bytes. Processor time is that of the one thread that each side runs on; bytes are those that were
//! asked of the allocator, unless a row says resident. 100,000 Pods need 9 GB, for kube-rs; `WINDLASS_BENCH_PODS`
//! sets another number.

#[path = "cache/kube_rs.rs"]
mod kube_rs;
#[path = "cache/ours.rs"]
mod ours;

use kube_rs::KubeRs;
use ours::Ours;
use std::{env, time::Duration};
use windlass_peers::{
    measure::{Cost, Counting, cpu},
    pods::{self, Pod, WORKLOAD},
    server::Server,
    table::Table,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LABEL: &str = "app.kubernetes.io/name";
const LISTS: usize = 500;

/// What one side showed with one set of Pods.
struct Shown {
    first: Cost,
    relist: Cost,
    event: Duration,
    by_label: Duration,
    by_owner: Duration,
}

/// The Pods of one run through both sides.
struct Load {
    pods: usize,
    managed: bool,
    events: usize,
}

/// Runs the same steps on one side: each is its own type, and shares no trait with the other.
macro_rules! show {
    ($side:ty, $load:expr, $server:expr) => {{
        let (load, server) = (&$load, &$server);
        let mut side = <$side>::new(server);
        let first = side.sync();
        side.follow(server);
        server.expire();
        let relist = side.sync();
        side.follow(server);
        let event = (0..3).map(|round| {
            server.tell(lines(load, round).into());
            side.events(load.events)
        });
        let event = event.min().unwrap_or_default() / load.events as u32;
        let (app, uid) = (pods::app(load.pods / WORKLOAD / 2), pods::owner_uid(load.pods / WORKLOAD / 2));
        let by_label = timed(|| side.by_label(LABEL, &app).len());
        let by_owner = timed(|| side.by_owner(&uid).len());
        Shown { first, relist, event, by_label, by_owner }
    }};
}

/// Every so many Pods one that changed.
fn lines(load: &Load, round: usize) -> String {
    let step = load.pods / load.events;
    let pod = |n| Pod { n: n * step, version: load.pods * (round + 2) + n, managed: load.managed };
    (0..load.events).map(|n| pod(n).line("MODIFIED")).collect()
}

fn timed(mut list: impl FnMut() -> usize) -> Duration {
    assert_eq!(list(), WORKLOAD);
    let begun = cpu();
    let mut found = 0;
    let mut lists = 0;
    while lists < LISTS && cpu() - begun < Duration::from_secs(2) {
        found += list();
        lists += 1;
    }
    assert_eq!(found, lists * WORKLOAD);
    (cpu() - begun) / lists as u32
}

fn main() {
    let pods = env::var("WINDLASS_BENCH_PODS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let pods = pods / 500 * 500;
    for (managed, pods) in [(false, pods), (true, pods / 5)] {
        let load = Load { pods, managed, events: (pods / 10).min(10_000) };
        let (pages, json) = pods::pages(pods, managed);
        let server = Server::new(pages);
        let title = format!(
            "\n{pods} Pods of {} bytes{}",
            json / pods,
            if managed { ", managedFields among them" } else { "" }
        );
        let table = Table::begin(&title, "kube-rs");
        let theirs = show!(KubeRs, load, server);
        let ours = show!(Ours, load, Server::new(server.pages()));
        report(&table, &load, json, &ours, &theirs);
    }
}

fn report(table: &Table, load: &Load, json: usize, ours: &Shown, theirs: &Shown) {
    let seconds = |time: Duration| time.as_secs_f64();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let over = |bytes: usize, base: usize| bytes as f64 / base as f64;
    let row = |what: &str, of: &dyn Fn(&Shown) -> f64, unit: &str, aim: &str| {
        table.row(what, of(ours), Some(of(theirs)), unit, aim);
    };
    let aim = |aim| if load.managed { "" } else { aim };
    row("bytes held / bytes of JSON", &|side| over(side.first.held, json), "x", aim("1.1"));
    row("the same, resident", &|side| over(side.first.resident, json), "x", "");
    row("first list: peak / held", &|side| over(side.first.peak, side.first.held), "x", aim("1.3"));
    row("first list: processor time", &|side| seconds(side.first.cpu), "s", aim("ratio 5"));
    let relist = |side: &Shown| over(side.first.held + side.relist.peak, side.first.held);
    row("relist, nothing changed: peak / held", &relist, "x", aim("1.3"));
    row("relist: processor time", &|side| seconds(side.relist.cpu), "s", "");
    row("watch event into the cache: processor time", &|side| micros(side.event), "us", aim("8"));
    row("list 100 by label: processor time", &|side| micros(side.by_label), "us", aim("20"));
    row("list 100 by owner: processor time", &|side| micros(side.by_owner), "us", aim("20"));
}
