//! What an operator's manifest gives holds at once and for whichever version of a module runs; what a new version asks
//! for in addition waits.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use windlass_runtime::{control::ModuleState, source::digest_of};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module},
};

/// A manifest of the module `greeter` with one rule for the core group.
fn granting(resources: &str) -> String {
    format!(
        "apiVersion: windlass.dev/v1alpha1
kind: Module
metadata: {{name: greeter}}
spec:
  grant:
    rules:
    - {{apiGroups: [''], resources: [{resources}], verbs: ['*'], namespaces: ['*']}}
"
    )
}

/// A cluster, and a host where hello serves as `greeter`.
async fn with_greeter(hosting: Hosting) -> (Cluster, Host) {
    let cluster = Cluster::start(&[]).await;
    cluster.define("website").await;
    let (hello, manifest) = (module("hello"), granting("configmaps"));
    let files = [("greeter.yaml", manifest.as_bytes()), ("greeter.wasm", &*hello)];
    let host = Host::start_with(&cluster, hosting, &files).await;
    host.serving("greeter").await;
    (cluster, host)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_its_operator_takes_away_stops_a_module_until_it_is_back() {
    let (cluster, host) = with_greeter(Hosting::default()).await;
    cluster.ask_hello("early", "X").await;
    cluster.until_greeted("early", "X").await;
    host.until_idle().await;

    let mark = host.facts.mark();
    host.put("greeter.yaml", granting("secrets").as_bytes());
    let reason = host.waiting_since(mark, "greeter").await;
    assert!(reason.contains("configmaps"), "{reason}");
    let runs = host.runs().len();
    cluster.ask_hello("late", "X").await;
    let status = host.status().await;
    assert_eq!(status.modules[0].state, ModuleState::WaitingForGrant);
    assert!(status.watches.iter().all(|watch| watch.kind != "v1 ConfigMap"), "{:?}", status.watches);
    assert_eq!(host.runs().len(), runs);

    host.put("greeter.yaml", granting("configmaps").as_bytes());
    cluster.until_greeted("late", "X").await;
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_asks_wait_for_the_operator_while_the_old_version_serves_also_after_a_restart() {
    let hosting = || Hosting { keep_versions: true, ..Hosting::default() };
    let (cluster, host) = with_greeter(hosting()).await;
    let (hello, website) = (module("hello"), module("website"));
    let mark = host.facts.mark();
    host.put("greeter.wasm", &website);
    let reason = host.waiting_since(mark, "greeter").await;
    assert!(reason.contains("asks for more than spec.grant.rules in greeter.yaml gives"), "{reason}");
    assert!(reason.contains("websites"), "{reason}");
    cluster.ask_hello("one", "X").await;
    cluster.until_greeted("one", "X").await;
    host.until_idle().await;

    let host = host.restart(&cluster, hosting()).await;
    assert_eq!(
        host.serving("greeter").await.0,
        digest_of(&hello),
        "the file holds another version, which waits"
    );
    cluster.ask_hello("two", "X").await;
    cluster.until_greeted("two", "X").await;
    let status = host.status().await.modules.remove(0);
    let held_back = status.rejected.unwrap();
    assert_eq!(held_back.digest, Some(digest_of(&website).to_string()));
    assert!(held_back.reason.contains("asks for more"), "{}", held_back.reason);

    let mark = host.facts.mark();
    host.put("greeter.yaml", manifest("greeter").as_bytes());
    assert_eq!(host.serving_since(mark, "greeter").await.0, digest_of(&website));
    host.stop().await;
    cluster.stop().await;
}
