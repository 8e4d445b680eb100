//! A ring of modules, each reacting to the one before: how long one hop takes.
//!
//! Module *i* follows ConfigMap `ring-i` and, when a counter comes in, writes it, less one, to the ConfigMap of the next.
//! A hop is: write, watch event, cache, queue, fresh instance, cached read, write of the next.

mod in_process;

use crate::Bench;
use anyhow::{Context as _, Result};
use in_process::InProcess;
use std::time::Instant;
use windlass_benches::{
    client::Access,
    cluster::{Cluster, Folder, Host, MAPS},
    figure::{Aim, percentile},
};

const MODULES: usize = 100;
/// Times round the ring in one go.
const CIRCUITS: usize = 3;
const ROUNDS: usize = 10;

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let rounds = if bench.quick { 3 } else { ROUNDS };
    let host = InProcess::start(modules(bench)?).await?;
    let hop = hop(&host.access, rounds).await?;
    host.stop().await?;
    bench.figures.add("ring of 100 modules, all in one process: per hop", hop, "ms", Aim::AtMost(1.0));
    let cluster = Cluster::start()?;
    let mut host = Host::open(&cluster, modules(bench)?, &["WINDLASS_LOG=info"])?;
    host.wait_for_lines(MODULES, &["module serves"])?;
    let hop = self::hop(&cluster.access, rounds).await?;
    bench.figures.add("the same, the API server beside it over TLS", hop, "ms", Aim::None);
    Ok(())
}

fn modules(bench: &Bench) -> Result<Folder> {
    let folder = Folder::new()?;
    for nth in 0..MODULES {
        let name = name(nth);
        folder.add(&name, &bench.stranger.numbered(nth), &bench.stranger.manifest(&name, ""))?;
    }
    Ok(folder)
}

fn name(nth: usize) -> String {
    format!("ring-{}", nth % MODULES)
}

/// Milliseconds of a hop.
async fn hop(access: &Access, rounds: usize) -> Result<f64> {
    let mut hand = access.connect().await?;
    for nth in 0..MODULES {
        let data = format!(r#"{{"left":"0","next":"{}"}}"#, name(nth + 1));
        Cluster::with_map(&mut hand, &name(nth), nth, &data).await?;
    }
    let list = hand.get(MAPS).await?;
    let version = list["metadata"]["resourceVersion"].as_str().context("a version")?;
    let mut watch = access.connect().await?.watch(MAPS, version).await?;
    let hops = MODULES * CIRCUITS;
    let mut times = Vec::new();
    // The first one finds the code cold.
    for round in 0..=rounds {
        let patch = format!(r#"{{"data":{{"left":"{hops}"}}}}"#);
        let begun = Instant::now();
        hand.merge(&format!("{MAPS}/{}", name(0)), &patch).await?;
        while watch.next().await?["object"]["data"]["left"] != "0" {}
        if round > 0 {
            times.push(begun.elapsed().as_secs_f64() * 1e3 / hops as f64);
        }
    }
    Ok(percentile(times, 50))
}
