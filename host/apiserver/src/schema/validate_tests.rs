//! Cases of holding custom resources against their schemas, the recorded ones among them.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};

use super::{Custom, Rules, structural, validate_custom};

fn check(schema: &Value, new: &Value, old: Option<&Value>, errors: &[&str]) {
    let node = structural(schema);
    let rules = Rules::of(schema, "demo.example.com", "v1", "Widget");
    let custom = Custom {
        schema: &node,
        rules: rules.as_ref(),
        spec_replicas_path: Some(".spec.replicas"),
        status_replicas_path: None,
    };
    let found: Vec<String> = validate_custom(&custom, new, old).iter().map(ToString::to_string).collect();
    assert_eq!(found, errors);
}

fn widget() -> Value {
    json!({"type": "object", "properties": {"spec": {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "string", "enum": ["S", "M", "L"]},
            "replicas": {"type": "integer", "default": 1, "minimum": 0},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        },
        "x-kubernetes-validations": [{"rule": "self.replicas <= 5", "message": "too many"}],
    }}})
}

const NOT_CHECKED: &str = "<nil>: Invalid value: null: some validation rules were not checked because the object was \
                           invalid; correct the existing errors to complete validation";

#[test]
fn the_recorded_refusals_are_worded_alike() {
    let refused = |spec: Value, errors: &[&str]| check(&widget(), &json!({"spec": spec}), None, errors);
    refused(
        json!({"size": "XX", "replicas": -1}),
        &[
            "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0",
            "spec.size: Unsupported value: \"XX\": supported values: \"S\", \"M\", \"L\"",
            ".spec.replicas: Invalid value: -1: should be a non-negative integer",
            NOT_CHECKED,
        ],
    );
    refused(json!({"replicas": 1}), &["spec.size: Required value", NOT_CHECKED]);
    refused(json!({"size": "S", "replicas": 9}), &["spec: Invalid value: too many"]);
    refused(
        json!({"size": "S", "replicas": 1, "tags": ["a", "a"]}),
        &["spec.tags[1]: Duplicate value: \"a\""],
    );
    refused(
        json!({"size": "S", "replicas": "x"}),
        &[
            "spec.replicas: Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\"",
            ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected int64",
            NOT_CHECKED,
        ],
    );
    refused(json!({"size": "S", "replicas": 5}), &[]);
}

#[test]
fn every_keyword_has_its_words() {
    let refused = |schema: Value, value: Value, errors: &[&str]| {
        let schema = json!({"type": "object", "properties": {"x": schema}});
        check(&schema, &json!({"x": value}), None, errors);
    };
    refused(
        json!({"type": "string", "maxLength": 2}),
        json!("abc"),
        &["x: Too long: may not be more than 2 bytes"],
    );
    refused(
        json!({"type": "string", "minLength": 2}),
        json!("a"),
        &["x: Invalid value: \"a\": x in body should be at least 2 chars long"],
    );
    refused(
        json!({"type": "string", "pattern": "^[a-z]+$"}),
        json!("A"),
        &["x: Invalid value: \"A\": x in body should match '^[a-z]+$'"],
    );
    refused(
        json!({"type": "string", "format": "ipv4"}),
        json!("a"),
        &["x: Invalid value: \"a\": x in body must be of type ipv4: \"a\""],
    );
    refused(
        json!({"type": "number", "maximum": 1.5, "exclusiveMaximum": true}),
        json!(1.5),
        &["x: Invalid value: 1.5: x in body should be less than 1.5"],
    );
    refused(
        json!({"type": "integer", "multipleOf": 3}),
        json!(4),
        &["x: Invalid value: 4: x in body should be a multiple of 3"],
    );
}

#[test]
fn containers_and_junctors_have_their_words() {
    let refused = |schema: Value, value: Value, errors: &[&str]| {
        let schema = json!({"type": "object", "properties": {"x": schema}});
        check(&schema, &json!({"x": value}), None, errors);
    };
    refused(
        json!({"type": "array", "items": {"type": "integer"}, "maxItems": 1}),
        json!([1, "a"]),
        &[
            "x[1]: Invalid value: \"string\": x[1] in body must be of type integer: \"string\"",
            "x: Too many: 2: must have at most 1 item",
        ],
    );
    refused(
        json!({"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 2}),
        json!({"a": 1}),
        &[
            "x: Invalid value: 1: x in body should have at least 2 properties",
            "x.a: Invalid value: \"integer\": x.a in body must be of type string: \"integer\"",
        ],
    );
    refused(
        json!({"x-kubernetes-int-or-string": true}),
        json!(true),
        &["x: Invalid value: \"boolean\": x in body must be of type integer,string: \"boolean\""],
    );
    refused(
        json!({"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]}),
        json!(3),
        &[
            "<nil>: Invalid value: \"\": \"x\" must validate at least one schema (anyOf)",
            "x: Invalid value: 3: x in body should be greater than or equal to 5",
        ],
    );
    refused(
        json!({"type": "integer", "not": {"enum": [3]}}),
        json!(3),
        &["<nil>: Invalid value: \"\": \"x\" must not validate the schema (not)"],
    );
    refused(
        json!({"type": "string"}),
        json!(null),
        &["x: Invalid value: \"null\": x in body must be of type string: \"null\""],
    );
    refused(json!({"type": "string", "nullable": true}), json!(null), &[]);
    refused(json!({"type": "integer"}), json!(2.0), &[]);
    refused(
        json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}),
        json!({"kind": ""}),
        &["x.apiVersion: Required value", "x.kind: Invalid value: \"\": must not be empty"],
    );
}

#[test]
fn keys_of_a_list_are_given_once() {
    let schema = json!({"type": "object", "properties": {"x": {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
        "items": {"type": "object", "properties": {"a": {"type": "string"}}},
    }}});
    check(
        &schema,
        &json!({"x": [{"a": "1"}, {"a": "2"}, {"a": "1"}]}),
        None,
        &["x[2]: Duplicate value: {\"a\":\"1\"}"],
    );
}

#[test]
fn what_was_invalid_before_and_did_not_change_is_tolerated() {
    let old = json!({"spec": {"size": "XX", "replicas": 1}});
    let new = json!({"spec": {"size": "XX", "replicas": 2}});
    check(&widget(), &new, Some(&old), &[]);
    check(
        &widget(),
        &json!({"spec": {"size": "YY", "replicas": 1}}),
        Some(&old),
        &["spec.size: Unsupported value: \"YY\": supported values: \"S\", \"M\", \"L\"", NOT_CHECKED],
    );
}

#[test]
fn transition_rules_see_the_old_object() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "name": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "is immutable"}]},
    }}}});
    let (old, new) = (json!({"spec": {"name": "a"}}), json!({"spec": {"name": "b"}}));
    check(&schema, &new, None, &[]);
    check(&schema, &new, Some(&old), &["spec.name: Invalid value: is immutable"]);
    check(&schema, &old, Some(&old), &[]);
}
