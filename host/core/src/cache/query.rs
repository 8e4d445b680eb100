//! What can be asked of the cache.

use crate::{
    call::Shape,
    description::Selection,
    field_path::FieldPath,
    field_selector::FieldSelector,
    input::WatchSpec,
    name::{NameRef, ObjectName},
    object::Object,
    selector::{Selector, Test},
};
use std::sync::Arc;

/// A set of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Every namespace, or a cluster-scoped kind.
    #[default]
    All,
    /// These, sorted, without repeats.
    These(Vec<Arc<str>>),
}

impl Namespaces {
    /// Whether an object of this name lies in the set.
    #[must_use]
    pub fn contain(&self, name: NameRef<'_>) -> bool {
        match self {
            Self::All => true,
            Self::These(list) => name.namespace.is_some_and(|one| list.iter().any(|known| **known == *one)),
        }
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::These(list) if list.is_empty())
    }
}

/// Which objects a read is about: what must be held for the cache to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Where. For a cluster-scoped kind: all.
    pub namespaces: Namespaces,
    /// Label selector.
    pub labels: Option<Selector>,
    /// Field selector; the cache answers `metadata.name` and `metadata.namespace` by itself, others only from a
    /// watch with the very same text.
    pub fields: Option<Arc<str>>,
    /// Whole objects, or metadata at least.
    pub shape: Shape,
}

impl Question {
    /// About one object.
    #[must_use]
    pub fn one(name: &ObjectName, shape: Shape) -> Self {
        let namespaces = match &name.namespace {
            Some(namespace) => Namespaces::These(vec![namespace.clone()]),
            None => Namespaces::All,
        };
        Self { namespaces, labels: None, fields: Some(FieldSelector::of_name(&name.name)), shape }
    }
}

/// A list out of the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which objects.
    pub question: Question,
    /// Only those with an owner reference to this uid.
    pub owner_uid: Option<Box<str>>,
    /// Only those with this value at a declared index.
    pub index: Option<(FieldPath, Box<str>)>,
    /// Only those after this name.
    pub after: Option<ObjectName>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// A field selector as the cache sees it: part of a filter, or a matter of the server.
pub(crate) enum Fields {
    Local(FieldSelector),
    Opaque,
}

impl Fields {
    pub(crate) fn of(text: Option<&Arc<str>>) -> Self {
        match FieldSelector::parse(text.map_or("", |text| text)) {
            Ok(parsed) if parsed.is_local() => Self::Local(parsed),
            _ => Self::Opaque,
        }
    }

    /// The text that a view of its own is held under, if only the server can evaluate it.
    pub(crate) fn view(text: Option<&Arc<str>>) -> Option<Arc<str>> {
        match Self::of(text) {
            Self::Local(_) => None,
            Self::Opaque => text.cloned(),
        }
    }

    /// As far as it is not left to the server.
    pub(crate) fn matches(&self, name: NameRef<'_>) -> bool {
        match self {
            Self::Local(selector) => selector.matches(name),
            Self::Opaque => true,
        }
    }

    /// Whether what `other` lets through is let through here too; opaque ones are compared by their views before.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(mine), Self::Local(other)) => mine.covers(other),
            (Self::Opaque, Self::Opaque) => true,
            _ => false,
        }
    }
}

/// Whether everything that satisfies `narrow` satisfies `wide`, as far as the texts tell.
pub(crate) fn labels_cover(wide: Option<&Selector>, narrow: Option<&Selector>) -> bool {
    let (wide, narrow) = (requirements(wide), requirements(narrow));
    wide.iter().all(|one| {
        narrow.iter().any(|other| {
            one.key == other.key
                && match (&one.test, &other.test) {
                    (Test::In(some), Test::In(fewer)) => fewer.iter().all(|value| some.contains(value)),
                    (Test::Exists, Test::In(_)) => true,
                    (one, other) => one == other,
                }
        })
    })
}

fn requirements(selector: Option<&Selector>) -> &[crate::selector::Requirement] {
    selector.map_or(&[], Selector::requirements)
}

/// Whether a watch holds everything that the question is about within one namespace (none: all of them).
/// Both are of one kind, shape and view.
pub(crate) fn watch_covers(spec: &WatchSpec, question: &Question, namespace: Option<&Arc<str>>) -> bool {
    let held = &spec.selection.namespaces;
    (held.is_empty() || namespace.is_some_and(|one| held.contains(one)))
        && labels_cover(spec.selection.labels.as_ref(), question.labels.as_ref())
        && (spec.selection.fields.is_none()
            || Fields::of(spec.selection.fields.as_ref()).covers(&Fields::of(question.fields.as_ref())))
}

/// What a read lets through.
pub(crate) struct Filter<'q> {
    pub(crate) namespaces: &'q Namespaces,
    pub(crate) labels: Option<&'q Selector>,
    pub(crate) fields: Fields,
    pub(crate) owner_uid: Option<&'q str>,
    pub(crate) index: Option<&'q (FieldPath, Box<str>)>,
    pub(crate) after: Option<&'q ObjectName>,
}

impl<'q> Filter<'q> {
    pub(crate) fn of(query: &'q Query) -> Self {
        Self {
            namespaces: &query.question.namespaces,
            labels: query.question.labels.as_ref(),
            fields: Fields::of(query.question.fields.as_ref()),
            owner_uid: query.owner_uid.as_deref(),
            index: query.index.as_ref(),
            after: query.after.as_ref(),
        }
    }

    pub(crate) fn lets(&self, object: &Object) -> bool {
        let name = object.name();
        self.after.is_none_or(|after| name > after.as_ref())
            && self.namespaces.contain(name)
            && self.labels.is_none_or(|labels| labels.matches(|key| object.label(key)))
            && self.fields.matches(name)
            && self.owner_uid.is_none_or(|uid| object.owners().any(|owner| owner.uid == uid))
            && self.index.is_none_or(|(path, value)| object.has_string(path, value))
    }
}

/// Whether a selection lets an object through, without what only the server can evaluate.
pub(crate) fn selects(selection: &Selection, object: &Object) -> bool {
    let name = object.name();
    let wanted = &selection.namespaces;
    let named = match name.namespace {
        Some(namespace) => wanted.is_empty() || wanted.iter().any(|one| **one == *namespace),
        None => true,
    };
    named
        && selection.labels.as_ref().is_none_or(|labels| labels.matches(|key| object.label(key)))
        && (selection.fields.is_none() || Fields::of(selection.fields.as_ref()).matches(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_selector_covers_one_that_demands_as_much_or_more() {
        let parse = |text: &str| Selector::parse(text).unwrap();
        for (wide, narrow, want) in [
            ("", "a=b", true),
            ("a=b", "", false),
            ("a", "a=b", true),
            ("a in (b,c)", "a=b,x=y", true),
            ("a=b", "a in (b,c)", false),
            ("!a", "!a,b", true),
        ] {
            assert_eq!(
                labels_cover(Some(&parse(wide)), Some(&parse(narrow))),
                want,
                "`{wide}` over `{narrow}`"
            );
        }
    }
}
