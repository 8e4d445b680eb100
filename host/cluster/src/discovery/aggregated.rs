//! Aggregated discovery, v2: everything in two answers (M1–M3).

use super::{
    Discovery, DiscoveryError, Snapshot, sense,
    snapshot::{Served, Subresource, group_version},
};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;
use windlass_core::name::{Kind, Resource};

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Entry>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<SubEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubEntry {
    subresource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    verbs: Vec<String>,
}

/// Empty group and version mean those of the place where it stands.
#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

/// None if the server does not know this form: its answer says so by its content type.
pub(super) async fn fetch(discovery: &Discovery) -> Result<Option<Snapshot>, DiscoveryError> {
    let (core, groups) = futures::try_join!(discovery.ask("/api", ACCEPT), discovery.ask("/apis", ACCEPT))?;
    let mut snapshot = Snapshot::default();
    for (path, answer) in [("/api", core), ("/apis", groups)] {
        if answer.status() == StatusCode::NOT_ACCEPTABLE || is_legacy(&answer) {
            return Ok(None);
        }
        for group in sense::<Groups>(path, &answer)?.map_or_else(Vec::new, |groups| groups.items) {
            add(&mut snapshot, group);
        }
    }
    Ok(Some(snapshot))
}

fn is_legacy(answer: &Response<Bytes>) -> bool {
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    answer.status().is_success() && !content_type.is_some_and(|value| value.contains("g=apidiscovery.k8s.io"))
}

/// Versions come in the server's order of preference; a stale one is down, not data (M2).
fn add(snapshot: &mut Snapshot, group: Group) {
    let name = group.metadata.name;
    for version in group.versions {
        let api_version = group_version(&name, &version.version);
        if version.freshness == "Stale" {
            snapshot.add_down(api_version);
            continue;
        }
        for entry in version.resources {
            if let Some(served) = served(&api_version, entry) {
                snapshot.add(served);
            }
        }
    }
}

/// A resource may lack a kind of its own and only carry subresources (M3); nothing can be called by kind there.
fn served(api_version: &str, entry: Entry) -> Option<Served> {
    let kind = kind(api_version, entry.response_kind?)?;
    let subresource = |sub: SubEntry| {
        let kind = sub.response_kind.and_then(|response| self::kind(api_version, response));
        Subresource {
            name: sub.subresource,
            kind: kind.unwrap_or_else(|| Kind::new(api_version, "")),
            verbs: sub.verbs,
        }
    };
    Some(Served {
        resource: Resource { kind, plural: entry.resource.into(), namespaced: entry.scope == "Namespaced" },
        singular: entry.singular_resource,
        short_names: entry.short_names,
        categories: entry.categories,
        verbs: entry.verbs,
        subresources: entry.subresources.into_iter().map(subresource).collect(),
    })
}

fn kind(api_version: &str, response: ResponseKind) -> Option<Kind> {
    if response.kind.is_empty() {
        return None;
    }
    if response.version.is_empty() {
        return Some(Kind::new(api_version, &response.kind));
    }
    Some(Kind::new(&group_version(&response.group, &response.version), &response.kind))
}
