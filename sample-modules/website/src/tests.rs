//! A Website's life against the test cluster.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use std::time::Duration;

use serde_json::json;
use windlass::{Error, Object, Outcome, module, testing::Cluster};

use super::{FINALIZER, Website, WindlassModule, website};

const NAME: (&str, &str) = ("default", "home");

/// A cluster with one Website, as the API server would have stored it.
fn cluster() -> Cluster {
    let cluster = Cluster::new();
    let spec =
        json!({ "image": "nginx", "replicas": 2, "hostname": "home.example.com", "content": "<h1>Hi</h1>" });
    cluster.put(
        &Object::new("example.windlass.dev/v1/Website", "home")
            .in_namespace(Some("default"))
            .with("spec", spec),
    );
    cluster
}

fn run(cluster: &Cluster) -> Vec<String> {
    assert_eq!(cluster.reconcile::<website>(NAME).unwrap(), Outcome::done());
    cluster.take_writes()
}

fn site(cluster: &Cluster) -> Website {
    cluster.read(NAME).unwrap()
}

fn reasons(cluster: &Cluster) -> Vec<String> {
    cluster.events().into_iter().map(|event| event.reason).collect()
}

fn become_ready(cluster: &Cluster, replicas: i32) {
    cluster.set_status("apps/v1/Deployment", NAME, json!({ "readyReplicas": replicas }));
}

fn change(cluster: &Cluster, change: impl FnOnce(&mut Website)) {
    let mut site = site(cluster);
    change(&mut site);
    site.metadata.generation = site.metadata.generation.map(|generation| generation + 1);
    cluster.put(&site);
}

#[test]
fn a_new_site_gets_its_objects_and_a_status() {
    let cluster = cluster();
    let expected = [
        "patch Website default/home",
        "apply ConfigMap default/home",
        "apply Service default/home",
        "apply Deployment default/home",
        "apply Website/status default/home",
    ];
    assert_eq!(run(&cluster), expected);
    let site = site(&cluster);
    assert_eq!(site.metadata.finalizers, [FINALIZER]);
    let condition = &site.status.conditions[0];
    assert_eq!(
        (condition.status.as_str(), condition.message.as_str()),
        ("False", "0 of 2 replicas are ready")
    );
    let deployment = cluster.object("apps/v1/Deployment", NAME).unwrap();
    assert_eq!(deployment.str_at("/metadata/ownerReferences/0/uid"), site.metadata.uid.as_deref());
    assert_eq!(deployment.i64_at("/spec/replicas"), Some(2));
    assert_eq!(reasons(&cluster), ["Created"]);
}

#[test]
fn a_site_that_is_as_it_should_be_is_not_written() {
    let cluster = cluster();
    run(&cluster);
    let version = site(&cluster).metadata.resource_version;
    cluster.advance(Duration::from_secs(60));
    let applied =
        ["apply ConfigMap default/home", "apply Service default/home", "apply Deployment default/home"];
    assert_eq!(run(&cluster), applied);
    assert_eq!(site(&cluster).metadata.resource_version, version);
}

#[test]
fn it_becomes_ready_with_its_last_replica_and_tells_once() {
    let cluster = cluster();
    for ready in [0, 1, 2, 2] {
        become_ready(&cluster, ready);
        cluster.advance(Duration::from_secs(10));
        run(&cluster);
    }
    let status = site(&cluster).status;
    assert_eq!((status.ready_replicas, status.conditions[0].is_true()), (2, true));
    assert_eq!(status.conditions[0].last_transition_time.as_ms(), cluster.now().as_ms() - 10_000);
    assert_eq!(reasons(&cluster), ["Created", "Ready"]);
}

#[test]
fn another_page_is_another_template() {
    let cluster = cluster();
    run(&cluster);
    let template = || cluster.object("apps/v1/Deployment", NAME).unwrap().at("/spec/template").cloned();
    let before = template();
    change(&cluster, |site| site.spec.content = "<h1>Bye</h1>".into());
    run(&cluster);
    assert_ne!(template(), before);
    let map = cluster.object("v1/ConfigMap", NAME).unwrap();
    assert_eq!(map["data"]["index.html"], "<h1>Bye</h1>");
    assert_eq!(reasons(&cluster), ["Created", "Updated"]);
    assert_eq!(site(&cluster).status.observed_generation, Some(2));
}

#[test]
fn what_was_deleted_or_edited_by_hand_comes_back() {
    let cluster = cluster();
    run(&cluster);
    cluster.delete("v1/Service", NAME);
    let mut map = cluster.object("v1/ConfigMap", NAME).unwrap();
    map.fields_mut()["data"]["index.html"] = "defaced".into();
    cluster.put(&map);
    run(&cluster);
    assert!(cluster.object("v1/Service", NAME).is_some());
    assert_eq!(cluster.object("v1/ConfigMap", NAME).unwrap()["data"]["index.html"], "<h1>Hi</h1>");
}

#[test]
fn its_end_is_recorded_and_takes_its_objects_along() {
    let cluster = cluster();
    run(&cluster);
    assert!(!cluster.delete("example.windlass.dev/v1/Website", NAME));
    cluster.advance(Duration::from_secs(90));
    assert_eq!(run(&cluster), ["patch Website default/home"]);
    assert!(cluster.objects().is_empty(), "{:?}", cluster.objects());
    let events = cluster.events();
    assert_eq!(events.last().map(|event| event.note.as_str()), Some("home.example.com is gone after 90 s"));
}

#[test]
fn a_conflict_is_left_to_the_next_run() {
    let cluster = cluster();
    let error = windlass::ApiError {
        code: 409,
        reason: "Conflict".into(),
        message: "changed in between".into(),
        status: None,
        retry_after_ms: None,
    };
    cluster.refuse_next("apply", error);
    assert!(
        cluster
            .reconcile::<website>(NAME)
            .is_err_and(|error: Error| error.is_conflict() && !error.is_terminal())
    );
    run(&cluster);
    assert_eq!(site(&cluster).status.observed_generation, Some(1));
}

#[test]
fn the_description_carries_the_definition_and_names_the_finalizer() {
    let description = module::describe::<WindlassModule>();
    let definition: serde_json::Value = serde_json::from_str(&description.definitions[0]).unwrap();
    assert_eq!(definition["spec"]["names"]["kind"], "Website");
    assert_eq!(description.finalizers, [FINALIZER]);
    let watches: Vec<&str> =
        description.controllers[0].watches.iter().map(|watch| watch.name.as_str()).collect();
    assert_eq!(watches, ["deployment", "service", "configmap"]);
}
