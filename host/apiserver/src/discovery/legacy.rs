//! Discovery as it was before it was aggregated: `/api`, `/apis`, `/apis/GROUP`, `/apis/GROUP/VERSION`.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Group, groups};
use crate::resource::{ResourceDefinition, Text};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiVersions<'a> {
    kind: &'static str,
    versions: [&'static str; 1],
    #[serde(rename = "serverAddressByClientCIDRs")]
    server_addresses: [ServerAddress<'a>; 1],
}

#[derive(Serialize)]
struct ServerAddress<'a> {
    #[serde(rename = "clientCIDR")]
    client_cidr: &'static str,
    #[serde(rename = "serverAddress")]
    server_address: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    name: &'a str,
    versions: Vec<GroupVersion<'a>>,
    preferred_version: GroupVersion<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion<'a> {
    group_version: String,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroupList<'a> {
    kind: &'static str,
    api_version: &'static str,
    groups: Vec<ApiGroup<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResourceList<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    group_version: String,
    resources: Vec<ApiResource<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource<'a> {
    name: String,
    singular_name: &'a str,
    namespaced: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    kind: &'a str,
    verbs: &'a [Text],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    short_names: &'a [Text],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [Text],
    #[serde(skip_serializing_if = "String::is_empty")]
    storage_version_hash: String,
}

/// `/api`. `server_address` is `HOST:PORT` as clients reach the server.
pub fn api_versions(server_address: &str) -> Vec<u8> {
    to_line(&ApiVersions {
        kind: "APIVersions",
        versions: ["v1"],
        server_addresses: [ServerAddress { client_cidr: "0.0.0.0/0", server_address }],
    })
}

/// `/apis`.
pub fn group_list(definitions: &[Arc<ResourceDefinition>]) -> Vec<u8> {
    let groups = groups(definitions);
    let named = groups.iter().filter(|group| !group.name.is_empty());
    to_line(&ApiGroupList {
        kind: "APIGroupList",
        api_version: "v1",
        groups: named.map(|group| api_group(group, false)).collect(),
    })
}

/// `/apis/GROUP`, or `None` if nothing is served in the group.
pub fn group(definitions: &[Arc<ResourceDefinition>], name: &str) -> Option<Vec<u8>> {
    let groups = groups(definitions);
    let found = groups.iter().find(|group| group.name == name && !name.is_empty())?;
    Some(to_line(&api_group(found, true)))
}

/// `/apis/GROUP/VERSION`, or `/api/v1` for the empty group; `None` if nothing is served there.
pub fn resource_list(definitions: &[Arc<ResourceDefinition>], group: &str, version: &str) -> Option<Vec<u8>> {
    let mut found: Vec<&ResourceDefinition> =
        definitions.iter().map(Arc::as_ref).filter(|of| of.group == group && of.version == version).collect();
    found.sort_by(|a, b| a.plural.cmp(&b.plural));
    let first = found.first()?;
    Some(to_line(&ApiResourceList {
        kind: "APIResourceList",
        // The core group's list has always been written without.
        api_version: (!group.is_empty()).then_some("v1"),
        group_version: first.api_version(),
        resources: found.iter().flat_map(|definition| api_resources(definition)).collect(),
    }))
}

fn api_group<'a>(group: &Group<'a>, alone: bool) -> ApiGroup<'a> {
    let group_version =
        |version: &'a str| GroupVersion { group_version: format!("{}/{version}", group.name), version };
    ApiGroup {
        kind: alone.then_some("APIGroup"),
        api_version: alone.then_some("v1"),
        name: group.name,
        versions: group.versions.iter().map(|version| group_version(version.version)).collect(),
        preferred_version: group_version(group.versions[0].version),
    }
}

fn api_resources(definition: &ResourceDefinition) -> impl Iterator<Item = ApiResource<'_>> {
    let main = ApiResource {
        name: definition.plural.to_string(),
        singular_name: &definition.singular,
        namespaced: definition.namespaced,
        group: "",
        version: "",
        kind: &definition.kind,
        verbs: &definition.verbs,
        short_names: &definition.short_names,
        categories: &definition.categories,
        storage_version_hash: if definition.offers("watch") {
            storage_hash(definition)
        } else {
            String::new()
        },
    };
    let subresources = definition.subresources.iter().map(|subresource| ApiResource {
        name: format!("{}/{}", definition.plural, subresource.name),
        singular_name: "",
        namespaced: definition.namespaced,
        group: &subresource.group,
        version: &subresource.version,
        kind: &subresource.kind,
        verbs: &subresource.verbs,
        short_names: &[],
        categories: &[],
        storage_version_hash: String::new(),
    });
    std::iter::once(main).chain(subresources)
}

