//! Volumes and claims: a finalizer keeps them while they are used.

use serde_json::Value;

use super::{RETURNED, Strategy};
use crate::object;

pub(super) const CLAIM: Strategy = Strategy {
    prepare_create: |claim| protect(claim, "kubernetes.io/pvc-protection", "Pending"),
    ..RETURNED
};
pub(super) const VOLUME: Strategy = Strategy { prepare_create: timed, ..RETURNED };

/// A volume also says since when it is in its phase.
fn timed(volume: &mut Value) {
    protect(volume, "kubernetes.io/pv-protection", "Pending");
    volume["status"]["lastPhaseTransitionTime"] = crate::clock::now().into();
}

fn protect(object: &mut Value, finalizer: &str, phase: &str) {
    object::add_finalizer(object, finalizer);
    object["status"] = serde_json::json!({"phase": phase});
}
