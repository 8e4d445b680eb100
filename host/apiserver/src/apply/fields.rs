//! Which fields a value has, and whether it fits its schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::path::{Element, Trail};
use super::set::{Node, Set};
use super::shape::{ListShape, MapShape, Shape, Type};
use crate::schema::{Kind, go_plain, shown};

/// The set of all fields and items that `value` has.
pub(super) fn fields_of(kind: Type<'_>, value: &Value) -> Set {
    node_of(kind, value).below
}

fn node_of(kind: Type<'_>, value: &Value) -> Node {
    match kind.shape(Some(value)) {
        Shape::Scalar => Node::leaf(),
        Shape::List(list) if list.keyed.is_none() => Node::leaf(),
        Shape::Map(map) if map.atomic => Node::leaf(),
        Shape::List(list) => Node {
            member: false,
            below: value.as_array().map_or_else(Set::default, |items| items_of(&list, items)),
        },
        Shape::Map(map) => Node {
            member: false,
            below: value.as_object().map_or_else(Set::default, |entries| entries_of(&map, entries)),
        },
    }
}

fn entries_of(map: &MapShape<'_>, entries: &Map<String, Value>) -> Set {
    let mut set = Set::default();
    for (name, value) in entries {
        let named = map.named(name);
        let Some(kind) = named.or_else(|| map.entry(name)) else { continue };
        let mut node = node_of(kind, value);
        let hollow = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        node.member |= hollow || named.is_none();
        set.put(Element::field(name), node);
    }
    set
}

fn items_of(list: &ListShape<'_>, items: &[Value]) -> Set {
    let mut set = Set::default();
    for item in items {
        let Ok(element) = list.element(item) else { continue };
        let node = match set.nodes.get(&element) {
            // Items that occur twice are owned as a whole.
            Some(_) => Node::leaf(),
            None => Node { member: true, ..node_of(list.item, item) },
        };
        set.put(element, node);
    }
    set
}

/// What of `value` does not fit its schema, each with its path.
pub(super) fn misfits(kind: Type<'_>, value: &Value, duplicates_allowed: bool) -> Vec<String> {
    let mut found = Vec::new();
    Misfits { found: &mut found, duplicates_allowed }.walk(kind, value, Trail::Root);
    found
}

struct Misfits<'a> {
    found: &'a mut Vec<String>,
    duplicates_allowed: bool,
}

impl Misfits<'_> {
    fn tell(&mut self, trail: &Trail<'_>, text: &str) {
        let path = trail.to_string();
        self.found.push(if path.is_empty() { text.to_owned() } else { format!("{path}: {text}") });
    }

    fn walk(&mut self, kind: Type<'_>, value: &Value, trail: Trail<'_>) {
        if value.is_null() {
            return;
        }
        match (kind.shape(Some(value)), value) {
            (Shape::Map(map), Value::Object(entries)) => {
                for (name, entry) in entries {
                    let inner = Trail::Field(&trail, name);
                    match map.entry(name) {
                        Some(kind) => self.walk(kind, entry, inner),
                        None => return self.tell(&inner, "field not declared in schema"),
                    }
                }
            }
            (Shape::Map(_), other) => {
                self.tell(&trail, &format!("expected map, got &{{{}}}", go_plain(other)))
            }
            (Shape::List(list), Value::Array(items)) => self.items(&list, items, &trail),
            (Shape::List(_), other) => {
                self.tell(&trail, &format!("expected list, got &{{{}}}", go_plain(other)))
            }
            (Shape::Scalar, value) => {
                if let Some(text) = scalar_misfit(kind, value) {
                    self.tell(&trail, &text);
                }
            }
        }
    }

    fn items(&mut self, list: &ListShape<'_>, items: &[Value], trail: &Trail<'_>) {
        let mut seen = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let element = if list.keyed.is_none() {
                Element::Index(i64::try_from(at).unwrap_or(i64::MAX))
            } else {
                match list.element(item) {
                    Ok(element) => element,
                    Err(why) => return self.tell(trail, &format!("element {at}: {why}")),
                }
            };
            if list.keyed.is_some() && !seen.insert(element.clone()) && !self.duplicates_allowed {
                self.tell(trail, &format!("duplicate entries for key {element}"));
            }
            self.walk(list.item, item, Trail::Item(trail, &element));
        }
    }
}

fn scalar_misfit(kind: Type<'_>, value: &Value) -> Option<String> {
    let wanted = match kind {
        Type::Known(schema, _) => schema.kind,
        _ => Kind::Any,
    };
    match (wanted, value) {
        (Kind::Integer | Kind::Number, Value::Number(_))
        | (Kind::String | Kind::Bytes, Value::String(_))
        | (Kind::Boolean, Value::Bool(_)) => None,
        (Kind::Integer | Kind::Number, other) => {
            Some(format!("expected numeric (int or float), got {}", go_type(other)))
        }
        (Kind::String | Kind::Bytes, other) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(other)))
        }
        (Kind::Boolean, other) => Some(format!("expected boolean, got &{{{}}}", go_plain(other))),
        (_, Value::Array(_) | Value::Object(_)) => {
            Some(format!("expected any scalar, got &{{{}}}", go_plain(value)))
        }
        _ => None,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(name, entry)| format!("{name:?}:{}", go_syntax(entry))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        other => shown(other),
    }
}
