//! The published description of what is served: OpenAPI v3, an index with hashes and a document per group version.
//!
//! Documents are made when they are asked for. The hash of a built-in one is that of what it is made from, so that
//! the index, which kubectl asks for first, costs next to nothing. Of prose they have what is said of types and fields.

mod custom;
mod fixed;
mod operation;
mod paths;
mod prose;
mod schemas;
mod v2;
mod v2_protobuf;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

pub(crate) use self::prose::Prose;
pub(crate) use self::schemas::full_name;

use crate::resource::{Origin, ResourceDefinition};

/// `Content-Type` of the index; the real server says no better.
pub const INDEX_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The document at `/openapi/v3`.
pub fn index(definitions: &[Arc<ResourceDefinition>]) -> Vec<u8> {
    let entries: serde_json::Map<String, Value> = by_path(definitions)
        .into_iter()
        .map(|(path, resources)| {
            let url = format!("/openapi/v3/{path}?hash={}", digest(&path, &resources));
            (path, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": entries}).to_string().into_bytes()
}

/// The paths of all documents, without a leading slash.
pub fn paths(definitions: &[Arc<ResourceDefinition>]) -> impl Iterator<Item = String> {
    by_path(definitions).into_keys()
}

/// The hash of the document at `/openapi/v3/PATH`, such as `apis/apps/v1`; `None` if there is none.
pub fn hash(definitions: &[Arc<ResourceDefinition>], path: &str) -> Option<String> {
    by_path(definitions).get(path).map(|resources| digest(path, resources))
}

/// The document at `/openapi/v3/PATH`; `None` if there is none.
pub fn document(definitions: &[Arc<ResourceDefinition>], path: &str) -> Option<Vec<u8>> {
    let by_path = by_path(definitions);
    let resources = by_path.get(path)?;
    Some(made(path, resources, schemas::Components::new()).0.to_string().into_bytes())
}

/// The hash of the document at `/openapi/v2`.
pub fn hash_v2(definitions: &[Arc<ResourceDefinition>]) -> String {
    let mut hasher = Sha512::new();
    by_path(definitions).iter().for_each(|(path, resources)| hasher.update(digest(path, resources)));
    format!("{:X}", hasher.finalize())
}

/// The document at `/openapi/v2`, as JSON or as protobuf.
pub fn document_v2(definitions: &[Arc<ResourceDefinition>], protobuf: bool) -> Vec<u8> {
    let mut prose = Some(Prose::unpack());
    let by_path = by_path(definitions);
    let documents = by_path.iter().map(|(path, resources)| {
        let components = schemas::Components::with(prose.take().unwrap_or_else(Prose::unpack));
        let (document, returned) = made(path, resources, components);
        prose = Some(returned);
        document
    });
    let document = v2::of(documents);
    if protobuf { v2_protobuf::encode(&document) } else { document.to_string().into_bytes() }
}

/// The document of some resources, and the prose back.
fn made(path: &str, resources: &Resources<'_>, mut components: schemas::Components) -> (Value, Prose) {
    let paths = match resources.first() {
        None => fixed::paths(path),
        Some(_) => paths::of(path, resources),
    };
    let paths = Value::Object(paths);
    components.add_references(&paths);
    let custom = resources.first().and_then(|definition| definition.custom()).is_some();
    for definition in resources {
        if let Origin::Custom(origin) = &definition.origin {
            custom::add(definition, origin, &mut components);
        }
    }
    if let Some(first) = resources.first() {
        for kind in ["DeleteOptions", "WatchEvent"] {
            components.set_kinds(&format!("meta.v1.{kind}"), shared_kinds(first, kind));
        }
    }
    let (schemas, prose) = components.into_parts();
    (assemble(custom, &paths, schemas), prose)
}

/// The group versions that a type of all of them stands for in the document of one.
fn shared_kinds(definition: &ResourceDefinition, kind: &str) -> Vec<Value> {
    let of = |group: &str, version: &str| json!({"group": group, "kind": kind, "version": version});
    if definition.custom().is_some() {
        return fixed::GROUP_VERSIONS.iter().map(|(group, version)| of(group, version)).collect();
    }
    let mut kinds = vec![of("", "v1")];
    if !definition.group.is_empty() {
        kinds.push(of(&definition.group, &definition.version));
    }
    kinds
}

fn assemble(custom: bool, paths: &Value, schemas: serde_json::Map<String, Value>) -> Value {
    let (title, version) = if custom { ("Kubernetes CRD Swagger", "v0.1.0") } else { ("Kubernetes", "1.36") };
    let mut components = serde_json::Map::new();
    if !schemas.is_empty() {
        components.insert("schemas".to_owned(), Value::Object(schemas));
    }
    if !custom {
        let token = json!({"BearerToken": {
            "description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey",
        }});
        components.insert("securitySchemes".to_owned(), token);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": components,
    })
}

type Resources<'a> = Vec<&'a ResourceDefinition>;

/// The resources of each document by its path; documents about no resources have none.
fn by_path(definitions: &[Arc<ResourceDefinition>]) -> BTreeMap<String, Resources<'_>> {
    let mut paths: BTreeMap<String, Resources<'_>> = BTreeMap::new();
    paths.extend(fixed::DOCUMENTS.iter().map(|path| ((*path).to_owned(), Vec::new())));
    for definition in definitions {
        let prefix = if definition.group.is_empty() { "api" } else { "apis" };
        paths.entry(format!("{prefix}/{}", definition.api_version())).or_default().push(definition);
        if definition.custom().is_none() && !definition.group.is_empty() {
            paths.entry(format!("apis/{}", definition.group)).or_default();
        }
    }
    paths
}

/// A digest of everything that goes into the document.
fn digest(path: &str, resources: &[&ResourceDefinition]) -> String {
    let mut hasher = Sha512::new();
    hasher.update(path);
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
