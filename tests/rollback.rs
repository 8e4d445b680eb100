//! A new version that fails where the one before succeeded: the host goes back by itself, stays back over a restart, and
//! tries it again only on command.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{path::Path, time::Duration};
use windlass_runtime::{
    control::{Answer, Command},
    core::{fact::Fact, name::Digest},
    source::digest_of,
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module, numbered, reworded},
};

fn hosting() -> Hosting {
    Hosting { keep_versions: true, ..Hosting::default() }
}

/// Labels what it owns by a key that the server refuses (422): an error that speaks against the module.
fn broken(website: &[u8]) -> Vec<u8> {
    reworded(website, "app.kubernetes.io/instance", "app.kubernetes.io/inst!nce")
}

/// A host on which five Websites are taken care of.
async fn with_sites(website: &[u8]) -> (Cluster, Host) {
    let cluster = Cluster::start(&[]).await;
    cluster.define("website").await;
    let manifest = manifest("website");
    let files = [("website.yaml", manifest.as_bytes()), ("website.wasm", website)];
    let host = Host::start_with(&cluster, hosting(), &files).await;
    for nth in 0..5 {
        cluster.with_website(&format!("early-{nth}")).await;
    }
    host.until_idle().await;
    (cluster, host)
}

async fn rolled_back_since(host: &Host, mark: u64) -> (Digest, Digest, String) {
    let back = |fact: &Fact| match fact {
        Fact::ModuleRolledBack { bad, good, reason, .. } => Some((*bad, *good, reason.clone())),
        _ => None,
    };
    host.fact_since(mark, back).await
}

async fn serves_since(host: &Host, mark: u64, wanted: Digest) {
    let serves = |fact: &Fact| match fact {
        Fact::ModuleServing { digest, .. } if *digest == wanted => Some(()),
        _ => None,
    };
    host.fact_since(mark, serves).await;
}

async fn asked(host: &Host, command: Command) {
    let answer = host.command(&command).await;
    assert!(matches!(answer, Answer::Done { .. }), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_where_the_one_before_succeeded_goes_and_stays_gone_until_asked_for() {
    let website = module("website");
    let bad = broken(&website);
    let (good, worse) = (digest_of(&website), digest_of(&bad));
    let (cluster, host) = with_sites(&website).await;

    let mark = host.facts.mark();
    host.put("website.wasm", &bad);
    let (from, to, reason) = rolled_back_since(&host, mark).await;
    assert_eq!((from, to), (worse, good));
    assert!(reason.contains("failed with it in a row"), "{reason}");
    serves_since(&host, mark, good).await;
    host.until_idle().await;
    cluster.with_website("after-going-back").await;
    let status = host.status().await.modules.remove(0);
    assert_eq!(status.digest, Some(good.to_string()));
    let rejected = status.rejected.unwrap();
    assert_eq!(rejected.digest, Some(worse.to_string()));
    assert!(rejected.reason.contains("windlass reload website"), "{}", rejected.reason);

    let host = host.restart(&cluster, hosting()).await;
    assert_eq!(
        host.serving("website").await.0,
        good,
        "over a restart, though the folder holds the bad bytes"
    );
    cluster.with_website("after-a-restart").await;
    host.until_idle().await;

    let mark = host.facts.mark();
    asked(&host, Command::Reload { module: Some("website".into()) }).await;
    serves_since(&host, mark, worse).await;
    rolled_back_since(&host, mark).await;
    serves_since(&host, mark, good).await;
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_goes_back_by_a_command() {
    let website = module("website");
    let newer = numbered(&website, 1);
    let (cluster, host) = with_sites(&website).await;
    let Answer::Failed { message } = host.command(&Command::Rollback { module: "website".into() }).await
    else {
        panic!("there is nothing to go back to yet");
    };
    assert!(message.contains("keeps no earlier version of website"), "{message}");
    let mark = host.facts.mark();
    host.put("website.wasm", &newer);
    serves_since(&host, mark, digest_of(&newer)).await;
    host.until_idle().await;
    let mark = host.facts.mark();
    asked(&host, Command::Rollback { module: "website".into() }).await;
    serves_since(&host, mark, digest_of(&website)).await;
    cluster.with_website("after-going-back").await;
    host.stop().await;
    cluster.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_while_the_host_goes_back_is_what_serves() {
    let website = module("website");
    let [second, third] = [1, 2].map(|number| numbered(&website, number));
    let (cluster, host) = with_sites(&website).await;
    let mark = host.facts.mark();
    host.put("website.wasm", &second);
    serves_since(&host, mark, digest_of(&second)).await;
    // The way back takes as long as somebody holds the other end of a pipe in the kept file's place.
    let kept = host.kept("website", &digest_of(&website));
    until_there(&kept).await;
    std::fs::remove_file(&kept).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&kept).status().unwrap().success());
    asked(&host, Command::Rollback { module: "website".into() }).await;
    let mark = host.facts.mark();
    host.put("website.wasm", &third);
    serves_since(&host, mark, digest_of(&third)).await;
    let good = website.clone();
    tokio::task::spawn_blocking(move || std::fs::write(&kept, good)).await.unwrap().unwrap();
    // Whatever the bytes lead to is over before a module that is offered after them serves.
    host.put("hello.yaml", manifest("hello").as_bytes());
    host.put("hello.wasm", &module("hello"));
    host.serving("hello").await;
    host.until_idle().await;
    let status = host.status().await.modules;
    let digest = status.into_iter().find(|one| one.name == "website").and_then(|one| one.digest);
    assert_eq!(digest, Some(digest_of(&third).to_string()));
    host.stop().await;
    cluster.stop().await;
}

async fn until_there(file: &Path) {
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
