//! Reads the table of facts about the built-in kinds: the whole table once to find the lines, each definition when it
//! is first used.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::node::{Field, GoShape, Kind, ListType, PatchMeta, Rest, Schema, SchemaRef};

static TEXT: &str = include_str!("../../facts/types.txt");

/// The lines of the table, found; `facts/README.md` says what they mean.
pub(crate) struct Table {
    kinds: HashMap<(&'static str, &'static str, &'static str), u16>,
    names: HashMap<&'static str, u16>,
    definitions: Vec<Definition>,
}

struct Definition {
    head: &'static str,
    body: &'static str,
    schema: OnceLock<Schema>,
}

/// The table, its lines found on first use.
pub(crate) fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::find(TEXT))
}

/// The schema of a built-in kind; `""` is the core group.
#[must_use]
pub fn builtin(group: &str, version: &str, kind: &str) -> Option<SchemaRef> {
    let table = table();
    // The keys live as long as the table, so a borrowed key of another life has to be looked up by value.
    table.kinds.get(&(group, version, kind)).map(|at| SchemaRef::Builtin(*at))
}

/// The schema of a definition by its short name in the table: `meta.v1.ObjectMeta`.
#[must_use]
pub fn definition(name: &str) -> Option<SchemaRef> {
    table().names.get(name).map(|at| SchemaRef::Builtin(*at))
}

/// Every built-in kind of the table as (group, version, kind).
pub fn builtin_kinds() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    table().kinds.keys().copied()
}

