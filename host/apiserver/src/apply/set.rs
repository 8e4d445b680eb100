//! Sets of fields: what a writer owns.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

use super::path::Element;

/// A set of paths. A path may be in the set with or without paths below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    pub(super) nodes: BTreeMap<Element, Node>,
}

/// What a set holds at and below one element. One of both is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) member: bool,
    pub(super) below: Set,
}

impl Node {
    pub(super) fn leaf() -> Self {
        Self { member: true, below: Set::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

/// `fieldsV1` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to read {0:?} as a path element")]
pub struct BadFields(String);

impl Set {
    /// Whether it holds no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.nodes.entry(first.clone()).or_default();
        if rest.is_empty() { node.member = true } else { node.below.insert(rest) }
    }

    /// A set of paths through objects: `&["spec", "replicas"]`.
    #[must_use]
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<Element> = path.iter().map(|name| Element::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Whether the path itself is in the set.
    #[must_use]
    pub fn has(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.nodes.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.nodes.get(first).is_some_and(|node| node.below.has(rest)),
        }
    }

    pub(super) fn put(&mut self, element: Element, node: Node) {
        if !node.is_empty() {
            self.nodes.insert(element, node);
        }
    }

    /// Adds all paths of `other`.
    pub fn union_with(&mut self, other: &Self) {
        for (element, node) in &other.nodes {
            match self.nodes.entry(element.clone()) {
                Entry::Vacant(free) => {
                    free.insert(node.clone());
                }
                Entry::Occupied(mut taken) => {
                    let own = taken.get_mut();
                    own.member |= node.member;
                    own.below.union_with(&node.below);
                }
            }
        }
    }

    /// The paths of either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.union_with(other);
        self
    }

    /// The paths of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut result = Self::default();
        for (element, node) in &self.nodes {
            if let Some(theirs) = other.nodes.get(element) {
                let member = node.member && theirs.member;
                result.put(element.clone(), Node { member, below: node.below.intersection(&theirs.below) });
            }
        }
        result
    }

    /// The paths that are not in `other`. What lies below a path of `other` stays.
    #[must_use]
    pub fn difference(self, other: &Self) -> Self {
        self.without(other, false)
    }

    /// The paths that are neither in `other` nor below one of its paths.
    #[must_use]
    pub fn recursive_difference(self, other: &Self) -> Self {
        self.without(other, true)
    }

    fn without(mut self, other: &Self, recursive: bool) -> Self {
        if other.is_empty() {
            return self;
        }
        self.nodes.retain(|element, node| {
            let Some(theirs) = other.nodes.get(element) else { return true };
            if theirs.member {
                node.member = false;
                if recursive {
                    return false;
                }
            }
            node.below = std::mem::take(&mut node.below).without(&theirs.below, recursive);
            !node.is_empty()
        });
        self
    }

    /// Calls `each` with every path, shorter ones first at each level: the order in which conflicts are told.
    pub fn for_each(&self, each: &mut impl FnMut(&[Element])) {
        fn walk(set: &Set, path: &mut Vec<Element>, each: &mut impl FnMut(&[Element])) {
            for (element, node) in &set.nodes {
                if node.member {
                    path.push(element.clone());
                    each(path);
                    path.pop();
                }
            }
            for (element, node) in &set.nodes {
                path.push(element.clone());
                walk(&node.below, path, each);
                path.pop();
            }
        }
        walk(self, &mut Vec::new(), each);
    }

    /// The set as `fieldsV1`.
    #[must_use]
    pub fn encode(&self) -> Value {
        Value::Object(self.encode_into(Map::new()))
    }

    fn encode_into(&self, mut into: Map<String, Value>) -> Map<String, Value> {
        for (element, node) in &self.nodes {
            let mut own = Map::new();
            if node.member && !node.below.is_empty() {
                own.insert(".".to_owned(), Value::Object(Map::new()));
            }
            into.insert(element.encode(), Value::Object(node.below.encode_into(own)));
        }
        into
    }

    /// Reads `fieldsV1`.
    ///
    /// # Errors
    /// A key is no path element.
    pub fn decode(fields: &Value) -> Result<Self, BadFields> {
        let mut set = Self::default();
        for (key, inner) in fields.as_object().into_iter().flatten() {
            if key == "." {
                continue;
            }
            let element = Element::decode(key).ok_or_else(|| BadFields(key.clone()))?;
            let below = Self::decode(inner)?;
            let member = below.is_empty() || inner.get(".").is_some();
            set.nodes.insert(element, Node { member, below });
        }
        Ok(set)
    }
}
