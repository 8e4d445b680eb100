//! Schemas of the built-in types, from the table of facts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

use serde_json::{Map, Value, json};

use super::reference;
use crate::resource::ResourceDefinition;

const TABLE: &str = include_str!("../../facts/types.txt");

/// The lines of one definition of the table: the words after its name, and its fields.
struct Definition {
    head: &'static str,
    fields: Vec<&'static str>,
}

/// The table's lines by definition, and the kinds of each.
struct Table {
    definitions: HashMap<&'static str, Definition>,
    /// Definition by (group, version, kind).
    kinds: BTreeMap<(&'static str, &'static str, &'static str), &'static str>,
}

fn table() -> &'static Table {
    static PARSED: OnceLock<Table> = OnceLock::new();
    PARSED.get_or_init(|| {
        let mut table = Table { definitions: HashMap::new(), kinds: BTreeMap::new() };
        let mut current = "";
        for line in TABLE.lines() {
            if let Some(kind) = line.strip_prefix("K ") {
                let mut words = kind.split(' ');
                let mut word = || words.next().unwrap_or_default();
                let (group, version, kind, name) = (word(), word(), word(), word());
                table.kinds.insert((group.trim_start_matches('-'), version, kind), name);
            } else if let Some(head) = line.strip_prefix("T ") {
                let (name, head) = head.split_once(' ').unwrap_or((head, ""));
                current = name;
                table.definitions.insert(name, Definition { head, fields: Vec::new() });
            } else if let Some(field) = line.strip_prefix(' ')
                && let Some(definition) = table.definitions.get_mut(current)
            {
                definition.fields.push(field);
            }
        }
        table
    })
}

/// The schemas of one document: those asked for and all that they refer to.
#[derive(Debug, Default)]
pub(super) struct Components(Map<String, Value>);

