//! CustomResourceDefinitions: names and versions filled in; what they define is served by [`crate::crd`].

use serde_json::{Value, json};

use super::{DEFAULT, Generation, Strategy};
use crate::object;

pub(super) const STRATEGY: Strategy = Strategy {
    generation: Generation::Spec,
    unconditional_update: false,
    default: fill_in,
    prepare_create,
    prepare_update,
    validate: crate::crd::validate,
    ..DEFAULT
};

fn prepare_create(crd: &mut Value) {
    let stored: Vec<Value> = crate::crd::versions(crd)
        .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    crd["status"] = json!({
        "conditions": null,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": stored,
    });
}

fn prepare_update(crd: &mut Value, _old: &Value) {
    let storage: Vec<Value> = crate::crd::versions(crd)
        .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    let status = object::child_mut(object::as_map(crd), "status");
    let stored = object::list_mut(status, "storedVersions");
    for version in storage {
        if !stored.contains(&version) {
            stored.push(version);
        }
    }
}

/// `singular`, `listKind` and the conversion, if they are left out.
fn fill_in(crd: &mut Value) {
    let spec = object::child_mut(object::as_map(crd), "spec");
    spec.entry("conversion").or_insert_with(|| json!({"strategy": "None"}));
    let service = spec
        .get_mut("conversion")
        .and_then(|conversion| conversion.get_mut("webhook")?.get_mut("clientConfig")?.get_mut("service"));
    if let Some(Value::Object(service)) = service {
        service.entry("port").or_insert_with(|| 443.into());
    }
    let names = object::child_mut(spec, "names");
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let empty = |value: Option<&Value>| value.is_none_or(|value| value == "" || value.is_null());
    if empty(names.get("singular")) {
        names.insert("singular".into(), kind.to_lowercase().into());
    }
    if empty(names.get("listKind")) {
        names.insert("listKind".into(), format!("{kind}List").into());
    }
}
