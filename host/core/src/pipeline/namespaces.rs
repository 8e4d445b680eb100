//! Grants that hold where namespaces have labels: the host follows the Namespaces' metadata, and what a label that
//! comes or goes gives or takes is taken in at once.

use super::Pipeline;
use crate::{
    change::ObjectChange,
    description::Selection,
    grant::{Scope, namespace_kind},
    input::Version,
    interest::Atom,
    object::Object,
};
use std::sync::Arc;

impl Pipeline {
    /// The watch of all Namespaces, if the grant of any version depends on their labels, and on no more.
    pub(super) fn namespaces_wanted(&self) -> Vec<Atom> {
        let mut versions = self.modules.values().flat_map(|module| {
            let pending = module.pending.as_ref().filter(|pending| pending.needs.is_ok());
            let pending = pending.map(|pending| &pending.version);
            module.serving.as_ref().map(|serving| &serving.version).into_iter().chain(pending)
        });
        let wanted = versions.any(|version| version.grant.selects_namespaces());
        wanted.then(namespaces).into_iter().collect()
    }

    /// Whether the labels that a version's grant depends on are known.
    pub(super) fn knows_labels(&self, version: &Version) -> bool {
        !version.grant.selects_namespaces() || self.watches.is_synced(&namespaces())
    }

    /// Takes in those of these changes that make some namespace selected by a grant, or no longer.
    pub(super) fn relabelled(&mut self, changes: &[ObjectChange]) {
        let kind = namespace_kind();
        let changes: Vec<_> = changes.iter().filter(|change| change.kind == kind).collect();
        if !changes.is_empty() {
            self.relabel(&|version| changes.iter().any(|change| concerns(version, change)));
        }
    }

    /// Works out anew what these versions follow.
    pub(super) fn relabel(&mut self, concerned: &dyn Fn(&Version) -> bool) {
        if self.renew(&|version, _| version.grant.selects_namespaces() && concerned(version)) {
            self.follow(None);
            self.serve_what_can();
        }
    }
}

fn namespaces() -> Atom {
    Atom::new(&namespace_kind(), None, &Selection::default(), true)
}

/// Whether one of the version's rules selects one state of a namespace and not the other.
fn concerns(version: &Version, change: &ObjectChange) -> bool {
    version.grant.rules.iter().any(|rule| match &rule.scope {
        Scope::Selected(selector) => {
            let selects = |state: &Option<Arc<Object>>| {
                state.as_ref().is_some_and(|object| selector.matches(|key| object.label(key)))
            };
            selects(&change.before) != selects(&change.after)
        }
        _ => false,
    })
}
