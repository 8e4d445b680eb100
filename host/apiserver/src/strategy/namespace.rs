//! Namespaces: a label with their name, a finalizer in `spec`, a phase.

use serde_json::{Value, json};

use super::{DEFAULT, NameRule, Strategy};
use crate::object;

pub(super) const STRATEGY: Strategy =
    Strategy { name_rule: NameRule::Label, default: label, prepare_create, prepare_update, ..DEFAULT };

/// The label that every namespace carries.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

fn prepare_create(namespace: &mut Value) {
    label(namespace);
    namespace["status"] = json!({"phase": "Active"});
    let spec = object::child_mut(object::as_map(namespace), "spec");
    let finalizers = object::list_mut(spec, "finalizers");
    if !finalizers.iter().any(|held| held == "kubernetes") {
        finalizers.push("kubernetes".into());
    }
}

/// `spec.finalizers` change only by the finalize subresource.
fn prepare_update(namespace: &mut Value, old: &Value) {
    label(namespace);
    if let Some(spec) = old.get("spec") {
        namespace["spec"] = spec.clone();
    }
}

fn label(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    if name.is_empty() {
        return;
    }
    let labels = object::child_mut(object::metadata_mut(namespace), "labels");
    labels.insert(NAME_LABEL.into(), name.into());
}
