//! Cases of ownership: the recorded ones, the rules, and properties that hold for any sequence.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ApplyError, Ctx, Element, Managed, Scalar, Set, apply, settle_times, track_update};
use crate::schema::{SchemaRef, builtin};

const NOW: &str = "2026-11-21T10:17:35Z";

struct Kind {
    schema: SchemaRef,
    api_version: &'static str,
    kind: &'static str,
    reset: Set,
}

impl Kind {
    fn config_map() -> Self {
        let schema = builtin("", "v1", "ConfigMap").unwrap();
        Self { schema, api_version: "v1", kind: "ConfigMap", reset: Set::default() }
    }

    fn deployment() -> Self {
        let schema = builtin("apps", "v1", "Deployment").unwrap();
        Self { schema, api_version: "apps/v1", kind: "Deployment", reset: Set::of_fields(&[&["status"]]) }
    }

    fn ctx<'a>(&'a self, manager: &'a str) -> Ctx<'a> {
        Ctx {
            manager,
            api_version: self.api_version,
            kind: self.kind,
            subresource: "",
            force: false,
            now: NOW,
            schema: &self.schema,
            reset: &self.reset,
        }
    }

    fn object(&self, mut rest: Value) -> Value {
        rest["apiVersion"] = self.api_version.into();
        rest["kind"] = self.kind.into();
        rest
    }
}

fn owners(object: &Value) -> Vec<(String, Value)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let who = |entry: &Value| {
        format!("{} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap())
    };
    entries.iter().map(|entry| (who(entry), entry["fieldsV1"].clone())).collect()
}

#[test]
fn the_recorded_conflict_force_and_repetition() {
    let kind = Kind::config_map();
    let mut live = kind.object(json!({"metadata": {"name": "a"}, "data": {"k": "v2", "m": "1"}}));
    track_update(None, &mut live, &kind.ctx("unknown"));
    live["metadata"]["uid"] = "u".into();
    assert_eq!(
        owners(&live),
        [("unknown Update".to_owned(), json!({"f:data": {".": {}, "f:k": {}, "f:m": {}}}))]
    );
    let applied = kind.object(json!({"metadata": {"name": "a"}, "data": {"k": "other"}}));
    let refused = apply(Some(&live), &applied, &kind.ctx("t")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Apply failed with 1 conflict: conflict with \"unknown\" using v1: .data.k"
    );
    let ApplyError::Conflicts(conflicts) = refused else { panic!("not a conflict") };
    assert_eq!(
        (conflicts[0].field.as_str(), conflicts[0].message().as_str()),
        (".data.k", "conflict with \"unknown\" using v1")
    );
    let forced = Ctx { force: true, ..kind.ctx("t") };
    let new = apply(Some(&live), &applied, &forced).unwrap();
    assert_eq!(new["data"], json!({"k": "other", "m": "1"}));
    assert_eq!(
        owners(&new),
        [
            ("t Apply".to_owned(), json!({"f:data": {"f:k": {}}})),
            ("unknown Update".to_owned(), json!({"f:data": {".": {}, "f:m": {}}})),
        ]
    );
    let later = Ctx { now: "2026-11-21T11:00:00Z", ..forced };
    assert_eq!(apply(Some(&new), &applied, &later).unwrap(), new);
}

#[test]
fn what_is_no_longer_applied_goes_unless_somebody_else_owns_it() {
    let kind = Kind::config_map();
    let both = kind.object(json!({"metadata": {"name": "a"}, "data": {"x": "1", "y": "1"}}));
    let live = apply(None, &both, &kind.ctx("one")).unwrap();
    let live = apply(
        Some(&live),
        &kind.object(json!({"metadata": {"name": "a"}, "data": {"y": "1"}})),
        &kind.ctx("two"),
    )
    .unwrap();
    let live =
        apply(Some(&live), &kind.object(json!({"metadata": {"name": "a"}})), &kind.ctx("one")).unwrap();
    assert_eq!(live["data"], json!({"y": "1"}));
    assert_eq!(owners(&live), [("two Apply".to_owned(), json!({"f:data": {"f:y": {}}}))]);
}

