//! The cache beside kube-rs's reflector store: memory, first list, relist, ingest of a watch event, lists.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench cache`. Both sides ask the same server in this process
//! and get the same bytes. Processor time is that of the one thread that each side runs on; bytes are those that were
//! asked of the allocator, unless a row says resident. 100,000 Pods need 9 GB, for kube-rs; `WINDLASS_BENCH_PODS`
//! sets another number, and `--pods` names a file of them.

#[path = "cache/kube_rs.rs"]
mod kube_rs;
#[path = "cache/ours.rs"]
mod ours;

use kube_rs::KubeRs;
use ours::Ours;
use std::{env, path::Path, process::Command, time::Duration};
use windlass_peers::{
    figure::{
        BY_LABEL, BY_OWNER, EVENT, EVENT_FOUND, FIRST, FIRST_CPU, FIRST_PEAK, Figure, HELD, RELIST_CPU,
        RELIST_PEAK, RESIDENT, argument, median,
    },
    measure::{Cost, Counting, cpu},
    pods::{self, Pod, WORKLOAD},
    server::Server,
    table::{KUBE_RS, OURS, Table},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LABEL: &str = "app.kubernetes.io/name";
const LISTS: usize = 500;

/// In the arguments: which side is to be shown.
const SIDE: &str = "--side";
/// In the arguments: the file with the Pods, as the program `pods` writes it.
const PODS: &str = "--pods";

/// What one side showed with one set of Pods.
struct Shown {
    json: usize,
    first: Cost,
    relist: Cost,
    event: Duration,
    event_found: Duration,
    by_label: Duration,
    by_owner: Duration,
}

const FIGURES: [Figure; 11] = [
    HELD,
    RESIDENT,
    FIRST_PEAK,
    FIRST,
    FIRST_CPU,
    RELIST_PEAK,
    RELIST_CPU,
    EVENT,
    EVENT_FOUND,
    BY_LABEL,
    BY_OWNER,
];

impl Shown {
    /// In the order of [`FIGURES`].
    fn values(&self) -> [f64; 11] {
        let over = |bytes: usize, base: usize| bytes as f64 / base as f64;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        [
            over(self.first.held, self.json),
            over(self.first.resident, self.json),
            over(self.first.peak, self.first.held),
            self.first.time.as_secs_f64(),
            self.first.cpu.as_secs_f64(),
            over(self.first.held + self.relist.peak, self.json),
            self.relist.cpu.as_secs_f64(),
            micros(self.event),
            micros(self.event_found),
            micros(self.by_label),
            micros(self.by_owner),
        ]
    }
}

/// The Pods of one run through both sides.
struct Load {
    pods: usize,
    managed: bool,
    events: usize,
}

/// Runs the same steps on one side: each is its own type, and shares no trait with the other.
macro_rules! show {
    ($side:ty, $load:expr, $server:expr, $json:expr) => {{
        let (load, server) = (&$load, &$server);
        let mut side = <$side>::new(server);
        let first = side.sync();
        side.follow(server);
        server.expire("pods");
        let relist = side.sync();
        side.follow(server);
        let middle = |side: &mut $side, rounds: std::ops::Range<usize>| {
            let round = |round| {
                server.tell("pods", lines(load, round).into());
                side.events(load.events).as_secs_f64() / load.events as f64
            };
            Duration::from_secs_f64(median(rounds.map(round).collect()).unwrap_or_default())
        };
        let event = middle(&mut side, 0..3);
        side.find_fields();
        let event_found = middle(&mut side, 3..6);
        let (app, uid) = (pods::app(load.pods / WORKLOAD / 2), pods::owner_uid(load.pods / WORKLOAD / 2));
        let by_label = timed(|| side.by_label(LABEL, &app).len());
        let by_owner = timed(|| side.by_owner(&uid).len());
        Shown { json: $json, first, relist, event, event_found, by_label, by_owner }
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

/// One side with one set of Pods, in a process of its own: what the other left behind would count as its memory.
fn main() {
    let mut arguments = env::args().skip_while(|argument| argument != SIDE).skip(1);
    if let Some(side) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).expect("a number");
        let load = Load { pods: number(), managed: number() == 1, events: number() };
        let (pages, json) = match argument(PODS) {
            Some(file) => pods::pages(load.pods, pods::read(Path::new(&file)).expect("a file of Pods")),
            None => pods::pages(load.pods, pods::made(load.pods, load.managed)),
        };
        let server = Server::new(pages);
        let shown =
            if side == OURS { show!(Ours, load, server, json) } else { show!(KubeRs, load, server, json) };
        println!("{}", shown.values().map(|value| value.to_string()).join(" "));
        return;
    }
    if let Some(file) = argument(PODS) {
        let pods = pods::read(Path::new(&file)).expect("a file of Pods").count();
        return compare(&Load { pods, managed: false, events: (pods / 10).min(10_000) });
    }
    let pods = env::var("WINDLASS_BENCH_PODS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let pods = pods / 500 * 500;
    for (managed, pods) in [(false, pods), (true, pods / 5)] {
        compare(&Load { pods, managed, events: (pods / 10).min(10_000) });
    }
}

fn compare(load: &Load) {
    let Load { pods, managed, .. } = *load;
    let sample = (0..100).map(|n| Pod { n, version: pods, managed }.item().len()).sum::<usize>() / 100;
    let managed = if managed { ", managedFields among them" } else { "" };
    let table = Table::begin(&format!("\n{pods} Pods of about {sample} bytes{managed}"));
    let (ours, theirs) = (shown_by(OURS, load), shown_by(KUBE_RS, load));
    for (figure, (ours, theirs)) in FIGURES.iter().zip(ours.iter().zip(theirs)) {
        table.row(figure, *ours, theirs);
    }
}

fn shown_by(side: &str, load: &Load) -> [f64; 11] {
    let numbers = [load.pods, usize::from(load.managed), load.events].map(|number| number.to_string());
    let program = env::current_exe().expect("this program has a path");
    let file = argument(PODS).map(|file| [PODS.to_owned(), file]);
    let mut again = Command::new(program);
    again.arg(SIDE).arg(side).args(numbers).args(file.iter().flatten());
    let ran = again.output().expect("this program runs again");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8_lossy(&ran.stdout);
    let values: Vec<f64> = said.split_whitespace().filter_map(|value| value.parse().ok()).collect();
    values.try_into().expect("as many values as figures")
}
