//! From an object to the requests it leads to.

use super::need::{Need, Target};
use crate::{
    cache::{Cache, Query, Question},
    call::Shape,
    description::{Lookup, Relation},
    field_path::FieldPath,
    name::{Kind, ObjectName},
    object::{Object, Owner},
};
use std::sync::Arc;

/// The reconciled objects that one state of a watched object leads to by itself. Nothing for relations that need more
/// than the object.
pub(super) fn named_by(relation: &Relation, object: &Object, target: &Target) -> Vec<ObjectName> {
    let name = |name: &str, namespace: Option<Arc<str>>| ObjectName {
        namespace: namespace.filter(|_| target.namespaced),
        name: name.into(),
    };
    let own = || object.name().namespace.map(Arc::from);
    match relation {
        Relation::Controlled => owners(object, &target.kind)
            .filter(|owner| owner.controller)
            .map(|owner| name(owner.name, own()))
            .collect(),
        Relation::Owned => owners(object, &target.kind).map(|owner| name(owner.name, own())).collect(),
        Relation::Labelled(lookup) => {
            let found = looked_up(lookup, |key| object.label(key).map(str::to_owned), own());
            found.into_iter().map(|(text, namespace)| name(&text, namespace)).collect()
        }
        Relation::Annotated(lookup) => {
            let found = looked_up(lookup, |key| object.annotation(key).map(Into::into), own());
            found.into_iter().map(|(text, namespace)| name(&text, namespace)).collect()
        }
        Relation::Referenced(_) | Relation::Mapped => Vec::new(),
    }
}

/// Owner references to the reconciled kind. The version may differ (the same object is served in several), and so may
/// the uid: when dependents of a former object of that name go, the present one may have to make its own.
fn owners<'o>(object: &'o Object, kind: &Kind) -> impl Iterator<Item = Owner<'o>> {
    object.owners().filter(move |owner| *owner.kind == *kind.kind && owner.group() == kind.group())
}

fn looked_up(
    lookup: &Lookup<Box<str>>,
    value: impl Fn(&str) -> Option<String>,
    own: Option<Arc<str>>,
) -> Option<(String, Option<Arc<str>>)> {
    let name = value(&lookup.name).filter(|name| !name.is_empty())?;
    let namespace = match &lookup.namespace {
        Some(key) => value(key).filter(|namespace| !namespace.is_empty()).map(Arc::from).or(own),
        None => own,
    };
    Some((name, namespace))
}

/// The reconciled objects whose field names this object: the reverse of `referenced`, by the cache's index.
pub(super) fn referencing(
    lookup: &Lookup<FieldPath>,
    need: &Need,
    changed: &ObjectName,
    cache: &Cache,
) -> Vec<ObjectName> {
    let target = &need.target;
    let question = Question {
        namespaces: target.namespaces.clone(),
        labels: target.selection.labels.clone(),
        fields: target.selection.fields.clone(),
        shape: Shape::Whole,
    };
    let index = Some((lookup.name.clone(), Box::from(&*changed.name)));
    let found = cache.list_known(&target.kind, &Query { question, index, ..Query::default() });
    let found = found.unwrap_or_default();
    let meant = found.iter().filter(|object| means_namespace(lookup, object, changed));
    meant.map(|object| object.name().to_owned()).collect()
}

/// Whether an object that names the changed one also means its namespace. Names and namespaces of a list are not
/// paired: one run too many does no harm, one too few does.
fn means_namespace(lookup: &Lookup<FieldPath>, object: &Object, changed: &ObjectName) -> bool {
    let Some(namespace) = &changed.namespace else { return true };
    let same = object.name().namespace.is_none_or(|own| *own == **namespace);
    let Some(path) = &lookup.namespace else { return same };
    let count = |path| {
        let mut count = 0;
        object.each_string(path, &mut |_| count += 1);
        count
    };
    object.has_string(path, namespace) || (same && count(path) < count(&lookup.name))
}
