//! What was told, run and asked, and the rules that hold at every moment.

use crate::model;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use windlass_core::{
    call::Shape,
    change::{Cause, ObjectChange},
    description::Description,
    input::{AskTargets, Run, RunId, TargetsId, Version, WatchId, WatchSpec},
    name::{ControllerName, Digest, Generation, Kind, ModuleName, ObjectName, Request},
    object::Object,
    outcome::Outcome,
};

/// Uid and version.
pub(crate) type State = (String, String);
/// Kind, whether of metadata only, field selector of a view of its own.
pub(crate) type View = (Kind, bool, Option<Arc<str>>);

/// The last run of a request.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// The server's version when it began.
    pub(crate) version: u64,
    pub(crate) generation: Generation,
    /// Uid, version and generation of the object that it saw; none if there was none.
    pub(crate) seen: Option<(String, String, Option<i64>)>,
}

/// A version that serves.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) description: Arc<Description>,
    pub(crate) digest: Digest,
    pub(crate) generation: Generation,
    /// The server's version when it began to serve.
    pub(crate) since: u64,
}

/// A question's module, controller and watch, and the object's name.
pub(crate) type Mapped = (ModuleName, Arc<str>, Arc<str>, ObjectName);

/// The books of one world.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Changes that came to the driver.
    pub(crate) delivered: u64,
    /// Every state that was told, by kind: a view of metadata counts as well.
    pub(crate) ever_told: BTreeSet<(View, ObjectName, String)>,
    running: BTreeMap<RunId, Request>,
    pub(crate) ran: BTreeMap<Request, Ran>,
    offered: BTreeMap<(ModuleName, Digest), Arc<Description>>,
    /// What was offered last and not withdrawn.
    pub(crate) wanted: BTreeMap<ModuleName, Digest>,
    pub(crate) serving: BTreeMap<ModuleName, Serving>,
    questions: BTreeMap<TargetsId, (AskTargets, Vec<Vec<ObjectName>>)>,
    /// The state that was last asked about.
    pub(crate) mapped: BTreeMap<Mapped, Option<State>>,
    /// Requests that an answer named, with the server's version at the answer.
    pub(crate) owed: BTreeMap<Request, u64>,
    pub(crate) problems: Vec<String>,
}

/// What the cache said of its changes, in the order in which it made them. They may reach the driver in another one, if
/// two watches share a view.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// The last state of each object of a view. One that a stopped watch may have taken along is unsure.
    pub(crate) last: BTreeMap<View, BTreeMap<ObjectName, (State, bool)>>,
    pub(crate) count: u64,
    /// Watches whose kind is not served.
    pub(crate) absent: BTreeSet<WatchId>,
    pub(crate) problems: Vec<String>,
}

impl Chain {
    /// Oracle: each change begins where the last one of that object ended, so that together they tell it all, missed
    /// deletions included, with the last known state (D4).
    pub(crate) fn made(&mut self, change: &ObjectChange) {
        self.count += 1;
        let before = change.before.as_deref().map(state);
        let after = change.after.as_deref().map(state);
        let objects = self.last.entry(view_of(change)).or_default();
        let last = match &after {
            Some(after) => objects.insert(change.name.clone(), (after.clone(), false)),
            None => objects.remove(&change.name),
        };
        let fits = match &last {
            Some((last, unsure)) => before.as_ref() == Some(last) || (*unsure && before.is_none()),
            None => before.is_none(),
        };
        if !fits || (before == after && change.cause != Cause::Resync) {
            self.problems.push(format!(
                "a change of {} {} goes from {before:?} to {after:?}, the last one went to {last:?}",
                change.kind, change.name
            ));
        }
    }

    /// A watch ended; what only it held is forgotten untold.
    pub(crate) fn forgotten(&mut self, spec: &WatchSpec) {
        for ((kind, _, _), objects) in &mut self.last {
            if *kind == spec.kind {
                objects.values_mut().for_each(|(_, unsure)| *unsure = true);
            }
        }
    }
}

fn view_of(change: &ObjectChange) -> View {
    (change.kind.clone(), change.shape == Shape::Metadata, change.fields.clone())
}

fn state(object: &Object) -> State {
    (object.uid().to_owned(), object.resource_version().to_owned())
}

impl Ledger {
    fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// A change has come to the driver.
    pub(crate) fn delivered(&mut self, change: &ObjectChange) {
        self.delivered += 1;
        if let Some(after) = &change.after {
            let version = after.resource_version().to_owned();
            self.ever_told.insert((view_of(change), change.name.clone(), version));
        }
    }

    pub(crate) fn offered(&mut self, version: &Version) {
        let key = (version.module.clone(), version.digest);
        self.wanted.insert(version.module.clone(), version.digest);
        self.offered.insert(key, version.description.clone());
    }

