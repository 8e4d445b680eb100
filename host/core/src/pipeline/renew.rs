//! What the cluster lets the host follow changes, and with it what versions need.

use super::{Pipeline, subscribe::may_watch};
use crate::{
    fact::Fact,
    grant::{Grant, namespace_kind},
    input::{Version, WatchId},
    interest::{Atom, Need, NotGranted, Offered, needs},
    name::{ModuleName, Resource},
};
use std::{collections::BTreeSet, sync::Arc};

impl Pipeline {
    /// Takes in what the cluster serves now, and follows it for every module that names such a kind.
    pub(super) fn discovered(&mut self, resources: Vec<Resource>) {
        let mut changed = BTreeSet::new();
        for resource in resources {
            let kind = resource.kind.clone();
            if self.resources.get(&kind) != Some(&resource) {
                self.resources.insert(kind.clone(), resource);
                changed.insert(kind);
            }
        }
        self.renew(&|version, _| {
            version.description.controllers.iter().any(|controller| {
                changed.contains(&controller.reconciles)
                    || controller.watches.iter().any(|watch| changed.contains(&watch.kind))
            })
        });
        if !changed.is_empty() {
            self.follow(None);
            self.serve_what_can();
        }
    }

    pub(super) fn synced(&mut self, watch: WatchId) {
        let Some(atom) = self.watches.atom(watch).cloned() else { return };
        self.watches.synced(watch);
        let objects = self.cache.len_of(watch);
        self.tell(Fact::WatchSynced { kind: atom.kind.clone(), objects });
        if atom.kind == namespace_kind() {
            self.relabel(&|_| true);
        }
        // Who looked at some namespaces for want of all looks at all again.
        if self.renew(&|_, needs| needs.iter().any(|need| need.tried.as_ref() == Some(&atom))) {
            self.follow(None);
        }
        self.serve_what_can();
        self.follow_kind(&atom.kind);
    }

    /// Nobody waits for a watch that the server refuses, except who needs no less than it: who may watch all namespaces,
    /// and some by name, follows those.
    pub(super) fn refused(&mut self, watch: WatchId) {
        let Some(atom) = self.watches.atom(watch).cloned() else { return };
        self.watches.refused(watch, self.now);
        self.subscriptions.share_all(&may_watch(&self.modules, (&self.watches, &self.cache), self.now));
        self.renew(&|_, needs| needs.iter().flat_map(|need| &need.atoms).any(|(one, _)| *one == atom));
        self.follow(None);
        self.serve_what_can();
    }

    /// The operator gives a module more or less than before: all its versions have that now.
    pub(super) fn regrant(&mut self, name: &ModuleName, grant: &Arc<Grant>) {
        let Some(module) = self.modules.get_mut(name) else { return };
        let serving = module.serving.as_mut().map(|serving| &mut serving.version);
        let pending = module.pending.as_mut().map(|pending| &mut pending.version);
        let mut changed = false;
        for version in serving.into_iter().chain(pending).filter(|version| version.grant != *grant) {
            Arc::make_mut(version).grant = grant.clone();
            changed = true;
        }
        if changed && self.renew(&|version, _| version.module == *name) {
            self.follow(None);
            self.serve_what_can();
        }
    }

    /// Nobody waits for a kind that is not served.
    pub(super) fn absent(&mut self, watch: WatchId) {
        if let Some(kind) = self.watches.absent(watch).cloned() {
            self.serve_what_can();
            self.follow_kind(&kind);
        }
    }

    /// Works out anew what some versions need, by what they are and what they needed so far. Whether there were any; the
    /// watches have to follow then.
    pub(super) fn renew(&mut self, concerned: &dyn Fn(&Version, &[Need]) -> bool) -> bool {
        let refuses = |atom: &Atom| self.watches.refuses(atom, self.now);
        let offered = Offered { resources: &self.resources, refuses: &refuses, labels: &*self.cache };
        let mut serving = Vec::new();
        let mut any = false;
        for (name, module) in &mut self.modules {
            if let Some(pending) = &mut module.pending
                && concerned(&pending.version, pending.needs.as_deref().unwrap_or_default())
            {
                any = true;
                pending.needs = needs(&pending.version, offered).map_err(|NotGranted(reason)| reason);
            }
            if let Some(serves) = &module.serving
                && concerned(&serves.version, self.interest.of(name))
            {
                any = true;
                serving.push((name.clone(), needs(&serves.version, offered)));
            }
        }
        for (name, needs) in serving {
            match needs {
                Ok(needs) => self.needs_now(&name, needs),
                Err(NotGranted(reason)) => {
                    self.needs_now(&name, Vec::new());
                    self.tell(Fact::ModuleWaiting { module: name, reason });
                }
            }
        }
        any
    }

    /// From now on the version that serves needs this. What waits out of its reach is dropped: a run would be told that
    /// its object is gone, and nobody knows that. What it follows still goes on as it did.
    fn needs_now(&mut self, name: &ModuleName, mut needs: Vec<Need>) {
        let before = self.interest.of(name);
        for need in &mut needs {
            if let Some(before) = before.iter().find(|before| before.is_of(need)) {
                need.go_on(before);
            }
        }
        let Some(module) = self.modules.get_mut(name) else { return };
        for (controller, lane) in module.lanes.iter_mut().filter(|(_, lane)| lane.live) {
            lane.renew(&needs, controller, self.now);
        }
        module.touch(name, &mut self.touched);
        self.renew_backfills(name, &needs);
        self.interest.set(name, needs);
        self.retain_subscriptions(name);
    }
}
