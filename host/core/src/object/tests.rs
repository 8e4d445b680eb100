//! Ingest and projection: what is kept, and that it is what a full parse finds.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn config_map() -> Kind {
    Kind::new("v1", "ConfigMap")
}

fn ingest(raw: &str) -> Object {
    Object::ingest(&config_map(), raw).unwrap_or_else(|error| panic!("{raw}: {error:?}"))
}

fn check(raw: &str, want: &str) {
    let object = ingest(raw);
    assert_eq!(object.json(), want);
    serde_json::from_str::<Value>(object.json()).unwrap();
    assert_eq!(object.name().name, "a", "{raw}");
}

#[test]
fn an_object_is_normalised_once_and_otherwise_kept_byte_for_byte() {
    check(
        r#"{"metadata":{"name":"a","managedFields":[{"x":1}]},"data":{"n":1.50}}"#,
        r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"n":1.50}}"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields": [], "name":"a"}}"#,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#,
    );
    check(
        r#" {"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields":[1],"name":"a"},"x":1} "#,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"x":1}"#,
    );
    check(
        r#"{"kind":"ConfigMap","metadata":{"uid":"u","managedFields":[],"name":"a"},"apiVersion":"v1"}"#,
        r#"{"kind":"ConfigMap","metadata":{"uid":"u","name":"a"},"apiVersion":"v1"}"#,
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for raw in [
        "",
        "[]",
        "{}",
        r#"{"metadata":{}}"#,
        r#"{"metadata":{"name":""}}"#,
        r#"{"metadata":{"name":5}}"#,
        r#"{"metadata":{"name":"a","managedFields":[],}}"#,
        r#"{"metadata":{"name":"a"}"#,
        r#"{"metadata":{"name":"a"}}}"#,
        r#"{"metadata":{"name":"a","labels":{"x":1}}}"#,
        r#"{"metadata":{"name":"a","generation":1.5}}"#,
        r#"{"metadata":{"name":"a","ownerReferences":[{"kind":"K"}]}}"#,
        r#"{"metadata":{"name":"a","finalizers":["\ud800"]}}"#,
        r#"{"metadata":{"name":"a"},"spec":{"x":tru}}"#,
    ] {
        assert!(Object::ingest(&config_map(), raw).is_err(), "{raw}");
    }
}

#[test]
fn what_is_null_is_not_there() {
    let object = ingest(
        r#"{"metadata":{"name":"a","namespace":null,"labels":null,"ownerReferences":null,"generation":null,"deletionTimestamp":null,"managedFields":null}}"#,
    );
    assert_eq!(object.name(), NameRef { namespace: None, name: "a" });
    assert!(object.labels().is_empty() && object.owners().next().is_none());
    assert_eq!((object.generation(), object.is_deleting()), (None, false));
}

