//! Which namespaces have which labels now: what a rule with `namespaceSelector` takes to say where it holds.

use crate::{
    cache::{Cache, Namespaces, Query, Question},
    call::Shape,
    name::{Kind, ObjectName},
    selector::Selector,
};
use std::sync::Arc;

/// Who knows the labels that namespaces have now.
pub trait NamespaceLabels: Sync {
    /// The namespaces with such labels, sorted. What is not known is not among them.
    fn namespaces_with(&self, selector: &Selector) -> Namespaces;

    /// Whether this namespace is among them.
    fn namespace_has(&self, namespace: &str, selector: &Selector) -> bool;
}

/// Takes every namespace for selected: what a grant gives if namespaces get the labels that it names.
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

impl NamespaceLabels for Anywhere {
    fn namespaces_with(&self, _: &Selector) -> Namespaces {
        Namespaces::All
    }

    fn namespace_has(&self, _: &str, _: &Selector) -> bool {
        true
    }
}

/// `v1`, `Namespace`.
#[must_use]
pub fn namespace_kind() -> Kind {
    Kind::new("v1", "Namespace")
}

/// The labels are those of the Namespaces that are held; where none are, nothing is selected.
impl NamespaceLabels for Cache {
    fn namespaces_with(&self, selector: &Selector) -> Namespaces {
        let question =
            Question { labels: Some(selector.clone()), shape: Shape::Metadata, ..Question::default() };
        let found = self.list_known(&namespace_kind(), &Query { question, ..Query::default() });
        let found = found.unwrap_or_default();
        let mut names: Vec<Arc<str>> = found.iter().map(|object| object.name().name.into()).collect();
        names.sort();
        Namespaces::These(names)
    }

    fn namespace_has(&self, namespace: &str, selector: &Selector) -> bool {
        let one = Question::one(&ObjectName::cluster(namespace), Shape::Metadata);
        let question = Question { labels: Some(selector.clone()), ..one };
        let found = self.list_known(&namespace_kind(), &Query { question, ..Query::default() });
        found.is_some_and(|found| !found.is_empty())
    }
}
