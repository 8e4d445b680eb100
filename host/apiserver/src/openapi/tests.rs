//! What clients look for in the documents.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::{document, document_v2, hash, hash_v2, index};
use crate::resource::{CustomOrigin, Origin, ResourceDefinition, Text, builtin};

fn widgets(schema: Value) -> Vec<Arc<ResourceDefinition>> {
    let definition = ResourceDefinition {
        group: "demo.example.com".into(),
        version: "v1".into(),
        kind: "Widget".into(),
        list_kind: "WidgetList".into(),
        plural: "widgets".into(),
        namespaced: true,
        verbs: ["create", "get", "list", "patch", "update", "delete"].map(Text::Borrowed).to_vec(),
        origin: Origin::Custom(Arc::new(CustomOrigin {
            open_api_schema: Arc::new(schema),
            ..CustomOrigin::default()
        })),
        ..ResourceDefinition::default()
    };
    vec![Arc::new(definition)]
}

fn parsed(definitions: &[Arc<ResourceDefinition>], path: &str) -> Value {
    serde_json::from_slice(&document(definitions, path).unwrap()).unwrap()
}

/// Every `$ref` below a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                found.push(target.trim_start_matches("#/components/schemas/").to_owned());
            }
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_every_document_has_its_schema() {
    let index: Value = serde_json::from_slice(&index(builtin())).unwrap();
    let paths = index["paths"].as_object().unwrap();
    assert!(paths.len() >= 20, "{} documents", paths.len());
    for (path, entry) in paths {
        let url = entry["serverRelativeURL"].as_str().unwrap();
        assert_eq!(url, format!("/openapi/v3/{path}?hash={}", hash(builtin(), path).unwrap()));
        let document = parsed(builtin(), path);
        let mut found = Vec::new();
        references(&document, &mut found);
        for target in found {
            assert!(document["components"]["schemas"].get(&target).is_some(), "{path}: {target}");
        }
    }
    assert!(document(builtin(), "apis/apps/v9").is_none());
}

#[test]
fn kubectl_finds_the_field_validation_parameter_of_a_patch() {
    let document = parsed(builtin(), "apis/apps/v1");
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    let gvk = json!({"group": "apps", "kind": "Deployment", "version": "v1"});
    assert_eq!(patch["x-kubernetes-group-version-kind"], gvk);
    let parameters = patch["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
    let scale = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"];
    assert_eq!(scale["x-kubernetes-group-version-kind"]["kind"], "Scale");
}

#[test]
fn schemas_carry_what_patches_and_apply_need() {
    let document = parsed(builtin(), "api/v1");
    let schemas = &document["components"]["schemas"];
    let ports = &schemas["io.k8s.api.core.v1.Container"]["properties"]["ports"];
    let want = json!({"items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.ContainerPort"}, "type": "array",
        "x-kubernetes-list-map-keys": ["containerPort", "protocol"], "x-kubernetes-list-type": "map",
        "x-kubernetes-patch-merge-key": "containerPort", "x-kubernetes-patch-strategy": "merge"});
    let mut ports = ports.clone();
    assert!(ports.as_object_mut().unwrap().remove("description").is_some());
    assert_eq!(ports, want);
    let protocol = &schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"];
    let description = protocol["description"].as_str().unwrap();
    let want = json!({"default": "TCP", "description": description, "enum": ["SCTP", "TCP", "UDP"], "type": "string"});
    assert_eq!(protocol, &want);
    let pod = &schemas["io.k8s.api.core.v1.Pod"];
    assert_eq!(
        pod["x-kubernetes-group-version-kind"],
        json!([{"group": "", "kind": "Pod", "version": "v1"}])
    );
}

#[test]
fn a_custom_resource_is_described_by_its_own_schema() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "string", "description": "How large."}}}}});
    let definitions = widgets(schema);
    let document = parsed(&definitions, "apis/demo.example.com/v1");
    let widget = &document["components"]["schemas"]["com.example.demo.v1.Widget"];
    assert_eq!(widget["properties"]["spec"]["properties"]["size"]["description"], "How large.");
    assert_eq!(widget["properties"]["kind"]["type"], "string");
    let gvk = json!([{"group": "demo.example.com", "kind": "Widget", "version": "v1"}]);
    assert_eq!(widget["x-kubernetes-group-version-kind"], gvk);
    let mut found = Vec::new();
    references(&document, &mut found);
    for target in found {
        assert!(document["components"]["schemas"].get(&target).is_some(), "{target}");
    }
    let path = "apis/demo.example.com/v1";
    let other = widgets(json!({"type": "object"}));
    assert_ne!(hash(&definitions, path), hash(&other, path), "another schema is another document");
}