#[test]
fn of_a_label_that_comes_twice_the_last_counts_and_escapes_are_decoded() {
    let object =
        ingest(r#"{"metadata":{"name":"a","labels":{"b":"1","a\u0062" : "x\"y","b":"2", "a" :"3"}}}"#);
    let labels: Vec<_> = object.labels().iter().collect();
    assert_eq!(labels, [("a", "3"), ("ab", "x\"y"), ("b", "2")]);
    assert_eq!(object.label("ab"), Some("x\"y"));
}

/// managedFields with one entry more than the two that are always there.
fn owned_by(manager: &str, operation: &str, fields: &str, time: &str) -> Object {
    ingest(&format!(
        r#"{{"metadata":{{"name":"a","managedFields":[{{"manager":"m","operation":"Apply","apiVersion":"v1","time":"{time}","fieldsV1":{{"f:data":{{}}}}}},{{"manager":"m","operation":"Update","subresource":"status","fieldsV1":{{"f:status":{{}}}}}},{{"manager":"{manager}","operation":"{operation}","fieldsV1":{{{fields}}}}}]}}}}"#
    ))
}

#[test]
fn ownership_is_told_apart_by_manager_and_subresource_and_knows_no_time() {
    let base = owned_by("other", "Update", "", "1");
    let later = owned_by("other", "Update", "", "2");
    let more = owned_by("other", "Update", r#""f:x":{}"#, "1");
    let both = owned_by("m", "Update", r#""f:x":{}"#, "1");
    assert_ne!(base.ownership("m", ""), base.ownership("m", "status"));
    assert_eq!(base.ownership("m", "scale"), None);
    assert_eq!(base.ownership("nobody", ""), None);
    for (manager, subresource) in [("m", ""), ("m", "status"), ("other", "")] {
        assert!(base.ownership(manager, subresource).is_some());
        assert_eq!(base.ownership(manager, subresource), later.ownership(manager, subresource));
    }
    assert_eq!(base.ownership_digest(), later.ownership_digest());
    assert_eq!(base.ownership("m", ""), more.ownership("m", ""), "another's fields are another's");
    assert_ne!(base.ownership("other", ""), more.ownership("other", ""));
    assert_ne!(base.ownership_digest(), more.ownership_digest());
    assert_ne!(base.ownership("m", ""), both.ownership("m", ""), "a second operation counts");
    assert_ne!(
        owned_by("x", "Apply", "", "1").ownership("x", ""),
        owned_by("x", "Update", "", "1").ownership("x", "")
    );
}

#[test]
fn versions_are_compared_by_length_then_by_digits() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for (one, other, want) in [
        ("9", "10", Some(Less)),
        ("10", "9", Some(Greater)),
        ("7", "7", Some(Equal)),
        ("", "1", None),
        ("01", "1", None),
    ] {
        assert_eq!(compare_versions(one, other), want, "{one} {other}");
    }
}

/// Texts that need escapes as well as such that do not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z]{1,9}", 1 => "[a-z\"\\\\é\n]{1,5}"]
}

fn metadata() -> impl Strategy<Value = Value> {
    let owner = (text(), text(), any::<Option<bool>>())
        .prop_map(|(name, uid, yes)| json!({"apiVersion": "apps/v1", "kind": "K", "name": name, "uid": uid, "controller": yes}));
    let texts = || prop::collection::btree_map(text(), text(), 0..4);
    let some = |value: Value, there: bool| if there { value } else { Value::Null };
    (
        text(),
        any::<(bool, bool, bool)>(),
        texts(),
        texts(),
        prop::collection::vec(owner, 0..3),
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(move |(name, there, labels, annotations, owners, finalizers)| {
            json!({
                "name": name,
                "namespace": some(json!("n\u{e9}"), there.0),
                "uid": "u-1",
                "resourceVersion": "7",
                "generation": some(json!(-3), there.1),
                "deletionTimestamp": some(json!("2026-01-01T00:00:00Z"), there.2),
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": owners,
                "finalizers": finalizers,
                "managedFields": [{"manager": "m", "fieldsV1": {"f:x": {}}}],
            })
        })
}

/// Any JSON under few keys, so that paths often lead somewhere.
fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop::sample::select(vec!["a", "b", "c.d", "q\"q"]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    let step = prop::sample::select(vec![".a", ".b", "['c.d']", "['q\"q']", "[*]"]);
    let path = prop::collection::vec(step, 0..4).prop_map(|steps| format!(".spec{}", steps.concat()));
    prop::collection::vec(path, 0..5)
}

/// The rules of paths, written the slow way, over a parsed object.
fn walk<'v>(path: &str, values: Vec<&'v Value>) -> Vec<&'v Value> {
    let (step, rest) = match path.strip_prefix("['") {
        Some(quoted) => quoted.split_once("']").unwrap(),
        None if path.starts_with('[') => ("*", &path[3..]),
        None if path.is_empty() => return values,
        None => path[1..].split_at(path[1..].find(['.', '[']).unwrap_or(path.len() - 1)),
    };
    let inner = values.into_iter().flat_map(|value| match value {
        Value::Object(fields) if step == "*" => fields.values().collect::<Vec<_>>(),
        Value::Object(fields) => fields.get(step).into_iter().collect(),
        Value::Array(items) if step == "*" => items.iter().collect(),
        _ => Vec::new(),
    });
    walk(rest, inner.collect())
}

fn strings(object: &Object, path: &FieldPath) -> Vec<String> {
    let mut found = Vec::new();
    object.each_string(path, &mut |text| found.push(text.into_owned()));
    found
}