    pub(crate) fn serves(&mut self, module: &ModuleName, digest: Digest, generation: Generation, now: u64) {
        let Some(description) = self.offered.get(&(module.clone(), digest)).cloned() else {
            return self.problem(format!("{module} serves what was never offered"));
        };
        let before = self.serving.insert(
            module.clone(),
            Serving { description: description.clone(), digest, generation, since: now },
        );
        let Some(before) = before else { return };
        // A controller that selects less now does not follow all that it saw before.
        let follows = |name: &Arc<str>| {
            let find = |description: &Description| {
                let found = description.controllers.iter().find(|one| one.name == *name);
                found.map(|one| one.selection.clone())
            };
            find(&before.description)
                .zip(find(&description))
                .is_some_and(|(before, now)| model::covers(&now, &before))
        };
        let keeps = |request: &Request| {
            request.controller.module != *module || follows(&request.controller.controller)
        };
        self.ran.retain(|request, _| keeps(request));
        self.owed.retain(|request, _| keeps(request));
        self.mapped.retain(|(name, ..), _| name != module);
    }

    pub(crate) fn withdrawn(&mut self, module: &ModuleName) {
        self.serving.remove(module);
        self.wanted.remove(module);
        self.ran.retain(|request, _| request.controller.module != *module);
        self.owed.retain(|request, _| request.controller.module != *module);
        self.mapped.retain(|(name, ..), _| name != module);
        self.offered.retain(|(name, _), _| name != module);
    }

    /// Oracle: a request never runs twice at once.
    pub(crate) fn started(&mut self, run: &Run, seen: Option<(String, String, Option<i64>)>, now: u64) {
        if self.running.values().any(|request| *request == run.request) {
            self.problem(format!("{} runs twice at once", run.request));
        }
        self.running.insert(run.id, run.request.clone());
        self.owed.remove(&run.request);
        let ran = Ran { version: now, generation: run.generation, seen };
        self.ran.insert(run.request.clone(), ran);
    }

    /// A run that failed, was given up or wants to be run again owes another one; whatever it saw.
    pub(crate) fn ended(&mut self, run: RunId, outcome: &Outcome) {
        let Some(request) = self.running.remove(&run) else { return };
        let again = matches!(
            outcome,
            Outcome::Retry { .. } | Outcome::Trapped(_) | Outcome::Abandoned | Outcome::RequeueAfter(_)
        );
        if again && self.reaches(&request) {
            self.owed.entry(request).or_insert(0);
        }
    }

    /// Whether the version that serves reconciles objects of this name.
    fn reaches(&self, request: &Request) -> bool {
        self.serving.get(&request.controller.module).is_some_and(|serving| {
            let controllers = &serving.description.controllers;
            let controller = controllers.iter().find(|one| one.name == request.controller.controller);
            controller.is_some_and(|one| model::reaches(&one.selection, &request.name))
        })
    }

    /// Oracle: questions about an object make a chain, and never go back. Where a new version is asked for the first
    /// time, there need not be a state before.
    pub(crate) fn asked(&mut self, id: TargetsId, ask: AskTargets, lists: &[Vec<ObjectName>]) {
        for change in &ask.changes {
            let key = (ask.module.clone(), ask.controller.clone(), ask.watch.clone(), change.name.clone());
            let Some(last) = self.mapped.get(&key).cloned() else { continue };
            let (before, after) = (change.before.as_deref().map(state), change.after.as_deref().map(state));
            let number =
                |state: &Option<State>| state.as_ref().and_then(|(_, version)| version.parse::<u64>().ok());
            let back = after.is_some() && number(&after) < number(&last);
            let follows = before == last || (before.is_none() && after == last);
            if back || !follows {
                let of = format!("{}/{} {}: {}", ask.module, ask.controller, ask.watch, change.name);
                self.problem(format!("{of} is asked about from {before:?} to {after:?}, after {last:?}"));
            }
        }
        self.questions.insert(id, (ask, lists.to_vec()));
    }

    pub(crate) fn answered(&mut self, id: TargetsId, answers: bool, now: u64) {
        let Some((ask, lists)) = self.questions.remove(&id) else { return };
        let Some(serving) = self.serving.get(&ask.module).filter(|_| answers) else { return };
        // What another version was asked about last says nothing about this one.
        let counts = serving.digest == ask.digest;
        let controller = ControllerName { module: ask.module.clone(), controller: ask.controller.clone() };
        for (change, names) in ask.changes.iter().zip(lists) {
            let key = (ask.module.clone(), ask.controller.clone(), ask.watch.clone(), change.name.clone());
            if counts {
                self.mapped.insert(key, change.after.as_deref().map(state));
            }
            let requests = names.into_iter().map(|name| Request { controller: controller.clone(), name });
            let owed: Vec<_> = requests.filter(|request| self.reaches(request)).collect();
            self.owed.extend(owed.into_iter().map(|request| (request, now)));
        }
    }
}
