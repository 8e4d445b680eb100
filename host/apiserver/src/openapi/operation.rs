//! One operation: its parameters, what it takes and what it answers. kubectl looks for the parameters and the kind.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    custom, reference,
    schemas::{full_name, full_name_of},
};
use crate::resource::{ResourceDefinition, Subresource};

/// How objects of built-in kinds are written.
pub(super) const MEDIA_TYPES: [&str; 3] =
    ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const LIST_MEDIA_TYPES: [&str; 5] = [
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
];
const LOG_MEDIA_TYPES: [&str; 4] =
    ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml", "text/plain"];
const CUSTOM_MEDIA_TYPES: [&str; 2] = ["application/json", "application/yaml"];

const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const DELETE: &[&str] = &[
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];
/// What a list takes; a deletion of a collection takes all but the first and the last.
const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
];
const LOG: &[&str] = &[
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
];

/// The built-in resources whose deletion answers with the object.
const ANSWER_DELETED: &[&str] = &[
    "csidrivers",
    "csinodes",
    "deviceclasses",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podsecuritypolicies",
    "podtemplates",
    "resourceclaims",
    "resourceclaimtemplates",
    "resourcequotas",
    "resourceslices",
    "serviceaccounts",
    "services",
    "storageclasses",
    "volumeattachments",
    "volumeattributesclasses",
];

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum In {
    Path,
    Query,
}

type Parameter = (&'static str, In);

/// One operation of a path, before the parameters that all operations share are taken out.
pub(super) struct Operation {
    method: &'static str,
    parameters: BTreeSet<Parameter>,
    rest: Map<String, Value>,
}

/// The words of a group version in operation ids.
pub(super) struct Names {
    /// `AppsV1`.
    group_version: String,
    /// `apps_v1`.
    pub(super) tag: String,
}

impl Names {
    pub(super) fn of(definition: &ResourceDefinition) -> Self {
        let version = &definition.version;
        let group = group_words(&definition.group);
        Self {
            group_version: format!("{}{}", title(&group), title(version)),
            tag: format!("{group}_{version}"),
        }
    }

    /// `listAppsV1NamespacedDeployment` for `list` and `NamespacedDeployment`.
    pub(super) fn id(&self, verb: &str, what: &str) -> String {
        format!("{verb}{}{what}", self.group_version)
    }
}

/// `rbacAuthorization` for `rbac.authorization.k8s.io`, `demoExampleCom` for `demo.example.com`.
pub(super) fn group_words(group: &str) -> String {
    if group.is_empty() {
        return "core".to_owned();
    }
    let mut words = group.trim_end_matches(".k8s.io").split(|character: char| !character.is_alphanumeric());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| all + &title(word))
}

/// The word with its first letter in upper case.
pub(super) fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a path's operations take and answer.
pub(super) struct Kinds {
    gvk: Value,
    object: Value,
    list: Value,
    custom: bool,
    answers_deleted: bool,
}

impl Kinds {
    pub(super) fn of(definition: &ResourceDefinition) -> Self {
        let custom = definition.custom().is_some();
        let named = |kind: &str| match custom {
            true => Some(custom::name(definition, kind)),
            false => full_name_of(&definition.group, &definition.version, kind),
        };
        let object =
            named(&definition.kind).map_or_else(|| json!({"type": "object"}), |name| reference(&name));
        let list = named(&definition.list_kind).map_or_else(|| object.clone(), |name| reference(&name));
        let gvk = json!({"group": definition.group, "kind": definition.kind, "version": definition.version});
        let answers_deleted = !custom && ANSWER_DELETED.contains(&&*definition.plural);
        Self { gvk, object, list, custom, answers_deleted }
    }

    pub(super) fn of_subresource(definition: &ResourceDefinition, subresource: &Subresource) -> Self {
        let own = Self::of(definition);
        // Of a custom resource, also its scale is said to be of the resource's kind.
        let own_gvk = own.custom.then(|| own.gvk.clone());
        let (group, version) = match subresource.version.as_ref() {
            "" if subresource.kind == definition.kind => return own,
            "" => (definition.group.as_ref(), definition.version.as_ref()),
            version => (subresource.group.as_ref(), version),
        };
        let gvk = json!({"group": group, "kind": subresource.kind, "version": version});
        let gvk = own_gvk.unwrap_or(gvk);
        let named = full_name_of(group, version, &subresource.kind);
        let object = named.map_or_else(|| json!({"type": "string"}), |name| reference(&name));
        Self { gvk, list: object.clone(), object, ..own }
    }
}

