//! What a reconcile costs the host that reads its object and writes nothing, on one processor and on two.
//!
//! An operator's `windlass reconcile` puts every request of the module into the queue; each is dispatched, run in a fresh
//! instance that reads its object from the cache, and ends. No byte goes to the API server meanwhile.
//!
//! What else runs on the machine, and on the other half of its cores, makes a run dearer by up to a half and never cheaper:
//! of many short rounds, in turn on one processor and on two, the best tenth is what the program costs.

use crate::Bench;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::{
    thread::{self, available_parallelism, sleep},
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

/// Rounds of the same work.
#[derive(Default)]
struct Rounds {
    /// Of a host on the first processor.
    one: Vec<Round>,
    /// Of a host on all of them.
    all: Vec<Round>,
    /// Runs a second of two hosts at once, on the first processor and on the last: what the machine has to give.
    apart: Vec<f64>,
}

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let (requests, rounds) = if bench.quick { (REQUESTS / 4, 2) } else { (REQUESTS, ROUNDS) };
    let cluster = Cluster::start()?;
    let mut connection = cluster.access.connect().await?;
    for nth in 0..requests {
        Cluster::with_map(&mut connection, &format!("map-{nth}"), 0, r#"{"left":"0"}"#).await?;
    }
    let all = sched_getaffinity(None)?;
    let mut processors = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
    let first = processors.next().context("no processor")?;
    let last = processors.next_back().unwrap_or(first);
    let mut hosts = Vec::new();
    for on in [one(first), all, one(last)] {
        let folder = Folder::new()?;
        let manifest = bench.stranger.manifest("stranger", "  concurrency: 16");
        folder.add("stranger", &bench.stranger.numbered(0), &manifest)?;
        let mut host = on_processors(on, || Host::open(&cluster, folder, &["WINDLASS_LOG=info"]))?;
        host.wait_for_lines(1, &["module serves"])?;
        while host.runs()? < requests as u64 {
            sleep(AT_REST);
        }
        hosts.push(host);
    }
    let [first, both, last] = &mut hosts[..] else { bail!("three hosts were begun") };
    show(bench, &in_turn([first, both, last], requests, rounds)?);
    Ok(())
}

/// In turn, so that what else the machine does meets all. The first rounds only say how long the next ones will take.
fn in_turn([first, both, last]: [&mut Host; 3], requests: usize, rounds: usize) -> Result<Rounds> {
    let mut done = Rounds::default();
    let mut took =
        [round(first, requests, Duration::ZERO)?.took, round(both, requests, Duration::ZERO)?.took];
    for _ in 0..rounds {
        let one = round(first, requests, took[0])?;
        let all = round(both, requests, took[1])?;
        took = [one.took, all.took];
        done.one.push(one);
        done.all.push(all);
        let apart = thread::scope(|scope| {
            // A host may be another thread's, but not two threads'.
            let last = &mut *last;
            let other = scope.spawn(move || round(last, requests, took[0]));
            let one = round(first, requests, took[0])?;
            let other = other.join().map_err(|_panic| anyhow!("a round panicked"))??;
            Ok::<_, anyhow::Error>(one.runs_per_second + other.runs_per_second)
        });
        done.apart.push(apart?);
    }
    Ok(done)
}

fn show(bench: &mut Bench, rounds: &Rounds) {
    let figures = &mut bench.figures;
    let cost = |of: &[Round], percent| percentile(of.iter().map(|round| round.cpu_us).collect(), percent);
    let speed =
        |of: &[Round], percent| percentile(of.iter().map(|one| one.runs_per_second).collect(), percent);
    let Rounds { one, all, apart } = rounds;
    figures.add("reconcile, a read and no write: processor time", cost(all, BEST), "us", Aim::AtMost(25.0));
    figures.add("the same: median", cost(all, 50), "us", Aim::None);
    figures.add("the same on one processor", cost(one, BEST), "us", Aim::None);
    figures.add("the same on one processor: median", cost(one, 50), "us", Aim::None);
    let fastest = 100 - BEST;
    figures.add("reconciles a second on one processor", speed(one, fastest), "/s", Aim::None);
    let cores = available_parallelism().map_or(1, usize::from);
    let aim = if cores == 2 { Aim::AtLeast(1.8) } else { Aim::None };
    let name = format!("the same on {cores} / on one");
    figures.add(name.clone(), speed(all, fastest) / speed(one, fastest), "x", aim);
    figures.add(format!("{name}: medians"), speed(all, 50) / speed(one, 50), "x", Aim::None);
    let name = "the same, two hosts of one processor each / one of them";
    figures.add(name, percentile(apart.clone(), fastest) / speed(one, fastest), "x", Aim::None);
    figures.add(format!("{name}: medians"), percentile(apart.clone(), 50) / speed(one, 50), "x", Aim::None);
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

fn one(processor: usize) -> CpuSet {
    let mut only = CpuSet::new();
    only.set(processor);
    only
}

/// Does something whose child may use these processors only; children inherit it.
fn on_processors<R>(processors: CpuSet, work: impl FnOnce() -> Result<R>) -> Result<R> {
    let all = sched_getaffinity(None)?;
    sched_setaffinity(None, &processors)?;
    let done = work();
    sched_setaffinity(None, &all)?;
    done
}
