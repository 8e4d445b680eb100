//! Which module wants which kinds, and how a changed object becomes requests.
//!
//! A change is held against the selection before and after it (S11), then against the predicates, then led by the
//! relation to the objects that are to be reconciled, again from both states: an object that changes its owner wakes
//! the old one and the new one.

mod atom;
mod cover;
mod followers;
mod need;
mod plan;
mod predicate;
mod relation;
mod subscriptions;
mod watches;

use crate::{
    cache::Cache,
    change::{Cause, ObjectChange},
    description::Relation,
    fact::Reason,
    name::{Kind, ModuleName, ObjectName},
    object::Object,
    queue::Priority,
    time::Time,
};
pub(crate) use atom::Atom;
pub(crate) use cover::{Leave, Sharing};
use followers::Followers;
pub(crate) use need::{Need, NotGranted, Offered, Resources, needs, own_of, watch_of};
pub(crate) use plan::Plans;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
pub(crate) use subscriptions::{Bounds, Ending, SubjectId, Subscriptions, Woken};
pub(crate) use watches::{Order, Wanted, Watches};

/// How long a need that is served from another view listens to the one before as well. Far longer than a change waits
/// between the cache and the pipeline; what both tell in that time may wake once too often, never too seldom.
const LEFT_FOR: Duration = Duration::from_secs(30);

/// What a change leads to.
#[derive(Clone, Debug)]
pub(crate) enum Routed {
    /// Reconcile this.
    Request { module: ModuleName, controller: Arc<str>, name: ObjectName, priority: Priority, reason: Reason },
    /// Ask the module.
    Ask { module: ModuleName, controller: Arc<str>, watch: Arc<str>, change: ObjectChange },
    /// Nothing to be asked about: the watch does not count this change from one state to the other.
    Uncounted {
        module: ModuleName,
        controller: Arc<str>,
        watch: Arc<str>,
        before: Arc<Object>,
        after: Arc<Object>,
    },
}

/// The needs of the versions that serve.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    needs: BTreeMap<ModuleName, Vec<Need>>,
    by_kind: HashMap<Kind, Followers>,
}

impl Interest {
    /// From now on these are a module's needs.
    pub(crate) fn set(&mut self, module: &ModuleName, needs: Vec<Need>) {
        self.remove(module);
        for (at, need) in needs.iter().enumerate() {
            self.by_kind.entry(need.kind.clone()).or_default().add(&(module.clone(), at), need);
        }
        self.needs.insert(module.clone(), needs);
    }

    /// The module follows nothing any more.
    pub(crate) fn remove(&mut self, module: &ModuleName) {
        for (at, need) in self.needs.remove(module).unwrap_or_default().iter().enumerate() {
            if let Some(followers) = self.by_kind.get_mut(&need.kind) {
                followers.remove(&(module.clone(), at), need);
                if followers.is_empty() {
                    self.by_kind.remove(&need.kind);
                }
            }
        }
    }

    /// The needs of a module.
    pub(crate) fn of(&self, module: &ModuleName) -> &[Need] {
        self.needs.get(module).map_or(&[], Vec::as_slice)
    }

    /// The need of a watch.
    pub(crate) fn of_watch(&self, module: &ModuleName, controller: &str, watch: &str) -> Option<&Need> {
        watch_of(self.of(module), controller, watch)
    }

