//! A storm of creations: each Website's objects come back as events while its status is being written. A run on a view
//! from before that write would write it again, and tell its Event twice.
//!
//! `WINDLASS_TEST_WEBSITES` says how many (200 by default; CONTRIBUTING.md names the slow run).
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use windlass_apiserver::AuditRecord;
use windlass_runtime::core::{fact::Fact, outcome::Outcome};
use windlass_tests::{
    Cluster, Host, Hosting, PATIENCE,
    modules::{manifest, manifest_with, module},
    samples::website,
};

const WEBSITE: &str = "example.windlass.dev/v1 Website";

/// Websites that are made at a time.
const AT_ONCE: usize = 16;

fn websites() -> usize {
    match std::env::var("WINDLASS_TEST_WEBSITES") {
        Ok(count) => count.parse().expect("WINDLASS_TEST_WEBSITES is a number"),
        Err(_) => 200,
    }
}

fn site(nth: usize) -> Value {
    website(&format!("site-{nth}"))
}

/// Writes of the module that the server saw, by resource and name.
fn writes(audit: &[AuditRecord]) -> BTreeMap<(&str, &str), usize> {
    let mut all = BTreeMap::new();
    for record in audit.iter().filter(|record| record.verb == "patch" && record.name.starts_with("site-")) {
        *all.entry((record.resource.as_str(), record.name.as_str())).or_default() += 1;
    }
    all
}

fn more_than_one<'a>(writes: &'a BTreeMap<(&str, &str), usize>, resource: &str) -> Vec<(&'a str, usize)> {
    let of_it = writes.iter().filter(|((written, _), count)| *written == resource && **count > 1);
    of_it.map(|((_, name), count)| (*name, *count)).collect()
}

async fn make_all(cluster: &Cluster, count: usize) {
    for from in (0..count).step_by(AT_ONCE) {
        let made = (from..count.min(from + AT_ONCE)).map(|nth| async move {
            cluster.create(&site(nth)).await.unwrap();
        });
        futures::future::join_all(made).await;
    }
    for nth in 0..count {
        let told = json!({"status": {"observedGeneration": 1}});
        cluster.until_has((WEBSITE, &format!("default/site-{nth}")), &told).await;
    }
}

/// The Events of one reason, when there is one for each Website: how often each was told.
async fn told(cluster: &Cluster, reason: &str, count: usize) -> Vec<u64> {
    let looking = async {
        loop {
            let events = cluster.list("events.k8s.io/v1 Event").await;
            let of_it: Vec<_> = events.iter().filter(|event| event["reason"] == reason).collect();
            if of_it.len() >= count {
                return of_it.iter().map(|event| event["series"]["count"].as_u64().unwrap_or(1)).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("every Website's Event is told")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_creations_writes_each_status_once_and_sends_nothing_twice() {
    let (website, manifest, count) = (module("website"), manifest("website"), websites());
    let cluster = Cluster::start(&[]).await;
    cluster.define("website").await;
    let files = [("website.yaml", manifest.as_bytes()), ("website.wasm", &*website)];
    let host = Host::start_with(&cluster, Hosting::default(), &files).await;
    host.serving("website").await;
    make_all(&cluster, count).await;
    host.until_idle().await;

    let audit = cluster.audit();
    let writes = writes(&audit);
    for resource in ["websites", "websites/status", "configmaps", "services", "deployments"] {
        assert_eq!(more_than_one(&writes, resource), [], "{resource} written more than once");
        let written = writes.keys().filter(|(written, _)| *written == resource).count();
        assert_eq!(written, count, "{resource}");
    }
    assert!(told(&cluster, "Created", count).await.iter().all(|times| *times == 1));
    let spared = |fact: &Fact| matches!(fact, Fact::WriteSpared { .. }).then_some(());
    let runs = host.runs();
    assert!(runs.iter().all(|seen| matches!(seen.run.outcome, Outcome::Done)), "{runs:?}");
    // Each run after an object's first has three applies that change nothing.
    assert_eq!(host.facts.all(spared).len(), 3 * (runs.len() - count));
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_apply_goes_out_when_the_object_was_edited_and_where_the_manifest_wants_all() {
    for suppressed in [true, false] {
        let website = module("website");
        let manifest = manifest_with("website", &format!("  suppressNoOpWrites: {suppressed}\n"));
        let cluster = Cluster::start(&[]).await;
        cluster.define("website").await;
        let files = [("website.yaml", manifest.as_bytes()), ("website.wasm", &*website)];
        let host = Host::start_with(&cluster, Hosting::default(), &files).await;
        host.serving("website").await;
        make_all(&cluster, 1).await;
        host.until_idle().await;
        let applies = |cluster: &Cluster| writes(&cluster.audit())[&("configmaps", "site-0")];
        let (runs, before) = (host.runs().len(), applies(&cluster));
        assert_eq!(before, if suppressed { 1 } else { runs });
        let map = ("v1 ConfigMap", "default/site-0");
        cluster.merge(map, &json!({"data": {"index.html": "defaced"}})).await.unwrap();
        cluster.until_has(map, &json!({"data": {"index.html": "0"}})).await;
        host.until_idle().await;
        // One of ours, and the test's.
        let expected = if suppressed { before + 2 } else { host.runs().len() + 1 };
        assert_eq!(applies(&cluster), expected);
        // An operator makes sure.
        let before = applies(&cluster);
        host.reconcile("website", "default/site-0").await;
        host.until_idle().await;
        assert_eq!(applies(&cluster), before + 1);
        host.stop().await;
        cluster.stop().await;
    }
}
