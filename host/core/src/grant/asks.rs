//! What a module asks for, held against what it was granted.

use super::{Access, Anywhere, Grant, Rule, Scope, is_secret};
use crate::{
    cache::Namespaces,
    description::{Description, Permission, Selection},
    name::{Kind, Resource},
};
use std::collections::BTreeMap;

/// The verbs by which the host holds a kind in its cache and a guest reads it.
const READING: [&str; 3] = ["get", "list", "watch"];

/// Resources of Kubernetes itself that live in no namespace; an ask by resource name does not say.
const CLUSTER_SCOPED: [&str; 24] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "componentstatuses",
    "clusterroles",
    "clusterrolebindings",
    "customresourcedefinitions",
    "apiservices",
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "certificatesigningrequests",
    "storageclasses",
    "csidrivers",
    "csinodes",
    "volumeattachments",
    "volumeattributesclasses",
    "priorityclasses",
    "runtimeclasses",
    "ingressclasses",
    "flowschemas",
];

impl Grant {
    /// What a description asks for that this grant gives nowhere. Watches and reconciled kinds ask for reading;
    /// a selection that names namespaces asks for each of them. A kind that `resolve` does not know and that the
    /// description does not define is left out: there is no name to ask by yet.
    #[must_use]
    pub fn missing(
        &self,
        description: &Description,
        resolve: &dyn Fn(&Kind) -> Option<Resource>,
    ) -> Vec<Rule> {
        let asked = Self::granting(description, resolve);
        let mut missing = Vec::new();
        for rule in &asked {
            for atom in atoms(rule) {
                if !self.gives(&atom) && !missing.contains(&atom) {
                    missing.push(atom);
                }
            }
        }
        merged(missing)
    }

    /// The rules that would grant all that a description asks for: as narrow as its selections, everywhere else.
    #[must_use]
    pub fn granting(description: &Description, resolve: &dyn Fn(&Kind) -> Option<Resource>) -> Vec<Rule> {
        let defined = defined(description);
        let resource = |kind: &Kind| resolve(kind).or_else(|| defined.get(kind).cloned());
        let mut rules = Vec::new();
        for (kind, selection, metadata_only) in readings(description) {
            if let Some(resource) = resource(kind) {
                rules.push(reading(&resource, selection, metadata_only));
            }
        }
        let cluster_scoped = |plural: &str| {
            let plural = plural.split('/').next().unwrap_or(plural);
            CLUSTER_SCOPED.contains(&plural)
                || readings(description).any(|(kind, ..)| {
                    resource(kind).is_some_and(|found| !found.namespaced && *found.plural == *plural)
                })
                || defined.values().any(|found| !found.namespaced && *found.plural == *plural)
        };
        for permission in &description.permissions {
            rules.extend(scoped(permission, &cluster_scoped));
        }
        merged(rules)
    }

    /// The rule that lets a selection of a resource be held and read.
    pub(crate) fn reading_rule(resource: &Resource, selection: &Selection) -> Rule {
        reading(resource, selection, false)
    }

    /// Whether a rule of one group, resource and verb is given wherever it names, or anywhere if it says everywhere.
    /// A rule that selects namespaces by label counts as if every one had it: which do changes with time.
    fn gives(&self, atom: &Rule) -> bool {
        let ask = &atom.permission;
        let (Some(group), Some(full), Some(verb)) =
            (ask.api_groups.first(), ask.resources.first(), ask.verbs.first())
        else {
            return true;
        };
        let (resource, subresource) = match full.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (&**full, None),
        };
        let names: Vec<Option<&str>> = match &ask.resource_names[..] {
            [] => vec![None],
            names => names.iter().map(|name| Some(&**name)).collect(),
        };
        let namespaced = atom.scope != Scope::Cluster;
        names.into_iter().all(|name| {
            let (namespace, new_name) = (None, None);
            let access = Access { verb, group, resource, subresource, namespace, namespaced, name, new_name };
            match (self.among(&Anywhere).namespaces_for(&access), &atom.scope) {
                (Namespaces::All, _) => true,
                (Namespaces::These(list), Scope::Namespaces(wanted)) => {
                    wanted.iter().all(|one| list.contains(one))
                }
                (Namespaces::These(list), _) => !list.is_empty(),
            }
        })
    }
}

