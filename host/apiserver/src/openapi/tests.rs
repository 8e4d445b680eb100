//! What clients look for in the documents.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::{document, hash, index};
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
