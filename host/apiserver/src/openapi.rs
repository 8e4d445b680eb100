//! The published description of what is served: OpenAPI v3, an index with hashes and a document per group version.
//!
//! Documents are made when they are asked for. The hash of a built-in one is that of what it is made from, so that
//! the index, which kubectl asks for first, costs next to nothing. Descriptions are prose and left out.

mod custom;
mod paths;
mod schemas;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::resource::{Origin, ResourceDefinition};

/// `Content-Type` of the index; the real server says no better.
pub const INDEX_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Types that every document has.
const SHARED: &[&str] = &[
    "meta.v1.APIResourceList",
    "meta.v1.DeleteOptions",
    "meta.v1.Patch",
    "meta.v1.Status",
    "meta.v1.WatchEvent",
];

/// The document at `/openapi/v3`.
pub fn index(definitions: &[Arc<ResourceDefinition>]) -> Vec<u8> {
    let entries: serde_json::Map<String, Value> = by_path(definitions)
        .into_iter()
        .map(|(path, resources)| {
            let url = format!("/openapi/v3/{path}?hash={}", digest(&resources));
            (path, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": entries}).to_string().into_bytes()
}

/// The hash of the document at `/openapi/v3/PATH`, such as `apis/apps/v1`; `None` if there is none.
pub fn hash(definitions: &[Arc<ResourceDefinition>], path: &str) -> Option<String> {
    by_path(definitions).get(path).map(|resources| digest(resources))
}

/// The document at `/openapi/v3/PATH`; `None` if there is none.
pub fn document(definitions: &[Arc<ResourceDefinition>], path: &str) -> Option<Vec<u8>> {
    let by_path = by_path(definitions);
    let resources = by_path.get(path)?;
    let mut components = schemas::Components::default();
    components.add_named(SHARED);
    for definition in resources {
        match &definition.origin {
            Origin::BuiltIn => components.add_resource(definition),
            Origin::Custom(origin) => custom::add(definition, origin, &mut components),
        }
    }
    let document = json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths::of(path, resources),
        "components": {
            "schemas": components.into_map(),
            "securitySchemes": {"BearerToken": {"in": "header", "name": "authorization", "type": "apiKey"}},
        },
    });
    Some(document.to_string().into_bytes())
}

type Resources<'a> = Vec<&'a ResourceDefinition>;

/// The resources of each document by its path.
fn by_path(definitions: &[Arc<ResourceDefinition>]) -> BTreeMap<String, Resources<'_>> {
    let mut paths: BTreeMap<String, Resources<'_>> = BTreeMap::new();
    for definition in definitions {
        let prefix = if definition.group.is_empty() { "api" } else { "apis" };
        paths.entry(format!("{prefix}/{}", definition.api_version())).or_default().push(definition);
    }
    paths
}

/// A digest of everything that goes into the document.
fn digest(resources: &[&ResourceDefinition]) -> String {
    let mut hasher = Sha512::new();
    // A new release of this program may make another document of the same definitions.
    hasher.update(env!("CARGO_PKG_VERSION"));
    for definition in resources {
        let mut text = format!(
            "{}/{}/{} {} {:?} {:?}\n",
            definition.group,
            definition.version,
            definition.plural,
            definition.kind,
            definition.verbs,
            definition.subresources
        );
        if let Origin::Custom(origin) = &definition.origin {
            // A definition made anew may have the same schema; then the document is the same as well.
            writeln!(text, "{} {}", definition.list_kind, origin.open_api_schema)
                .expect("writing to a string does not fail");
        }
        hasher.update(text);
    }
    format!("{:X}", hasher.finalize())
}

/// `#/components/schemas/NAME`.
fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests;
