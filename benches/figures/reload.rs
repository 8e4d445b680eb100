//! From a module's replaced file to the new version serving.

use crate::Bench;
use anyhow::Result;
use windlass_benches::{
    cluster::{Cluster, Host},
    figure::{Aim, percentile},
    replace::{WAYS, reload},
    sample::marked,
};

const RELOADS: u8 = 20;

pub(crate) async fn measure(bench: &mut Bench) -> Result<()> {
    let reloads = if bench.quick { 5 } else { RELOADS };
    let cluster = Cluster::start()?;
    let mut connection = cluster.access.connect().await?;
    Cluster::with_map(&mut connection, "map", 0, r#"{"left":"0"}"#).await?;
    let component = bench.stranger.numbered(0);
    let mut host = Host::start(&cluster, "stranger", &component)?;
    let mut marks = 0..;
    for (way, replace) in WAYS {
        let known: Vec<_> = (&mut marks).take(2).map(|mark| marked(&component, mark)).collect();
        let fresh: Vec<_> = (&mut marks).take(reloads.into()).map(|mark| marked(&component, mark)).collect();
        let mut times = |versions: &mut dyn Iterator<Item = &Vec<u8>>| -> Result<f64> {
            let mut times = Vec::new();
            for version in versions {
                times.push(reload(&mut host, replace, "stranger", version)?[0].as_secs_f64() * 1e3);
            }
            Ok(percentile(times, 50))
        };
        let new = times(&mut fresh.iter())?;
        // Once each, so that both are known.
        times(&mut known.iter())?;
        let known = times(&mut known.iter().cycle().take(reloads.into()))?;
        let kib = component.len() >> 10;
        let what = format!("{kib} KiB {way} → serving: new code");
        bench.figures.add(what, new, "ms", Aim::AtMost(300.0));
        bench.figures.add("the same: compiled before", known, "ms", Aim::AtMost(20.0));
    }
    Ok(())
}