/// Says what version 2 has of a definition's field.
fn in_version_2(document: &Value, definition: &str, field: &str) -> Value {
    document["definitions"][definition]["properties"][field].clone()
}

#[test]
fn version_2_has_every_path_and_no_word_that_it_does_not_know() {
    let document: Value = serde_json::from_slice(&document_v2(builtin(), false)).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 2_000, "{} references", found.len());
    for target in found {
        let name = target.trim_start_matches("#/definitions/");
        assert!(document["definitions"].get(name).is_some(), "{target}");
    }
    assert_eq!(document["paths"].as_object().unwrap().len(), 408);
    let text = document.to_string();
    for word in ["\"allOf\":[", "\"oneOf\":[", "\"requestBody\":", "\"content\":{\"app", "#/components/"] {
        assert!(!text.contains(word), "{word}");
    }
    let ports = in_version_2(&document, "io.k8s.api.core.v1.Container", "ports");
    assert_eq!(ports["x-kubernetes-patch-merge-key"], "containerPort");
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["parameters"][0]["in"], "body");
    assert!(patch["consumes"].as_array().unwrap().contains(&json!("application/strategic-merge-patch+json")));
}

#[test]
fn version_2_says_of_a_custom_resource_what_it_can() {
    let spec = json!({"type": "object", "properties": {
        "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "none": {"type": "string", "nullable": true},
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {"type": "string"}}},
        "replicas": {"type": "integer", "default": 1, "minimum": 0},
    }});
    let definitions = widgets(json!({"type": "object", "properties": {"spec": spec}}));
    let document: Value = serde_json::from_slice(&document_v2(&definitions, false)).unwrap();
    let spec = in_version_2(&document, "com.example.demo.v1.Widget", "spec");
    let want = json!({"type": "object", "properties": {
        "port": {"x-kubernetes-int-or-string": true},
        "none": {},
        "any": {"x-kubernetes-preserve-unknown-fields": true},
        "replicas": {"type": "integer", "minimum": 0},
    }});
    assert_eq!(spec, want);
    assert_ne!(hash_v2(&definitions), hash_v2(&widgets(json!({"type": "object"}))));
}

/// The fields of a protobuf message that are messages or texts: number and bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        match tag & 7 {
            0 => drop(varint(&mut bytes)),
            1 => bytes = &bytes[8..],
            2 => {
                let len = usize::try_from(varint(&mut bytes)).unwrap();
                let (field, rest) = bytes.split_at(len);
                found.push((tag >> 3, field));
                bytes = rest;
            }
            other => panic!("wire type {other}"),
        }
    }
    found
}

/// The numbers are those of gnostic's `OpenAPIv2.proto`.
#[test]
fn version_2_in_protobuf_holds_the_same_paths_and_definitions() {
    let json: Value = serde_json::from_slice(&document_v2(builtin(), false)).unwrap();
    let bytes = document_v2(builtin(), true);
    let document = fields(&bytes);
    let part = |number: u64| document.iter().find(|(found, _)| *found == number).unwrap().1;
    assert_eq!(part(1), b"2.0");
    let names = |bytes| -> Vec<String> {
        let named = fields(bytes).into_iter().map(|(_, entry)| fields(entry)[0].1);
        named.map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
    };
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(part(8)), keys(&json["paths"]));
    assert_eq!(names(part(9)), keys(&json["definitions"]));
    let definitions = fields(part(9));
    let pod = definitions.iter().map(|(_, entry)| fields(entry));
    let pod = pod.into_iter().find(|entry| entry[0].1 == b"io.k8s.api.core.v1.Pod").unwrap();
    let schema = fields(pod[1].1);
    let extension = schema.iter().find(|(number, _)| *number == 31).unwrap().1;
    let extension = fields(extension);
    assert_eq!(extension[0].1, b"x-kubernetes-group-version-kind");
    assert_eq!(fields(extension[1].1)[0].1, br#"[{"group":"","kind":"Pod","version":"v1"}]"#);
}