    /// Every module's needs, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ModuleName, &[Need])> {
        self.needs.iter().map(|(module, needs)| (module, needs.as_slice()))
    }

    /// Takes in which watch holds what in which shape. Answers the needs, narrowed to what of them is now served from a
    /// view that is synced already: what it holds was not told to them, so all of it has to be looked at.
    pub(crate) fn rebind(&mut self, watches: &Watches, now: Time) -> Vec<(ModuleName, Need)> {
        let mut moved = Vec::new();
        for (module, needs) in &mut self.needs {
            for need in needs {
                let mut differs = Vec::new();
                for (atom, shape) in &mut need.atoms {
                    let held = watches.shape(atom);
                    if held.is_some() && *shape != held {
                        need.left = shape.map(|shape| (shape, now + LEFT_FOR)).or(need.left);
                        *shape = held;
                        if watches.is_synced(atom) {
                            differs.push((atom.clone(), *shape));
                        }
                    }
                }
                if !differs.is_empty() {
                    moved.push((module.clone(), Need { atoms: differs, ..need.clone() }));
                }
            }
        }
        moved
    }

    /// What a change leads to, in the order of the modules and their descriptions.
    pub(crate) fn route(&self, change: &ObjectChange, now: Time, cache: &Cache, out: &mut Vec<Routed>) {
        let Some(followers) = self.by_kind.get(&change.kind) else { return };
        for (module, at) in followers.of(change) {
            let need = self.of(module).get(*at);
            if let Some(need) = need.filter(|need| need.sees(change, now)) {
                route(module, need, change, cache, out);
            }
        }
    }
}

/// What a change that a need sees leads to.
pub(crate) fn route(
    module: &ModuleName,
    need: &Need,
    change: &ObjectChange,
    cache: &Cache,
    out: &mut Vec<Routed>,
) {
    let before = change.before.as_deref().filter(|object| need.selects(object));
    let after = change.after.as_deref().filter(|object| need.selects(object));
    let priority = match change.cause {
        Cause::Live | Cause::Relist => Priority::Live,
        Cause::Initial | Cause::Resync => Priority::Low,
    };
    let Some(reason) = counts(need, before, after, change.cause) else {
        out.extend(uncounted(module, need, change));
        return;
    };
    let mut request = |name: ObjectName, reason: Reason| {
        if need.target.reaches(&name) {
            let controller = need.controller.clone();
            out.push(Routed::Request { module: module.clone(), controller, name, priority, reason });
        }
    };
    let Some((watch, relation)) = &need.watch else { return request(change.name.clone(), reason) };
    let related =
        || Reason::Related { watch: watch.clone(), kind: change.kind.clone(), name: change.name.clone() };
    match relation {
        Relation::Mapped => {
            let change = selected(need, change);
            let (controller, watch) = (need.controller.clone(), watch.clone());
            out.push(Routed::Ask { module: module.clone(), controller, watch, change });
        }
        Relation::Referenced(lookup) => {
            let names = relation::referencing(lookup, need, &change.name, cache);
            names.into_iter().for_each(|name| request(name, related()));
        }
        _ => {
            let states = [before, after].into_iter().flatten();
            let mut names: Vec<_> =
                states.flat_map(|object| relation::named_by(relation, object, &need.target)).collect();
            let mut seen = std::collections::BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            names.into_iter().for_each(|name| request(name, related()));
        }
    }
}

/// Whether a change counts, and why the object itself would be reconciled. Entering and leaving the selection always
/// count, as creation and deletion (S11).
fn counts(need: &Need, before: Option<&Object>, after: Option<&Object>, cause: Cause) -> Option<Reason> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Reason::Appeared),
        (Some(_), None) => Some(Reason::Gone),
        (Some(_), Some(_)) if cause == Cause::Resync => Some(Reason::Resync),
        (Some(before), Some(after)) => {
            let own_end = need.watch.is_none() && predicate::ends(before, after);
            (own_end || predicate::touched(&need.predicates, before, after)).then_some(Reason::Changed)
        }
    }
}

/// What a `mapped` watch does not count is told all the same: a state that is kept can give way to the new one.
fn uncounted(module: &ModuleName, need: &Need, change: &ObjectChange) -> Option<Routed> {
    let Some((watch, Relation::Mapped)) = &need.watch else { return None };
    let (before, after) = (change.before.clone()?, change.after.clone()?);
    let (module, controller, watch) = (module.clone(), need.controller.clone(), watch.clone());
    (need.selects(&before) && need.selects(&after)).then_some(Routed::Uncounted {
        module,
        controller,
        watch,
        before,
        after,
    })
}

/// The change as the need's selection shows it.
fn selected(need: &Need, change: &ObjectChange) -> ObjectChange {
    let mut change = change.clone();
    change.before = change.before.filter(|object| need.selects(object));
    change.after = change.after.filter(|object| need.selects(object));
    change
}
