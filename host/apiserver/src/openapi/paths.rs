//! The paths of one group version with their operations: what kubectl looks for is the parameters of each and the kind
//! it works on.

use serde_json::{Map, Value, json};

use super::{
    custom, reference,
    schemas::{full_name, full_name_of},
};
use crate::resource::{ResourceDefinition, Subresource};

const WRITE: &[(&str, &str)] =
    &[("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
const PATCH: &[(&str, &str)] =
    &[("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string"), ("force", "boolean")];
const DELETE: &[(&str, &str)] = &[
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];
const LIST: &[(&str, &str)] = &[
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];

/// The `paths` of the document at `root`, such as `apis/apps/v1`.
pub(super) fn of(root: &str, resources: &[&ResourceDefinition]) -> Map<String, Value> {
    let mut paths = Map::new();
    let resource_list = reference(&full_name("meta.v1.APIResourceList"));
    let operation = json!({"get": {"responses": answers(&resource_list, &["200"])}});
    paths.insert(format!("/{root}/"), operation);
    for definition in resources {
        add_resource(root, definition, &mut paths);
    }
    paths
}

fn add_resource(root: &str, definition: &ResourceDefinition, paths: &mut Map<String, Value>) {
    let kinds = Kinds::of(definition);
    let scope = if definition.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("/{root}{scope}/{}", definition.plural);
    let item = format!("{collection}/{{name}}");
    let offered = |verbs: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        verbs.iter().copied().filter(|(verb, _)| definition.offers(verb)).collect()
    };
    let on_collection = offered(&[("deletecollection", "delete"), ("list", "get"), ("create", "post")]);
    add_path(&collection, &on_collection, &kinds, paths);
    add_path(
        &item,
        &offered(&[("delete", "delete"), ("get", "get"), ("patch", "patch"), ("update", "put")]),
        &kinds,
        paths,
    );
    if definition.namespaced && definition.offers("list") {
        add_path(&format!("/{root}/{}", definition.plural), &[("list", "get")], &kinds, paths);
    }
    for subresource in &definition.subresources {
        let methods =
            [("create", "post"), ("delete", "delete"), ("get", "get"), ("patch", "patch"), ("update", "put")];
        let offered: Vec<_> =
            methods.into_iter().filter(|(verb, _)| subresource.verbs.iter().any(|of| of == verb)).collect();
        add_path(
            &format!("{item}/{}", subresource.name),
            &offered,
            &Kinds::of_subresource(definition, subresource),
            paths,
        );
    }
}

/// What a path's operations take and answer.
struct Kinds {
    gvk: Value,
    object: Value,
    list: Value,
    strategic: bool,
}

impl Kinds {
    fn of(definition: &ResourceDefinition) -> Self {
        let is_custom = definition.custom().is_some();
        let named = |kind: &str| match is_custom {
            true => Some(custom::name(definition, kind)),
            false => full_name_of(&definition.group, &definition.version, kind),
        };
        let object =
            named(&definition.kind).map_or_else(|| json!({"type": "object"}), |name| reference(&name));
        let list = named(&definition.list_kind).map_or_else(|| object.clone(), |name| reference(&name));
        let gvk = json!({"group": definition.group, "kind": definition.kind, "version": definition.version});
        Self { gvk, object, list, strategic: !is_custom }
    }

    fn of_subresource(definition: &ResourceDefinition, subresource: &Subresource) -> Self {
        let own = Self::of(definition);
        let (group, version) = match subresource.version.as_ref() {
            "" if subresource.kind == definition.kind => return own,
            "" => (definition.group.as_ref(), definition.version.as_ref()),
            version => (subresource.group.as_ref(), version),
        };
        let gvk = json!({"group": group, "kind": subresource.kind, "version": version});
        let named = full_name_of(group, version, &subresource.kind);
        let object = named.map_or_else(|| json!({"type": "string"}), |name| reference(&name));
        Self { gvk, list: object.clone(), object, strategic: own.strategic }
    }
}

/// Adds a path with an operation for each (verb, method).
fn add_path(
    path: &str,
    verbs: &[(&'static str, &'static str)],
    kinds: &Kinds,
    paths: &mut Map<String, Value>,
) {
    if verbs.is_empty() {
        return;
    }
    let mut item: Map<String, Value> =
        verbs.iter().map(|(verb, method)| ((*method).to_owned(), operation(verb, kinds))).collect();
    let mut parameters: Vec<Value> = ["name", "namespace"]
        .into_iter()
        .filter(|name| path.contains(&format!("{{{name}}}")))
        .map(|name| parameter(name, "path", "string"))
        .collect();
    parameters.push(parameter("pretty", "query", "string"));
    item.insert("parameters".to_owned(), parameters.into());
    paths.insert(path.to_owned(), Value::Object(item));
}

fn operation(verb: &str, kinds: &Kinds) -> Value {
    let status = reference(&full_name("meta.v1.Status"));
    let (action, names, answered, codes): (_, &[(&str, &str)], &Value, &[&str]) = match verb {
        "list" => ("list", LIST, &kinds.list, &["200"]),
        "create" => ("post", WRITE, &kinds.object, &["200", "201", "202"]),
        "update" => ("put", WRITE, &kinds.object, &["200", "201"]),
        "patch" => ("patch", PATCH, &kinds.object, &["200", "201"]),
        "delete" => ("delete", DELETE, &status, &["200", "202"]),
        "deletecollection" => ("deletecollection", DELETE, &status, &["200"]),
        _ => ("get", &[], &kinds.object, &["200"]),
    };
    let mut parameters: Vec<Value> =
        names.iter().map(|(name, kind)| parameter(name, "query", kind)).collect();
    if verb == "deletecollection" {
        parameters.extend(LIST[1..9].iter().map(|(name, kind)| parameter(name, "query", kind)));
    }
    let mut operation = json!({
        "responses": answers(answered, codes),
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kinds.gvk,
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = body(verb, kinds) {
        operation["requestBody"] = body;
    }
    operation
}

fn body(verb: &str, kinds: &Kinds) -> Option<Value> {
    match verb {
        "create" | "update" => Some(json!({"content": {"*/*": {"schema": kinds.object}}, "required": true})),
        "delete" | "deletecollection" => {
            Some(json!({"content": {"*/*": {"schema": reference(&full_name("meta.v1.DeleteOptions"))}}}))
        }
        "patch" => {
            let mut types = vec![
                "application/apply-patch+yaml",
                "application/json-patch+json",
                "application/merge-patch+json",
            ];
            if kinds.strategic {
                types.push("application/strategic-merge-patch+json");
            }
            let schema = json!({"schema": reference(&full_name("meta.v1.Patch"))});
            let content: Map<String, Value> =
                types.into_iter().map(|of| (of.to_owned(), schema.clone())).collect();
            Some(json!({"content": content, "required": true}))
        }
        _ => None,
    }
}

fn answers(schema: &Value, codes: &[&str]) -> Value {
    let content = json!({"application/json": {"schema": schema}, "application/yaml": {"schema": schema}});
    let mut answers: Map<String, Value> = codes
        .iter()
        .map(|code| ((*code).to_owned(), json!({"content": content, "description": "OK"})))
        .collect();
    answers.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    Value::Object(answers)
}

fn parameter(name: &str, place: &str, kind: &str) -> Value {
    let mut parameter = json!({"in": place, "name": name, "schema": {"type": kind, "uniqueItems": true}});
    if place == "path" {
        parameter["required"] = true.into();
    }
    parameter
}