proptest! {
    #[test]
    fn the_header_says_what_a_full_parse_finds(metadata in metadata(), pretty: bool) {
        let value = json!({"metadata": metadata, "spec": {"x": 1}});
        let raw = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let object = ingest(&raw);
        let text = |at: &str| metadata[at].as_str();
        prop_assert_eq!(object.name(), NameRef { namespace: text("namespace"), name: text("name").unwrap() });
        prop_assert_eq!((object.uid(), object.resource_version()), ("u-1", "7"));
        prop_assert_eq!(object.generation(), metadata["generation"].as_i64());
        prop_assert_eq!(object.is_deleting(), text("deletionTimestamp").is_some());
        let labels: Vec<_> = object.labels().iter().collect();
        let want = metadata["labels"].as_object().unwrap();
        prop_assert_eq!(&labels, &want.iter().map(|(key, value)| (&**key, value.as_str().unwrap())).collect::<Vec<_>>());
        for (key, value) in labels {
            prop_assert_eq!(object.label(key), Some(value));
        }
        let owners: Vec<_> = object.owners().map(|o| json!({"apiVersion": o.api_version, "kind": o.kind, "name": o.name, "uid": o.uid, "controller": o.controller})).collect();
        let mut want = metadata["ownerReferences"].as_array().unwrap().clone();
        want.iter_mut().for_each(|owner| owner["controller"] = (owner["controller"] == true).into());
        prop_assert_eq!(owners, want);
        prop_assert_eq!(json!(object.finalizers().collect::<Vec<_>>()), metadata["finalizers"].clone());
        let mut want = value.clone();
        want["kind"] = "ConfigMap".into();
        want["apiVersion"] = "v1".into();
        want["metadata"].as_object_mut().unwrap().remove("managedFields");
        prop_assert_eq!(serde_json::from_str::<Value>(object.json()).unwrap(), want);
    }

    #[test]
    fn a_projection_holds_what_a_full_parse_finds(spec in body(), paths in paths(), notes in prop::collection::btree_map(text(), text(), 0..3)) {
        let value = json!({"metadata": {"name": "a", "annotations": notes}, "spec": spec});
        let plain = ingest(&value.to_string());
        let parsed: Vec<_> = paths.iter().map(|path| FieldPath::parse(path).unwrap()).collect();
        let plan = FieldPlan::new(parsed.clone(), notes.keys().map(|key| Box::from(&**key)).collect());
        let object = plain.clone().projected(&Arc::new(plan));
        prop_assert_eq!(object.json(), plain.json());
        // As parsed: of a float serde_json reads not always the very one that was written.
        let value: Value = serde_json::from_str(plain.json()).unwrap();
        for (text, path) in paths.iter().zip(&parsed) {
            let want: Vec<_> = walk(text, vec![&value]).into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
                _ => None,
            }).collect();
            prop_assert_eq!(&strings(&object, path), &want, "{}", text);
            prop_assert_eq!(&strings(&plain, path), &want, "{} without a plan", text);
            prop_assert_eq!(object.field_digest(path), plain.field_digest(path));
        }
        for (key, note) in &notes {
            prop_assert_eq!(object.annotation(key), Some(Cow::from(&**note)));
            prop_assert_eq!(plain.annotation(key), Some(Cow::from(&**note)));
        }
        prop_assert_eq!(object.annotation("absent"), None);
    }

    #[test]
    fn a_field_digest_changes_with_the_values_at_the_path_and_with_nothing_else(one in body(), other in body(), paths in paths()) {
        let [first, second] = [&one, &other].map(|spec| json!({"metadata": {"name": "a"}, "spec": spec}));
        let (held, new) = (ingest(&first.to_string()), ingest(&second.to_string()));
        for text in paths {
            let path = FieldPath::parse(&text).unwrap();
            let written = |value| walk(&text, vec![value]).into_iter().map(Value::to_string).collect::<Vec<_>>();
            let same = written(&first) == written(&second);
            prop_assert_eq!(held.field_digest(&path) == new.field_digest(&path), same, "{}", text);
        }
    }
}
