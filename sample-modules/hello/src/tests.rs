//! The greeting follows the label, and nothing is written that is right already.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use serde_json::json;
use windlass::{Kind, Object, module, testing::Cluster};

use super::{LABEL, WindlassModule, hello};

const NAME: (&str, &str) = ("default", "ada");

/// Puts a ConfigMap with this label and data, runs the controller, and looks at the data and the writes.
fn check(label: Option<&str>, data: serde_json::Value, expected: serde_json::Value, writes: &[&str]) {
    let cluster = Cluster::new();
    let object = Object::new("v1/ConfigMap", NAME.1).in_namespace(Some(NAME.0)).with("data", data);
    cluster.put(&match label {
        Some(name) => object.label(LABEL, name),
        None => object,
    });
    cluster.reconcile::<hello>(NAME).unwrap();
    assert_eq!(cluster.object("v1/ConfigMap", NAME).unwrap()["data"], expected);
    assert_eq!(cluster.take_writes(), writes);
}

#[test]
fn the_greeting_follows_the_label_and_other_data_stays() {
    let patched = &["patch ConfigMap default/ada"];
    check(Some("Ada"), json!({}), json!({ "greeting": "Hello, Ada" }), patched);
    let (before, after) =
        (json!({ "greeting": "Hi", "x": "1" }), json!({ "greeting": "Hello, Ada", "x": "1" }));
    check(Some("Ada"), before, after, patched);
}

#[test]
fn a_right_greeting_is_left_alone() {
    check(Some("Ada"), json!({ "greeting": "Hello, Ada" }), json!({ "greeting": "Hello, Ada" }), &[]);
}

#[test]
fn an_object_without_the_label_is_left_alone() {
    check(None, json!({ "x": "1" }), json!({ "x": "1" }), &[]);
}

#[test]
fn an_object_that_is_gone_needs_nothing() {
    let cluster = Cluster::new();
    cluster.reconcile::<hello>(NAME).unwrap();
    assert!(cluster.calls().is_empty());
}

#[test]
fn the_description_asks_for_no_more_than_it_uses() {
    let description = module::describe::<WindlassModule>();
    assert_eq!(description.controllers[0].reconciles, Kind::new("v1", "ConfigMap"));
    assert_eq!(description.permissions.len(), 1);
    assert_eq!(description.permissions[0].verbs, ["patch"]);
}
