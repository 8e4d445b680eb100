//! What a reconcile costs the host that reads its object and writes nothing, on one processor and on two.
//!
//! An operator's `windlass reconcile` puts every request of the module into the queue; each is dispatched, run in a fresh
//! instance that reads its object from the cache, and ends. No byte goes to the API server meanwhile.

use crate::Bench;
use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::{
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};
use windlass_benches::{
    cluster::{Cluster, Folder, Host},
    figure::{Aim, percentile},
    process,
};

/// Requests that are run in one go.
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 5;

/// A host that has used no processor time for so long has done its work.
const AT_REST: Duration = Duration::from_millis(150);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// One go.
struct Round {
    cpu_us: f64,
    runs_per_second: f64,
}

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let (requests, rounds) = if bench.quick { (REQUESTS / 4, 2) } else { (REQUESTS, ROUNDS) };
    let cluster = Cluster::start()?;
    let mut connection = cluster.access.connect().await?;
    for nth in 0..requests {
        Cluster::with_map(&mut connection, &format!("map-{nth}"), 0, r#"{"left":"0"}"#).await?;
    }
    let mut hosts = Vec::new();
    for one_processor in [true, false] {
        let folder = Folder::new()?;
        let manifest = bench.stranger.manifest("stranger", "  concurrency: 16");
        folder.add("stranger", &bench.stranger.numbered(0), &manifest)?;
        let mut host = on_processors(one_processor, || Host::open(&cluster, folder, &["WINDLASS_LOG=info"]))?;
        host.wait_for_lines(1, &["module serves"])?;
        while host.runs()? < requests as u64 {
            sleep(AT_REST);
        }
        hosts.push((host, Vec::new()));
    }
    // In turn: what else the machine does meets both.
    for _ in 0..rounds {
        for (host, done) in &mut hosts {
            done.push(round(host, requests)?);
        }
    }
    let of = |nth: usize, part: fn(&Round) -> f64| {
        let rounds: &Vec<Round> = &hosts[nth].1;
        percentile(rounds.iter().map(part).collect(), 50)
    };
    let aim = Aim::AtMost(25.0);
    bench.figures.add(
        "reconcile, a read and no write: processor time",
        of(1, |round| round.cpu_us),
        "us",
        aim,
    );
    bench.figures.add("the same on one processor", of(0, |round| round.cpu_us), "us", Aim::None);
    let speeds = [0, 1].map(|nth| of(nth, |round| round.runs_per_second));
    bench.figures.add("reconciles a second on one processor", speeds[0], "/s", Aim::None);
    let cores = available_parallelism().map_or(1, usize::from);
    let aim = if cores == 2 { Aim::AtLeast(1.8) } else { Aim::None };
    bench.figures.add(format!("the same on {cores} / on one"), speeds[1] / speeds[0], "x", aim);
    Ok(())
}

/// Runs every request once.
fn round(host: &Host, requests: usize) -> Result<Round> {
    let (runs, cpu) = (host.runs()?, process::cpu(host.program.id())?);
    host.reconcile_all("stranger")?;
    let took = at_rest(host)?;
    let cpu = process::cpu(host.program.id())? - cpu;
    let runs = host.runs()? - runs;
    ensure!(runs == requests as u64, "{runs} runs, and {requests} were asked for");
    Ok(Round {
        cpu_us: cpu.as_secs_f64() * 1e6 / runs as f64,
        runs_per_second: runs as f64 / took.as_secs_f64(),
    })
}

/// Waits until a host does nothing; answers for how long it did something.
fn at_rest(host: &Host) -> Result<Duration> {
    let begun = Instant::now();
    let (mut used, mut last) = (process::cpu(host.program.id())?, begun);
    while last.elapsed() < AT_REST {
        sleep(LOOK_EVERY);
        let now = process::cpu(host.program.id())?;
        if now != used {
            (used, last) = (now, Instant::now());
        }
    }
    Ok(last - begun)
}

/// Does something whose child may use the first processor only; children inherit it.
fn on_processors<R>(one: bool, work: impl FnOnce() -> Result<R>) -> Result<R> {
    let all = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).context("no processor")?;
    if one {
        let mut only = CpuSet::new();
        only.set(first);
        sched_setaffinity(None, &only)?;
    }
    let done = work();
    sched_setaffinity(None, &all)?;
    done
}
