//! What a Website consists of.

use serde_json::{Value, json};
use windlass::{Object, Result, owner_reference};

use crate::Website;

const NAME_LABEL: &str = "app.kubernetes.io/name";
const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

/// The page, and the name that it goes by.
pub(crate) fn config_map(site: &Website) -> Result<Object> {
    Ok(object("v1/ConfigMap", site)?
        .with("data", json!({ "index.html": site.spec.content, "hostname": site.spec.hostname })))
}

/// Reaches the servers.
pub(crate) fn service(site: &Website) -> Result<Object> {
    let spec = json!({
        "selector": labels(site),
        "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
    });
    Ok(object("v1/Service", site)?
        .annotation("example.windlass.dev/hostname", &site.spec.hostname)
        .with("spec", spec))
}

/// The servers. Another page is another template, so they are replaced one by one.
pub(crate) fn deployment(site: &Website) -> Result<Object> {
    let container = json!({
        "name": "web",
        "image": site.spec.image,
        "ports": [{ "name": "http", "containerPort": 80 }],
        "volumeMounts": [{ "name": "content", "mountPath": "/usr/share/nginx/html", "readOnly": true }],
        "readinessProbe": { "httpGet": { "path": "/", "port": "http" } },
    });
    let template = json!({
        "metadata": {
            "labels": labels(site),
            "annotations": { "example.windlass.dev/content": digest(&site.spec.content) },
        },
        "spec": {
            "containers": [container],
            "volumes": [{ "name": "content", "configMap": { "name": site.metadata.name } }],
        },
    });
    let spec = json!({
        "replicas": site.spec.replicas,
        "selector": { "matchLabels": labels(site) },
        "template": template,
    });
    Ok(object("apps/v1/Deployment", site)?.with("spec", spec))
}

/// An object that carries the site's name and goes with it.
fn object(kind: &str, site: &Website) -> Result<Object> {
    owner_reference(site)?; // without a uid nothing would ever clean up
    Ok(Object::new(kind, &site.metadata.name)
        .in_namespace(site.metadata.namespace.as_deref())
        .owned_by(site)
        .label(NAME_LABEL, "website")
        .label(INSTANCE_LABEL, &site.metadata.name))
}

fn labels(site: &Website) -> Value {
    json!({ NAME_LABEL: "website", INSTANCE_LABEL: site.metadata.name })
}

/// FNV-1a: tells one page from another, and is no secret.
fn digest(content: &str) -> String {
    let hash = content.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
