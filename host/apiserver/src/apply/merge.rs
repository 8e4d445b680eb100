//! Lays an applied object over the live one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::path::Element;
use super::shape::{ListShape, MapShape, Shape, Type};

/// Both of one type, `right` winning where they differ; at least one of them is there. The order of items is the
/// left one's where the right says nothing, else the right one's. An error names what cannot be told apart.
pub(super) fn merged(
    kind: Type<'_>,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Result<Option<Value>, String> {
    // Where both are of different shapes the right one wins; a missing or null one takes any shape.
    let shape = match right {
        Some(right) => kind.shape(Some(right)),
        None => kind.shape(left),
    };
    match shape {
        Shape::Scalar => Ok(right.or(left).cloned()),
        Shape::Map(map) => {
            let (lefts, rights) = (left.and_then(Value::as_object), right.and_then(Value::as_object));
            let hollow = lefts.is_none_or(Map::is_empty) && rights.is_none_or(Map::is_empty);
            if map.atomic || hollow {
                return Ok(right.or(left).cloned());
            }
            entries(&map, lefts, rights)
        }
        Shape::List(list) => {
            let (lefts, rights) = (left.and_then(Value::as_array), right.and_then(Value::as_array));
            let hollow = lefts.is_none_or(Vec::is_empty) && rights.is_none_or(Vec::is_empty);
            if list.keyed.is_none() || hollow {
                return Ok(right.or(left).cloned());
            }
            items(&list, lefts.map_or(&[], Vec::as_slice), rights.map_or(&[], Vec::as_slice))
        }
    }
}

fn entries(
    map: &MapShape<'_>,
    lefts: Option<&Map<String, Value>>,
    rights: Option<&Map<String, Value>>,
) -> Result<Option<Value>, String> {
    let mut out = Map::new();
    for (name, left) in lefts.into_iter().flatten() {
        let right = rights.and_then(|rights| rights.get(name));
        put(&mut out, map, name, (Some(left), right))?;
    }
    for (name, right) in rights.into_iter().flatten() {
        if lefts.is_none_or(|lefts| !lefts.contains_key(name)) {
            put(&mut out, map, name, (None, Some(right)))?;
        }
    }
    Ok((!out.is_empty()).then_some(Value::Object(out)))
}

fn put(
    out: &mut Map<String, Value>,
    map: &MapShape<'_>,
    name: &str,
    both: (Option<&Value>, Option<&Value>),
) -> Result<(), String> {
    let kind = map.entry(name).unwrap_or(Type::Untyped);
    let value = merged(kind, both.0, both.1).map_err(|error| format!(".{name}{error}"))?;
    if let Some(value) = value {
        out.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The items of one side by their element, in order.
struct Side<'a> {
    order: Vec<Element>,
    /// An item that occurs twice is there but not merged.
    items: BTreeMap<Element, &'a Value>,
}

fn side<'a>(list: &ListShape<'_>, items: &'a [Value], duplicates_allowed: bool) -> Result<Side<'a>, String> {
    let mut side = Side { order: Vec::with_capacity(items.len()), items: BTreeMap::new() };
    for (at, item) in items.iter().enumerate() {
        let element = list.element(item).map_err(|why| format!(": element {at}: {why}"))?;
        if side.items.contains_key(&element) {
            if !duplicates_allowed {
                return Err(format!(": duplicate entries for key {element}"));
            }
            side.items.insert(element.clone(), &Value::Null);
        } else {
            side.items.insert(element.clone(), item);
        }
        side.order.push(element);
    }
    Ok(side)
}

fn items(list: &ListShape<'_>, lefts: &[Value], rights: &[Value]) -> Result<Option<Value>, String> {
    let right = side(list, rights, false)?;
    let left = side(list, lefts, true)?;
    let mut shared: VecDeque<&Element> =
        right.order.iter().filter(|element| left.items.contains_key(element)).collect();
    let mut next_shared = shared.pop_front();
    let mut done: BTreeSet<&Element> = BTreeSet::new();
    let mut out = Vec::with_capacity(left.order.len().max(right.order.len()));
    let mut push = |element: &Element, left: Option<&Value>, right: Option<&Value>| -> Result<(), String> {
        let value = merged(list.item, left, right).map_err(|error| format!("{element}{error}"))?;
        out.extend(value);
        Ok(())
    };
    let (mut l, mut r) = (0, 0);
    while l < left.order.len() || r < right.order.len() {
        if let (Some(own), Some(theirs)) = (left.order.get(l), right.order.get(r)) {
            if own == theirs {
                done.insert(own);
                push(own, left.items.get(own).copied(), right.items.get(own).copied())?;
                (l, r) = (l + 1, r + 1);
                next_shared = shared.pop_front();
                continue;
            }
            let waits = right.items.contains_key(own) && next_shared.is_some_and(|next| next != own);
            if waits {
                l += 1;
                continue;
            }
        }
        if let Some(own) = left.order.get(l) {
            if !right.items.contains_key(own) {
                push(own, lefts.get(l), None)?;
                l += 1;
                continue;
            }
            if done.contains(own) {
                l += 1;
            }
        }
        if let Some(theirs) = right.order.get(r) {
            done.insert(theirs);
            push(theirs, left.items.get(theirs).copied(), right.items.get(theirs).copied())?;
            r += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.pop_front();
            }
        }
    }
    Ok((!out.is_empty()).then_some(Value::Array(out)))
}
