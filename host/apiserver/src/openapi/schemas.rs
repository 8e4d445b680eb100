//! Schemas of the built-in types, from the table of facts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

use serde_json::{Map, Value, json};

use super::prose::Prose;
use super::reference;

/// A kind, for what is said of every kind in the same words.
const ANY_KIND: &str = "io.k8s.api.core.v1.Pod";

const TABLE: &str = include_str!("../../facts/types.txt");

/// The lines of one definition of the table: the words after its name, and its fields.
struct Definition {
    head: &'static str,
    fields: Vec<&'static str>,
}

/// The table's lines by definition, and the kinds of each.
#[derive(Default)]
struct Table {
    definitions: HashMap<&'static str, Definition>,
    /// Definition by (group, version, kind).
    kinds: BTreeMap<(&'static str, &'static str, &'static str), &'static str>,
    /// Definition by the name that documents use.
    by_full_name: HashMap<String, &'static str>,
}

fn table() -> &'static Table {
    static PARSED: OnceLock<Table> = OnceLock::new();
    PARSED.get_or_init(|| {
        let mut table = Table::default();
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
                table.by_full_name.insert(full_name(name), name);
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
#[derive(Debug)]
pub(super) struct Components {
    schemas: Map<String, Value>,
    prose: Prose,
}

impl Components {
    /// None yet.
    pub(super) fn new() -> Self {
        Self::with(Prose::unpack())
    }

    /// None yet, with prose that is unpacked already.
    pub(super) fn with(prose: Prose) -> Self {
        Self { schemas: Map::new(), prose }
    }

    /// What is said of a field of a built-in type.
    pub(super) fn prose(&self, definition: &str, field: &str) -> Option<&str> {
        self.prose.of_field(&full_name(definition), field)
    }

    /// Adds every built-in definition that a value refers to, and what those refer to.
    pub(super) fn add_references(&mut self, value: &Value) {
        let mut waiting = Vec::new();
        references(value, &mut waiting);
        while let Some(name) = waiting.pop() {
            let full = full_name(name);
            let Some(definition) = table().definitions.get(name) else { continue };
            if !self.schemas.contains_key(&full) {
                let mut schema = schema(name, definition, &mut waiting);
                describe(&self.prose, &full, &mut schema);
                self.schemas.insert(full, schema);
            }
        }
    }

    /// Says of which group versions a type is that every group version has, such as `DeleteOptions`.
    pub(super) fn set_kinds(&mut self, name: &str, kinds: Vec<Value>) {
        if let Some(schema) = self.schemas.get_mut(&full_name(name)) {
            schema["x-kubernetes-group-version-kind"] = kinds.into();
        }
    }

    /// Adds a schema made elsewhere.
    pub(super) fn add(&mut self, name: String, schema: Value) {
        self.schemas.insert(name, schema);
    }

    /// The schemas by name, and the prose for the next one.
    pub(super) fn into_parts(self) -> (Map<String, Value>, Prose) {
        (self.schemas, self.prose)
    }
}

/// Adds what is said of a definition and its fields. What every kind has is said of the kinds only.
fn describe(prose: &Prose, name: &str, schema: &mut Value) {
    if let Some(text) = prose.of(name) {
        schema["description"] = text.into();
    }
    let Some(Value::Object(fields)) = schema.get_mut("properties") else { return };
    for (field, schema) in fields {
        let of_all = matches!(&**field, "apiVersion" | "kind").then(|| prose.of_field(ANY_KIND, field));
        let text = prose.of_field(name, field).or(of_all.flatten().filter(|_| name.ends_with("List")));
        if let (Some(text), Value::Object(schema)) = (text, schema) {
            schema.insert("description".to_owned(), text.into());
        }
    }
}

/// The names in the table of all that a value refers to.
fn references(value: &Value, out: &mut Vec<&'static str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(target) if key == "$ref" => out.extend(by_full_name(target)),
                    _ => references(value, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

fn by_full_name(target: &str) -> Option<&'static str> {
    table().by_full_name.get(target.strip_prefix("#/components/schemas/")?).copied()
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
pub(crate) fn full_name(name: &str) -> String {
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
            return leaf(words.next().unwrap_or_default());
        } else if word == "A" {
            out.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
        } else if let Some(required) = word.strip_prefix('!') {
            out.insert("required".to_owned(), required.split(',').collect::<Vec<_>>().into());
        } else if let Some(of) = word.strip_prefix("U=") {
            out.insert("x-kubernetes-unions".to_owned(), json!([union(of)]));
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

/// A union from `discriminator:field=Value,…`.
fn union(text: &str) -> Value {
    let (discriminator, fields) = text.split_once(':').unwrap_or(("", text));
    let fields: Map<String, Value> = fields
        .split(',')
        .filter_map(|field| field.split_once('='))
        .map(|(field, value)| (field.to_owned(), value.into()))
        .collect();
    let mut out = Map::from_iter([("fields-to-discriminateBy".to_owned(), Value::Object(fields))]);
    if !discriminator.is_empty() {
        out.insert("discriminator".to_owned(), discriminator.into());
    }
    Value::Object(out)
}

fn leaf(kind: &str) -> Value {
    match kind {
        "quantity" => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        "int-or-string" => {
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        "time" | "micro-time" => json!({"format": "date-time", "type": "string"}),
        "any" => json!({}),
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
    for word in words.skip(1) {
        match word.split_once('=') {
            Some(("d", default)) => {
                out.extend(serde_json::from_str(default).ok().map(|value| ("default".to_owned(), value)));
            }
            Some(("l", "*")) => set(&mut out, "list-type", "set"),
            Some(("l", keys)) => {
                set(&mut out, "list-type", "map");
                set(&mut out, "list-map-keys", keys.split(',').collect::<Vec<_>>());
            }
            Some(("p", strategy)) => set(&mut out, "patch-strategy", strategy),
            Some(("k", key)) => set(&mut out, "patch-merge-key", key),
            // Those of a list are about its items, those of a map about its values.
            Some(("e", values)) if out.contains_key("items") => allow(&mut out["items"], values),
            Some(("v", values)) => allow(&mut out["additionalProperties"], values),
            Some(("e", values)) => drop(out.insert("enum".to_owned(), allowed(values))),
            Some(("t", "a")) => set(&mut out, "list-type", "atomic"),
            Some(("t", "g")) => set(&mut out, "map-type", "granular"),
            Some(("t", "r")) => {
                if let Some(Value::Array(targets)) = out.remove("allOf") {
                    return targets.into_iter().next().unwrap_or_default();
                }
            }
            None if word == "A" => set(&mut out, "map-type", "atomic"),
            _ => {}
        }
    }
    Value::Object(out)
}

/// Sets `x-kubernetes-KEY`.
fn set(schema: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    schema.insert(format!("x-kubernetes-{key}"), value.into());
}

fn allow(schema: &mut Value, values: &str) {
    schema["enum"] = allowed(values);
}

fn allowed(values: &str) -> Value {
    values.split(',').map(|value| value.replace("%20", " ")).collect()
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

/// What a list or map holds.
fn element(kind: &'static str, waiting: &mut Vec<&'static str>) -> Value {
    match kind.strip_prefix('&') {
        Some(name) => {
            waiting.push(name);
            reference(&full_name(name))
        }
        None => Value::Object(type_schema(kind, waiting)),
    }
}
