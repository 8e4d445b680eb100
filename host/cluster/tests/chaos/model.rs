//! What selections and relations mean, written down a second time and as simply as can be.

use serde_json::Value;
use windlass_core::{
    description::{Relation, Selection},
    name::{Kind, ObjectName},
};

/// The name of an object.
pub(crate) fn name_of(object: &Value) -> ObjectName {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    match metadata["namespace"].as_str() {
        Some(namespace) => ObjectName::namespaced(namespace, name),
        None => ObjectName::cluster(name),
    }
}

/// Uid and version: which state of which object it is.
pub(crate) fn state_of(object: &Value) -> (String, String) {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("uid"), text("resourceVersion"))
}

/// Whether a selection lets an object through. The test uses `key=value` only.
pub(crate) fn selects(selection: &Selection, object: &Value) -> bool {
    let namespace = object["metadata"]["namespace"].as_str();
    let here =
        selection.namespaces.is_empty() || selection.namespaces.iter().any(|one| Some(&**one) == namespace);
    let labels = selection.labels.as_ref().map_or("", |labels| labels.as_str());
    let labelled =
        labels.split_once('=').is_none_or(|(key, value)| object["metadata"]["labels"][key] == value);
    let fields = selection.fields.as_deref().unwrap_or_default();
    let fielded = match fields.split_once('=') {
        None => true,
        Some(("metadata.name", name)) => object["metadata"]["name"] == name,
        Some((field, value)) => object[field] == value,
    };
    here && labelled && fielded
}

/// The objects of the reconciled kind that one state of a followed object leads to by itself.
pub(crate) fn targets(relation: &Relation, reconciled: &Kind, object: &Value) -> Vec<ObjectName> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let named = |text: &Value| {
        let name = text.as_str().filter(|name| !name.is_empty());
        name.map(|name| ObjectName::namespaced(namespace, name)).into_iter().collect()
    };
    match relation {
        Relation::Labelled(lookup) => named(&object["metadata"]["labels"][&*lookup.name]),
        Relation::Annotated(lookup) => named(&object["metadata"]["annotations"][&*lookup.name]),
        Relation::Controlled | Relation::Owned => {
            let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
            let meant = owners.iter().filter(|owner| {
                owner["kind"] == *reconciled.kind
                    && owner["apiVersion"] == *reconciled.api_version
                    && (*relation == Relation::Owned || owner["controller"] == true)
            });
            meant.flat_map(|owner| named(&owner["name"])).collect::<Vec<_>>()
        }
        Relation::Referenced(_) | Relation::Mapped => Vec::new(),
    }
}

/// What the module's `targets` answers for one state: the label `for`.
pub(crate) fn mapped(object: &Value) -> Option<ObjectName> {
    let namespace = object["metadata"]["namespace"].as_str()?;
    let name = object["metadata"]["labels"]["for"].as_str()?;
    Some(ObjectName::namespaced(namespace, name))
}

/// Whether a controller with this selection reconciles objects of this name at all.
pub(crate) fn reaches(selection: &Selection, name: &ObjectName) -> bool {
    selection.namespaces.is_empty()
        || name.namespace.as_ref().is_some_and(|namespace| selection.namespaces.contains(namespace))
}

/// Whether all that `narrow` selects `wide` selects too, as far as the test's selections go.
pub(crate) fn covers(wide: &Selection, narrow: &Selection) -> bool {
    let namespaces = wide.namespaces.is_empty()
        || (!narrow.namespaces.is_empty()
            && narrow.namespaces.iter().all(|namespace| wide.namespaces.contains(namespace)));
    let labels = wide.labels.is_none() || wide.labels == narrow.labels;
    namespaces && labels && (wide.fields.is_none() || wide.fields == narrow.fields)
}
