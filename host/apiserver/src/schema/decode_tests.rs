//! Cases of reading bodies, built-in and custom.
#![allow(clippy::unwrap_used, reason = "a failed read fails the test")]

use serde_json::{Value, json};

use super::{DecodeError, FieldValidation, builtin, decode, decode_custom, structural};

fn check(kind: (&str, &str, &str), body: Value, stored: Value, warnings: &[&str]) {
    let mut object = body;
    let schema = builtin(kind.0, kind.1, kind.2).unwrap();
    let told = decode(&schema, &mut object, FieldValidation::Warn, Vec::new()).unwrap();
    assert_eq!(object, stored);
    assert_eq!(told, warnings);
}

#[test]
fn what_go_leaves_out_is_left_out_and_what_it_writes_is_written() {
    check(
        ("", "v1", "Pod"),
        json!({"spec": {
            "hostNetwork": false, "nodeSelector": {}, "volumes": null, "securityContext": {},
            "containers": [{"name": "a", "stdin": false, "env": [], "resources": {"limits": {"cpu": 1.5, "memory": "1024Mi", "a/b": "0.0001"}},
                "livenessProbe": {"initialDelaySeconds": 0}, "securityContext": {"privileged": false}}],
        }}),
        json!({"metadata": {}, "status": {}, "spec": {
            "securityContext": {},
            "containers": [{"name": "a", "resources": {"limits": {"cpu": "1500m", "memory": "1Gi", "a/b": "1m"}},
                "livenessProbe": {}, "securityContext": {"privileged": false}}],
        }}),
        &[],
    );
    check(
        ("rbac.authorization.k8s.io", "v1", "Role"),
        json!({"metadata": {"creationTimestamp": null}}),
        json!({"metadata": {}, "rules": null}),
        &[],
    );
}

#[test]
fn unknown_fields_are_dropped_and_named() {
    check(
        ("apps", "v1", "Deployment"),
        json!({"nope": 1, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": [{"name": "x", "imagee": "y"}]}}}}),
        json!({"metadata": {}, "status": {}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "x", "resources": {}}]}}}}),
        &["unknown field \"nope\"", "unknown field \"spec.template.spec.containers[0].imagee\""],
    );
}

fn refused(kind: (&str, &str, &str), mut body: Value, message: &str) {
    let schema = builtin(kind.0, kind.1, kind.2).unwrap();
    let error = decode(&schema, &mut body, FieldValidation::Strict, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_wrong_type_is_told_in_go_words() {
    let config_map = ("", "v1", "ConfigMap");
    let deployment = ("apps", "v1", "Deployment");
    refused(
        config_map,
        json!({"data": {"a": 1}}),
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    );
    refused(config_map, json!({"nope": 1}), "strict decoding error: unknown field \"nope\"");
    refused(
        deployment,
        json!({"spec": {"replicas": "3"}}),
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    refused(
        deployment,
        json!({"spec": {"replicas": 3_000_000_000_u64}}),
        "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    refused(
        deployment,
        json!({"spec": {"template": {"spec": {"containers": {"a": 1}}}}}),
        "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    );
    refused(
        config_map,
        json!({"kind": 1}),
        "json: cannot unmarshal number into Go struct field ConfigMap.TypeMeta.kind of type string",
    );
    refused(("", "v1", "Secret"), json!({"data": {"a": "?"}}), "illegal base64 data at input byte 0");
}

#[test]
fn a_custom_resource_loses_what_its_schema_does_not_declare() {
    let schema = structural(&json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "string"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"known": {"type": "object"}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
        }},
    }}));
    let mut object = json!({
        "apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x", "junk": 1, "labels": {}},
        "spec": {"size": "S", "junk": 1, "free": {"x": {"y": 1}, "known": {"z": 1}}, "map": {"k": {"a": 1, "b": 2}},
            "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"odd": 1}, "spec": {"q": 1}}},
        "other": {},
    });
    let told = decode_custom(&schema, &mut object, FieldValidation::Warn, Vec::new()).unwrap();
    assert_eq!(
        object,
        json!({
            "apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"},
            "spec": {"size": "S", "free": {"x": {"y": 1}, "known": {}}, "map": {"k": {"a": 1}},
                "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"q": 1}}},
        })
    );
    let fields =
        ["other", "spec.free.known.z", "spec.junk", "spec.map.k.b", "metadata.junk", "spec.pod.metadata.odd"];
    assert_eq!(told, fields.map(|field| format!("unknown field \"{field}\"")));
    let mut object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {}, "junk": 1});
    let strict = decode_custom(&schema, &mut object, FieldValidation::Strict, Vec::new());
    assert_eq!(strict, Err(DecodeError::Strict(vec!["unknown field \"junk\"".to_owned()])));
}

#[test]
fn structs_without_a_pointer_are_written_although_they_are_empty() {
    check(
        ("", "v1", "Event"),
        json!({}),
        json!({"metadata": {}, "involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null,
            "eventTime": null, "reportingComponent": "", "reportingInstance": ""}),
        &[],
    );
    check(
        ("", "v1", "Service"),
        json!({"spec": {"ports": [{"port": 1}]}}),
        json!({"metadata": {}, "spec": {"ports": [{"port": 1, "targetPort": 0}]}, "status": {"loadBalancer": {}}}),
        &[],
    );
}

#[test]
fn an_empty_record_of_ownership_and_a_default_that_is_null_say_nothing_in_custom_resources() {
    let schema =
        structural(&json!({"type": "object", "properties": {"a": {"type": "integer", "default": null}}}));
    let mut object = json!({"metadata": {"name": "n", "managedFields": []}});
    decode_custom(&schema, &mut object, FieldValidation::Warn, Vec::new()).unwrap();
    super::apply_defaults(&schema, &mut object);
    assert_eq!(object, json!({"metadata": {"name": "n"}}));
}
