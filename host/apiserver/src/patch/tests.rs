//! Cases of the three kinds of patch.
#![allow(clippy::unwrap_used, reason = "a refused patch fails the test")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{PatchError, json_patch, merge_patch, strategic_patch};
use crate::schema::builtin;

fn check(original: Value, patch: Value, result: Value) {
    let mut object = json!({"spec": original});
    strategic_patch(&mut object, json!({"spec": patch}), &builtin("", "v1", "Pod").unwrap()).unwrap();
    assert_eq!(object["spec"], result);
}

#[test]
fn items_are_merged_by_their_key_and_new_ones_come_first() {
    check(
        json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}),
        json!({"containers": [{"name": "b", "image": "2"}, {"name": "c"}]}),
        json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}]}),
    );
    check(
        json!({"tolerations": [{"key": "a"}]}),
        json!({"tolerations": [{"key": "b"}]}),
        json!({"tolerations": [{"key": "b"}]}),
    );
}

#[test]
fn directives_delete_replace_and_order() {
    let original = json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    check(
        original.clone(),
        json!({"containers": [{"name": "b", "$patch": "delete"}]}),
        json!({"containers": [{"name": "a"}, {"name": "c"}]}),
    );
    check(
        original.clone(),
        json!({"containers": [{"name": "x"}, {"$patch": "replace"}]}),
        json!({"containers": [{"name": "x"}]}),
    );
    check(
        original.clone(),
        json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [{"name": "a", "image": "i"}]}),
        json!({"containers": [{"name": "b"}, {"name": "c"}, {"name": "a", "image": "i"}]}),
    );
    check(original, json!({"$patch": "replace", "nodeName": "n"}), json!({"nodeName": "n"}));
    check(
        json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
        json!({"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "x"}}]}),
        json!({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}),
    );
}

#[test]
fn scalars_of_a_merged_list_are_a_set() {
    let pod = builtin("", "v1", "Pod").unwrap();
    let mut object = json!({"metadata": {"finalizers": ["a", "b"]}});
    strategic_patch(&mut object, json!({"metadata": {"finalizers": ["c", "a"]}}), &pod).unwrap();
    assert_eq!(object, json!({"metadata": {"finalizers": ["c", "a", "b"]}}));
    let deletion = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "x"]}});
    strategic_patch(&mut object, deletion, &pod).unwrap();
    assert_eq!(object, json!({"metadata": {"finalizers": ["c", "b"]}}));
}

#[test]
fn what_breaks_a_rule_is_refused_with_its_class() {
    let pod = builtin("", "v1", "Pod").unwrap();
    let refused = |patch: Value| {
        let mut object = json!({"spec": {"containers": [{"name": "a"}]}});
        strategic_patch(&mut object, json!({"spec": patch}), &pod).unwrap_err()
    };
    assert_eq!(
        refused(json!({"containers": [{"image": "x"}]})),
        PatchError::Internal("map: map[image:x] does not contain declared merge key: name".to_owned())
    );
    assert_eq!(
        refused(json!({"$retainKeys": ["a"], "nodeName": "b"})),
        PatchError::BadRequest("invalid patch format of retainKeys".to_owned())
    );
    assert_eq!(
        refused(json!({"containers": [{"name": "a", "$patch": "odd"}]})),
        PatchError::Internal("unknown patch type: odd in map: map[$patch:odd name:a]".to_owned())
    );
}

#[test]
fn json_patches_are_done_whole_or_not_at_all() {
    let mut object = json!({"a": 1});
    json_patch(
        &mut object,
        &json!([{"op": "add", "path": "/b", "value": 2}, {"op": "remove", "path": "/a"}]),
    )
    .unwrap();
    assert_eq!(object, json!({"b": 2}));
    let failing = json!([{"op": "add", "path": "/c", "value": 2}, {"op": "test", "path": "/b", "value": 3}]);
    assert_eq!(json_patch(&mut object, &failing), Err(PatchError::Unprocessable));
    assert_eq!(object, json!({"b": 2}));
    let object_patch = json_patch(&mut object, &json!({"op": "add"})).unwrap_err();
    assert_eq!(
        object_patch.to_string(),
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    );
    let many = Value::Array(vec![json!({"op": "test", "path": "/b", "value": 2}); 10_001]);
    assert!(matches!(json_patch(&mut object, &many), Err(PatchError::TooLarge(_))));
}

