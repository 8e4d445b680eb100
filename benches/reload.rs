//! From a replaced file, and from a saved source, to the new version serving: `cargo bench -p windlass-benches --bench reload`.

use anyhow::Result;
use std::{path::Path, thread::sleep, time::Instant};
use windlass_benches::{
    cluster::{Cluster, Host},
    program::{Program, windlass},
    replace::{REST, Replace, WAYS, reload, renamed},
    sample::{self, Copy, marked},
    table,
};

const RELOADS: u8 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let copy = Copy::make(folder.path())?;
    let mut components = Vec::new();
    for sentence in ["is in the making", "is on its way"] {
        copy.edit(sentence)?;
        components.push(copy.build()?);
    }
    let cluster = Cluster::start()?;
    cluster.with_websites(&sample::folder(), &["home".to_owned()]).await?;
    let mut host = Host::start(&cluster, "website", &components[0])?;
    table::head(&format!("windlass run, a file of {} KiB replaced", components[0].len() >> 10), "ms");
    // Both versions once, so that they are known.
    reload(&mut host, renamed, "website", &components[1])?;
    reload(&mut host, renamed, "website", &components[0])?;
    for (nth, (way, replace)) in (0..).zip(WAYS) {
        let other = |turn: u8| &components[usize::from(turn + 1) % components.len()];
        let fresh = |turn| marked(other(turn), turn + nth * RELOADS);
        measure(&mut host, &format!("{way}, new code"), replace, fresh)?;
        let known = |turn| other(turn).clone();
        measure(&mut host, &format!("{way}, code compiled before"), replace, known)?;
    }
    drop(host);
    dev(&copy)
}

fn measure(host: &mut Host, what: &str, replace: Replace, version: impl Fn(u8) -> Vec<u8>) -> Result<()> {
    let (mut serving, mut ran) = (Vec::new(), Vec::new());
    for turn in 0..RELOADS {
        let [serves, runs] = reload(host, replace, "website", &version(turn))?;
        serving.push(serves);
        ran.push(runs);
    }
    table::times(&format!("{what}: serves"), &serving, Some(300));
    table::times("  its first run is over", &ran, None);
    Ok(())
}

fn dev(copy: &Copy) -> Result<()> {
    copy.edit("is expected")?;
    let mut dev = Program::start(windlass(&["dev"])?.arg(&copy.module).envs(sample::target_dir()?))?;
    dev.wait_for(&["website serves:"])?;
    let (mut heard, mut built, mut swapped, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..RELOADS {
        sleep(REST);
        dev.forget();
        copy.edit(&format!("is number {turn}"))?;
        let saved = Instant::now();
        let begins = dev.wait_for(&["building "])?.at;
        let ends = dev.wait_for(&["built "])?.at;
        let serves = dev.wait_for(&["website serves:"])?.at;
        heard.push(begins - saved);
        built.push(ends - begins);
        swapped.push(serves - ends);
        all.push(serves - saved);
    }
    table::head(&format!("windlass dev, {} saved", Path::new("src/lib.rs").display()), "ms");
    table::times("save to serving", &all, None);
    table::times("  until the build begins", &heard, None);
    table::times("  the build", &built, None);
    table::times("  from built to serving", &swapped, Some(300));
    Ok(())
}
