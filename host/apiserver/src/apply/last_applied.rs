//! Objects that were written by `kubectl apply` on the client's side: its annotation tells what kubectl applied, so the
//! same fields do not conflict when it goes over to the server's side.

use serde_json::{Value, json};

use super::compare::Comparison;
use super::fields::fields_of;
use super::shape::Type;
use super::{Conflict, Ctx};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The conflicts with fields other than those that kubectl applied last and that are still as it left them.
pub(super) fn not_migrated(live: &Value, conflicts: Vec<Conflict>, ctx: &Ctx<'_>) -> Vec<Conflict> {
    let Some(last) = annotation(live).and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return conflicts;
    };
    if last["apiVersion"] != ctx.api_version {
        return conflicts;
    }
    let kind = Type::root(ctx.schema);
    let change = Comparison::between(kind, &last, live);
    let allowed = fields_of(kind, &last)
        .difference(&change.modified)
        .difference(&change.added)
        .difference(&change.removed);
    conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.path)).collect()
}

/// Keeps the annotation in step with what kubectl applies, if the object carries one.
pub(super) fn refresh(new: &mut Value, applied: &Value, ctx: &Ctx<'_>) {
    if ctx.manager != "kubectl" || annotation(new).is_none() {
        return;
    }
    let mut config = applied.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    if config["metadata"]["annotations"] == json!({})
        && let Some(metadata) = config["metadata"].as_object_mut()
    {
        metadata.remove("annotations");
    }
    new["metadata"]["annotations"][ANNOTATION] = Value::from(format!("{config}\n"));
}

fn annotation(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][ANNOTATION].as_str().filter(|text| !text.is_empty())
}
