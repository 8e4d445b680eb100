//! The rules of the test cluster, by a reconciler that does what the test says.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use serde_json::json;

use super::*;
use crate::{Context, Finalized, Patch, finalize};

const NAME: (&str, &str) = ("default", "one");

fn config_map() -> Object {
    Object::new("v1/ConfigMap", "one").in_namespace(Some("default"))
}

/// Runs something with a context on a cluster.
fn with_context<T>(cluster: &Cluster, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let request = Request {
        controller: "test".into(),
        name: ObjectName::namespaced("default", "one"),
        object: None,
        failures: 0,
        remaining_ms: 1000.0,
    };
    run(&Context::new(cluster, &request))
}

#[test]
fn absent_is_none_and_stored_is_found() {
    let cluster = Cluster::new();
    with_context(&cluster, |ctx| {
        let get = || ctx.get_object("v1/ConfigMap", ctx.name(), &ReadOptions::default()).unwrap();
        assert_eq!(get(), None);
        let created = ctx.create(&config_map().with("data", json!({ "a": "1" }))).unwrap();
        assert_eq!(get(), Some(created));
        assert!(ctx.create(&config_map()).unwrap_err().is_already_exists());
    });
    assert_eq!(cluster.objects(), ["ConfigMap default/one"]);
}

#[test]
fn an_update_of_an_old_version_is_a_conflict_and_one_without_a_version_is_refused() {
    let cluster = Cluster::new();
    with_context(&cluster, |ctx| {
        let first = ctx.create(&config_map()).unwrap();
        ctx.update(&first.clone().with("data", json!({ "a": "1" }))).unwrap();
        assert!(ctx.update(&first.with("data", json!({ "a": "2" }))).unwrap_err().is_conflict());
        assert!(ctx.update(&config_map()).unwrap_err().is("BadRequest"));
    });
}

#[test]
fn a_write_that_changes_nothing_keeps_the_version() {
    let cluster = Cluster::new();
    with_context(&cluster, |ctx| {
        let first = ctx.apply(&config_map().with("data", json!({ "a": "1" }))).unwrap();
        let second = ctx.apply(&config_map().with("data", json!({ "a": "1" }))).unwrap();
        assert_eq!(first, second);
    });
}

#[test]
fn the_generation_counts_the_spec_and_the_status_is_written_apart() {
    let cluster = Cluster::new();
    let object = |replicas: i32| config_map().with("spec", json!({ "replicas": replicas }));
    with_context(&cluster, |ctx| {
        let status = json!({ "ready": 1 });
        ctx.apply(&object(1).with("status", json!({ "ready": 9 }))).unwrap();
        let stored = ctx.apply_status(&object(1), &status).unwrap();
        assert_eq!(
            (stored["status"].clone(), stored.i64_at("/metadata/generation")),
            (status.clone(), Some(1))
        );
        let stored = ctx.apply(&object(2)).unwrap();
        assert_eq!((stored["status"].clone(), stored.i64_at("/metadata/generation")), (status, Some(2)));
    });
}

#[test]
fn patches_of_each_form_change_the_object() {
    let cluster = Cluster::new();
    cluster.put(&config_map().with("data", json!({ "a": "1", "b": "2" })));
    with_context(&cluster, |ctx| {
        let patch =
            |patch: Patch| ctx.patch_object("v1/ConfigMap", ctx.name(), &patch, &WriteOptions::default());
        patch(Patch::merge(&json!({ "data": { "a": null } })).unwrap()).unwrap();
        let operation = json!([{ "op": "test", "path": "/data/b", "value": "2" },
            { "op": "add", "path": "/data/c", "value": "3" }]);
        let stored = patch(Patch::json(&operation).unwrap()).unwrap();
        assert_eq!(stored["data"], json!({ "b": "2", "c": "3" }));
        let wrong = json!([{ "op": "test", "path": "/data/b", "value": "9" }]);
        assert!(patch(Patch::json(&wrong).unwrap()).unwrap_err().is("Invalid"));
    });
}

