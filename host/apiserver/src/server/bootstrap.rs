//! The objects that every cluster has from its first moment.

use serde_json::{Value, json};

use crate::object;
use crate::query::{ListOptions, WriteOptions};
use crate::registry::{Body, Place, Registry};
use crate::status::ApiError;
use crate::strategy;

/// Writes what is missing, and takes note of what is there.
pub(super) async fn write(registry: &Registry) -> Result<(), ApiError> {
    note_addresses(registry)?;
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        ensure(registry, "namespaces", "", namespace).await?;
    }
    ensure(registry, "services", "default", kubernetes_service()).await
}

fn note_addresses(registry: &Registry) -> Result<(), ApiError> {
    let resources = registry.resources();
    let Some(resource) = resources.find("", "v1", "services") else { return Ok(()) };
    for service in registry.list(&Place::new(resource, "", ""), &ListOptions::default())?.items {
        let value = service.value();
        let address = object::at(&value, "spec.clusterIP").and_then(Value::as_str);
        strategy::note_address(address.unwrap_or_default());
    }
    Ok(())
}

fn kubernetes_service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 443}],
            "type": "ClusterIP",
            "sessionAffinity": "None",
        },
    })
}

async fn ensure(registry: &Registry, plural: &str, namespace: &str, value: Value) -> Result<(), ApiError> {
    let resources = registry.resources();
    let Some(resource) = resources.find("", "v1", plural) else { return Ok(()) };
    let place = Place::new(resource, namespace, object::name(&value));
    if registry.get(&place).is_ok() {
        return Ok(());
    }
    let options = WriteOptions { field_manager: "kube-apiserver".into(), ..WriteOptions::default() };
    registry.create(&place, Body::from(value), &options).await?;
    Ok(())
}