/// Tells clients when the version that objects are stored in changes: 8 bytes of a digest of its name.
fn storage_hash(definition: &ResourceDefinition) -> String {
    let (group, version) = match (definition.group.as_ref(), definition.kind.as_ref()) {
        // Both groups' events are one resource, stored as core events; likewise the autoscaler's versions.
        ("events.k8s.io", "Event") => ("", "v1"),
        ("autoscaling", "HorizontalPodAutoscaler") => ("autoscaling", "v2"),
        // Stored in an older version than the one that is served.
        ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("admissionregistration.k8s.io", "MutatingAdmissionPolicy" | "MutatingAdmissionPolicyBinding") => {
            (definition.group.as_ref(), "v1beta1")
        }
        (group, _) => (group, definition.version.as_ref()),
    };
    let digest = Sha256::digest(format!("{group}/{version}/{}", definition.kind));
    STANDARD.encode(&digest[..8])
}

/// The value as one line of JSON.
pub(super) fn to_line(value: &impl Serialize) -> Vec<u8> {
    let mut out = serde_json::to_vec(value).expect("text, lists and numbers always serialise");
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use std::sync::Arc;

    use super::{api_versions, group, group_list, resource_list};
    use crate::resource::{CustomOrigin, Origin, ResourceDefinition, Subresource, Text, builtin};

    fn texts(words: &[&'static str]) -> Vec<Text> {
        words.iter().copied().map(Text::Borrowed).collect()
    }

    fn with_widgets() -> Vec<Arc<ResourceDefinition>> {
        let subresource = |name: &'static str,
                           group: &'static str,
                           version: &'static str,
                           kind: &'static str| Subresource {
            name: name.into(),
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            verbs: texts(&["get", "patch", "update"]),
        };
        let widgets = ResourceDefinition {
            group: "demo.example.com".into(),
            version: "v1".into(),
            kind: "Widget".into(),
            plural: "widgets".into(),
            singular: "widget".into(),
            namespaced: true,
            verbs: texts(&[
                "delete",
                "deletecollection",
                "get",
                "list",
                "patch",
                "create",
                "update",
                "watch",
            ]),
            short_names: texts(&["wd"]),
            subresources: vec![
                subresource("status", "", "", "Widget"),
                subresource("scale", "autoscaling", "v1", "Scale"),
            ],
            origin: Origin::Custom(Arc::new(CustomOrigin::default())),
            ..ResourceDefinition::default()
        };
        builtin().iter().cloned().chain([Arc::new(widgets)]).collect()
    }

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn a_custom_group_reads_as_recorded() {
        let all = with_widgets();
        let list = text(resource_list(&all, "demo.example.com", "v1").unwrap());
        assert_eq!(
            list,
            concat!(
                r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"demo.example.com/v1","resources":[{"name":"widgets","singularName":"widget","namespaced":true,"kind":"Widget","verbs":["delete","deletecollection","get","list","patch","create","update","watch"],"shortNames":["wd"],"storageVersionHash":"bQ1YHmG75GQ="},{"name":"widgets/status","singularName":"","namespaced":true,"kind":"Widget","verbs":["get","patch","update"]},{"name":"widgets/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}]}"#,
                "\n"
            )
        );
        let one = text(group(&all, "demo.example.com").unwrap());
        assert_eq!(
            one,
            concat!(
                r#"{"kind":"APIGroup","apiVersion":"v1","name":"demo.example.com","versions":[{"groupVersion":"demo.example.com/v1","version":"v1"}],"preferredVersion":{"groupVersion":"demo.example.com/v1","version":"v1"}}"#,
                "\n"
            )
        );
        let groups = text(group_list(&all));
        assert!(groups.starts_with(
            r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apiregistration.k8s.io","#
        ));
        assert!(groups.ends_with("\"version\":\"v1\"}}]}\n") && groups.contains("demo.example.com"));
        assert!(group(&all, "nope").is_none() && group(&all, "").is_none());
        assert!(resource_list(&all, "apps", "v9").is_none());
    }

    #[test]
    fn stored_kinds_carry_the_hash_of_their_storage_version() {
        let core = text(resource_list(builtin(), "", "v1").unwrap());
        assert!(
            core.starts_with(
                r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"bindings""#
            )
        );
        for (name, hash) in
            [("configmaps", "qFsyl6wFWjQ="), ("pods", "xPOwRZ+Yhw8="), ("namespaces", "Q3oi5N2YM8M=")]
        {
            let entry =
                core.split("{\"name\":").find(|entry| entry.starts_with(&format!("\"{name}\""))).unwrap();
            assert!(entry.contains(hash), "{entry}");
        }
    }

    #[test]
    fn the_core_versions_tell_where_the_server_is() {
        let want = concat!(
            r#"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"192.0.2.2:12743"}]}"#,
            "\n"
        );
        assert_eq!(text(api_versions("192.0.2.2:12743")), want);
    }
}
