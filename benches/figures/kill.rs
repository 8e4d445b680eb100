//! How soon a loop is ended after its deadline, and what its neighbours notice of it.
//!
//! Neighbours' latency is from a patch by hand to the watch event of the write that a module does on it. Rounds with a loop
//! and without one take turns.

use crate::{Bench, memory::took_ms};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use windlass_benches::{
    client::{Connection, Watch},
    cluster::{Cluster, Folder, Host, MAPS},
    figure::{Aim, percentile},
    program::{finish, windlass},
    sample::target_dir,
};

const ROUNDS: usize = 20;
/// Of a round.
const PINGS: usize = 50;
const BETWEEN_PINGS: Duration = Duration::from_millis(10);
/// Longer than a round; the log tells times below a second to the millisecond.
const DEADLINE_MS: f64 = 900.0;
const LIMITS: &str = "  limits: {deadline: 900ms, cpuPerRun: 900ms}";

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let rounds = if bench.quick { 2 } else { ROUNDS };
    let cluster = Cluster::start()?;
    let mut hand = cluster.access.connect().await?;
    hand.apply(&format!("{MAPS}/end"), r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"end"}}"#)
        .await?;
    let folder = Folder::new()?;
    folder.add("stranger", &bench.stranger.numbered(0), &bench.stranger.manifest("stranger", ""))?;
    add_loops(&folder)?;
    let mut host = Host::open(&cluster, folder, &["WINDLASS_LOG=info"])?;
    host.wait_for_lines(2, &["module serves"])?;
    Cluster::with_map(&mut hand, "begin", 0, r#"{"left":"0","next":"end"}"#).await?;
    let list = hand.get(MAPS).await?;
    let version = list["metadata"]["resourceVersion"].as_str().context("a version")?;
    let mut watch = cluster.access.connect().await?.watch(MAPS, version).await?;
    let (mut alone, mut beside, mut late) = (Vec::new(), Vec::new(), Vec::new());
    let mut number = 1_000_000;
    pings(&mut hand, &mut watch, &mut number).await?;
    for round in 0..rounds {
        alone.extend(pings(&mut hand, &mut watch, &mut number).await?);
        let path = format!("{MAPS}/loop-{round}");
        let metadata = format!(r#"{{"name":"loop-{round}","labels":{{"bad.windlass.dev/loops":""}}}}"#);
        hand.apply(&path, &format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{metadata}}}"#))
            .await?;
        sleep(Duration::from_millis(20)).await;
        beside.extend(pings(&mut hand, &mut watch, &mut number).await?);
        // Else it would be tried again.
        hand.delete(&path).await?;
        let line = host.program.wait_for(&["instance died"])?.text;
        let took = took_ms(&line).with_context(|| format!("no time in {line}"))?;
        late.push(took - DEADLINE_MS);
    }
    let p99 = |times: &Vec<f64>| percentile(times.clone(), 99);
    let figures = &mut bench.figures;
    figures.add(
        "a loop is ended, after its deadline: the longest of 20",
        percentile(late, 100),
        "ms",
        Aim::AtMost(100.0),
    );
    figures.add(
        "its neighbours, patch to patch: 99th percentile / without it",
        p99(&beside) / p99(&alone),
        "x",
        Aim::AtMost(1.2),
    );
    figures.add("the same: without it", p99(&alone), "ms", Aim::None);
    figures.add(
        "the same: medians, beside it / without it",
        percentile(beside, 50) / percentile(alone, 50),
        "x",
        Aim::None,
    );
    Ok(())
}

fn add_loops(folder: &Folder) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-modules/bad/loops");
    finish(windlass(&["build", "--output"])?.arg(folder.beside()).arg(source).envs(target_dir()?))?;
    let component = fs::read(folder.beside())?;
    folder.add("loops", &component, "")?;
    let manifest = finish(windlass(&["grant"])?.arg(folder.file("loops")))?;
    folder.add("loops", &component, &format!("{}\n{LIMITS}", manifest.trim_end()))
}

/// Milliseconds from each patch to what the module does on it.
async fn pings(hand: &mut Connection, watch: &mut Watch, number: &mut u32) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..PINGS {
        sleep(BETWEEN_PINGS).await;
        *number += 1;
        let answer = (*number - 1).to_string();
        let begun = Instant::now();
        hand.merge(&format!("{MAPS}/begin"), &format!(r#"{{"data":{{"left":"{number}"}}}}"#)).await?;
        loop {
            let event = watch.next().await?;
            if event["object"]["metadata"]["name"] == "end"
                && event["object"]["data"]["left"] == answer.as_str()
            {
                break;
            }
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
