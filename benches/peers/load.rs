//! A busy host: 1,000 changes a second over 50 modules, while 100,000 objects of another kind are listed anew again
//! and again. How long from a change on the wire to the order to run, and what the relists cost in memory.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench load`. Reflector, cache and pipeline are wired as the
//! host wires them; a run ends at once, because what guests do is measured elsewhere. `WINDLASS_BENCH_PODS` sets
//! another number of objects.

#[path = "load/host.rs"]
mod host;
#[path = "load/widgets.rs"]
mod widgets;

use host::{Host, Measured};
use std::{env, sync::Arc, time::Duration};
use widgets::{Widgets, pages};
use windlass_peers::{
    figure::{LOAD_P99, LOAD_PEAK, as_lines},
    measure::{Counting, Stretch},
    pods,
    server::Server,
    table::OURS,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CHANGES_PER_SECOND: usize = 1_000;
/// Changes that go out together.
const BURST: usize = 10;
const PHASE: Duration = Duration::from_secs(10);

fn main() {
    let pods =
        env::var("WINDLASS_BENCH_PODS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000_usize);
    let pods = pods / 500 * 500;
    let (pages_of_pods, json) = pods::pages(pods, pods::made(pods, false));
    let server = Server::new(pages_of_pods).and("Widget", "widgets", pages());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let begin = Stretch::begin();
    let (calm, busy, relists, peak) = runtime.block_on(async {
        let widgets = Arc::new(Widgets::new(server.clone()));
        let host = Host::start(&server, widgets.clone());
        host.until_quiet(&server).await;
        let steady = begin.cost().held;
        tell(&widgets).await;
        let calm = Times::of(host.measured());
        let relisting = Stretch::begin();
        let (relists, ()) = tokio::join!(host.relist(&server, PHASE), tell(&widgets));
        let peak = (steady + relisting.cost().peak) as f64 / steady as f64;
        (calm, Times::of(host.measured()), relists, peak)
    });
    if as_lines() {
        println!("{}\n{}", LOAD_P99.line(OURS, busy.p99), LOAD_PEAK.line(OURS, peak));
        return;
    }
    println!(
        "{pods} Pods of {} bytes, {} modules, {CHANGES_PER_SECOND} changes a second, {PHASE:?} each\n",
        json / pods,
        host::MODULES
    );
    println!(
        "{:<34} {:>10} {:>10} {:>10} {:>8}  aim",
        "change on the wire to order to run", "p50", "p99", "most", "orders"
    );
    calm.row("no relist", "");
    busy.row(&format!("during {relists} relists"), "p99 50 ms");
    println!("\nmost bytes live during the relists / before them: {peak:.2} (aim 1.3)");
}

/// From a change to the order to run, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
    most: f64,
    orders: usize,
}

impl Times {
    fn of(mut measured: Measured) -> Self {
        measured.sort_unstable();
        let at = |share: f64| measured[((measured.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        Self { p50: at(0.5), p99: at(0.99), most: at(1.0), orders: measured.len() }
    }

    fn row(&self, what: &str, aim: &str) {
        let Self { p50, p99, most, orders } = self;
        println!("{what:<34} {p50:>7.2} ms {p99:>7.2} ms {most:>7.2} ms {orders:>8}  {aim}");
    }
}

/// Changes one widget after the other, in bursts, for a phase.
async fn tell(widgets: &Widgets) {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / (CHANGES_PER_SECOND / BURST) as u32);
    for _ in 0..PHASE.as_secs() as usize * CHANGES_PER_SECOND / BURST {
        pace.tick().await;
        widgets.change(BURST);
    }
    // The last ones are still on their way.
    tokio::time::sleep(Duration::from_secs(1)).await;
}
