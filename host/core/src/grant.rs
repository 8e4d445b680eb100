//! What a module may do: RBAC rules, each with where it holds. Every call is checked here and nowhere else.

use crate::{description::Permission, name::ModuleName};
use std::sync::Arc;

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
}

/// One thing that somebody wants to do, as RBAC sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
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
    /// None for list, watch, and create with a generated name.
    pub name: Option<&'a str>,
}

/// A refusal: what was wanted and the rule that would allow it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "module {module} is not granted to {wanted}; this rule in its manifest's spec.grant.rules would allow it: {rule}"
)]
pub struct Refusal {
    /// Who wanted it.
    pub module: ModuleName,
    /// `patch apps deployments/status in namespace prod`.
    pub wanted: String,
    /// One line of YAML.
    pub rule: String,
}
