//! Aggregated discovery: every group with its resources in one document.

use std::sync::Arc;

use serde::Serialize;

use super::{Version, groups};
use crate::resource::{ResourceDefinition, Subresource};

/// The exact `Content-Type` of the aggregated document; clients compare it.
pub const AGGREGATED_CONTENT_TYPE: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupList<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: Metadata<'a>,
    items: Vec<GroupItem<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Serialize)]
struct GroupItem<'a> {
    metadata: Metadata<'a>,
    versions: Vec<VersionItem<'a>>,
}

#[derive(Serialize)]
struct VersionItem<'a> {
    version: &'a str,
    resources: Vec<ResourceItem<'a>>,
    freshness: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceItem<'a> {
    resource: &'a str,
    response_kind: ResponseKind<'a>,
    scope: &'static str,
    singular_resource: &'a str,
    verbs: &'a [crate::resource::Text],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    short_names: &'a [crate::resource::Text],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [crate::resource::Text],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subresources: Vec<SubresourceItem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubresourceItem<'a> {
    subresource: &'a str,
    response_kind: ResponseKind<'a>,
    verbs: &'a [crate::resource::Text],
}

#[derive(Serialize)]
struct ResponseKind<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

/// The document for `/api` (`core` set) or `/apis`, newline included.
pub fn aggregated(definitions: &[Arc<ResourceDefinition>], core: bool) -> Vec<u8> {
    let items = groups(definitions)
        .iter()
        .filter(|group| group.name.is_empty() == core)
        .map(|group| GroupItem {
            metadata: Metadata { name: group.name },
            versions: group.versions.iter().map(version_item).collect(),
        })
        .collect();
    super::legacy::to_line(&GroupList {
        kind: "APIGroupDiscoveryList",
        api_version: "apidiscovery.k8s.io/v2",
        metadata: Metadata { name: "" },
        items,
    })
}

fn version_item<'a>(version: &Version<'a>) -> VersionItem<'a> {
    VersionItem {
        version: version.version,
        resources: version.resources.iter().map(|definition| resource_item(definition)).collect(),
        freshness: "Current",
    }
}

fn resource_item(definition: &ResourceDefinition) -> ResourceItem<'_> {
    ResourceItem {
        resource: &definition.plural,
        response_kind: response_kind(definition, None),
        scope: if definition.namespaced { "Namespaced" } else { "Cluster" },
        singular_resource: &definition.singular,
        verbs: &definition.verbs,
        short_names: &definition.short_names,
        categories: &definition.categories,
        subresources: definition
            .subresources
            .iter()
            .map(|subresource| SubresourceItem {
                subresource: &subresource.name,
                response_kind: response_kind(definition, Some(subresource)),
                verbs: &subresource.verbs,
            })
            .collect(),
    }
}

/// Built-in kinds of the group itself are written without group and version, custom ones with both.
fn response_kind<'a>(definition: &'a ResourceDefinition, of: Option<&'a Subresource>) -> ResponseKind<'a> {
    let own = match definition.custom() {
        Some(_) => (definition.group.as_ref(), definition.version.as_ref()),
        None => ("", ""),
    };
    match of {
        Some(foreign) if !foreign.version.is_empty() => {
            ResponseKind { group: &foreign.group, version: &foreign.version, kind: &foreign.kind }
        }
        Some(own_kind) => ResponseKind { group: own.0, version: own.1, kind: &own_kind.kind },
        None => ResponseKind { group: own.0, version: own.1, kind: &definition.kind },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use sha2::{Digest, Sha256};

    use super::aggregated;
    use crate::resource::builtin;

    /// The digests are those of a real server's answers (1.36.2) to the same two requests, newline cut.
    #[test]
    fn the_built_in_documents_are_byte_for_byte_those_of_a_real_server() {
        for (core, want) in [
            (true, "62ba2c9c257d9b203e46a532b0ec398c8500139e4d0aa9043f7482d5fd4057d5"),
            (false, "f3f37a3f49ebb392efc40badc32139ba8733da44952390b9ccab48e028252922"),
        ] {
            let body = aggregated(builtin(), core);
            let body = body.strip_suffix(b"\n").unwrap();
            assert_eq!(format!("{:x}", Sha256::digest(body)), want, "core: {core}");
        }
    }
}
