//! Tells which fields differ between two objects of one type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::{Element, Trail};
use super::set::Set;
use super::shape::{ListShape, MapShape, Shape, Type};

/// The fields that a change touched.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Set,
    pub(super) modified: Set,
    pub(super) removed: Set,
}

impl Comparison {
    /// The change from `old` to `new`.
    pub(super) fn between(kind: Type<'_>, old: &Value, new: &Value) -> Self {
        let mut comparison = Self::default();
        comparison.walk(kind, Some(old), Some(new), Trail::Root);
        comparison
    }

    /// Forgets `fields` and all below them.
    pub(super) fn excluding(self, fields: &Set) -> Self {
        Self {
            added: self.added.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            removed: self.removed.recursive_difference(fields),
        }
    }

    fn walk(&mut self, kind: Type<'_>, old: Option<&Value>, new: Option<&Value>, trail: Trail<'_>) {
        // Equal parts need no look at their fields, and most parts are equal.
        if old == new {
            return;
        }
        let (old_shape, new_shape) = (kind.shape(old), kind.shape(new));
        let leaf = match (old, new) {
            (_, None) => self.shaped(&old_shape, old, new, &trail),
            (Some(_), Some(_)) if !alike(&old_shape, &new_shape) => {
                self.shaped(&old_shape, old, new, &trail);
                self.shaped(&new_shape, old, new, &trail)
            }
            _ => self.shaped(&new_shape, old, new, &trail),
        };
        if !leaf {
            self.presence(old, new, &trail);
        }
    }

    /// Compares both as `shape`, and tells whether that made them a leaf.
    fn shaped(
        &mut self,
        shape: &Shape<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
        trail: &Trail<'_>,
    ) -> bool {
        match shape {
            Shape::Scalar => self.leaf(old, new, trail),
            Shape::Map(map) => {
                let (olds, news) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
                if map.atomic || (olds.is_none_or(Map::is_empty) && news.is_none_or(Map::is_empty)) {
                    return self.leaf(old, new, trail);
                }
                self.entries(map, olds, news, trail);
                false
            }
            Shape::List(list) => {
                let (olds, news) = (old.and_then(Value::as_array), new.and_then(Value::as_array));
                if list.keyed.is_none() || (olds.is_none_or(Vec::is_empty) && news.is_none_or(Vec::is_empty))
                {
                    return self.leaf(old, new, trail);
                }
                self.items(list, olds.map_or(&[], Vec::as_slice), news.map_or(&[], Vec::as_slice), trail);
                false
            }
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>, trail: &Trail<'_>) -> bool {
        if !self.presence(old, new, trail) && old != new {
            self.modified.insert(&trail.elements());
        }
        true
    }

    /// Records what is only on one side.
    fn presence(&mut self, old: Option<&Value>, new: Option<&Value>, trail: &Trail<'_>) -> bool {
        match (old, new) {
            (None, _) => self.added.insert(&trail.elements()),
            (_, None) => self.removed.insert(&trail.elements()),
            _ => return false,
        }
        true
    }

    fn entries(
        &mut self,
        map: &MapShape<'_>,
        olds: Option<&Map<String, Value>>,
        news: Option<&Map<String, Value>>,
        trail: &Trail<'_>,
    ) {
        for (name, old) in olds.into_iter().flatten() {
            let new = news.and_then(|news| news.get(name));
            self.walk(map.entry(name).unwrap_or(Type::Untyped), Some(old), new, Trail::Field(trail, name));
        }
        for (name, new) in news.into_iter().flatten() {
            if olds.is_none_or(|olds| !olds.contains_key(name)) {
                self.walk(
                    map.entry(name).unwrap_or(Type::Untyped),
                    None,
                    Some(new),
                    Trail::Field(trail, name),
                );
            }
        }
    }

    fn items(&mut self, list: &ListShape<'_>, olds: &[Value], news: &[Value], trail: &Trail<'_>) {
        let mut both: BTreeMap<Element, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in olds {
            if let Ok(element) = list.element(item) {
                both.entry(element).or_default().0.push(item);
            }
        }
        for item in news {
            if let Ok(element) = list.element(item) {
                both.entry(element).or_default().1.push(item);
            }
        }
        for (element, (olds, news)) in both {
            let inner = Trail::Item(trail, &element);
            match (olds.as_slice(), news.as_slice()) {
                ([] | [_], [] | [_]) => {
                    self.walk(list.item, olds.first().copied(), news.first().copied(), inner)
                }
                // Items that occur twice are compared as one.
                ([_, _, ..], [_, _, ..]) => {
                    if olds != news {
                        self.modified.insert(&inner.elements());
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(new) = news.first() {
                        self.walk(list.item, None, Some(new), inner);
                    }
                    self.removed.insert(&inner.elements());
                }
                _ => {
                    if let Some(old) = olds.first() {
                        self.walk(list.item, Some(old), None, inner);
                    }
                    self.added.insert(&inner.elements());
                }
            }
        }
    }
}

fn alike(left: &Shape<'_>, right: &Shape<'_>) -> bool {
    matches!(
        (left, right),
        (Shape::Scalar, Shape::Scalar) | (Shape::Map(_), Shape::Map(_)) | (Shape::List(_), Shape::List(_))
    )
}