#[test]
fn what_the_rfc_refuses_and_the_real_library_does_is_done() {
    let object = json!({"a": {"b": 1}, "list": [1, 2, 3]});
    for (operation, result) in [
        (
            json!({"op": "replace", "path": "/a/new", "value": 2}),
            json!({"a": {"b": 1, "new": 2}, "list": [1, 2, 3]}),
        ),
        (json!({"op": "test", "path": "/a/none", "value": null}), object.clone()),
        (
            json!({"op": "copy", "from": "/none", "path": "/a/b"}),
            json!({"a": {"b": null}, "list": [1, 2, 3]}),
        ),
        (json!({"op": "remove", "path": "/list/-1"}), json!({"a": {"b": 1}, "list": [1, 2]})),
        (json!({"op": "add", "path": "/list/-1", "value": 4}), json!({"a": {"b": 1}, "list": [1, 2, 3, 4]})),
        (json!({"op": "replace", "path": "/list/01", "value": 0}), json!({"a": {"b": 1}, "list": [1, 0, 3]})),
        (
            json!({"op": "move", "from": "/list/0", "path": "/list/-1"}),
            json!({"a": {"b": 1}, "list": [2, 3, 1]}),
        ),
    ] {
        let mut patched = object.clone();
        assert_eq!(json_patch(&mut patched, &json!([operation])), Ok(()), "{operation}");
        assert_eq!(patched, result, "{operation}");
    }
    for operation in [
        json!({"op": "replace", "path": "/none/new", "value": 2}),
        json!({"op": "replace", "path": "/list/3", "value": 2}),
        json!({"op": "test", "path": "/none/none", "value": null}),
        json!({"op": "move", "from": "/none", "path": "/a/b"}),
        json!({"op": "remove", "path": "/list/-4"}),
    ] {
        let refused = json_patch(&mut object.clone(), &json!([operation]));
        assert_eq!(refused, Err(PatchError::Unprocessable), "{operation}");
    }
}

fn texts() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-d]", "[x-z]", 0..4)
        .prop_map(|map| map.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
}

proptest! {
    #[test]
    fn merging_a_difference_gives_the_target(from in texts(), to in texts()) {
        let mut patch = to.clone();
        for name in from.keys().filter(|name| !to.contains_key(*name)) {
            patch.insert(name.clone(), Value::Null);
        }
        let mut object = Value::Object(from);
        merge_patch(&mut object, Value::Object(patch));
        prop_assert_eq!(object, Value::Object(to));
    }

    #[test]
    fn on_maps_a_strategic_patch_is_a_merge_patch(from in texts(), patch in texts(), gone in "[a-d]") {
        let mut labels = patch;
        labels.insert(gone, Value::Null);
        let patch = json!({"metadata": {"labels": labels}});
        let mut merged = json!({"metadata": {"labels": from}});
        let mut strategic = merged.clone();
        merge_patch(&mut merged, patch.clone());
        strategic_patch(&mut strategic, patch, &builtin("", "v1", "Pod").unwrap()).unwrap();
        prop_assert_eq!(merged, strategic);
    }
}

#[test]
fn malformed_lists_are_told_as_the_real_library_tells_them() {
    let told = |kind: (&str, &str, &str), original: Value, patch: Value| {
        let mut object = original;
        let schema = builtin(kind.0, kind.1, kind.2).unwrap();
        strategic_patch(&mut object, patch, &schema).map(|()| object).map_err(|error| error.to_string())
    };
    let pod = ("", "v1", "Pod");
    let with = |finalizers: Value| json!({"metadata": {"finalizers": finalizers}});
    for (original, patch, message) in [
        (with(json!(["a"])), with(json!([{}])), "list element types are not identical: [[a] [map[]]]"),
        (with(json!([])), json!({"$patch": 1}), "unknown patch type: %!s(int64=1) in map: map[$patch:1]"),
        (
            json!({"spec": {}}),
            json!({"spec": {"$setElementOrder/containers": [{}], "containers": [{"$patch": "odd"}]}}),
            "map: map[] does not contain declared merge key: name",
        ),
    ] {
        assert_eq!(told(pod, original, patch).unwrap_err(), message);
    }
    let revision = json!({"data": {"b": []}});
    let error = told(("apps", "v1", "ControllerRevision"), revision.clone(), revision).unwrap_err();
    assert_eq!(error, "unable to find api field in struct RawExtension for the json field \"b\"");
    let budget = |selector: Value| json!({"spec": {"selector": selector}});
    let replaced = told(
        ("policy", "v1", "PodDisruptionBudget"),
        budget(json!({"matchLabels": {"a": "b"}})),
        budget(json!({})),
    );
    assert_eq!(replaced, Ok(budget(json!({}))));
}
