//! Workloads: what they select is fixed for life.

use serde_json::Value;

use super::{Generation, Propagation, StatusMetadata, Strategy};
use crate::object;
use crate::status::Cause;

pub(super) const STRATEGY: Strategy = Strategy {
    generation: Generation::Spec,
    status_keeps_metadata: StatusMetadata::LabelsKept,
    validate: selector_stays,
    ..super::DEFAULT
};

pub(super) const REPLICATION_CONTROLLER: Strategy =
    Strategy { default_propagation: Propagation::Orphan, validate: |_, _| Vec::new(), ..STRATEGY };

fn selector_stays(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let selector = |of: &Value| object::at(of, "spec.selector").cloned().unwrap_or_default();
    let now = selector(new);
    match old {
        Some(old) if selector(old) != now => {
            vec![Cause::invalid("spec.selector", &now.to_string(), "field is immutable")]
        }
        _ => Vec::new(),
    }
}
