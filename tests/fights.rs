//! Writes that go in circles, through a whole host: who makes them is slowed down and named, hello beside them goes on,
//! and once there is peace everybody works at full pace.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use windlass_runtime::core::{
    fact::Fact,
    fight::{Fight, FightStage},
};
use windlass_tests::{
    Cluster, Host, Hosting, PATIENCE,
    modules::{manifest_with, module},
    samples::{HELLO, config_map},
};

/// What is not held back is done within this on two busy processors; far less than whoever fights is held back by when
/// it is let go.
const PROMPT: Duration = Duration::from_secs(5);

/// Between two looks at what is refreshed by and by.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A cluster, and a host on it with hello and these modules: name, sample module, settings.
async fn hosted(modules: &[(&str, &str, &str)]) -> (Cluster, Host) {
    let cluster = Cluster::start(&[]).await;
    let host = Host::start(&cluster, Hosting::default()).await;
    for (name, sample, settings) in [("hello", "hello", "")].iter().chain(modules) {
        host.put(&format!("{name}.yaml"), manifest_with(name, settings).as_bytes());
        host.put(&format!("{name}.wasm"), &module(sample));
    }
    for (name, ..) in modules {
        host.serving(name).await;
    }
    host.serving("hello").await;
    (cluster, host)
}

async fn make(cluster: &Cluster, name: &str, label: &str) {
    cluster.apply(&config_map(name, label, "x")).await.unwrap();
}

/// Puts `with` into a ConfigMap, and waits until a module has made it `right`: how long that took.
async fn repaired(cluster: &Cluster, name: &str, with: &Value, right: &Value) -> Duration {
    let (at, since) = (format!("default/{name}"), Instant::now());
    cluster.merge(("v1 ConfigMap", &at), &json!({ "data": with })).await.unwrap();
    cluster.until_has(("v1 ConfigMap", &at), &json!({ "data": right })).await;
    since.elapsed()
}

async fn hello_is_prompt(cluster: &Cluster, name: &str) {
    let since = Instant::now();
    make(cluster, name, HELLO).await;
    cluster.until_greeted(name, "x").await;
    assert!(since.elapsed() < PROMPT, "greeting {name} took {:?}", since.elapsed());
}

/// Waits for the fight over an object to have gone on for so many flips.
async fn flips(host: &Host, object: &str, flips: u32) -> Fight {
    let wanted = |fact: &Fact| match fact {
        Fact::Fight(fight) if *fight.name.name == *object && fight.flips == flips => Some((**fight).clone()),
        _ => None,
    };
    host.fact(wanted).await
}

async fn over(host: &Host, mark: u64) -> Fight {
    let wanted = |fact: &Fact| match fact {
        Fact::Fight(fight) if fight.stage == FightStage::Over => Some((**fight).clone()),
        _ => None,
    };
    host.fact_since(mark, wanted).await
}

