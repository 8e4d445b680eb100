//! What a reconcile costs the host that reads its object and writes nothing, on one processor and on two.
//!
//! An operator's `windlass reconcile` puts every request of the module into the queue; each is dispatched, run in a fresh
//! instance that reads its object from the cache, and ends. No byte goes to the API server meanwhile.
//!
//! What else runs on the machine, and on the other half of its cores, makes a run dearer by up to a half and never cheaper:
//! of many short rounds, in turn on one processor and on two, the best tenth is what the program costs.

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
const ROUNDS: usize = 40;
/// Of the rounds, in percent.
const BEST: usize = 10;

/// A host that has used less than a fortieth of a processor for so long has done its work.
const AT_REST: Duration = Duration::from_millis(20);

/// One go.
struct Round {
    cpu_us: f64,
    runs_per_second: f64,
    took: Duration,
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
    // In turn: what else the machine does meets both. The first one only says how long the next one will take.
    for _ in 0..=rounds {
        for (host, done) in &mut hosts {
            let took = done.last().map_or(Duration::ZERO, |last: &Round| last.took);
            done.push(round(host, requests, took)?);
        }
    }
    let of = |nth: usize, percent: usize, part: fn(&Round) -> f64| {
        percentile(hosts[nth].1.iter().skip(1).map(part).collect(), percent)
    };
    let figures = &mut bench.figures;
    let cost = |nth: usize, percent: usize| of(nth, percent, |round| round.cpu_us);
    figures.add("reconcile, a read and no write: processor time", cost(1, BEST), "us", Aim::AtMost(25.0));
    figures.add("the same: median", cost(1, 50), "us", Aim::None);
    figures.add("the same on one processor", cost(0, BEST), "us", Aim::None);
    figures.add("the same on one processor: median", cost(0, 50), "us", Aim::None);
    let speed = |nth: usize, percent: usize| of(nth, percent, |round| round.runs_per_second);
    figures.add("reconciles a second on one processor", speed(0, 100 - BEST), "/s", Aim::None);
    let cores = available_parallelism().map_or(1, usize::from);
    let aim = if cores == 2 { Aim::AtLeast(1.8) } else { Aim::None };
    let ratio = |percent: usize| speed(1, percent) / speed(0, percent);
    figures.add(format!("the same on {cores} / on one"), ratio(100 - BEST), "x", aim);
    figures.add(format!("the same on {cores} / on one: medians"), ratio(50), "x", Aim::None);
    Ok(())
}

/// Runs every request once. How many processors are at work is looked at twice only, in the middle of what took so long
/// the last time: to look takes a processor, too.
fn round(host: &Host, requests: usize, took: Duration) -> Result<Round> {
    let (runs, before) = (host.runs()?, process::cpu(host.program.id())?);
    host.reconcile_all("stranger")?;
    sleep(took * 3 / 20);
    let (first, begun) = (process::cpu(host.program.id())?, Instant::now());
    sleep((took / 2).max(AT_REST));
    let busy = (process::cpu(host.program.id())? - first).div_duration_f64(begun.elapsed());
    let cpu = at_rest(host)? - before;
    let runs = host.runs()? - runs;
    ensure!(runs == requests as u64, "{runs} runs, and {requests} were asked for");
    let took = cpu.div_f64(busy);
    let runs_per_second = runs as f64 / took.as_secs_f64();
    Ok(Round { cpu_us: cpu.as_secs_f64() * 1e6 / runs as f64, runs_per_second, took })
}

/// Waits until a host does nothing; what it has used until then.
fn at_rest(host: &Host) -> Result<Duration> {
    let mut used = process::cpu(host.program.id())?;
    loop {
        sleep(AT_REST);
        let now = process::cpu(host.program.id())?;
        if now.saturating_sub(used) < AT_REST / 40 {
            return Ok(now);
        }
        used = now;
    }
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
