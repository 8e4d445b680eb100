//! Discovery as servers before aggregated discovery have it: one answer for each group version.

use super::{
    Discovery, DiscoveryError, Snapshot, sense,
    snapshot::{Served, Subresource},
};
use futures::{StreamExt, stream};
use serde::Deserialize;
use windlass_core::name::{Kind, Resource};

const ACCEPT: &str = "application/json";
/// Answers asked for at the same time.
const CONCURRENCY: usize = 8;

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

/// One group version that does not answer is down; the others are data (M2).
pub(super) async fn fetch(discovery: &Discovery) -> Result<Snapshot, DiscoveryError> {
    let versions = group_versions(discovery).await?;
    let answers = stream::iter(versions)
        .map(|group_version| async move {
            let list = resources(discovery, &group_version).await;
            (group_version, list)
        })
        .buffered(CONCURRENCY);
    let mut snapshot = Snapshot::default();
    let mut answers = std::pin::pin!(answers);
    while let Some((group_version, list)) = answers.next().await {
        match list {
            Ok(Some(list)) => {
                served(&group_version, list.resources).into_iter().for_each(|one| snapshot.add(one))
            }
            Ok(None) => {}
            Err(_) => snapshot.add_down(group_version),
        }
    }
    Ok(snapshot)
}

async fn group_versions(discovery: &Discovery) -> Result<Vec<String>, DiscoveryError> {
    let (core, groups) = futures::try_join!(discovery.ask("/api", ACCEPT), discovery.ask("/apis", ACCEPT))?;
    let mut versions = sense::<CoreVersions>("/api", &core)?.map_or_else(Vec::new, |core| core.versions);
    for group in sense::<GroupList>("/apis", &groups)?.map_or_else(Vec::new, |list| list.groups) {
        let preferred = group.preferred_version;
        let (first, rest): (Vec<_>, Vec<_>) =
            group.versions.into_iter().partition(|version| Some(version) == preferred.as_ref());
        versions.extend(first.into_iter().chain(rest).map(|version| version.group_version));
    }
    Ok(versions)
}

async fn resources(
    discovery: &Discovery,
    group_version: &str,
) -> Result<Option<ResourceList>, DiscoveryError> {
    let root = if group_version.contains('/') { "/apis/" } else { "/api/" };
    let path = format!("{root}{group_version}");
    let answer = discovery.ask(&path, ACCEPT).await?;
    sense(&path, &answer)
}

/// Subresources come as `res/sub` beside their resource (M3).
fn served(group_version: &str, entries: Vec<Entry>) -> Vec<Served> {
    let (subresources, resources): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.name.contains('/'));
    let of = |plural: &str| {
        let belongs = subresources.iter().filter_map(|entry| {
            let (resource, name) = entry.name.split_once('/')?;
            (resource == plural).then(|| Subresource {
                name: name.to_owned(),
                kind: kind(group_version, entry),
                verbs: entry.verbs.clone(),
            })
        });
        belongs.collect()
    };
    let one = |entry: Entry| Served {
        subresources: of(&entry.name),
        resource: Resource {
            kind: kind(group_version, &entry),
            plural: entry.name.into(),
            namespaced: entry.namespaced,
        },
        singular: entry.singular_name,
        short_names: entry.short_names,
        categories: entry.categories,
        verbs: entry.verbs,
    };
    resources.into_iter().map(one).collect()
}

fn kind(group_version: &str, entry: &Entry) -> Kind {
    if entry.version.is_empty() {
        return Kind::new(group_version, &entry.kind);
    }
    Kind::new(&super::snapshot::group_version(&entry.group, &entry.version), &entry.kind)
}
