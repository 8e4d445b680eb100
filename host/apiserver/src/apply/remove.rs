//! Takes fields out of an object.

use serde_json::{Map, Value};

use super::path::Element;
use super::set::{Node, Set};
use super::shape::{ListShape, MapShape, Shape, Type};

/// `value` without the fields of `set`. What loses its last field stays as an empty object or list.
pub(super) fn without(kind: Type<'_>, value: Value, set: &Set) -> Value {
    if set.is_empty() {
        return value;
    }
    let shape = kind.shape(Some(&value));
    match (shape, value) {
        (Shape::Map(map), Value::Object(entries)) if !map.atomic && !entries.is_empty() => {
            without_entries(&map, entries, set)
        }
        (Shape::List(list), Value::Array(items)) if list.keyed.is_some() && !items.is_empty() => {
            without_items(&list, items, set)
        }
        (Shape::Scalar, value) => value,
        // One owner, empty, or of another type: nothing of it stays.
        _ => Value::Null,
    }
}

fn without_entries(map: &MapShape<'_>, entries: Map<String, Value>, set: &Set) -> Value {
    let mut kept = Map::new();
    let mut matched = false;
    for (name, value) in entries {
        let node = set.nodes.get(&Element::field(&name));
        if node.is_some_and(|node| node.member) {
            continue;
        }
        let value = match node {
            Some(node) => {
                matched = true;
                inner(map.entry(&name).unwrap_or(Type::Untyped), value, node)
            }
            None => value,
        };
        kept.insert(name, value);
    }
    if kept.is_empty() && !matched { Value::Null } else { Value::Object(kept) }
}

fn without_items(list: &ListShape<'_>, items: Vec<Value>, set: &Set) -> Value {
    let mut kept = Vec::with_capacity(items.len());
    let mut matched = false;
    for item in items {
        let node = list.element(&item).ok().and_then(|element| set.nodes.get(&element));
        if node.is_some_and(|node| node.member) {
            continue;
        }
        kept.push(match node {
            Some(node) => {
                matched = true;
                inner(list.item, item, node)
            }
            None => item,
        });
    }
    if kept.is_empty() && !matched { Value::Null } else { Value::Array(kept) }
}

/// What stays of a part that itself is not removed.
fn inner(kind: Type<'_>, value: Value, node: &Node) -> Value {
    let hollow = match &value {
        Value::Object(_) => Value::Object(Map::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Null,
    };
    match without(kind, value, &node.below) {
        Value::Null => hollow,
        kept => kept,
    }
}
