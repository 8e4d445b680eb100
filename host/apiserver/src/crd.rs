//! CustomResourceDefinitions: from the object a client writes to resources that are served.

pub mod conversion;
mod establish;
mod validate;

use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::establish::establish;
pub(crate) use self::validate::validate;

use self::conversion::Converter;
use crate::catalog::Resource;
use crate::clock;
use crate::object;
use crate::resource::{
    CustomOrigin, Origin, PrinterColumn, ResourceDefinition, ScalePaths, Subresource, Text,
};

/// Where CustomResourceDefinitions are in the store.
pub(crate) const STORE_NAME: &str = "customresourcedefinitions.apiextensions.k8s.io";
const GROUP: &str = "apiextensions.k8s.io";

/// `spec.versions`.
pub(crate) fn versions(crd: &Value) -> impl Iterator<Item = &Value> {
    object::at(crd, "spec.versions").and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    object::at(value, path).and_then(Value::as_str).unwrap_or_default()
}

fn owned(value: &Value, path: &str) -> String {
    text(value, path).to_owned()
}

fn texts(value: &Value, path: &str) -> Vec<Text> {
    let list = object::at(value, path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(|text| Text::Owned(text.to_owned())).collect()
}

/// A condition of the status, by its type.
pub(crate) fn condition<'a>(crd: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object::at(crd, "status.conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "type") == kind)
}

/// Whether a condition is `True`.
pub(crate) fn is_true(crd: &Value, kind: &str) -> bool {
    condition(crd, kind).is_some_and(|condition| text(condition, "status") == "True")
}

/// Sets a condition; its transition time moves only if its status does.
pub(crate) fn set_condition(crd: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = object::list_mut(object::child_mut(object::as_map(crd), "status"), "conditions");
    let found = conditions.iter_mut().find(|condition| text(condition, "type") == kind);
    match found {
        Some(condition) => {
            if text(condition, "status") != status {
                condition["lastTransitionTime"] = clock::now().into();
            }
            condition["status"] = status.into();
            condition["reason"] = reason.into();
            condition["message"] = message.into();
        }
        None => conditions.push(json!({
            "type": kind, "status": status, "lastTransitionTime": clock::now(), "reason": reason, "message": message,
        })),
    }
}

/// What a deletion writes into the status.
pub(crate) fn set_terminating(crd: &mut Value) {
    if !is_true(crd, "Terminating") {
        let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        set_condition(crd, "Terminating", "True", "InstanceDeletionPending", message);
    }
}

/// The resources that a definition adds: none before its names are accepted.
pub(crate) fn resources(crd: &Value) -> Vec<Arc<Resource>> {
    if !is_true(crd, "NamesAccepted") {
        return Vec::new();
    }
    let storage = versions(crd).find(|version| version.get("storage") == Some(&Value::Bool(true)));
    let storage = storage.map(|version| text(version, "name")).unwrap_or_default();
    let storage = format!("{}/{storage}", text(crd, "spec.group"));
    let terminating = object::deletion_timestamp(crd).is_some();
    let converter = Converter::of(crd).map(Arc::new);
    let served = versions(crd).filter(|version| version.get("served") == Some(&Value::Bool(true)));
    served
        .map(|version| {
            let definition = Arc::new(definition(crd, version, converter.clone()));
            let mut resource = Resource::new(definition, &storage, terminating);
            resource.schema_has_changed = object::generation(crd) > 1;
            Arc::new(resource)
        })
        .collect()
}

const CUSTOM_VERBS: [&str; 8] =
    ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn definition(crd: &Value, version: &Value, converter: Option<Arc<Converter>>) -> ResourceDefinition {
    ResourceDefinition {
        group: owned(crd, "spec.group").into(),
        version: owned(version, "name").into(),
        kind: owned(crd, "spec.names.kind").into(),
        list_kind: owned(crd, "spec.names.listKind").into(),
        plural: owned(crd, "spec.names.plural").into(),
        singular: owned(crd, "spec.names.singular").into(),
        namespaced: text(crd, "spec.scope") == "Namespaced",
        verbs: CUSTOM_VERBS.map(Text::Borrowed).to_vec(),
        short_names: texts(crd, "spec.names.shortNames"),
        categories: texts(crd, "spec.names.categories"),
        subresources: subresources(crd, version),
        printer_columns: printer_columns(version),
        selectable_fields: selectable_fields(version),
        origin: Origin::Custom(Arc::new(CustomOrigin { converter, ..origin(crd, version) })),
    }
}

fn subresources(crd: &Value, version: &Value) -> Vec<Subresource> {
    let has = |name: &str| version.get("subresources").and_then(|held| held.get(name)).is_some();
    let verbs = || ["get", "patch", "update"].map(Text::Borrowed).to_vec();
    let mut list = Vec::new();
    if has("status") {
        let kind = owned(crd, "spec.names.kind").into();
        list.push(Subresource { name: "status".into(), kind, verbs: verbs(), ..Subresource::default() });
    }
    if has("scale") {
        list.push(Subresource {
            name: "scale".into(),
            group: "autoscaling".into(),
            version: "v1".into(),
            kind: "Scale".into(),
            verbs: verbs(),
        });
    }
    list
}

fn printer_columns(version: &Value) -> Vec<PrinterColumn> {
    let columns = version.get("additionalPrinterColumns").and_then(Value::as_array).into_iter().flatten();
    columns
        .map(|column| PrinterColumn {
            name: owned(column, "name"),
            kind: owned(column, "type"),
            format: owned(column, "format"),
            description: owned(column, "description"),
            priority: column.get("priority").and_then(Value::as_i64).unwrap_or_default(),
            json_path: owned(column, "jsonPath"),
        })
        .collect()
}

fn selectable_fields(version: &Value) -> Vec<Text> {
    let fields = version.get("selectableFields").and_then(Value::as_array).into_iter().flatten();
    fields.map(|field| Text::Owned(owned(field, "jsonPath"))).collect()
}

fn origin(crd: &Value, version: &Value) -> CustomOrigin {
    let scale = version.get("subresources").and_then(|held| held.get("scale")).map(|scale| ScalePaths {
        spec_replicas: owned(scale, "specReplicasPath"),
        status_replicas: owned(scale, "statusReplicasPath"),
        label_selector: scale.get("labelSelectorPath").and_then(Value::as_str).map(str::to_owned),
    });
    let deprecated = version.get("deprecated") == Some(&Value::Bool(true));
    let deprecation_warning =
        deprecated.then(|| match version.get("deprecationWarning").and_then(Value::as_str) {
            Some(warning) => warning.to_owned(),
            None => format!(
                "{}/{} {} is deprecated",
                text(crd, "spec.group"),
                text(version, "name"),
                text(crd, "spec.names.kind")
            ),
        });
    CustomOrigin {
        uid: object::uid(crd).to_owned(),
        storage: version.get("storage") == Some(&Value::Bool(true)),
        open_api_schema: Arc::new(object::at(version, "schema.openAPIV3Schema").cloned().unwrap_or_default()),
        scale,
        deprecation_warning,
        converter: None,
    }
}

/// A definition's own place in the registry.
pub(crate) fn place(registry: &crate::registry::Registry, name: &str) -> Option<crate::registry::Place> {
    let resources = registry.resources();
    let resource = resources.find(GROUP, "v1", "customresourcedefinitions")?;
    Some(crate::registry::Place::new(resource, "", name))
}
