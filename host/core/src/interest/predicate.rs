//! Whether a change touches what a module cares about, before any guest wakes.

use crate::{description::Predicate, object::Object};

/// Whether any of the predicates was touched; no predicates: everything counts. An object that came again under the
/// same name (I1) counts always.
pub(super) fn touched(predicates: &[Predicate], before: &Object, after: &Object) -> bool {
    predicates.is_empty()
        || before.uid() != after.uid()
        || predicates.iter().any(|predicate| match predicate {
            // A kind without generations would else never count.
            Predicate::Generation => {
                before.generation() != after.generation() || after.generation().is_none()
            }
            Predicate::Labels => before.labels() != after.labels(),
            Predicate::Annotations => before.annotations_digest() != after.annotations_digest(),
            Predicate::Field(path) => before.field_digest(path) != after.field_digest(path),
        })
}

/// Whether the object began to end or another finalizer holds it: a reconciler that is blind to that leaks what it
/// should clean up.
pub(super) fn ends(before: &Object, after: &Object) -> bool {
    before.is_deleting() != after.is_deleting() || !before.finalizers().eq(after.finalizers())
}
