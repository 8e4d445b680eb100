//! OpenAPI v2: everything in one document, made from those of version 3. Older clients ask for it, and newer ones where
//! version 3 is missing.
//!
//! It is the poorer form: no defaults, no alternatives, nothing nullable. Parameters stand where they are used; the
//! real server names those that many operations share, which reads the same.

use serde_json::{Map, Value, json};

use super::fixed;

/// The group versions that the server has besides those of the API library; both are known to every part of it.
const OTHER_GROUP_VERSIONS: &[(&str, &str)] = &[
    ("admission.k8s.io", "v1"),
    ("admission.k8s.io", "v1beta1"),
    ("apiextensions.k8s.io", "v1"),
    ("apiextensions.k8s.io", "v1beta1"),
    ("apiregistration.k8s.io", "v1"),
    ("apiregistration.k8s.io", "v1beta1"),
    ("imagepolicy.k8s.io", "v1alpha1"),
];

/// The document from those of version 3.
pub(super) fn of(documents: impl Iterator<Item = Value>) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for mut document in documents {
        let custom = document["components"].get("securitySchemes").is_none();
        if let Value::Object(held) = document["paths"].take() {
            paths.extend(held.into_iter().map(|(path, item)| (path, path_item(&item))));
        }
        if let Value::Object(held) = document["components"]["schemas"].take() {
            for (name, schema) in held {
                let own = custom && !name.starts_with("io.k8s.");
                let convert = || if own { custom_schema(&schema) } else { self::schema(&schema) };
                definitions.entry(name).or_insert_with(convert);
            }
        }
    }
    for kind in ["DeleteOptions", "WatchEvent"] {
        let of = |(group, version): &(&str, &str)| json!({"group": group, "kind": kind, "version": version});
        let mut all: Vec<_> = fixed::GROUP_VERSIONS.iter().chain(OTHER_GROUP_VERSIONS).collect();
        all.sort_unstable();
        let kinds: Vec<Value> = all.into_iter().map(of).collect();
        if let Some(schema) = definitions.get_mut(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}")) {
            schema["x-kubernetes-group-version-kind"] = kinds.into();
        }
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths,
        "definitions": definitions,
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header",
        }},
        "security": [{"BearerToken": []}],
    })
}

fn path_item(item: &Value) -> Value {
    let convert = |(key, value): (&String, &Value)| {
        let value = if key == "parameters" { parameters(value) } else { operation(value) };
        (key.clone(), value)
    };
    item.as_object().into_iter().flatten().map(convert).collect()
}

fn operation(operation: &Value) -> Value {
    let mut out = Map::new();
    let body = operation.get("requestBody");
    let mut found = match parameters(&operation["parameters"]) {
        Value::Array(found) => found,
        _ => Vec::new(),
    };
    let consumes = match body.and_then(|body| body["content"].as_object()) {
        Some(content) => {
            let first = content.values().next().map(|media| schema(&media["schema"])).unwrap_or_default();
            let mut parameter = json!({"name": "body", "in": "body", "schema": first});
            if body.is_some_and(|body| body["required"] == true) {
                parameter["required"] = true.into();
            }
            found.insert(0, parameter);
            content.keys().cloned().collect()
        }
        None => vec!["*/*".to_owned()],
    };
    let of_discovery = operation.get("x-kubernetes-action").is_none();
    let mut responses = Map::new();
    let mut produces: Vec<String> = Vec::new();
    for (code, answer) in operation["responses"].as_object().into_iter().flatten() {
        let mut response = json!({"description": answer["description"]});
        if let Some(content) = answer["content"].as_object() {
            produces = content.keys().cloned().collect();
            response["schema"] =
                content.values().next().map(|media| schema(&media["schema"])).unwrap_or_default();
        }
        responses.insert(code.clone(), response);
    }
    for (key, value) in operation.as_object().into_iter().flatten() {
        if matches!(&**key, "operationId" | "tags") || key.starts_with("x-") {
            out.insert(key.clone(), value.clone());
        }
    }
    if !found.is_empty() {
        out.insert("parameters".to_owned(), found.into());
    }
    // Whoever reads one form only takes the first one.
    produces.sort_by_key(|media| (media.contains(';'), !media.contains("json")));
    // Discovery is said to take what it gives, and the issuer of tokens to take nothing.
    let consumes = if of_discovery { produces.clone() } else { consumes };
    if !operation["tags"].as_array().is_some_and(|tags| tags[0] == "openid" || tags[0] == "WellKnown") {
        out.insert("consumes".to_owned(), consumes.into());
    }
    out.extend([
        ("produces".to_owned(), produces.into()),
        ("responses".to_owned(), Value::Object(responses)),
        ("schemes".to_owned(), json!(["https"])),
    ]);
    Value::Object(out)
}

/// Parameters with the type beside the name rather than in a schema.
fn parameters(parameters: &Value) -> Value {
    let convert = |parameter: &Value| -> Value {
        let mut out = parameter.as_object().cloned().unwrap_or_default();
        if let Some(Value::Object(schema)) = out.remove("schema") {
            out.extend(schema);
        }
        Value::Object(out)
    };
    parameters.as_array().into_iter().flatten().map(convert).collect()
}

/// A schema of a built-in type.
fn schema(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.contains_key("oneOf") => {
            let mut out = map.clone();
            out.remove("oneOf");
            out.insert("type".to_owned(), "string".into());
            Value::Object(out)
        }
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                match &**key {
                    "default" => {}
                    "$ref" => drop(out.insert(key.clone(), reference(value))),
                    "allOf" => out.extend(schema(&value[0]).as_object().cloned().unwrap_or_default()),
                    "properties" => {
                        let fields = value.as_object().into_iter().flatten();
                        let fields = fields.map(|(field, value)| (field.clone(), schema(value)));
                        out.insert(key.clone(), fields.collect());
                    }
                    _ => drop(out.insert(key.clone(), schema(value))),
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(schema).collect(),
        other => other.clone(),
    }
}

fn reference(target: &Value) -> Value {
    target.as_str().unwrap_or_default().replace("#/components/schemas/", "#/definitions/").into()
}

/// A schema of a custom resource: what version 2 cannot say is not said, so that clients do not refuse what the server
/// would take.
fn custom_schema(value: &Value) -> Value {
    let Value::Object(map) = schema(value) else { return value.clone() };
    Value::Object(custom_map(map))
}

/// What says nothing in version 2, or another thing.
const UNSAYABLE: &[&str] = &["anyOf", "not", "nullable", "example", "externalDocs"];

fn custom_map(mut map: Map<String, Value>) -> Map<String, Value> {
    let flag = |map: &Map<String, Value>, key: &str| map.get(key) == Some(&true.into());
    let preserves = flag(&map, "x-kubernetes-preserve-unknown-fields");
    let either = flag(&map, "x-kubernetes-int-or-string");
    let root = map.contains_key("x-kubernetes-group-version-kind");
    if flag(&map, "nullable") || either || preserves {
        for key in ["type", "items", "properties", "additionalProperties", "required", "format"] {
            map.remove(key);
        }
        if root {
            map.insert("type".to_owned(), "object".into());
            map.remove("x-kubernetes-preserve-unknown-fields");
        }
    }
    UNSAYABLE.iter().for_each(|key| drop(map.remove(*key)));
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(inner)) = map.get(key).cloned() {
            map.insert(key.to_owned(), custom_map(inner).into());
        }
    }
    if let Some(Value::Object(fields)) = map.get_mut("properties") {
        for value in fields.values_mut() {
            if let Value::Object(inner) = value.take() {
                *value = custom_map(inner).into();
            }
        }
    }
    map
}