impl Table {
    fn find(text: &'static str) -> Self {
        let mut kinds = Vec::new();
        let mut table = Self { kinds: HashMap::new(), names: HashMap::new(), definitions: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            rest = after;
            if let Some(kind) = line.strip_prefix("K ") {
                kinds.push(kind);
            } else if let Some(head) = line.strip_prefix("T ") {
                let end = body_len(rest);
                let (body, after) = rest.split_at(end);
                rest = after;
                let at =
                    u16::try_from(table.definitions.len()).expect("the table has a few hundred definitions");
                table.names.insert(head.split(' ').next().unwrap_or(head), at);
                table.definitions.push(Definition { head, body, schema: OnceLock::new() });
            }
        }
        for kind in kinds {
            let mut words = kind.split(' ');
            let (Some(group), Some(version), Some(kind), Some(name)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let Some(at) = table.names.get(name) {
                table.kinds.insert((if group == "-" { "" } else { group }, version, kind), *at);
            }
        }
        table
    }

    pub(crate) fn definition(&self, at: u16) -> &Schema {
        let definition = &self.definitions[usize::from(at)];
        definition.schema.get_or_init(|| definition.parse(self))
    }
}

/// How many bytes of `text` are the lines of one definition's fields.
fn body_len(text: &str) -> usize {
    let mut len = 0;
    for line in text.split_inclusive('\n') {
        if !line.starts_with(' ') {
            break;
        }
        len += line.len();
    }
    len
}

impl Definition {
    fn parse(&self, table: &Table) -> Schema {
        let mut words = self.head.split(' ');
        let name = words.next().unwrap_or_default();
        let mut schema = Schema { kind: Kind::Object, builtin: true, ..Schema::default() };
        schema.go_type = go_name(name).into();
        while let Some(word) = words.next() {
            if word == "=" {
                return leaf(words.next().unwrap_or_default(), schema);
            } else if word == "A" {
                schema.atomic = true;
            } else if let Some(required) = word.strip_prefix('!') {
                schema.required = required.split(',').map(Into::into).collect();
            }
        }
        let mut fields: Vec<Field> =
            self.body.lines().filter_map(|line| field(table, line.trim_start())).collect();
        fields.sort_by(|left, right| left.name.cmp(&right.name));
        schema.fields = fields.into();
        schema
    }
}

/// `core.v1.Container` is `v1.Container` in Go's messages.
fn go_name(definition: &str) -> &str {
    let mut dots = definition.rmatch_indices('.');
    dots.next();
    dots.next().map_or(definition, |(at, _)| &definition[at + 1..])
}

fn leaf(name: &str, mut schema: Schema) -> Schema {
    schema.kind = match name {
        "quantity" => Kind::Quantity,
        "int-or-string" => Kind::IntOrString,
        "time" => Kind::Time,
        "micro-time" => Kind::MicroTime,
        "free-object" | "empty-object" => Kind::Object,
        _ => Kind::Any,
    };
    if name == "free-object" {
        schema.rest = Rest::Open;
        schema.preserve_unknown = true;
        // An embedded object belongs to one writer; the record of owned fields never takes part in ownership.
        schema.atomic = *schema.go_type == *"runtime.RawExtension";
    }
    schema.preserve_unknown |= schema.kind == Kind::Any;
    schema
}

fn field(table: &Table, line: &'static str) -> Option<Field> {
    let mut words = line.split(' ');
    let (name, kind, flags) = (words.next()?, words.next()?, words.next()?);
    let shape = GoShape {
        pointer: flags.contains('p'),
        omit_empty: flags.contains('o'),
        omit_zero: flags.contains('z'),
    };
    let mut extra = Extra::default();
    let mut field = Field {
        name: name.into(),
        schema: SchemaRef::Builtin(0),
        default: None,
        patch: PatchMeta::default(),
        shape,
    };
    for word in words {
        match word.split_once('=') {
            None => extra.atomic = word == "A",
            Some(("d", value)) => field.default = serde_json::from_str(value).ok(),
            Some(("l", keys)) => extra.list = list_type(keys),
            Some(("p", strategy)) => {
                field.patch.merge = strategy.split(',').any(|part| part == "merge");
                field.patch.replace = strategy.split(',').any(|part| part == "replace");
                field.patch.retain_keys = strategy.split(',').any(|part| part == "retainKeys");
            }
            Some(("k", key)) => field.patch.merge_key = Some(key.into()),
            Some(("e", values)) => extra.values = values,
            Some(("g", go)) => extra.go = go,
            Some(_) => {}
        }
    }
    field.schema = type_of(table, kind, &extra)?;
    Some(field)
}

/// What a field's line says beside its type.
#[derive(Default)]
struct Extra {
    list: ListType,
    atomic: bool,
    values: &'static str,
    go: &'static str,
}

fn list_type(keys: &str) -> ListType {
    if keys == "*" { ListType::Set } else { ListType::Map(keys.split(',').map(Into::into).collect()) }
}

fn type_of(table: &Table, kind: &'static str, extra: &Extra) -> Option<SchemaRef> {
    if let Some(name) = kind.strip_prefix('&') {
        let target = SchemaRef::Builtin(*table.names.get(name)?);
        if !extra.atomic {
            return Some(target);
        }
        // A reference that makes its target atomic: a copy of the target that says so.
        return Some(
            Schema { atomic: true, ..Schema::clone(table.definition(*table.names.get(name)?)) }.into(),
        );
    }
    let mut schema = Schema { builtin: true, ..Schema::default() };
    let inner = Extra {
        values: extra.values,
        go: extra.go.rsplit(']').next().unwrap_or_default(),
        ..Extra::default()
    };
    if let Some(items) = kind.strip_prefix("[]") {
        schema.kind = Kind::Array;
        schema.items = Some(type_of(table, items, &inner)?);
        schema.list_type = extra.list.clone();
    } else if let Some(values) = kind.strip_prefix("{}") {
        schema.kind = Kind::Object;
        schema.rest = Rest::Each(type_of(table, values, &inner)?);
        schema.atomic = extra.atomic;
    } else {
        return Some(scalar(kind, extra));
    }
    schema.go_type = go_type(kind, extra.go).into();
    Some(schema.into())
}

/// Go's name of a list or map, made from the text of the table: its parts may be of the very type that is being read.
fn go_type(kind: &str, go: &str) -> String {
    if go.contains(['[', ']']) || go.ends_with("ResourceList") {
        return go.to_owned();
    }
    if let Some(items) = kind.strip_prefix("[]") {
        format!("[]{}", go_type(items, go))
    } else if let Some(values) = kind.strip_prefix("{}") {
        format!("map[string]{}", go_type(values, go))
    } else if let Some(name) = kind.strip_prefix('&') {
        go_name(name).to_owned()
    } else if go.is_empty() {
        go_scalar(kind).1.to_owned()
    } else {
        go.to_owned()
    }
}

fn go_scalar(kind: &str) -> (Kind, &'static str) {
    match kind {
        "string" => (Kind::String, "string"),
        "bool" => (Kind::Boolean, "bool"),
        "i32" => (Kind::Integer, "int32"),
        "i64" => (Kind::Integer, "int64"),
        "number" => (Kind::Number, "float64"),
        _ => (Kind::Bytes, "[]uint8"),
    }
}

fn scalar(kind: &'static str, extra: &Extra) -> SchemaRef {
    let (of, go) = go_scalar(kind);
    if extra.go.is_empty() && extra.values.is_empty() {
        return plain(kind, of, go);
    }
    let values: Vec<Value> = extra
        .values
        .split(',')
        .filter(|value| !value.is_empty())
        .map(|value| value.replace("%20", " ").into())
        .collect();
    let checks = (!values.is_empty())
        .then(|| Box::new(super::check::Checks { allowed: Some(values.into()), ..Default::default() }));
    let go_type = if extra.go.is_empty() { go } else { extra.go };
    Schema { kind: of, builtin: true, go_type: go_type.into(), checks, ..Schema::default() }.into()
}

/// The plain scalars, which most fields are, are shared.
fn plain(name: &'static str, kind: Kind, go: &'static str) -> SchemaRef {
    static PLAIN: OnceLock<HashMap<&'static str, Arc<Schema>>> = OnceLock::new();
    let shared = PLAIN.get_or_init(|| {
        ["string", "bool", "i32", "i64", "number", "bytes"]
            .into_iter()
            .map(|name| {
                let (kind, go) = go_scalar(name);
                (name, Arc::new(Schema { kind, builtin: true, go_type: go.into(), ..Schema::default() }))
            })
            .collect()
    });
    match shared.get(name) {
        Some(schema) => SchemaRef::Shared(schema.clone()),
        None => Schema { kind, builtin: true, go_type: go.into(), ..Schema::default() }.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a missing definition fails the test")]
    use super::*;

    #[test]
    fn the_table_has_every_definition_and_every_reference_leads_somewhere() {
        let table = table();
        // What the recorded documents of release 1.36.2 hold.
        assert_eq!((table.definitions.len(), table.kinds.len()), (584, 139));
        for definition in &table.definitions {
            let declared = definition.body.lines().count();
            assert_eq!(definition.parse(table).fields.len(), declared, "{}", definition.head);
        }
    }

    #[test]
    fn a_field_says_all_that_is_known_of_it() {
        let container = definition("core.v1.Container").unwrap();
        let ports = container.field("ports").unwrap();
        assert_eq!(ports.patch.merge_key.as_deref(), Some("containerPort"));
        assert_eq!(ports.schema.list_type, ListType::Map(["containerPort".into(), "protocol".into()].into()));
        assert_eq!(&*ports.schema.go_type, "[]v1.ContainerPort");
        let protocol = ports.schema.items.as_ref().unwrap().field("protocol").unwrap().clone();
        assert_eq!((protocol.default, &*protocol.schema.go_type), (Some("TCP".into()), "v1.Protocol"));
        let name = container.field("name").unwrap();
        assert_eq!((name.default.clone(), name.shape.omit_empty), (Some("".into()), false));
        let deployment = builtin("apps", "v1", "Deployment").unwrap();
        let spec = &deployment.field("spec").unwrap().schema;
        assert!(spec.field("strategy").unwrap().patch.retain_keys);
        assert!(spec.field("selector").unwrap().schema.atomic);
        assert!(spec.field("replicas").unwrap().shape.pointer);
        assert_eq!(*spec.required, ["selector".into(), "template".into()]);
    }

    #[test]
    fn a_recursive_type_is_walked_without_end() {
        let mut schema = definition("apiextensions.v1.JSONSchemaProps").unwrap();
        for _ in 0..10 {
            schema = schema.field("not").unwrap().schema.clone();
        }
        assert_eq!(&*schema.go_type, "v1.JSONSchemaProps");
    }
}
