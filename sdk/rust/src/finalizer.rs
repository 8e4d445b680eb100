//! Finalizers: something to be done before an object may go.

use serde_json::json;

use crate::{Context, Manifest, Patch, Result, WriteOptions};

/// Where an object with a finalizer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finalized {
    /// It is to live and holds the finalizer: reconcile it.
    Live,
    /// It is going, and this finalizer's part is done: nothing more to do.
    Going,
}

/// Sees to it that `cleanup` has run, successfully, before `object` is gone.
///
/// *Flow.* An object that is to live gets the finalizer, if it does not hold it, before anything else is done
/// for it. One that is going and holds it: `cleanup` runs, then the finalizer is taken off. One that is going
/// without it was finished before.
///
/// *Guarantees.* `cleanup` runs at least once, and again if the run ends before the finalizer is off: it must
/// bear that. While the object lives, `object` is kept as the server has it after a write.
///
/// *Assumptions.* The module may `patch` the kind, and its description names the finalizer, so that taking the
/// module away can tell which objects still wait for it.
///
/// # Errors
/// The API's (a conflict means that somebody changed the object in between; the run is tried again), and those
/// of `cleanup`.
pub fn finalize<M: Manifest>(
    ctx: &Context<'_>,
    object: &mut M,
    finalizer: &str,
    cleanup: impl FnOnce(&Context<'_>, &M) -> Result<()>,
) -> Result<Finalized> {
    let mut finalizers = object.finalizers();
    let held = finalizers.iter().position(|held| held == finalizer);
    match (object.is_deleting(), held) {
        (false, Some(_)) => Ok(Finalized::Live),
        (false, None) => {
            finalizers.push(finalizer.to_owned());
            *object = M::from_json(&write(ctx, object, &finalizers)?)?;
            Ok(Finalized::Live)
        }
        (true, None) => Ok(Finalized::Going),
        (true, Some(at)) => {
            cleanup(ctx, object)?;
            finalizers.remove(at);
            match write(ctx, object, &finalizers) {
                // Somebody else took it off and the object went: that is what was wanted.
                Err(error) if error.is_not_found() => Ok(Finalized::Going),
                written => written.map(|_| Finalized::Going),
            }
        }
    }
}

/// Writes the whole list, and only over the version that was read: other finalizers are kept that way.
fn write(ctx: &Context<'_>, object: &impl Manifest, finalizers: &[String]) -> Result<String> {
    let patch = Patch::merge(&json!({
        "metadata": { "finalizers": finalizers, "resourceVersion": object.resource_version() },
    }))?;
    ctx.write(&object.kind(), &object.object_name(), &patch, &WriteOptions::default())
}