#[test]
fn lists_select_by_labels_owner_and_index_and_follow_the_pages() {
    let cluster = Cluster::new();
    cluster.add_index(Index::new("by-color", "v1/ConfigMap", ".data.color"));
    let owner = Object::new("v1/ConfigMap", "owner").in_namespace(Some("default"));
    cluster.put(&owner);
    let owner = cluster.object("v1/ConfigMap", ("default", "owner")).unwrap();
    for (name, color) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        let object = Object::new("v1/ConfigMap", name).in_namespace(Some("default")).label("color", color);
        let object = object.with("data", json!({ "color": color }));
        cluster.put(&if name == "b" { object.owned_by(&owner) } else { object });
    }
    with_context(&cluster, |ctx| {
        let check = |query: Query, expected: &[&str]| {
            let found = ctx.list_objects("v1/ConfigMap", &query, &ReadOptions::default()).unwrap();
            let names: Vec<String> = found.iter().map(|object| object.object_name().name).collect();
            assert_eq!(names, expected);
        };
        check(Query::all().page_size(1), &["a", "b", "c", "owner"]);
        check(Query::all().labels("color=red"), &["a", "c"]);
        check(Query::all().indexed("by-color", "red"), &["a", "c"]);
        check(Query::in_namespace("default").owned_by(owner.uid().unwrap()), &["b"]);
        check(Query::in_namespace("other"), &[]);
    });
}

#[test]
fn a_finalizer_holds_the_object_until_its_cleanup_has_run() {
    let cluster = Cluster::new();
    cluster.put(&config_map());
    let step = |fails: bool| {
        with_context(&cluster, |ctx| {
            let mut object = ctx.get_object("v1/ConfigMap", ctx.name(), &ReadOptions::default())?.unwrap();
            finalize(ctx, &mut object, "test/hold", |ctx, object| {
                ctx.normal(object, "Ended", "CleanUp", "");
                if fails { Err(Error::new("not yet")) } else { Ok(()) }
            })
        })
    };
    assert_eq!(step(false).unwrap(), Finalized::Live);
    assert!(!cluster.delete("v1/ConfigMap", NAME));
    assert_eq!(step(true).unwrap_err().to_string(), "not yet");
    assert!(cluster.object("v1/ConfigMap", NAME).is_some());
    assert_eq!(step(false).unwrap(), Finalized::Going);
    assert!(cluster.object("v1/ConfigMap", NAME).is_none());
    assert_eq!(cluster.events().len(), 2);
}

#[test]
fn what_has_no_owner_left_goes_too() {
    let cluster = Cluster::new();
    cluster.put(&config_map());
    let owner = cluster.object("v1/ConfigMap", NAME).unwrap();
    let child = |name: &str| Object::new("v1/Secret", name).in_namespace(Some("default"));
    cluster.put(&child("owned").owned_by(&owner));
    cluster.put(&child("free"));
    assert!(cluster.delete("v1/ConfigMap", NAME));
    assert_eq!(cluster.objects(), ["Secret default/free"]);
}

#[test]
fn a_refused_call_fails_once_and_is_recorded() {
    let cluster = Cluster::new();
    let error = ApiError {
        code: 500,
        reason: "InternalError".into(),
        message: "down".into(),
        status: None,
        retry_after_ms: None,
    };
    cluster.refuse_next("apply", error);
    with_context(&cluster, |ctx| {
        let message = ctx.apply(&config_map()).unwrap_err().to_string();
        assert_eq!(message, "apply ConfigMap default/one: InternalError: down");
        ctx.apply(&config_map()).unwrap();
    });
    assert_eq!(cluster.take_writes(), ["apply ConfigMap default/one", "apply ConfigMap default/one"]);
    assert!(cluster.calls().is_empty());
}
