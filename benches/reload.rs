//! From a replaced file, and from a saved source, to the new version serving: `cargo bench -p windlass-benches --bench reload`.

use anyhow::Result;
use std::{
    fs,
    io::Write as _,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_benches::{
    cluster::{Cluster, Host},
    program::{Program, windlass},
    sample::{self, Copy, marked},
    table,
};

const RELOADS: u8 = 20;

/// Between two reloads: what the one before caused is over.
const REST: Duration = Duration::from_millis(300);

/// As `cp` does.
const COPIED_AT_ONCE: usize = 128 << 10;

/// How a file is replaced; answers when it was complete.
type Replace = fn(&Host, &[u8]) -> Result<Instant>;

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
    reload(&mut host, renamed, &components[1])?;
    reload(&mut host, renamed, &components[0])?;
    let ways: [(&str, Replace); 2] = [("renamed into place", renamed), ("copied in place", copied)];
    for (nth, (way, replace)) in (0..).zip(ways) {
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
        let [serves, runs] = reload(host, replace, &version(turn))?;
        serving.push(serves);
        ran.push(runs);
    }
    table::times(&format!("{what}: serves"), &serving, Some(300));
    table::times("  its first run is over", &ran, None);
    Ok(())
}

/// From the complete file until the version serves, and until it has run.
fn reload(host: &mut Host, replace: Replace, component: &[u8]) -> Result<[Duration; 2]> {
    sleep(REST);
    host.program.forget();
    let complete = replace(host, component)?;
    let serves = host.program.wait_for(&["module serves"])?;
    let ran = host.program.wait_for(&["DEBUG run", "the module was replaced"])?;
    Ok([serves.at - complete, ran.at - complete])
}

fn renamed(host: &Host, component: &[u8]) -> Result<Instant> {
    fs::write(host.beside(), component)?;
    fs::rename(host.beside(), host.file("website"))?;
    Ok(Instant::now())
}

fn copied(host: &Host, component: &[u8]) -> Result<Instant> {
    let mut file = fs::File::create(host.file("website"))?;
    component.chunks(COPIED_AT_ONCE).try_for_each(|part| file.write_all(part))?;
    drop(file);
    Ok(Instant::now())
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
