//! The copy follows what it names, and the read is one that is followed.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use serde_json::{Value, json};
use windlass::{Object, testing::Cluster};

use super::{LABEL, mirror};

const COPY: (&str, &str) = ("default", "copy");

fn map(name: &str, data: Value) -> Object {
    Object::new("v1/ConfigMap", name).in_namespace(Some(COPY.0)).with("data", data)
}

/// Puts a copy and perhaps its source, runs the controller, and looks at the data and the writes.
fn check(source: Option<Value>, before: Value, expected: Value, writes: &[&str]) {
    let cluster = Cluster::new();
    cluster.put(&map(COPY.1, before).label(LABEL, "red"));
    if let Some(data) = source {
        cluster.put(&map("red", data));
    }
    cluster.reconcile::<mirror>(COPY).unwrap();
    let calls = cluster.calls();
    let read = calls.iter().find(|call| call.verb == "get" && call.name.name == "red").unwrap();
    assert!(read.subscribed, "it is followed, whether it is there or not");
    assert_eq!(cluster.object("v1/ConfigMap", COPY).unwrap()["data"], expected);
    assert_eq!(cluster.take_writes(), writes);
}

#[test]
fn the_copy_has_what_the_source_has_and_nothing_else() {
    let patched = &["patch ConfigMap default/copy"];
    let red = || json!({ "color": "red" });
    check(Some(red()), json!({}), red(), patched);
    check(Some(red()), json!({ "color": "blue", "depth": "1" }), red(), patched);
    check(None, red(), json!({}), patched);
}

#[test]
fn a_right_copy_is_left_alone() {
    check(Some(json!({ "color": "red" })), json!({ "color": "red" }), json!({ "color": "red" }), &[]);
}