#[test]
fn items_are_shared_by_key_and_keys_have_defaults() {
    let kind = Kind::deployment();
    let with = |ports: Value| {
        kind.object(json!({"metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": [{"name": "c", "ports": ports}]}}}}))
    };
    let live = apply(None, &with(json!([{"containerPort": 80, "name": "a"}])), &kind.ctx("one")).unwrap();
    let live = apply(Some(&live), &with(json!([{"containerPort": 80, "protocol": "UDP"}])), &kind.ctx("two"))
        .unwrap();
    let ports = &live["spec"]["template"]["spec"]["containers"][0]["ports"];
    assert_eq!(*ports, json!([{"containerPort": 80, "name": "a"}, {"containerPort": 80, "protocol": "UDP"}]));
    let conflict =
        apply(Some(&live), &with(json!([{"containerPort": 80, "name": "b"}])), &kind.ctx("two")).unwrap_err();
    assert_eq!(
        conflict.to_string(),
        "Apply failed with 1 conflict: conflict with \"one\": .spec.template.spec.containers[name=\"c\"]\
         .ports[containerPort=80,protocol=\"TCP\"].name"
    );
}

#[test]
fn what_is_not_to_be_applied_is_refused() {
    let kind = Kind::config_map();
    let refused = |object: Value| apply(None, &object, &kind.ctx("t")).unwrap_err().to_string();
    assert_eq!(refused(json!({})), "invalid object type: /, Kind=");
    assert_eq!(
        refused(kind.object(json!({"metadata": {"managedFields": []}}))),
        "metadata.managedFields must be nil"
    );
    assert_eq!(
        refused(kind.object(json!({"metadata": {"name": "a"}, "junk": 1}))),
        "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .junk: field not declared in schema"
    );
}

#[test]
fn the_record_is_cleared_and_starts_again_with_the_next_apply() {
    let kind = Kind::config_map();
    let mut live = kind.object(json!({"metadata": {"name": "a", "uid": "u"}, "data": {"k": "v"}}));
    track_update(None, &mut live, &kind.ctx("m"));
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([{}]);
    track_update(Some(&live), &mut new, &kind.ctx("m"));
    assert_eq!(new["metadata"], json!({"name": "a", "uid": "u"}));
    let mut changed = new.clone();
    changed["data"]["k"] = "w".into();
    track_update(Some(&new), &mut changed, &kind.ctx("m"));
    assert_eq!(owners(&changed), []);
    let applied = kind.object(json!({"metadata": {"name": "a"}, "data": {"x": "1"}}));
    let who: Vec<String> = owners(&apply(Some(&changed), &applied, &kind.ctx("t")).unwrap())
        .into_iter()
        .map(|(who, _)| who)
        .collect();
    assert_eq!(who, ["t Apply", "before-first-apply Update"]);
}

#[test]
fn many_old_updates_become_one_entry() {
    let kind = Kind::config_map();
    let mut live: Option<Value> = None;
    for round in 0..13 {
        let mut new =
            live.clone().unwrap_or_else(|| kind.object(json!({"metadata": {"name": "a", "uid": "u"}})));
        new["data"][format!("k{round}")] = "v".into();
        let (manager, now) = (format!("m{round:02}"), format!("2026-11-21T10:17:{round:02}Z"));
        track_update(live.as_ref(), &mut new, &Ctx { now: &now, ..kind.ctx(&manager) });
        live = Some(new);
    }
    let owners = owners(&live.unwrap());
    assert_eq!(owners.len(), 10);
    assert_eq!(owners[0].0, "ancient-changes Update");
    assert_eq!(owners[0].1["f:data"].as_object().unwrap().len(), 5);
}

#[test]
fn a_write_that_changes_only_times_is_none() {
    let kind = Kind::config_map();
    let mut live = kind
        .object(json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}, "data": {"k": "v"}}));
    track_update(None, &mut live, &kind.ctx("m"));
    let mut same = live.clone();
    same["metadata"]["managedFields"][0]["time"] = "2027-01-01T00:00:00Z".into();
    assert!(settle_times(&live, &mut same));
    assert_eq!(same, live);
    let mut other = live.clone();
    other["data"]["k"] = "w".into();
    assert!(!settle_times(&live, &mut other));
}

#[test]
fn kubectl_takes_over_what_it_applied_on_the_clients_side() {
    let kind = Kind::config_map();
    let last = kind.object(json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).to_string();
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last});
    let mut live = kind.object(
        json!({"metadata": {"name": "a", "uid": "u", "annotations": annotations}, "data": {"k": "v"}}),
    );
    track_update(None, &mut live, &kind.ctx("kubectl-client-side-apply"));
    let applied = kind.object(json!({"metadata": {"name": "a"}, "data": {"k": "w"}}));
    assert!(matches!(apply(Some(&live), &applied, &kind.ctx("other")), Err(ApplyError::Conflicts(_))));
    let new = apply(Some(&live), &applied, &kind.ctx("kubectl")).unwrap();
    assert_eq!(new["data"], json!({"k": "w"}));
    let refreshed =
        new["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(refreshed).unwrap(), applied);
}

