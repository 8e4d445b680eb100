//! What must hold after the faults, and of single watches at any time.

use crate::{
    driver::{Driver, Watched},
    ledger::{Ran, State, View},
    model,
    truth::{Last, Truth},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::{
    cache::{Namespaces, Query, Question},
    call::Shape,
    description::{Controller, Relation, Selection, Watch},
    input::{WatchId, WatchSpec},
    name::{ControllerName, Kind, ModuleName, ObjectName, Request},
};

/// Problems told at most: the first ones say it.
const TOLD_MAX: usize = 8;

/// Looks at one moment of a world.
pub(crate) struct Oracle<'w> {
    pub(crate) driver: &'w Driver,
    pub(crate) truth: &'w Truth,
    /// The kind that is refused just now, if any.
    pub(crate) refused: Option<Kind>,
}

fn view_of(spec: &WatchSpec) -> View {
    view(&spec.kind, spec.metadata_only, &spec.selection)
}

/// Objects that only the server can select are held apart.
fn view(kind: &Kind, metadata: bool, selection: &Selection) -> View {
    let fields = selection.fields.clone().filter(|fields| !fields.starts_with("metadata."));
    (kind.clone(), metadata, fields)
}

fn question(spec: &WatchSpec) -> Query {
    let selection = &spec.selection;
    let namespaces = match &selection.namespaces[..] {
        [] => Namespaces::All,
        list => Namespaces::These(list.to_vec()),
    };
    let shape = if spec.metadata_only { Shape::Metadata } else { Shape::Whole };
    let (labels, fields) = (selection.labels.clone(), selection.fields.clone());
    Query { question: Question { namespaces, labels, fields, shape }, ..Query::default() }
}

