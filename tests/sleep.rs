//! A module that has nothing to do gives its memory back, and no change is lost by it: not across a hot reload and a
//! rollback while it sleeps, and not while its code cannot be had back.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::json;
use std::{fs, time::Duration};
use windlass_runtime::{
    control::{Answer, Command, ModuleStatus},
    core::fact::Fact,
    source::digest_of,
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module, numbered},
};

const WEBSITE: &str = "example.windlass.dev/v1 Website";
const HOME: (&str, &str) = (WEBSITE, "default/home");

/// A cluster with one Website that is taken care of, by a host whose modules sleep soon.
async fn with_home(keep_versions: bool) -> (Cluster, Host) {
    let cluster = Cluster::start(&[]).await;
    cluster.define("website").await;
    let sleep_after = Duration::from_millis(200);
    let hosting = Hosting { keep_versions, keep_code: true, sleep_after, ..Hosting::default() };
    let (manifest, website) = (manifest("website"), module("website"));
    let files = [("website.yaml", manifest.as_bytes()), ("website.wasm", &*website)];
    let host = Host::start_with(&cluster, hosting, &files).await;
    cluster.with_website("home").await;
    (cluster, host)
}

/// Waits until its module sleeps and has nothing to do; a later state of it is told after the mark that is answered.
async fn asleep(host: &Host) -> u64 {
    loop {
        host.until_idle().await;
        let mark = host.facts.mark();
        if status(host).await.asleep {
            return mark;
        }
        let sleeps = |fact: &Fact| matches!(fact, Fact::ModuleAsleep { .. }).then_some(());
        host.fact_since(mark, sleeps).await;
    }
}

async fn status(host: &Host) -> ModuleStatus {
    host.status().await.modules.remove(0)
}

/// Waits until it wakes after a mark; whether it had to be compiled again.
async fn woke_since(host: &Host, mark: u64) -> bool {
    let woke = |fact: &Fact| match fact {
        Fact::ModuleWoken { compiled, .. } => Some(*compiled),
        _ => None,
    };
    host.fact_since(mark, woke).await
}

/// Changes the Website for the nth time, and waits until the module has seen it.
async fn changed(cluster: &Cluster, nth: i64) {
    cluster.merge(HOME, &json!({"spec": {"content": nth.to_string()}})).await.unwrap();
    cluster.until_has(HOME, &json!({"status": {"observedGeneration": nth}})).await;
}

fn lose_compiled_code(host: &Host) {
    let code = fs::read_dir(host.state().join("code")).unwrap().map(|file| file.unwrap().path());
    let code: Vec<_> = code.filter(|file| file.extension().is_some_and(|end| end == "cwasm")).collect();
    assert!(!code.is_empty());
    code.iter().for_each(|file| fs::remove_file(file).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_sleeps_misses_no_change_nor_reload_nor_rollback() {
    let (cluster, host) = with_home(true).await;
    let mark = asleep(&host).await;
    let metrics = host.metrics.render();
    assert!(metrics.contains("windlass_modules_asleep 1"), "{metrics}");
    assert!(metrics.contains("windlass_modules_in_memory 0"), "{metrics}");
    changed(&cluster, 2).await;
    assert!(!woke_since(&host, mark).await, "mapped as it was compiled before");

    asleep(&host).await;
    let newer = numbered(&module("website"), 1);
    let mark = host.facts.mark();
    host.put("website.wasm", &newer);
    assert_eq!(host.serving_since(mark, "website").await.0, digest_of(&newer));
    changed(&cluster, 3).await;

    asleep(&host).await;
    let mark = host.facts.mark();
    let answer = host.command(&Command::Rollback { module: "website".into() }).await;
    assert!(matches!(answer, Answer::Done { .. }), "{answer:?}");
    assert_eq!(host.serving_since(mark, "website").await.0, digest_of(&module("website")));
    changed(&cluster, 4).await;

    let mark = asleep(&host).await;
    lose_compiled_code(&host);
    changed(&cluster, 5).await;
    assert!(woke_since(&host, mark).await, "of the bytes that are kept");
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_cannot_be_woken_says_why_and_its_changes_wait_for_it() {
    let (cluster, host) = with_home(false).await;
    let mark = asleep(&host).await;
    lose_compiled_code(&host);
    // The directory goes as a whole, so nothing in it was taken out.
    let elsewhere = host.folder().with_extension("elsewhere");
    fs::rename(host.folder(), &elsewhere).unwrap();
    cluster.merge(HOME, &json!({"spec": {"content": "2"}})).await.unwrap();
    let not_woken = |fact: &Fact| match fact {
        Fact::ModuleNotWoken { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    let reason = host.fact_since(mark, not_woken).await;
    assert!(reason.contains("cannot be woken") && reason.contains("website.wasm: No such file"), "{reason}");
    let status = status(&host).await;
    assert!(status.asleep);
    assert_eq!(status.conditions[0].kind, "CannotWake");
    assert!(status.conditions[0].message.contains("windlass reload website"), "{:?}", status.conditions);
    fs::rename(&elsewhere, host.folder()).unwrap();
    cluster.until_has(HOME, &json!({"status": {"observedGeneration": 2}})).await;
    assert!(woke_since(&host, mark).await);
    assert!(host.status().await.modules[0].conditions.is_empty());
    host.stop().await;
    cluster.stop().await;
}
