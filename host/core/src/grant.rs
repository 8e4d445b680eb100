//! What a module may do: RBAC rules, each with where it holds. Every call is checked here and nowhere else.
//!
//! Matching is that of RBAC (`*`, groups, `resource/subresource`, `*/status`, resource names), with one difference:
//! a `*` in `resources` never covers what would hand over the cluster; the list stands in `guarded.rs`.

mod access;
mod asks;
mod data;
mod guarded;
mod matching;

use crate::{cache::Namespaces, description::Permission, name::ModuleName};
pub use access::AccessError;
pub use data::is_secret;
use std::{fmt, sync::Arc};

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

impl Grant {
    /// Whether a module may do this.
    ///
    /// # Errors
    /// When no rule allows it, or a name in it is none (so that it cannot reach another path of the server).
    pub fn check(&self, module: &ModuleName, access: &Access<'_>) -> Result<(), Refusal> {
        access.validate().map_err(|what| Refusal::Malformed { module: module.clone(), what })?;
        if self.rules.iter().any(|rule| rule.allows(access)) {
            return Ok(());
        }
        let rule = Rule::allowing(access).to_string();
        Err(Refusal::NotGranted { module: module.clone(), wanted: access.to_string(), rule })
    }

    /// Where a verb is granted for a resource, whatever namespace the access itself names. A cluster-scoped resource
    /// has all or nothing.
    #[must_use]
    pub fn namespaces_for(&self, access: &Access<'_>) -> Namespaces {
        let mut found: Vec<Arc<str>> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.permission.permits(access)) {
            match (&rule.scope, access.namespaced) {
                (Scope::AllNamespaces, true) | (Scope::Cluster, false) => return Namespaces::All,
                (Scope::Namespaces(list), true) => found.extend(list.iter().cloned()),
                _ => {}
            }
        }
        found.sort();
        found.dedup();
        Namespaces::These(found)
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

impl fmt::Display for Rule {
    /// One line of YAML, as in a manifest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permission = &self.permission;
        f.write_str("{apiGroups: ")?;
        list(f, permission.api_groups.iter().map(|text| &**text))?;
        f.write_str(", resources: ")?;
        list(f, permission.resources.iter().map(|text| &**text))?;
        if !permission.resource_names.is_empty() {
            f.write_str(", resourceNames: ")?;
            list(f, permission.resource_names.iter().map(|text| &**text))?;
        }
        f.write_str(", verbs: ")?;
        list(f, permission.verbs.iter().map(|text| &**text))?;
        match &self.scope {
            Scope::Cluster => {}
            Scope::AllNamespaces => f.write_str(", namespaces: [\"*\"]")?,
            Scope::Namespaces(names) => {
                f.write_str(", namespaces: ")?;
                list(f, names.iter().map(|text| &**text))?;
            }
        }
        f.write_str("}")
    }
}

/// A YAML list in one line; whatever is more than a plain word is quoted.
fn list<'t>(f: &mut fmt::Formatter<'_>, texts: impl Iterator<Item = &'t str>) -> fmt::Result {
    f.write_str("[")?;
    for (at, text) in texts.enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_'))
            && !matches!(
                &*text.to_ascii_lowercase(),
                "true" | "false" | "yes" | "no" | "on" | "off" | "null"
            );
        match plain {
            true => f.write_str(text)?,
            false => write!(f, "{text:?}")?,
        }
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests;