impl Oracle<'_> {
    /// Everything that has to be so in the end; empty if it is.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.driver.problems();
        for (id, watched) in &self.driver.watches {
            if self.refused.as_ref() != Some(&watched.spec.kind) {
                problems.extend(self.of_watch(*id, watched));
            }
        }
        if self.refused.is_none() {
            problems.extend(self.of_views());
            problems.extend(self.of_runs());
        }
        problems.truncate(TOLD_MAX);
        problems
    }

    /// R18: a watch's objects are those of a LIST, whole and to the byte (as JSON).
    fn of_watch(&self, id: WatchId, watched: &Watched) -> Option<String> {
        let spec = &watched.spec;
        let truth = self.truth.list(&spec.kind, &spec.selection, None).unwrap_or_default();
        if watched.version.is_none() && truth.is_empty() && watched.trouble.as_deref() == Some("absent") {
            return None;
        }
        let Some(version) = &watched.version else {
            return Some(format!("watch {} of {} is not synced: {:?}", id.0, spec.kind, watched.trouble));
        };
        // One that was silent has yet to tell what came and went meanwhile.
        let last = self.truth.last_version(&spec.kind);
        let absent = self.driver.chain().absent.contains(&id);
        if !absent && version.parse::<u64>().is_ok_and(|at| at < last) {
            return Some(format!("watch {} of {} is at {version}, and not at {last}", id.0, spec.kind));
        }
        self.differs(spec, &truth).map(|how| format!("watch {} of {}: {how}", id.0, spec.kind))
    }

    /// At any moment: what a watch that is alone in its view holds is a LIST at its version. None also where that cannot
    /// be told.
    pub(crate) fn of_moment(&self) -> Vec<String> {
        let mut problems = self.driver.problems();
        for (id, watched) in &self.driver.watches {
            let of_kind = self.driver.watches.values().filter(|other| other.spec.kind == watched.spec.kind);
            // Of the cache itself: what the watch told of its version may still be on the way.
            let version = self.driver.cache.version(&watched.spec.kind).filter(|_| of_kind.count() == 1);
            let Some(version) = version else { continue };
            let brought = version.parse::<u64>().is_ok_and(|version| version < watched.brought);
            if brought || self.driver.chain().absent.contains(id) {
                continue;
            }
            let spec = &watched.spec;
            let Some(truth) = self.truth.list(&spec.kind, &spec.selection, Some(&version)) else { continue };
            if let Some(how) = self.differs(spec, &truth) {
                problems.push(format!("watch {} of {} at {version}: {how}", id.0, spec.kind));
            }
        }
        problems
    }

    fn differs(&self, spec: &WatchSpec, truth: &BTreeMap<ObjectName, Value>) -> Option<String> {
        let Some(held) = self.driver.cache.list(&spec.kind, &question(spec)) else {
            return Some("the cache does not cover what it watches".to_owned());
        };
        let held: BTreeMap<_, Value> = held
            .iter()
            .map(|object| {
                let json = serde_json::from_str(object.json()).expect("the cache holds JSON");
                (object.name().to_owned(), json)
            })
            .collect();
        let names: BTreeSet<_> = held.keys().chain(truth.keys()).collect();
        for name in names {
            let (held, truth) = (held.get(name), truth.get(name));
            let same = match (held, truth) {
                (Some(held), Some(truth)) if spec.metadata_only => held["metadata"] == truth["metadata"],
                (held, truth) => held == truth,
            };
            if !same {
                let state = |object: Option<&Value>| object.map(model::state_of);
                return Some(format!("{name} is held as {:?}, truly {:?}", state(held), state(truth)));
            }
        }
        None
    }

    /// What was told of each view's objects, added up, is what its watches list.
    fn of_views(&self) -> Vec<String> {
        let mut truth: BTreeMap<View, BTreeMap<ObjectName, State>> = BTreeMap::new();
        for watched in self.driver.watches.values() {
            let spec = &watched.spec;
            let objects = self.truth.list(&spec.kind, &spec.selection, None).unwrap_or_default();
            let states = objects.iter().map(|(name, object)| (name.clone(), model::state_of(object)));
            truth.entry(view_of(spec)).or_default().extend(states);
        }
        let mut problems = Vec::new();
        let lost = self.driver.chain().count - self.driver.ledger.delivered;
        if lost > 0 {
            problems.push(format!("{lost} changes were laid into the cache and never told"));
        }
        for (view, truth) in truth {
            let told = self.driver.chain().last.get(&view).cloned().unwrap_or_default();
            for (name, state) in &truth {
                if told.get(name).map(|(told, _)| told) != Some(state) {
                    problems.push(format!("{} {name} is {state:?}, told was {:?}", view.0, told.get(name)));
                }
            }
            // A watch that was stopped takes untold what only it held.
            let ghosts = told.iter().filter(|(name, (_, unsure))| !unsure && !truth.contains_key(name));
            problems
                .extend(ghosts.map(|(name, _)| format!("{} {name} is gone, and that was not told", view.0)));
        }
        problems
    }

    /// Each change led to a run that began after it.
    fn of_runs(&self) -> Vec<String> {
        let ledger = &self.driver.ledger;
        let mut problems: Vec<_> =
            ledger.owed.keys().map(|request| format!("{request} was asked for and did not run")).collect();
        for (module, digest) in &ledger.wanted {
            if ledger.serving.get(module).is_none_or(|serving| serving.digest != *digest) {
                problems.push(format!("{module} does not serve the version that was offered last"));
            }
        }
        for (module, serving) in &ledger.serving {
            for controller in &serving.description.controllers {
                self.of_own(module, controller, &mut problems);
                for watch in &controller.watches {
                    if watch.relation == Relation::Mapped {
                        self.of_mapped(module, controller, watch, &mut problems);
                    } else {
                        self.of_related(module, controller, watch, &mut problems);
                    }
                }
            }
        }
        problems
    }

    fn request(module: &ModuleName, controller: &Controller, name: &ObjectName) -> Request {
        let controller = ControllerName { module: module.clone(), controller: controller.name.clone() };
        Request { controller, name: name.clone() }
    }

    /// The last run of each object saw its last state, or that it is gone.
    fn of_own(&self, module: &ModuleName, controller: &Controller, problems: &mut Vec<String>) {
        let ledger = &self.driver.ledger;
        let generation = ledger.serving[module].generation;
        for (name, last) in self.truth.last(&controller.reconciles) {
            let request = Self::request(module, controller, &name);
            let ran = ledger.ran.get(&request);
            let object = last.after.as_ref().filter(|object| model::selects(&controller.selection, object));
            match (object, ran) {
                (Some(object), ran) => {
                    let saw = ran.is_some_and(|ran| saw(ran, object, !controller.predicates.is_empty()));
                    if !saw || ran.is_none_or(|ran| ran.generation != generation) {
                        let state = model::state_of(object);
                        problems.push(format!(
                            "{request} is {state:?}, serving {generation:?}, the last run was {ran:?}"
                        ));
                    }
                }
                (None, Some(Ran { seen: Some(seen), .. })) => {
                    problems.push(format!("{request} is gone, the last run saw {seen:?}"));
                }
                (None, _) => {}
            }
        }
    }

    /// After the last change of each followed object, each request that it leads to ran.
    fn of_related(
        &self,
        module: &ModuleName,
        controller: &Controller,
        watch: &Watch,
        problems: &mut Vec<String>,
    ) {
        for (name, last) in self.truth.last(&watch.kind) {
            for target in self.led_to(module, controller, watch, (&name, &last)) {
                let request = Self::request(module, controller, &target);
                let ran = self.driver.ledger.ran.get(&request);
                if model::reaches(&controller.selection, &target)
                    && ran.is_none_or(|ran| ran.version < last.version)
                {
                    problems.push(format!(
                        "{request} did not run after {} {name} changed at {}: {ran:?}",
                        watch.kind, last.version
                    ));
                }
            }
        }
    }

    fn led_to(
        &self,
        module: &ModuleName,
        controller: &Controller,
        watch: &Watch,
        (name, last): (&ObjectName, &Last),
    ) -> Vec<ObjectName> {
        let selected = |object: &&Value| model::selects(&watch.selection, object);
        let after = last.after.as_ref().filter(selected);
        // The state before counts if it was seen at all, and by a version that still serves.
        let since = self.driver.ledger.serving[module].since;
        let before =
            last.before.as_ref().filter(selected).filter(|object| {
                last.version > since && self.was_told(watch, name, &model::state_of(object).1)
            });
        if let Relation::Referenced(_) = &watch.relation {
            if after.or(before).is_none() {
                return Vec::new();
            }
            let referring = self.truth.list(&controller.reconciles, &Selection::default(), None);
            let referring = referring.unwrap_or_default().into_iter().filter(|(target, object)| {
                target.namespace == name.namespace
                    && model::selects(&controller.selection, object)
                    && object["data"]["secret"] == *name.name
            });
            return referring.map(|(target, _)| target).collect();
        }
        let states = before.into_iter().chain(after);
        states.flat_map(|object| model::targets(&watch.relation, &controller.reconciles, object)).collect()
    }

    /// Whether a state was told in every view that the watch may be served from.
    fn was_told(&self, watch: &Watch, name: &ObjectName, version: &str) -> bool {
        let ledger = &self.driver.ledger;
        let (_, _, fields) = view(&watch.kind, false, &watch.selection);
        let mut views = self.driver.watches.values().map(|watched| view_of(&watched.spec));
        views
            .by_ref()
            .filter(|(kind, _, of)| *kind == watch.kind && *of == fields)
            .all(|view| ledger.ever_told.contains(&(view, name.clone(), version.to_owned())))
    }

    /// The module was last asked about each object's last state.
    fn of_mapped(
        &self,
        module: &ModuleName,
        controller: &Controller,
        watch: &Watch,
        problems: &mut Vec<String>,
    ) {
        for (name, last) in self.truth.last(&watch.kind) {
            let key = (module.clone(), controller.name.clone(), watch.name.clone(), name.clone());
            let asked = self.driver.ledger.mapped.get(&key).cloned().flatten();
            let object = last.after.as_ref().filter(|object| model::selects(&watch.selection, object));
            let state = object.map(model::state_of);
            // What a version before selected may have been asked about last, and does not count any more.
            let followed = last.version > self.driver.ledger.serving[module].since
                && last.before.as_ref().is_some_and(|before| model::selects(&watch.selection, before));
            if state != asked && (state.is_some() || followed) {
                let of = format!("{module}/{} {}", controller.name, watch.name);
                problems.push(format!("{of}: {name} is {state:?}, last asked about was {asked:?}"));
            }
        }
    }
}

fn saw(ran: &Ran, object: &Value, only_generation: bool) -> bool {
    let (uid, version) = model::state_of(object);
    ran.seen.as_ref().is_some_and(|(seen_uid, seen_version, seen_generation)| {
        *seen_uid == uid
            && if only_generation {
                *seen_generation == object["metadata"]["generation"].as_i64()
            } else {
                *seen_version == version
            }
    })
}
