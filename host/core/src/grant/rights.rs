//! What a grant gives at this moment.

use super::{Access, Anywhere, Grant, NamespaceLabels, Refusal, Rule, Scope};
use crate::{cache::Namespaces, name::ModuleName};
use std::{fmt, sync::Arc};

/// A grant together with the labels that namespaces have now. Cheap: made for each question.
#[derive(Clone, Copy)]
pub struct Rights<'a> {
    pub(super) grant: &'a Grant,
    pub(super) labels: &'a dyn NamespaceLabels,
}

impl fmt::Debug for Rights<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.grant.fmt(f)
    }
}

impl Grant {
    /// What it gives where namespaces have these labels.
    #[must_use]
    pub fn among<'a>(&'a self, labels: &'a dyn NamespaceLabels) -> Rights<'a> {
        Rights { grant: self, labels }
    }

    /// Whether it depends on the labels of namespaces.
    #[must_use]
    pub fn selects_namespaces(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.scope, Scope::Selected(_)))
    }
}

impl Rights<'_> {
    /// The same, once every namespace has the labels that the grant names.
    pub(crate) fn once_labelled(self) -> Self {
        Self { labels: &Anywhere, ..self }
    }

    /// Whether a module may do this.
    ///
    /// # Errors
    /// When no rule allows it, or a name in it is none (so that it cannot reach another path of the server).
    pub fn check(&self, module: &ModuleName, access: &Access<'_>) -> Result<(), Refusal> {
        access.validate().map_err(|what| Refusal::Malformed { module: module.clone(), what })?;
        if self.allow(access) {
            return Ok(());
        }
        let rule = Rule::allowing(access).to_string();
        Err(Refusal::NotGranted { module: module.clone(), wanted: access.to_string(), rule })
    }

    /// Whether any rule allows this, well-formed or not.
    pub(super) fn allow(&self, access: &Access<'_>) -> bool {
        self.grant.rules.iter().any(|rule| rule.allows(access, self.labels))
    }

    /// Where a verb is granted for a resource, whatever namespace the access itself names. A cluster-scoped resource
    /// has all or nothing.
    #[must_use]
    pub fn namespaces_for(&self, access: &Access<'_>) -> Namespaces {
        let mut found: Vec<Arc<str>> = Vec::new();
        for rule in self.grant.rules.iter().filter(|rule| rule.permission.permits(access)) {
            match (&rule.scope, access.namespaced) {
                (Scope::AllNamespaces, true) | (Scope::Cluster, false) => return Namespaces::All,
                (Scope::Namespaces(list), true) => found.extend(list.iter().cloned()),
                (Scope::Selected(selector), true) => match self.labels.namespaces_with(selector) {
                    Namespaces::All => return Namespaces::All,
                    Namespaces::These(list) => found.extend(list),
                },
                _ => {}
            }
        }
        found.sort();
        found.dedup();
        Namespaces::These(found)
    }
}
