//! Hot reload under a stream of changes: Websites are created, changed and deleted while their module is replaced, and
//! now and then by a broken version. What must hold is read from the host's facts, the cluster and its audit log.
//!
//! `WINDLASS_TEST_WEBSITES` says how many (200 by default; CONTRIBUTING.md names the slow run).
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "hot_reload/rules.rs"]
mod rules;

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use windlass_runtime::{
    core::name::{Digest, Generation},
    source::{DirectoryOptions, digest_of},
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module, reworded, stillborn},
    samples::website,
};

const WEBSITE: &str = "example.windlass.dev/v1 Website";
const VERSIONS: usize = 11;
/// Websites that are worked on at a time.
const WORKERS: usize = 16;

/// Websites that are changed twice in a row at the end.
const HURRIED: usize = 40;

/// What the test did to one Website, and when it began to do it.
#[derive(Clone, Debug, Default)]
struct Deeds {
    changes: Vec<Instant>,
    deleted: bool,
}

/// A version of the module: what it writes into each status as the reason tells it from the others.
struct Version {
    bytes: Vec<u8>,
    digest: Digest,
    reason: String,
}

/// What serves, as the host told it.
#[derive(Clone, Copy, Debug)]
struct Served {
    digest: Digest,
    generation: Generation,
    /// When the test heard of it.
    at: Instant,
}

fn versions() -> Vec<Version> {
    let website = module("website");
    let version = |number: usize| {
        let reason = format!("WaitingForReplic{}", char::from(b'A' + u8::try_from(number).unwrap()));
        let reason = format!("{reason}s");
        let bytes = reworded(&website, "WaitingForReplicas", &reason);
        Version { digest: digest_of(&bytes), bytes, reason }
    };
    (0..VERSIONS).map(version).collect()
}

fn websites() -> usize {
    match std::env::var("WINDLASS_TEST_WEBSITES") {
        Ok(count) => count.parse().expect("WINDLASS_TEST_WEBSITES is a number"),
        Err(_) => 200,
    }
}

fn name(nth: usize) -> String {
    format!("default/site-{nth}")
}

fn site(nth: usize) -> Value {
    website(&format!("site-{nth}"))
}

/// The life of one Website: created, changed twice with a run between, and each third of them deleted.
async fn live(cluster: &Cluster, nth: usize) -> Deeds {
    let name = name(nth);
    let at = (WEBSITE, &*name);
    let mut deeds = Deeds { changes: vec![Instant::now()], deleted: nth.is_multiple_of(3) };
    cluster.create(&site(nth)).await.unwrap();
    cluster.until_has(at, &json!({"status": {"observedGeneration": 1}})).await;
    for content in 1..=2 {
        deeds.changes.push(Instant::now());
        let change = json!({"spec": {"content": content.to_string(), "replicas": 1 + content}});
        cluster.merge(at, &change).await.unwrap();
    }
    if deeds.deleted {
        deeds.changes.push(Instant::now());
        cluster.delete(at).await.unwrap();
    }
    deeds
}

/// Sixteen Websites at a time, until all have lived.
async fn traffic(cluster: &Cluster, count: usize, done: &AtomicUsize) -> BTreeMap<String, Deeds> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let worker = || async {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= count {
                return;
            }
            let deeds = live(cluster, nth).await;
            all.lock().unwrap().insert(name(nth), deeds);
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures::future::join_all((0..WORKERS).map(|_| worker())).await;
    all.into_inner().unwrap()
}

/// Two changes in a row to each of some Websites at rest: the second comes amid the run for the first, and no reload
/// makes up for it if it gets lost.
async fn hurry(cluster: &Cluster, all: &mut BTreeMap<String, Deeds>, reason: &str) {
    for (name, deeds) in all.iter_mut().filter(|(_, deeds)| !deeds.deleted).take(HURRIED) {
        let at = (WEBSITE, &**name);
        for spec in [json!({"content": "3", "replicas": 4}), json!({"content": "2", "replicas": 3})] {
            deeds.changes.push(Instant::now());
            cluster.merge(at, &json!({"spec": spec})).await.unwrap();
        }
        let status = json!({"status": {"observedGeneration": 5, "conditions": [{"reason": reason}]}});
        cluster.until_has(at, &status).await;
    }
}

