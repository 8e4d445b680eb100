//! The built-in resources, from a recorded table.
//!
//! `builtin.txt` is made by `examples/resource_facts.rs` from the discovery of a real server, and keeps its order:
//! it is the order in which discovery lists groups.

use std::sync::{Arc, OnceLock};

use super::{Origin, ResourceDefinition, Subresource, Text};

const TABLE: &str = include_str!("builtin.txt");

/// What `*` in the table stands for: the verbs of nearly every resource.
const ALL_VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Every built-in resource, in discovery order; the table is read on first use.
pub fn builtin() -> &'static [Arc<ResourceDefinition>] {
    static PARSED: OnceLock<Vec<Arc<ResourceDefinition>>> = OnceLock::new();
    PARSED.get_or_init(|| parse(TABLE).into_iter().map(Arc::new).collect())
}

fn parse(table: &'static str) -> Vec<ResourceDefinition> {
    let mut definitions: Vec<ResourceDefinition> = Vec::new();
    let (mut group, mut version) = ("", "");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next().unwrap_or_default();
        if let Some(rest) = line.strip_prefix("group ") {
            (group, version) = rest.split_once(' ').unwrap_or((rest, ""));
            group = group.trim_start_matches('-');
        } else if line.starts_with(' ') {
            let subresource = subresource(word(), word(), word());
            if let Some(parent) = definitions.last_mut() {
                parent.subresources.push(subresource);
            }
        } else {
            definitions.push(resource(group, version, line));
        }
    }
    definitions
}

fn resource(group: &'static str, version: &'static str, line: &'static str) -> ResourceDefinition {
    let mut words = line.split_ascii_whitespace();
    let mut word = || words.next().unwrap_or_default();
    let (plural, kind, scope, singular, verbs) = (word(), word(), word(), word(), word());
    let mut definition = ResourceDefinition {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        list_kind: format!("{kind}List").into(),
        plural: plural.into(),
        singular: singular.into(),
        namespaced: scope == "Namespaced",
        verbs: if verbs == "*" { texts(ALL_VERBS.iter().copied()) } else { texts(verbs.split(',')) },
        origin: Origin::BuiltIn,
        ..ResourceDefinition::default()
    };
    for extra in words {
        match extra.split_once('=') {
            Some(("short", names)) => definition.short_names = texts(names.split(',')),
            Some(("category", names)) => definition.categories = texts(names.split(',')),
            _ => {}
        }
    }
    definition
}

fn subresource(name: &'static str, kind: &'static str, verbs: &'static str) -> Subresource {
    let mut parts = kind.rsplit('/');
    let mut part = || parts.next().unwrap_or_default();
    let (kind, version, group) = (part(), part(), part());
    Subresource {
        name: name.into(),
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        verbs: texts(verbs.split(',')),
    }
}

fn texts(words: impl Iterator<Item = &'static str>) -> Vec<Text> {
    words.map(Text::Borrowed).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::{ALL_VERBS, builtin};

    #[test]
    fn every_kind_that_the_first_release_needs_is_there() {
        for (group, plural, kind, namespaced) in [
            ("", "namespaces", "Namespace", false),
            ("", "configmaps", "ConfigMap", true),
            ("", "secrets", "Secret", true),
            ("", "services", "Service", true),
            ("", "serviceaccounts", "ServiceAccount", true),
            ("", "events", "Event", true),
            ("", "pods", "Pod", true),
            ("coordination.k8s.io", "leases", "Lease", true),
            ("apps", "deployments", "Deployment", true),
            ("apps", "replicasets", "ReplicaSet", true),
            ("batch", "jobs", "Job", true),
            ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", false),
        ] {
            let found =
                builtin().iter().find(|found| found.group == group && found.plural == plural).unwrap();
            assert_eq!((found.kind.as_ref(), found.namespaced), (kind, namespaced));
            assert_eq!(found.version, "v1");
            let without_collection = found.plural == "namespaces";
            assert_eq!(found.verbs.len(), ALL_VERBS.len() - usize::from(without_collection), "{plural}");
        }
    }

    #[test]
    fn a_subresource_may_answer_with_a_kind_of_another_group() {
        let deployments = builtin().iter().find(|found| found.plural == "deployments").unwrap();
        let scale = deployments.subresource("scale").unwrap();
        assert_eq!((&*scale.group, &*scale.version, &*scale.kind), ("autoscaling", "v1", "Scale"));
        let status = deployments.subresource("status").unwrap();
        assert_eq!((&*status.group, &*status.version, &*status.kind), ("", "", "Deployment"));
        assert_eq!(deployments.short_names, ["deploy"]);
        assert_eq!(deployments.categories, ["all"]);
    }
}
