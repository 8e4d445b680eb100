//! What a module may do: RBAC rules, each with where it holds. Every call is checked here and nowhere else.
//!
//! Matching is that of RBAC (`*`, groups, `resource/subresource`, `*/status`, resource names), with one difference:
//! a `*` in `resources` never covers what would hand over the cluster; the list stands in `guarded.rs`.
//!
//! A [`Grant`] is what the manifest says. What it gives depends on the labels that namespaces have now, so it is asked
//! together with who knows them: [`Grant::among`] answers [`Rights`].

mod access;
mod asks;
mod data;
mod guarded;
mod labels;
mod marks;
mod matching;
mod operations;
mod rights;
mod yaml;

use crate::{
    description::Permission,
    name::{ModuleName, ObjectName, Resource},
    selector::Selector,
};
pub use access::{AccessError, VERBS};
pub use data::is_secret;
pub use labels::{Anywhere, NamespaceLabels, namespace_kind};
pub use marks::{Edit, Marks, MarksError, OwnerReference};
pub use rights::Rights;
use std::sync::Arc;
pub use yaml::yaml_scalar;

/// What an operator granted to a module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// A call is allowed if any rule allows it.
    pub rules: Vec<Rule>,
}

/// An RBAC PolicyRule and where it holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Groups, resources, names and verbs.
    pub permission: Permission,
    /// Where it holds.
    pub scope: Scope,
}

/// Where a rule holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Cluster-scoped objects (the manifest names no namespaces).
    #[default]
    Cluster,
    /// Namespaced objects everywhere (`namespaces: ["*"]`).
    AllNamespaces,
    /// Namespaced objects in these namespaces.
    Namespaces(Vec<Arc<str>>),
    /// Namespaced objects in the namespaces that have such labels now (`namespaceSelector`).
    Selected(Selector),
}

/// One thing that somebody wants to do, as RBAC sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// One of [`VERBS`].
    pub verb: &'a str,
    /// API group; empty for core.
    pub group: &'a str,
    /// Plural resource.
    pub resource: &'a str,
    /// `status`, `scale`, ….
    pub subresource: Option<&'a str>,
    /// None: a cluster-scoped object, or (with `namespaced`) all namespaces.
    pub namespace: Option<&'a str>,
    /// Whether the resource lives in namespaces.
    pub namespaced: bool,
    /// None for a list or a watch of several, and for what is posted to a collection: the server does not know its
    /// name when it asks RBAC, so no rule with `resourceNames` gives it. An apply that creates does name it.
    pub name: Option<&'a str>,
    /// The name, or the beginning of it, that something posted to a collection will have. RBAC does not look at it;
    /// it keeps modules from making a lease of the hosts.
    pub new_name: Option<&'a str>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No rule allows it: what was wanted and the rule that would allow it.
    #[error(
        "module {module} is not granted to {wanted}; this rule in its manifest's spec.grant.rules would allow it: {rule}"
    )]
    NotGranted {
        /// Who wanted it.
        module: ModuleName,
        /// `patch apps deployments/status in namespace prod`.
        wanted: String,
        /// One line of YAML.
        rule: String,
    },
    /// It could not even be asked of a server.
    #[error("module {module} asks for what no server has: {what}")]
    Malformed {
        /// Who wanted it.
        module: ModuleName,
        /// Which part is wrong.
        what: AccessError,
    },
}

impl Refusal {
    /// What two refusals have in common that one rule would prevent.
    #[must_use]
    pub fn kind_of_call(&self) -> String {
        match self {
            Self::NotGranted { rule, .. } => rule.clone(),
            Self::Malformed { what, .. } => what.part.to_owned(),
        }
    }

    /// Nobody granted that this finalizer is put on an object or taken off.
    #[must_use]
    pub fn finalizer(module: &ModuleName, resource: &Resource, object: &ObjectName, finalizer: &str) -> Self {
        let domain = finalizer.split_once('/').map_or(finalizer, |(domain, _)| domain);
        let permission = Permission {
            api_groups: vec![domain.to_owned()],
            resources: vec!["*/finalizers".to_owned()],
            resource_names: Vec::new(),
            verbs: vec!["update".to_owned()],
        };
        let scope = match &object.namespace {
            Some(namespace) => Scope::Namespaces(vec![namespace.clone()]),
            None => Scope::Cluster,
        };
        let shown: String = finalizer.chars().take(80).flat_map(char::escape_debug).collect();
        let wanted = format!("add or remove the finalizer {shown} of {} {object}", resource.plural);
        Self::NotGranted { module: module.clone(), wanted, rule: Rule { permission, scope }.to_string() }
    }
}

impl Rule {
    /// The narrowest rule that allows an access.
    #[must_use]
    pub fn allowing(access: &Access<'_>) -> Self {
        let scope = match (access.namespaced, access.namespace) {
            (false, _) => Scope::Cluster,
            (true, None) => Scope::AllNamespaces,
            (true, Some(namespace)) => Scope::Namespaces(vec![namespace.into()]),
        };
        let permission = Permission {
            api_groups: vec![access.group.to_owned()],
            resources: vec![access.full_resource()],
            resource_names: Vec::new(),
            verbs: vec![access.verb.to_owned()],
        };
        Self { permission, scope }
    }
}

#[cfg(test)]
mod tests;