/// The operation of a verb. `what` is the part of its id behind the group version.
pub(super) fn of_verb(verb: &'static str, names: &Names, what: &str, kinds: &Kinds) -> Operation {
    let status = reference(&full_name("meta.v1.Status"));
    let event = reference(&full_name("meta.v1.WatchEvent"));
    let deleted = if kinds.answers_deleted { &kinds.object } else { &status };
    let (method, action, word, answered, codes): (_, _, _, &Value, &[&str]) = match verb {
        "list" => ("get", "list", "list", &kinds.list, &["200"]),
        "watch" | "watchlist" => ("get", verb, "watch", &event, &["200"]),
        "create" => ("post", "post", "create", &kinds.object, &["200", "201", "202"]),
        "update" => ("put", "put", "replace", &kinds.object, &["200", "201"]),
        "patch" if kinds.custom => ("patch", "patch", "patch", &kinds.object, &["200"]),
        "patch" => ("patch", "patch", "patch", &kinds.object, &["200", "201"]),
        "delete" => ("delete", "delete", "delete", deleted, &["200", "202"]),
        "deletecollection" => ("delete", verb, "delete", &status, &["200"]),
        _ => ("get", "get", "read", &kinds.object, &["200"]),
    };
    let media_types: &[&str] = match verb {
        _ if kinds.custom => &CUSTOM_MEDIA_TYPES,
        "list" | "watch" | "watchlist" => &LIST_MEDIA_TYPES,
        _ => &MEDIA_TYPES,
    };
    let collection = if verb == "deletecollection" { "Collection" } else { "" };
    let id = names.id(word, &format!("{collection}{what}"));
    let mut rest = rest(&id, action, names, kinds, answers(answered, media_types, codes));
    if let Some(body) = body(verb, kinds) {
        rest.insert("requestBody".to_owned(), body);
    }
    let mut parameters = queries(&parameters_of(verb, kinds.custom));
    parameters.insert(("pretty", In::Query));
    Operation { method, parameters, rest }
}

fn parameters_of(verb: &str, custom: bool) -> Vec<&'static str> {
    match verb {
        "list" | "watch" | "watchlist" => LIST.to_vec(),
        "deletecollection" if custom => LIST.to_vec(),
        "deletecollection" => [DELETE, &LIST[1..LIST.len() - 1]].concat(),
        "delete" => DELETE.to_vec(),
        "create" | "update" => WRITE.to_vec(),
        "patch" => [WRITE, &["force"]].concat(),
        _ if custom => vec!["resourceVersion"],
        _ => Vec::new(),
    }
}

fn queries(names: &[&'static str]) -> BTreeSet<Parameter> {
    names.iter().map(|name| (*name, In::Query)).collect()
}

fn rest(id: &str, action: &str, names: &Names, kinds: &Kinds, responses: Value) -> Map<String, Value> {
    Map::from_iter([
        ("operationId".to_owned(), id.into()),
        ("responses".to_owned(), responses),
        ("tags".to_owned(), json!([names.tag])),
        ("x-kubernetes-action".to_owned(), action.into()),
        ("x-kubernetes-group-version-kind".to_owned(), kinds.gvk.clone()),
    ])
}

/// Whether the subresource is a connection through the server rather than an object.
pub(super) fn is_connection(subresource: &Subresource) -> bool {
    subresource.kind.ends_with("Options")
}

/// The operations of a connection: one for each method.
pub(super) fn connections(
    subresource: &Subresource,
    names: &Names,
    what: &str,
    kinds: &Kinds,
) -> Vec<Operation> {
    let (methods, parameters): (&[&'static str], &[&'static str]) = match &*subresource.name {
        "attach" => (&["get", "post"], &["container", "stderr", "stdin", "stdout", "tty"]),
        "exec" => (&["get", "post"], &["command", "container", "stderr", "stdin", "stdout", "tty"]),
        "portforward" => (&["get", "post"], &["ports"]),
        _ => (&["delete", "get", "head", "options", "patch", "post", "put"], &["path"]),
    };
    let responses = answers(&json!({"type": "string"}), &["*/*"], &["200"]);
    let connection = |method: &&'static str| {
        let id = names.id("connect", &format!("{}{what}", title(method)));
        Operation {
            method,
            parameters: queries(parameters),
            rest: rest(&id, "connect", names, kinds, responses.clone()),
        }
    };
    methods.iter().map(connection).collect()
}