/// Replaces the module ten times, spread over the traffic, and tries a broken version between every two.
async fn reload(host: &Host, versions: &[Version], count: usize, done: &AtomicUsize) -> Vec<Served> {
    let mut served = Vec::new();
    for (nth, version) in versions.iter().enumerate().skip(1) {
        while done.load(Ordering::Relaxed) < count * nth / (VERSIONS + 1) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        broken_version(host, version, nth).await;
        let mark = host.facts.mark();
        host.put("website.wasm", &version.bytes);
        let (digest, generation) = host.serving_since(mark, "website").await;
        assert_eq!(digest, version.digest, "what was put last serves");
        served.push(Served { digest, generation, at: Instant::now() });
    }
    served
}

/// A version that must not serve, of one kind after the other: garbage, cut short, one whose description traps.
async fn broken_version(host: &Host, next: &Version, nth: usize) {
    let mark = host.facts.mark();
    let (bytes, said) = match nth % 3 {
        0 => (b"#!/bin/sh\necho no module\n".to_vec(), "this is not WebAssembly"),
        1 => (next.bytes[..next.bytes.len() / 2].to_vec(), "truncated"),
        _ => (stillborn(), "died while describing itself"),
    };
    host.put("website.wasm", &bytes);
    let reason = host.rejected_since(mark, "website").await;
    assert!(reason.contains(said), "{said:?} is not in: {reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_lost_or_doubled_while_the_module_is_replaced_ten_times() {
    let (versions, count) = (versions(), websites());
    let cluster = Cluster::start(&["garbage-collector-controller"]).await;
    cluster.define("website").await;
    let manifest = manifest("website");
    let files = [("website.yaml", manifest.as_bytes()), ("website.wasm", &versions[0].bytes[..])];
    // What is cut short is told sooner, so that most of the time goes into the traffic.
    let directory =
        DirectoryOptions { truncated_after: Duration::from_millis(200), ..DirectoryOptions::default() };
    let hosting = Hosting { directory, ..Hosting::default() };
    let host = Host::start_with(&cluster, hosting, &files).await;
    let (digest, generation) = host.serving("website").await;
    let mut served = vec![Served { digest, generation, at: Instant::now() }];

    let done = AtomicUsize::new(0);
    let (mut deeds, swaps) =
        tokio::join!(traffic(&cluster, count, &done), reload(&host, &versions, count, &done));
    served.extend(swaps);
    let last = versions.last().unwrap();
    for (nth, deeds) in (0..count).map(|nth| (nth, &deeds[&name(nth)])) {
        let name = name(nth);
        if deeds.deleted {
            cluster.until_gone((WEBSITE, &name)).await;
        } else {
            // Three generations, told by the last version.
            let status =
                json!({"status": {"observedGeneration": 3, "conditions": [{"reason": last.reason}]}});
            cluster.until_has((WEBSITE, &name), &status).await;
        }
    }
    hurry(&cluster, &mut deeds, &last.reason).await;
    host.until_idle().await;

    let runs = host.runs();
    rules::each_run_is_of_one_version(&runs, &served);
    rules::runs_of_a_request_never_overlap(&host.facts);
    rules::each_change_is_followed_by_a_run_that_began_after_it(&runs, &deeds);
    rules::after_the_last_swap_each_request_has_run_on_the_new_version(&runs, &served, &deeds);
    rules::nothing_was_made_or_deleted_twice(&cluster.audit(), &deeds);
    rules::the_end_is_right(&cluster, &deeds).await;
    host.stop().await;
    cluster.stop().await;
}
