//! How soon an owned object is back that somebody deleted or edited: `cargo bench -p windlass-benches --bench repair`.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use windlass_benches::{
    client::{Connection, Watch},
    cluster::{Cluster, Host},
    sample::{self, Copy},
    table,
};

/// Of each damage; 204 in all.
const REPAIRS: usize = 34;

/// Between two repairs: the run that the repair itself causes is over.
const REST: Duration = Duration::from_millis(50);

/// They are damaged in turn: whoever edits one field again and again is in a fight, and the module is held back.
const WEBSITES: usize = 8;

/// What is done to an object by hand.
struct Damage {
    what: &'static str,
    collection: &'static str,
    done: Done,
}

enum Done {
    Delete,
    /// A merge patch, and the place that it changes.
    Edit(&'static str, &'static str),
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const SERVICES: &str = "/api/v1/namespaces/default/services";

const DAMAGES: [Damage; 6] = [
    Damage { what: "Service deleted", collection: SERVICES, done: Done::Delete },
    Damage { what: "ConfigMap deleted", collection: CONFIG_MAPS, done: Done::Delete },
    Damage { what: "Deployment deleted", collection: DEPLOYMENTS, done: Done::Delete },
    Damage {
        what: "Service's selector edited",
        collection: SERVICES,
        done: Done::Edit(r#"{"spec":{"selector":{"app.kubernetes.io/name":"other"}}}"#, "/spec/selector"),
    },
    Damage {
        what: "ConfigMap's page edited",
        collection: CONFIG_MAPS,
        done: Done::Edit(r#"{"data":{"index.html":"<h1>Defaced</h1>"}}"#, "/data"),
    },
    Damage {
        what: "Deployment's replicas edited",
        collection: DEPLOYMENTS,
        done: Done::Edit(r#"{"spec":{"replicas":7}}"#, "/spec/replicas"),
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let component = Copy::make(folder.path())?.build()?;
    let cluster = Cluster::start()?;
    let names: Vec<_> = (0..WEBSITES).map(|n| format!("home-{n}")).collect();
    cluster.with_websites(&sample::folder(), &names).await?;
    let mut host = Host::start(&cluster, "website", &component)?;
    let mut hand = cluster.access.connect().await?;
    for (damage, name) in DAMAGES.iter().flat_map(|damage| names.iter().map(move |name| (damage, name))) {
        let path = format!("{}/{name}", damage.collection);
        while hand.get(&path).await.is_err() {
            host.program.wait_for(&["DEBUG run", "outcome="])?;
        }
    }
    let mut all = Vec::new();
    table::head("A website's object is back, from the damage's request on", "ms");
    for damage in &DAMAGES {
        let list = hand.get(damage.collection).await?;
        let version = list["metadata"]["resourceVersion"].as_str().context("a version")?;
        let mut watch = cluster.access.connect().await?.watch(damage.collection, version).await?;
        let mut times = Vec::new();
        for name in names.iter().cycle().take(REPAIRS) {
            sleep(REST).await;
            host.program.forget();
            times.push(repair(damage, name, &mut hand, &mut watch).await?);
        }
        table::times(damage.what, &times, None);
        all.extend(times);
    }
    table::times("all", &all, Some(50));
    Ok(())
}

async fn repair(damage: &Damage, name: &str, hand: &mut Connection, watch: &mut Watch) -> Result<Duration> {
    let path = format!("{}/{name}", damage.collection);
    match damage.done {
        Done::Delete => {
            let begins = Instant::now();
            hand.delete(&path).await?;
            until(watch, name, |event| event["type"] == "DELETED").await?;
            until(watch, name, |event| event["type"] == "ADDED").await?;
            Ok(begins.elapsed())
        }
        Done::Edit(patch, place) => {
            let whole = hand.get(&path).await?;
            let whole = whole.pointer(place).with_context(|| format!("{path} has no {place}"))?;
            let is_whole = |event: &Value| event["object"].pointer(place) == Some(whole);
            let begins = Instant::now();
            hand.merge(&path, patch).await?;
            until(watch, name, |event| !is_whole(event)).await?;
            until(watch, name, is_whole).await?;
            Ok(begins.elapsed())
        }
    }
}

/// Waits for an event of the website's object.
async fn until(watch: &mut Watch, name: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
    loop {
        let event = watch.next().await?;
        if event["object"]["metadata"]["name"] == name && wanted(&event) {
            return Ok(());
        }
    }
}