impl Components {
    /// Adds definitions by their name in the table.
    pub(super) fn add_named(&mut self, names: &[&'static str]) {
        let mut waiting: Vec<&'static str> = names.to_vec();
        while let Some(name) = waiting.pop() {
            let full = full_name(name);
            let Some(definition) = table().definitions.get(name) else { continue };
            if !self.0.contains_key(&full) {
                self.0.insert(full, schema(name, definition, &mut waiting));
            }
        }
    }

    /// Adds the kinds that a resource and its subresources take and answer.
    pub(super) fn add_resource(&mut self, definition: &ResourceDefinition) {
        let (group, version) = (definition.group.as_ref(), definition.version.as_ref());
        let mut names =
            vec![name_of(group, version, &definition.kind), name_of(group, version, &definition.list_kind)];
        names.extend(definition.subresources.iter().map(|sub| match sub.version.as_ref() {
            "" => name_of(group, version, &sub.kind),
            version => name_of(&sub.group, version, &sub.kind),
        }));
        let names: Vec<&'static str> = names.into_iter().flatten().collect();
        self.add_named(&names);
    }

    /// Adds a schema made elsewhere.
    pub(super) fn add(&mut self, name: String, schema: Value) {
        self.0.insert(name, schema);
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

fn name_of(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    let kinds: &BTreeMap<(&str, &str, &str), &'static str> = &table().kinds;
    kinds.get(&(group, version, kind)).copied()
}

/// The full name of a kind's schema, if the kind is built in.
pub(super) fn full_name_of(group: &str, version: &str, kind: &str) -> Option<String> {
    name_of(group, version, kind).map(full_name)
}

/// The name that documents use: `apps.v1.Deployment` is `io.k8s.api.apps.v1.Deployment`.
pub(super) fn full_name(name: &str) -> String {
    let package = match name.split('.').next().unwrap_or_default() {
        "meta" => "io.k8s.apimachinery.pkg.apis.",
        "runtime" | "api" | "util" | "version" => "io.k8s.apimachinery.pkg.",
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis.",
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis.",
        _ => "io.k8s.api.",
    };
    format!("{package}{name}")
}

fn schema(name: &str, definition: &Definition, waiting: &mut Vec<&'static str>) -> Value {
    let mut out = Map::new();
    let mut words = definition.head.split(' ');
    while let Some(word) = words.next() {
        if word == "=" {
            return leaf(name, words.next().unwrap_or_default());
        } else if word == "A" {
            out.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
        } else if let Some(required) = word.strip_prefix('!') {
            out.insert("required".to_owned(), required.split(',').collect::<Vec<_>>().into());
        }
    }
    out.insert("type".to_owned(), "object".into());
    let fields: Map<String, Value> = definition
        .fields
        .iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(field, rest)| (field.to_owned(), field_schema(rest, waiting)))
        .collect();
    if !fields.is_empty() {
        out.insert("properties".to_owned(), Value::Object(fields));
    }
    let kinds: Vec<Value> = table()
        .kinds
        .iter()
        .filter(|(_, definition)| **definition == name)
        .map(|((group, version, kind), _)| json!({"group": group, "kind": kind, "version": version}))
        .collect();
    if !kinds.is_empty() {
        out.insert("x-kubernetes-group-version-kind".to_owned(), kinds.into());
    }
    Value::Object(out)
}

fn leaf(name: &str, kind: &str) -> Value {
    match kind {
        "quantity" => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        "int-or-string" => {
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        "time" | "micro-time" => json!({"format": "date-time", "type": "string"}),
        "any" if name != "apiextensions.v1.JSON" => json!({}),
        "any" => json!({"x-kubernetes-preserve-unknown-fields": true}),
        _ => json!({"type": "object"}),
    }
}

/// A field from the words after its name: type, flags, facts.
fn field_schema(line: &'static str, waiting: &mut Vec<&'static str>) -> Value {
    let mut words = line.split(' ');
    let kind = words.next().unwrap_or_default();
    let mut out = match kind.strip_prefix('&') {
        Some(name) => {
            waiting.push(name);
            Map::from_iter([("allOf".to_owned(), json!([reference(&full_name(name))]))])
        }
        None => type_schema(kind, waiting),
    };
    let mut list_type = kind.starts_with("[]").then_some("atomic");
    for word in words.skip(1) {
        match word.split_once('=') {
            Some(("d", default)) => {
                out.extend(serde_json::from_str(default).ok().map(|value| ("default".to_owned(), value)));
            }
            Some(("l", "*")) => list_type = Some("set"),
            Some(("l", keys)) => {
                list_type = Some("map");
                let keys: Vec<&str> = keys.split(',').collect();
                out.insert("x-kubernetes-list-map-keys".to_owned(), keys.into());
            }
            Some(("p", strategy)) => {
                out.insert("x-kubernetes-patch-strategy".to_owned(), strategy.into());
            }
            Some(("k", key)) => {
                out.insert("x-kubernetes-patch-merge-key".to_owned(), key.into());
            }
            Some(("e", values)) => {
                let values: Vec<String> = values.split(',').map(|value| value.replace("%20", " ")).collect();
                // Those of a list are about its items.
                let target = match out.get_mut("items") {
                    Some(Value::Object(items)) => items,
                    _ => &mut out,
                };
                target.insert("enum".to_owned(), values.into());
            }
            None if word == "A" => {
                out.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
            }
            _ => {}
        }
    }
    if let Some(list_type) = list_type {
        out.insert("x-kubernetes-list-type".to_owned(), list_type.into());
    }
    Value::Object(out)
}

fn type_schema(kind: &'static str, waiting: &mut Vec<&'static str>) -> Map<String, Value> {
    let schema = if let Some(items) = kind.strip_prefix("[]") {
        json!({"type": "array", "items": element(items, waiting)})
    } else if let Some(values) = kind.strip_prefix("{}") {
        json!({"type": "object", "additionalProperties": element(values, waiting)})
    } else {
        match kind {
            "bool" => json!({"type": "boolean"}),
            "i32" => json!({"type": "integer", "format": "int32"}),
            "i64" => json!({"type": "integer", "format": "int64"}),
            "number" => json!({"type": "number", "format": "double"}),
            "bytes" => json!({"type": "string", "format": "byte"}),
            _ => json!({"type": "string"}),
        }
    };
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What a list or map holds: never absent, so Go's zero value is its default.
fn element(kind: &'static str, waiting: &mut Vec<&'static str>) -> Value {
    if let Some(name) = kind.strip_prefix('&') {
        waiting.push(name);
        let target = reference(&full_name(name));
        let is_leaf =
            table().definitions.get(name).is_some_and(|definition| definition.head.starts_with("= "));
        return if is_leaf { target } else { json!({"allOf": [target], "default": {}}) };
    }
    let mut schema = type_schema(kind, waiting);
    let zero: Option<Value> = match kind {
        "string" => Some("".into()),
        "bool" => Some(false.into()),
        "i32" | "i64" | "number" => Some(0.into()),
        _ => None,
    };
    schema.extend(zero.map(|zero| ("default".to_owned(), zero)));
    Value::Object(schema)
}
