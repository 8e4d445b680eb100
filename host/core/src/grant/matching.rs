//! Whether a rule covers an access: RBAC's rules, plus the guarded resources.

use super::{
    Access, NamespaceLabels, Rule, Scope,
    guarded::{is_guarded, is_own_lease},
};
use crate::description::Permission;

impl Rule {
    /// Whether the rule allows this, there.
    #[must_use]
    pub fn allows(&self, access: &Access<'_>, labels: &dyn NamespaceLabels) -> bool {
        if !self.permission.permits(access) {
            return false;
        }
        match (&self.scope, access.namespaced) {
            (Scope::Cluster, false) | (Scope::AllNamespaces, true) => true,
            (Scope::Namespaces(list), true) => {
                access.namespace.is_some_and(|namespace| list.iter().any(|one| **one == *namespace))
            }
            (Scope::Selected(selector), true) => {
                access.namespace.is_some_and(|namespace| labels.namespace_has(namespace, selector))
            }
            _ => false,
        }
    }
}

impl Permission {
    /// Whether it permits this somewhere.
    pub(super) fn permits(&self, access: &Access<'_>) -> bool {
        let name = access.name;
        has(&self.verbs, access.verb)
            && self.reaches(access.group, access.resource, access.subresource)
            && (self.resource_names.is_empty() || name.is_some_and(|name| self.names(name)))
            && (!is_own_lease(access.group, access.resource, name.or(access.new_name))
                || name.is_some_and(|name| self.names(name)))
    }

    fn names(&self, name: &str) -> bool {
        self.resource_names.iter().any(|one| one == name)
    }

    /// Whether group and resource are covered; a `*` covers no guarded resource.
    pub(super) fn reaches(&self, group: &str, resource: &str, subresource: Option<&str>) -> bool {
        if !has(&self.api_groups, group) {
            return false;
        }
        let full = subresource.map(|subresource| format!("{resource}/{subresource}"));
        let full = full.as_deref().unwrap_or(resource);
        let by_name = self.resources.iter().any(|one| one == full);
        let by_star = || {
            self.resources
                .iter()
                .any(|one| one == "*" || subresource.is_some_and(|sub| one.strip_prefix("*/") == Some(sub)))
        };
        by_name || (!is_guarded(group, resource, full) && by_star())
    }
}

/// Whether a list has this text or a `*`.
fn has(list: &[String], text: &str) -> bool {
    list.iter().any(|one| one == "*" || one == text)
}
