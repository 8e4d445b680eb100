//! Schemas of custom resources, as their definition gives them, with the fields that every object has.

use serde_json::{Value, json};

use super::{
    reference,
    schemas::{Components, full_name},
};
use crate::resource::{CustomOrigin, ResourceDefinition};

/// Adds the kind, its list and what they refer to.
pub(super) fn add(definition: &ResourceDefinition, origin: &CustomOrigin, components: &mut Components) {
    let name = name(definition, &definition.kind);
    let gvk = |kind: &str| json!([{"group": definition.group, "kind": kind, "version": definition.version}]);
    let mut schema = match origin.open_api_schema.as_ref() {
        Value::Object(schema) => Value::Object(schema.clone()),
        _ => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
    };
    schema["x-kubernetes-group-version-kind"] = gvk(&definition.kind);
    let text = |field: &str, mut schema: Value| {
        if let Some(prose) = components.prose("core.v1.Pod", field) {
            schema["description"] = prose.into();
        }
        schema
    };
    let (api_version, kind) =
        (text("apiVersion", json!({"type": "string"})), text("kind", json!({"type": "string"})));
    if let Some(properties) = properties(&mut schema) {
        properties.insert("apiVersion".to_owned(), api_version.clone());
        properties.insert("kind".to_owned(), kind.clone());
        let metadata = json!({"allOf": [reference(&full_name("meta.v1.ObjectMeta"))]});
        properties.insert("metadata".to_owned(), text("metadata", metadata));
    }
    let list = json!({
        "description": format!("{} is a list of {}", definition.list_kind, definition.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"allOf": [reference(&full_name("meta.v1.ListMeta"))]},
            "items": {"type": "array", "items": reference(&name)},
        },
        "x-kubernetes-group-version-kind": gvk(&definition.list_kind),
    });
    components.add_references(&schema);
    components.add_references(&list);
    components.add(name, schema);
    components.add(self::name(definition, &definition.list_kind), list);
}

fn properties(schema: &mut Value) -> Option<&mut serde_json::Map<String, Value>> {
    schema.as_object_mut()?.entry("properties").or_insert_with(|| json!({})).as_object_mut()
}

/// `com.example.demo.v1.Widget` for the group `demo.example.com`.
pub(super) fn name(definition: &ResourceDefinition, kind: &str) -> String {
    let mut parts: Vec<&str> = definition.group.split('.').rev().collect();
    parts.extend([definition.version.as_ref(), kind]);
    parts.join(".")
}