/// Every kind that is held for a description: which of it, and whether its metadata is enough.
fn readings(description: &Description) -> impl Iterator<Item = (&Kind, &Selection, bool)> {
    description.controllers.iter().flat_map(|controller| {
        let watches =
            controller.watches.iter().map(|watch| (&watch.kind, &watch.selection, watch.metadata_only));
        [(&controller.reconciles, &controller.selection, false)].into_iter().chain(watches)
    })
}

/// Who needs only the metadata of Secrets does not ask for `get`, which is what shows their data.
fn reading(resource: &Resource, selection: &Selection, metadata_only: bool) -> Rule {
    let spared = metadata_only && is_secret(resource.kind.group(), &resource.plural);
    let scope = match (resource.namespaced, &selection.namespaces[..]) {
        (false, _) => Scope::Cluster,
        (true, []) => Scope::AllNamespaces,
        (true, list) => Scope::Namespaces(list.to_vec()),
    };
    let permission = Permission {
        api_groups: vec![resource.kind.group().to_owned()],
        resources: vec![resource.plural.to_string()],
        resource_names: Vec::new(),
        verbs: READING.into_iter().filter(|verb| !(spared && *verb == "get")).map(str::to_owned).collect(),
    };
    Rule { permission, scope }
}

/// A permission for namespaces and one for the cluster, as its resources need them; a `*` needs both.
fn scoped(permission: &Permission, cluster_scoped: &dyn Fn(&str) -> bool) -> Vec<Rule> {
    let part = |scope: Scope, wanted: &dyn Fn(&str) -> bool| {
        let resources: Vec<_> = permission.resources.iter().filter(|one| wanted(one)).cloned().collect();
        (!resources.is_empty())
            .then(|| Rule { permission: Permission { resources, ..permission.clone() }, scope })
    };
    let any = |plural: &str| plural == "*" || plural.starts_with("*/");
    let namespaced = part(Scope::AllNamespaces, &|plural| any(plural) || !cluster_scoped(plural));
    let cluster = part(Scope::Cluster, &|plural| any(plural) || cluster_scoped(plural));
    namespaced.into_iter().chain(cluster).collect()
}

/// One rule per group, resource and verb.
fn atoms(rule: &Rule) -> Vec<Rule> {
    let mut found = Vec::new();
    for group in &rule.permission.api_groups {
        for resource in &rule.permission.resources {
            for verb in &rule.permission.verbs {
                let permission = Permission {
                    api_groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    resource_names: rule.permission.resource_names.clone(),
                    verbs: vec![verb.clone()],
                };
                found.push(Rule { permission, scope: rule.scope.clone() });
            }
        }
    }
    found
}

/// The same rules in fewer lines: verbs of one resource together, then resources with the same verbs.
fn merged(rules: Vec<Rule>) -> Vec<Rule> {
    let fold = |rules: Vec<Rule>, list: fn(&mut Permission) -> &mut Vec<String>| {
        let mut out: Vec<Rule> = Vec::new();
        for mut rule in rules {
            let items = std::mem::take(list(&mut rule.permission));
            let same = out.iter_mut().find(|one| {
                let mut key = (*one).clone();
                list(&mut key.permission).clear();
                key == rule
            });
            let into = match same {
                Some(same) => same,
                None => {
                    out.push(rule);
                    out.last_mut().expect("one was just pushed")
                }
            };
            let into = list(&mut into.permission);
            for item in items {
                if !into.contains(&item) {
                    into.push(item);
                }
            }
        }
        out
    };
    fold(fold(rules, |permission| &mut permission.verbs), |permission| &mut permission.resources)
}

/// The resources that the description's own CustomResourceDefinitions will bring.
fn defined(description: &Description) -> BTreeMap<Kind, Resource> {
    let mut found = BTreeMap::new();
    for definition in &description.definitions {
        let Ok(definition) = serde_json::from_str::<serde_json::Value>(definition) else { continue };
        let text = |path: &str| definition.pointer(path).and_then(serde_json::Value::as_str);
        let (Some(group), Some(kind), Some(plural)) =
            (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"))
        else {
            continue;
        };
        let namespaced = text("/spec/scope") == Some("Namespaced");
        let versions = definition.pointer("/spec/versions").and_then(serde_json::Value::as_array);
        for version in versions.into_iter().flatten().filter_map(|version| version["name"].as_str()) {
            let kind = Kind::new(&format!("{group}/{version}"), kind);
            found.insert(kind.clone(), Resource { kind, plural: plural.into(), namespaced });
        }
    }
    found
}
