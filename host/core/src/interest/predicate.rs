//! Whether a change touches what a module cares about, before any guest wakes.

use crate::{description::Predicate, object::Object};

/// Whether any of the predicates was touched; no predicates: everything counts. An object that came again under the
/// same name (I1) counts always.
pub(super) fn touched(predicates: &[Predicate], before: &Object, after: &Object) -> bool {
    let (old, new) = (before.header(), after.header());
    predicates.is_empty()
        || old.uid != new.uid
        || predicates.iter().any(|predicate| match predicate {
            // A kind without generations would else never count.
            Predicate::Generation => old.generation != new.generation || new.generation.is_none(),
            Predicate::Labels => old.labels != new.labels,
            Predicate::Annotations => old.annotations_digest != new.annotations_digest,
            Predicate::Field(path) => before.field(path).0 != after.field(path).0,
        })
}

/// Whether the object began to end or another finalizer holds it: a reconciler that is blind to that leaks what it
/// should clean up.
pub(super) fn ends(before: &Object, after: &Object) -> bool {
    let (old, new) = (before.header(), after.header());
    old.deleting != new.deleting || old.finalizers != new.finalizers
}
