//! The memory of a host with many different modules that have worked and now idle, and how soon a sleeper is awake.
//!
//! Each module is its own code, has its own label and one ConfigMap that only it reconciles.

use crate::{Bench, plot};
use anyhow::{Context as _, Result};
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_benches::{
    cluster::{Cluster, Folder, Host},
    figure::{Aim, percentile},
    process::{self, Memory},
};

/// How many modules at a time.
const SIZES: [usize; 4] = [10, 100, 1_000, 5_000];

/// By then modules sleep that have nothing to do (a minute, as hosts have it by default, and some seconds for looks), and
/// what they left has gone back to the system (ten seconds later at most).
const ASLEEP: Duration = Duration::from_secs(78);

/// Sleepers that are woken one after the other.
const SLEEPERS: usize = 100;

/// What a host with so many modules takes.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) modules: usize,
    pub(crate) memory: Memory,
}

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let mut points = Vec::new();
    let modules_max = bench.modules_max;
    for modules in SIZES.into_iter().filter(|modules| *modules <= modules_max) {
        points.push(with_modules(bench, modules).await?);
    }
    if points.len() == SIZES.len() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        plot::write(folder, &points)?;
    }
    Ok(())
}

async fn with_modules(bench: &mut Bench, modules: usize) -> Result<Point> {
    let cluster = Cluster::start()?;
    let folder = Folder::new()?;
    for nth in 0..modules {
        let name = name(nth);
        folder.add(&name, &bench.stranger.numbered(nth), &bench.stranger.manifest(&name, ""))?;
    }
    let begun = Instant::now();
    let mut host = Host::open(&cluster, folder, &["WINDLASS_LOG=info,windlass::run=debug"])?;
    host.wait_for_lines(modules, &["module serves"])?;
    let started = begun.elapsed();
    let mut connection = cluster.access.connect().await?;
    for nth in 0..modules {
        Cluster::with_map(&mut connection, &name(nth), nth, r#"{"left":"0"}"#).await?;
    }
    host.wait_for_lines(modules, &["DEBUG run", "outcome=success"])?;
    sleep(ASLEEP);
    let memory = process::memory(host.program.id())?;
    let aim = match modules {
        100 => Aim::AtMost(30.0),
        1_000 => Aim::AtMost(48.0),
        _ => Aim::None,
    };
    let figures = &mut bench.figures;
    figures.add(format!("{modules} modules, idle after work: resident"), memory.rss, "MiB", aim);
    figures.add("the same: proportional", memory.pss, "MiB", Aim::None);
    figures.add("the same: not of a file", memory.anonymous, "MiB", Aim::None);
    let compiled = started.as_secs_f64() * 1e3 / modules as f64;
    figures.add("the same: start, all compiled, per module", compiled, "ms", Aim::None);
    if modules == 1_000 {
        let mut times = Vec::new();
        for nth in (0..modules).step_by(modules / SLEEPERS) {
            times.push(wake(&cluster, &mut host, nth).await?);
        }
        let [median, p99] = [50, 99].map(|percent| percentile(times.clone(), percent));
        figures.add("a sleeper's first reconcile", median, "ms", Aim::AtMost(1.0));
        figures.add("the same: 99th percentile", p99, "ms", Aim::None);
    }
    Ok(Point { modules, memory })
}

fn name(nth: usize) -> String {
    format!("stranger-{nth}")
}

/// Changes a sleeper's object; the host says how long the run took, from the order to run to its end.
async fn wake(cluster: &Cluster, host: &mut Host, nth: usize) -> Result<f64> {
    let mut connection = cluster.access.connect().await?;
    Cluster::with_map(&mut connection, &name(nth), nth, r#"{"left":"0","woken":"yes"}"#).await?;
    let line = host.program.wait_for(&["DEBUG run", "outcome=success"])?.text;
    took_ms(&line).with_context(|| format!("no time in {line}"))
}

/// The time of a run in its line of the log.
pub(crate) fn took_ms(line: &str) -> Option<f64> {
    let took = line.split(" took=").nth(1)?.split_whitespace().next()?;
    let units = [("µs", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| Some((took.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * factor)
}