/// Writes of an object that the server saw.
fn patches(cluster: &Cluster, object: &str) -> usize {
    let audit = cluster.audit();
    audit.iter().filter(|record| record.verb == "patch" && record.name == object).count()
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Waits for an Event with this reason about an object.
async fn event(cluster: &Cluster, object: &str, reason: &str) -> Value {
    until(&format!("{reason} on {object}"), async || {
        let mut events = cluster.list("events.k8s.io/v1 Event").await.into_iter();
        events.find(|event| event["reason"] == reason && event["regarding"]["name"] == object)
    })
    .await
}

async fn until_metric(host: &Host, line: &str) {
    let there = async || host.metrics.render().lines().any(|one| one == line).then_some(());
    until(line, there).await;
}

/// The fight over an object is named wherever it should be, for each of these modules and for no other; `part` stands
/// in each text.
async fn is_named(cluster: &Cluster, host: &Host, object: &str, modules: &[&str], part: &str) {
    let report = host.status().await;
    for module in &report.modules {
        let told: Vec<_> = module.conditions.iter().map(|one| (&*one.kind, &*one.message)).collect();
        let fights = modules.contains(&&*module.name);
        assert_eq!(told.len(), usize::from(fights), "{}: {told:?}", module.name);
        assert!(told.iter().all(|(kind, text)| *kind == "Fighting" && text.contains(part)), "{told:?}");
        until_metric(host, &format!("windlass_fights{{module=\"{}\"}} {}", module.name, u8::from(fights)))
            .await;
        let line = format!("{}: Fighting: ", module.name);
        assert_eq!(report.to_string().contains(&line), fights, "{report}");
    }
    let event = event(cluster, object, "Fighting").await;
    assert_eq!((&event["type"], &event["regarding"]["kind"]), (&json!("Warning"), &json!("ConfigMap")));
    assert!(event["note"].as_str().unwrap().contains(part), "{event:#}");
}

async fn is_peace(cluster: &Cluster, host: &Host, object: &str, modules: &[&str]) {
    for module in modules {
        until_metric(host, &format!("windlass_fights{{module=\"{module}\"}} 0")).await;
    }
    assert!(host.status().await.modules.iter().all(|module| module.conditions.is_empty()));
    assert_eq!(event(cluster, object, "FightOver").await["type"], "Normal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_wakes_itself_is_slowed_down_and_named_until_it_is_replaced() {
    let (cluster, host) = hosted(&[("restless", "bad/restless", "")]).await;
    make(&cluster, "busy", "bad.windlass.dev/restless").await;
    let began = flips(&host, "busy", 8).await;
    let since = Instant::now();
    assert_eq!((&*began.field, began.delay), (".data.runs", Duration::from_secs(1)));
    hello_is_prompt(&cluster, "first").await;
    let part = "restless/restless default/busy wakes itself by its own writes of .data.runs of v1 ConfigMap";
    is_named(&cluster, &host, "busy", &["restless"], part).await;
    // Another object of the same module is not held back by it.
    make(&cluster, "other", "bad.windlass.dev/restless").await;
    assert_eq!(flips(&host, "other", 8).await.delay, Duration::from_secs(1));

    // 1 s, 2 s, 4 s, 8 s: in all this time so many writes as there were flips, the first, and the one that made it; a
    // run that more than its own write had caused is no flip.
    let fight = flips(&host, "busy", 12).await;
    assert!(since.elapsed() > Duration::from_secs(14), "{:?}", since.elapsed());
    assert_eq!(fight.delay, Duration::from_secs(16));
    let written = patches(&cluster, "busy");
    assert!((12 + 2..12 + 6).contains(&written), "{written}");
    hello_is_prompt(&cluster, "second").await;
    until_metric(&host, "windlass_fights{module=\"restless\"} 2").await;

    let mark = host.facts.mark();
    host.put("restless.yaml", manifest_with("restless", "  settings: {calm: true}\n").as_bytes());
    over(&host, mark).await;
    host.serving_since(mark, "restless").await;
    is_peace(&cluster, &host, "busy", &["restless"]).await;
    host.until_idle().await;
    let before = patches(&cluster, "busy");
    for nth in 0..9 {
        let took = repaired(&cluster, "busy", &json!({"runs": null}), &json!({"runs": "1"})).await;
        assert!(took < PROMPT, "repair {nth} took {took:?}");
    }
    assert_eq!(patches(&cluster, "busy"), before + 2 * 9);
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_modules_that_undo_each_other_are_slowed_down_and_named_until_one_is_replaced() {
    let modules = ["left", "right"].map(|name| (name, format!("  settings: {{insists: {name}}}\n")));
    let modules = modules.each_ref().map(|(name, settings)| (*name, "bad/quarrels", settings.as_str()));
    let (cluster, host) = hosted(&modules).await;
    make(&cluster, "torn", "bad.windlass.dev/quarrels").await;
    let began = flips(&host, "torn", 8).await;
    let since = Instant::now();
    assert_eq!((&*began.field, began.writers.len(), began.elsewhere), (".data.word", 2, false));
    hello_is_prompt(&cluster, "first").await;
    is_named(&cluster, &host, "torn", &["left", "right"], "undo each other's writes of .data.word of v1")
        .await;

    // Who wrote the twelfth waits 16 s, the other one 8 s since the eleventh.
    let fight = flips(&host, "torn", 12).await;
    assert!(since.elapsed() > Duration::from_secs(4), "{:?}", since.elapsed());
    assert_eq!(fight.delay, Duration::from_secs(16));
    // Beside the flips there are the first write of each and the one that made it.
    let written = patches(&cluster, "torn");
    assert!((12 + 3..12 + 6).contains(&written), "{written}");
    hello_is_prompt(&cluster, "second").await;

    let (stays, goes) = match &*fight.writers[0].controller.module.0 {
        "left" => ("left", "right"),
        _ => ("right", "left"),
    };
    let mark = host.facts.mark();
    host.put(&format!("{goes}.yaml"), manifest_with(goes, "").as_bytes());
    assert_eq!(over(&host, mark).await.name.name, fight.name.name);
    host.serving_since(mark, goes).await;
    is_peace(&cluster, &host, "torn", &["left", "right"]).await;
    for nth in 0..5 {
        let took = repaired(&cluster, "torn", &json!({"word": "x"}), &json!({"word": stays})).await;
        assert!(took < PROMPT, "repair {nth} took {took:?}");
    }
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_edits_against_a_module_is_named_and_slows_the_repair_mildly() {
    let (cluster, host) = hosted(&[]).await;
    hello_is_prompt(&cluster, "edited").await;
    let (wrong, right) = (json!({"greeting": "Go away"}), json!({"greeting": "Hello, x"}));
    // The first repair undoes nothing that had been undone before.
    for nth in 0..=8 {
        let took = repaired(&cluster, "edited", &wrong, &right).await;
        assert!(took < PROMPT, "repair {nth} took {took:?}");
    }
    let began = flips(&host, "edited", 8).await;
    assert_eq!((began.elsewhere, began.delay), (true, Duration::from_secs(1)));
    let part = "hello/hello default/edited and somebody outside this host undo each other's writes";
    is_named(&cluster, &host, "edited", &["hello"], part).await;
    for (flip, held) in [(9, 1), (10, 2)] {
        let took = repaired(&cluster, "edited", &wrong, &right).await;
        assert!(took < Duration::from_secs(held) + PROMPT, "repair {flip} took {took:?}");
        assert_eq!(flips(&host, "edited", flip).await.delay, Duration::from_secs(2 * held));
    }
    // It is held back for 4 s now. Other objects are not, and an operator's word comes through.
    hello_is_prompt(&cluster, "first").await;
    let since = Instant::now();
    cluster.merge(("v1 ConfigMap", "default/edited"), &json!({ "data": wrong })).await.unwrap();
    until("the repair", async || {
        // Again, for the first time may come before the edit reached the host.
        host.reconcile("hello", "default/edited").await;
        let now = cluster.get(("v1 ConfigMap", "default/edited")).await?;
        (now["data"] == right).then_some(())
    })
    .await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    host.stop().await;
    cluster.stop().await;
}