/// Reading a container's output.
pub(super) fn log(names: &Names, what: &str, kinds: &Kinds) -> Operation {
    let responses = answers(&json!({"type": "string"}), &LOG_MEDIA_TYPES, &["200"]);
    let mut parameters = queries(LOG);
    parameters.insert(("pretty", In::Query));
    Operation {
        method: "get",
        parameters,
        rest: rest(&names.id("read", what), "get", names, kinds, responses),
    }
}

/// A path with its operations; the parameters that all of them share stand beside them.
pub(super) fn path_item(path: &str, mut operations: Vec<Operation>) -> Value {
    let mut shared = operations.first().map(|first| first.parameters.clone()).unwrap_or_default();
    for operation in &operations {
        shared.retain(|parameter| operation.parameters.contains(parameter));
    }
    let mut item = Map::new();
    for operation in &mut operations {
        let mut rest = std::mem::take(&mut operation.rest);
        let own: Vec<Value> =
            operation.parameters.iter().filter(|own| !shared.contains(own)).map(parameter).collect();
        if !own.is_empty() {
            rest.insert("parameters".to_owned(), own.into());
        }
        item.insert(operation.method.to_owned(), Value::Object(rest));
    }
    let in_path = ["name", "namespace", "path"].into_iter();
    shared.extend(in_path.filter(|name| path.contains(&format!("{{{name}}}"))).map(|name| (name, In::Path)));
    if !shared.is_empty() {
        item.insert("parameters".to_owned(), shared.iter().map(parameter).collect::<Vec<_>>().into());
    }
    Value::Object(item)
}

fn parameter((name, place): &Parameter) -> Value {
    let kind = match *name {
        "allowWatchBookmarks"
        | "follow"
        | "force"
        | "ignoreStoreReadErrorWithClusterBreakingPotential"
        | "insecureSkipTLSVerifyBackend"
        | "orphanDependents"
        | "previous"
        | "sendInitialEvents"
        | "stderr"
        | "stdin"
        | "stdout"
        | "timestamps"
        | "tty"
        | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" | "limitBytes" | "ports" | "sinceSeconds" | "tailLines"
        | "timeoutSeconds" => "integer",
        _ => "string",
    };
    let schema = json!({"type": kind, "uniqueItems": true});
    match place {
        In::Path => json!({"in": "path", "name": name, "required": true, "schema": schema}),
        In::Query => json!({"in": "query", "name": name, "schema": schema}),
    }
}

fn body(verb: &str, kinds: &Kinds) -> Option<Value> {
    let of = |types: &[&str], schema: &Value| -> Value {
        types.iter().map(|of| ((*of).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
    };
    let any: &[&str] = if kinds.custom { &CUSTOM_MEDIA_TYPES } else { &["*/*"] };
    match verb {
        "create" | "update" => Some(json!({"content": of(any, &kinds.object), "required": true})),
        "deletecollection" if kinds.custom => None,
        "delete" | "deletecollection" => {
            Some(json!({"content": of(any, &reference(&full_name("meta.v1.DeleteOptions")))}))
        }
        "patch" => {
            let mut types = vec![
                "application/apply-patch+yaml",
                "application/json-patch+json",
                "application/merge-patch+json",
            ];
            if !kinds.custom {
                types.push("application/strategic-merge-patch+json");
            }
            Some(json!({"content": of(&types, &reference(&full_name("meta.v1.Patch"))), "required": true}))
        }
        _ => None,
    }
}

/// What an operation answers, by code.
pub(super) fn answers(schema: &Value, media_types: &[&str], codes: &[&str]) -> Value {
    let content: Map<String, Value> =
        media_types.iter().map(|of| ((*of).to_owned(), json!({"schema": schema}))).collect();
    let word = |code: &str| match code {
        "201" => "Created",
        "202" => "Accepted",
        _ => "OK",
    };
    let mut answers: Map<String, Value> = codes
        .iter()
        .map(|code| ((*code).to_owned(), json!({"content": content, "description": word(code)})))
        .collect();
    answers.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    Value::Object(answers)
}