fn element() -> impl Strategy<Value = Element> {
    let scalar = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "[a-z\"]{0,3}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    let key = prop::collection::btree_map("[a-c]", scalar.clone(), 1..3);
    prop_oneof![
        "[a-z./]{0,4}".prop_map(|name| Element::field(&name)),
        scalar.prop_map(|value| Element::Value(Scalar::new(&value))),
        (0..5_i64).prop_map(Element::Index),
        key.prop_map(|key| Element::key(
            key.into_iter().map(|(name, value)| (name.into(), Scalar::new(&value))).collect()
        )),
    ]
}

fn data() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", "[x-z]", 0..4).prop_map(|map| json!(map))
}

proptest! {
    #[test]
    fn a_set_encodes_and_decodes_to_itself(paths in prop::collection::vec(prop::collection::vec(element(), 1..4), 0..6)) {
        let mut set = Set::default();
        for path in &paths {
            set.insert(path);
        }
        prop_assert_eq!(Set::decode(&set.encode()).unwrap(), set);
    }

    #[test]
    fn applying_twice_is_applying_once(writes in prop::collection::vec((0..3_usize, data()), 1..6)) {
        let kind = Kind::config_map();
        let mut live: Option<Value> = None;
        for (manager, data) in writes {
            let manager = ["a", "b", "c"][manager];
            let ctx = Ctx { force: true, ..kind.ctx(manager) };
            let config = kind.object(json!({"metadata": {"name": "x"}, "data": data}));
            let once = apply(live.as_ref(), &config, &ctx).unwrap();
            let later = Ctx { now: "2027-01-01T00:00:00Z", ..ctx };
            prop_assert_eq!(&apply(Some(&once), &config, &later).unwrap(), &once);
            for (name, value) in config["data"].as_object().unwrap() {
                prop_assert_eq!(&once["data"][name], value);
            }
            Managed::decode(once["metadata"].get("managedFields")).unwrap();
            live = Some(once);
        }
    }
}

fn widget(schema: Value) -> Kind {
    Kind {
        schema: crate::schema::structural(&schema),
        api_version: "x/v1",
        kind: "Widget",
        reset: Set::default(),
    }
}

#[test]
fn writers_of_another_version_see_objects_as_they_are_read() {
    let kind = widget(json!({"type": "object"}));
    let in_version = |version| Ctx { api_version: version, ..kind.ctx("a") };
    let object = |version: &str| json!({"apiVersion": version, "kind": "Widget", "metadata": {"labels": {}}});
    let mut live = apply(None, &object("x/v1"), &in_version("x/v1")).unwrap();
    // Empty labels are not stored.
    live["metadata"].as_object_mut().unwrap().remove("labels");
    let again = Ctx { manager: "b", ..in_version("x/v1") };
    assert!(matches!(apply(Some(&live), &object("x/v1"), &again), Err(ApplyError::Conflicts(_))));
    let other = Ctx { manager: "b", ..in_version("x/v2") };
    assert_eq!(owners(&apply(Some(&live), &object("x/v2"), &other).unwrap()).len(), 2);
}

#[test]
fn what_cannot_be_converted_for_another_writer_is_nobodys() {
    let list = json!({"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"});
    let kind = widget(json!({"type": "object", "properties": {"spec": list}}));
    let mut live = json!({"apiVersion": "x/v2", "kind": "Widget", "metadata": {}, "spec": [0, 0]});
    track_update(None, &mut live, &Ctx { api_version: "x/v2", ..kind.ctx("a") });
    live["metadata"]["uid"] = "u".into();
    let applied = kind.object(json!({"metadata": {}}));
    let refused = apply(Some(&live), &applied, &kind.ctx("b")).unwrap_err();
    assert_eq!(refused.to_string(), ".spec: duplicate entries for key [=0]");
    let mut new = live.clone();
    new["spec"] = json!([1]);
    track_update(Some(&live), &mut new, &kind.ctx("b"));
    assert!(owners(&new).is_empty());
}

#[test]
fn a_record_of_another_group_and_fields_that_are_not_declared_count_for_nothing() {
    let kind = widget(json!({"type": "object"}));
    let entry = json!({"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}});
    let mut new = kind.object(json!({"metadata": {"managedFields": [entry]}}));
    track_update(None, &mut new, &kind.ctx("a"));
    assert!(owners(&new).is_empty());
    let applied = kind.object(json!({"metadata": {}, "status": {}}));
    let refused = apply(None, &applied, &kind.ctx("a")).unwrap_err();
    assert!(refused.to_string().ends_with(".status: field not declared in schema"), "{refused}");
}
