//! Brings sets in line with a schema: after it changed, and for telling what removing a field takes along.

use super::path::Element;
use super::set::{Node, Set};
use super::shape::{Shape, Type};

/// `set` with declared fields added wherever something below them is in it.
pub(super) fn with_named_fields(kind: Option<Type<'_>>, set: &Set) -> Set {
    let shape = kind.map(|kind| kind.shape(None));
    let mut result = Set::default();
    for (element, node) in &set.nodes {
        let (mut inner, mut named) = (None, false);
        match (element, &shape) {
            (Element::Field(name), Some(Shape::Map(map))) => {
                named = map.named(name).is_some() && !node.below.is_empty();
                inner = map.entry(name);
            }
            (Element::Key(_), Some(Shape::List(list))) => inner = Some(list.item),
            _ => {}
        }
        let below = with_named_fields(inner, &node.below);
        result.put(element.clone(), Node { member: node.member || named, below });
    }
    result
}

/// `set` for a schema in which parts that were shared may now belong to one: those are owned as a whole.
pub(super) fn reconciled(kind: Type<'_>, set: &Set) -> Set {
    let mut set = set.clone();
    let mut root = Node { member: false, below: std::mem::take(&mut set) };
    walk(kind, &mut root);
    root.below
}

fn walk(kind: Type<'_>, node: &mut Node) {
    let whole = node.member && node.below.is_empty();
    match kind.shape(None) {
        Shape::Scalar => {}
        Shape::List(list) if list.keyed.is_none() => {
            if !whole {
                *node = Node::leaf();
            }
        }
        Shape::List(list) => {
            for inner in node.below.nodes.values_mut() {
                walk(list.item, inner);
            }
        }
        Shape::Map(map) if map.is_free() => {}
        Shape::Map(map) if map.atomic => {
            if !whole && !node.below.is_empty() {
                *node = Node::leaf();
            }
        }
        Shape::Map(map) => {
            for (element, inner) in &mut node.below.nodes {
                if let Element::Field(name) = element
                    && let Some(kind) = map.entry(name)
                {
                    walk(kind, inner);
                }
            }
        }
    }
}
