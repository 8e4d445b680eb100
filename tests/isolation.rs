//! A bad module beside a good one: what it does is ended by the right bound and told so that its author understands
//! it, and the good one goes on as if it were alone.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::{Duration, Instant};
use windlass_runtime::core::{
    fact::{Fact, RunEnded},
    outcome::{Outcome, Trap, TrapKind},
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, manifest_with, module},
    samples::config_map,
};

/// A run of a bad module is over after this much CPU.
const LIMITS: &str = "  limits: {cpuPerRun: 200ms, deadline: 2s, memory: 16Mi}\n";

/// A greeting takes milliseconds alone. With a bad module beside it on two busy processors it may take a few slices of
/// the bad one's CPU, not one of its runs after the other.
const PROMPT: Duration = Duration::from_secs(5);

/// Objects of each module; each of the bad one's occupies a run.
const OBJECTS: usize = 8;

/// A cluster, and a host on it in which `hello` serves and the bad module's files are.
async fn beside_hello(bad: &str, bad_manifest: &str) -> (Cluster, Host) {
    let (hello, bad_bytes) = (module("hello"), module(&format!("bad/{bad}")));
    let cluster = Cluster::start(&[]).await;
    let hello_manifest = manifest("hello");
    let [bad_wasm, bad_yaml] = ["wasm", "yaml"].map(|end| format!("{bad}.{end}"));
    let files = [
        ("hello.yaml", hello_manifest.as_bytes()),
        ("hello.wasm", &*hello),
        (&*bad_yaml, bad_manifest.as_bytes()),
        (&*bad_wasm, &*bad_bytes),
    ];
    let host = Host::start_with(&cluster, Hosting::default(), &files).await;
    host.serving("hello").await;
    (cluster, host)
}

/// Hello greets once.
async fn hello_greets(cluster: &Cluster, name: &str) {
    cluster.ask_hello(name, "x").await;
    cluster.until_greeted(name, "x").await;
}

/// Hello greets one after the other, promptly each time.
async fn hello_is_prompt(cluster: &Cluster) {
    for nth in 0..OBJECTS {
        let name = format!("greeted-{nth}");
        let since = Instant::now();
        hello_greets(cluster, &name).await;
        assert!(since.elapsed() < PROMPT, "greeting {name} took {:?}", since.elapsed());
    }
}

/// Runs of `bad` end by this trap, again and again, while hello is prompt; what the trap says.
async fn check_trap(bad: &str, kind: TrapKind) -> Trap {
    let (cluster, host) = beside_hello(bad, &manifest_with(bad, LIMITS)).await;
    host.serving(bad).await;
    for nth in 0..OBJECTS {
        let object = config_map(&format!("victim-{nth}"), &format!("bad.windlass.dev/{bad}"), "x");
        cluster.apply(&object).await.unwrap();
    }
    hello_is_prompt(&cluster).await;
    let trap = host.fact(|fact| trap_of(bad, fact)).await;
    assert_eq!(trap.kind, kind, "{trap:?}");
    let again = |fact: &Fact| trap_of(bad, fact).filter(|next| *next == trap);
    assert!(host.facts.all(again).iter().all(|next| next.kind == kind));
    let hello_runs = host.runs().into_iter().filter(|seen| *seen.run.request.controller.module.0 == *"hello");
    hello_runs.for_each(|seen| assert_eq!(seen.run.outcome, Outcome::Done, "{:?}", seen.run));
    host.stop().await;
    cluster.stop().await;
    trap
}

fn trap_of(module: &str, fact: &Fact) -> Option<Trap> {
    match fact {
        Fact::RunEnded(run) => match &**run {
            RunEnded { request, outcome: Outcome::Trapped(trap), .. }
                if *request.controller.module.0 == *module =>
            {
                Some(trap.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_told_with_its_message_and_hello_goes_on() {
    let trap = check_trap("traps", TrapKind::Fault).await;
    assert!(trap.message.contains("the trap of default/victim-"), "{trap:?}");
    assert!(!trap.frames.is_empty(), "{trap:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_is_cut_by_its_cpu_bound_and_hello_goes_on() {
    let trap = check_trap("loops", TrapKind::Cpu).await;
    assert!(trap.message.contains("200ms"), "the bound is named: {trap:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hoard_is_cut_by_its_memory_bound_and_hello_goes_on() {
    let trap = check_trap("hoards", TrapKind::Memory).await;
    assert!(trap.message.contains("16"), "the bound is named: {trap:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_asks_for_more_than_its_grant_waits_and_hello_goes_on() {
    let grant = "apiVersion: windlass.dev/v1alpha1
kind: Module
metadata: {name: overreaches}
spec:
  grant:
    rules:
    - {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch, patch], namespaces: [default]}
";
    let (cluster, host) = beside_hello("overreaches", grant).await;
    let reason = host.waiting_since(0, "overreaches").await;
    for part in ["spec.grant.rules in overreaches.yaml", "secrets", "namespaces", "clusterrolebindings"] {
        assert!(reason.contains(part), "{part:?} is not in: {reason}");
    }
    cluster.apply(&config_map("victim", "bad.windlass.dev/overreaches", "x")).await.unwrap();
    hello_is_prompt(&cluster).await;
    host.until_idle().await;
    let ran = host.runs().iter().any(|seen| *seen.run.request.controller.module.0 == *"overreaches");
    assert!(!ran, "a module that waits does not run");
    host.stop().await;
    cluster.stop().await;
}
