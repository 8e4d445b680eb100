//! The pipeline, driven step by step.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod fair;
mod fights;
mod granted;
mod judge;
mod labelled;
mod mapped;
mod narrowed;
mod reload;
mod rules;
mod sequences;
mod spares;
mod subscribe;
mod vanishing;
mod watching;

use super::*;
use crate::{
    cache::Cache,
    change::ObjectChange,
    description::{Controller, Description, Permission, Predicate, Relation, Selection, Watch},
    fact::Reads,
    grant::{Grant, Rule, Scope},
    input::{Ended, Run, Subscribe, Version, WatchId, WatchSpec},
    name::{Digest, Kind, Resource},
    object::Object,
    outcome::Outcome,
    subscription::{Following, SubscribeError, SubscriptionId},
};
use serde_json::{Value, json};

/// A host without a cluster: what the driver would do, done at once.
pub(super) struct World {
    pub(super) cache: Arc<Cache>,
    pub(super) pipeline: Pipeline,
    pub(super) now: Time,
    pub(super) version: u64,
    pub(super) watches: BTreeMap<WatchId, WatchSpec>,
    pub(super) runs: Vec<Run>,
    pub(super) asked: Vec<(TargetsId, crate::input::AskTargets)>,
    pub(super) answers: Vec<(SubscriptionId, Result<Following, SubscribeError>)>,
    pub(super) serves: Vec<(Digest, Generation)>,
    pub(super) frees: Vec<Digest>,
    pub(super) facts: Vec<Fact>,
    /// Every command, in order.
    pub(super) log: Vec<Command>,
    pub(super) wake_at: Option<Time>,
}

pub(super) fn kind(name: &str) -> Kind {
    Kind::new(if name == "Site" { "example.com/v1" } else { "v1" }, name)
}

pub(super) fn resources() -> Vec<Resource> {
    [
        ("Site", "sites", true),
        ("ConfigMap", "configmaps", true),
        ("Secret", "secrets", true),
        ("Node", "nodes", false),
    ]
    .map(|(name, plural, namespaced)| Resource { kind: kind(name), plural: plural.into(), namespaced })
    .to_vec()
}

pub(super) fn everything() -> Grant {
    let own = |text: &str| vec![text.to_owned()];
    let permission =
        Permission { api_groups: own("*"), resources: own("*"), resource_names: Vec::new(), verbs: own("*") };
    let rule = |scope| Rule { permission: permission.clone(), scope };
    Grant { rules: vec![rule(Scope::AllNamespaces), rule(Scope::Cluster)] }
}

pub(super) fn controller(name: &str, reconciles: &str, watches: Vec<Watch>) -> Controller {
    Controller {
        name: name.into(),
        reconciles: kind(reconciles),
        selection: Selection::default(),
        predicates: Vec::new(),
        watches,
    }
}

pub(super) fn watch(name: &str, of: &str, relation: Relation) -> Watch {
    Watch {
        name: name.into(),
        kind: kind(of),
        selection: Selection::default(),
        relation,
        predicates: Vec::<Predicate>::new(),
        metadata_only: false,
    }
}

pub(super) fn version(module: &str, digest: u8, controllers: Vec<Controller>) -> Version {
    Version {
        module: ModuleName(module.into()),
        digest: Digest([digest; 32]),
        description: Arc::new(Description { controllers, ..Description::default() }),
        grant: Arc::new(everything()),
        settings: "{}".into(),
        resources: resources(),
        concurrency: 2,
        runs_max: 1_000,
        resync: Duration::ZERO,
        paused: false,
        suppress_no_op_writes: true,
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let cache = Arc::new(Cache::new());
        let mut world = Self {
            pipeline: Pipeline::new(cache.clone(), settings),
            cache,
            now: Time(1_000_000),
            version: 100,
            watches: BTreeMap::new(),
            runs: Vec::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            serves: Vec::new(),
            frees: Vec::new(),
            facts: Vec::new(),
            log: Vec::new(),
            wake_at: None,
        };
        world.step(Input::Leading(true));
        world
    }

    pub(super) fn step(&mut self, input: Input) {
        let commands = self.pipeline.step(self.now, input);
        self.wake_at = commands.wake_at;
        for command in commands.commands {
            self.log.push(command.clone());
            match command {
                Command::StartWatch(id, spec) => drop(self.watches.insert(id, spec)),
                Command::StopWatch(id) => drop(self.watches.remove(&id).unwrap()),
                Command::Replan(..) => {}
                Command::Run(run) => self.runs.push(run),
                Command::AskTargets(id, asked) => self.asked.push((id, asked)),
                Command::Subscribed(id, answer) => self.answers.push((id, answer)),
                Command::Serve { digest, generation, .. } => self.serves.push((digest, generation)),
                Command::Free { digest, .. } => self.frees.push(digest),
                Command::RollBack(..) => {}
                Command::Tell(fact) => self.facts.push(fact),
            }
        }
    }

    /// Offers a version and lets the watches that it lacks sync without objects.
    pub(super) fn serve(&mut self, version: Version) {
        self.step(Input::Offer(Box::new(version)));
        self.sync_all(&[]);
    }

    /// Lists these objects to every watch that is not synced.
    pub(super) fn sync_all(&mut self, objects: &[(&str, Value)]) {
        let fresh: Vec<_> = self.watches.keys().filter(|id| !self.cache.synced(**id)).copied().collect();
        for id in fresh {
            self.sync(id, objects);
        }
    }

    pub(super) fn sync(&mut self, id: WatchId, objects: &[(&str, Value)]) {
        let spec = self.watches[&id].clone();
        let of_kind = objects.iter().filter(|(of, _)| kind(of) == spec.kind);
        let list = of_kind.map(|(of, object)| self.object(of, object)).collect::<Vec<_>>();
        let changes = self.cache.replace(id, list, &self.version.to_string());
        self.step(Input::Changed(changes));
        self.step(Input::Synced(id));
        self.settle();
    }

    /// Ticks as long as the pipeline has something left to look at.
    pub(super) fn settle(&mut self) {
        while self.wake_at == Some(self.now) {
            self.step(Input::Tick);
        }
    }

    pub(super) fn object(&self, of: &str, object: &Value) -> Object {
        let plan = self.watches.values().find(|spec| spec.kind == kind(of)).map(|spec| spec.plan.clone());
        Object::ingest(&kind(of), &object.to_string()).unwrap().projected(&plan.unwrap_or_default())
    }

    pub(super) fn watch_of(&self, of: &str) -> WatchId {
        *self.watches.iter().find(|(_, spec)| spec.kind == kind(of)).unwrap().0
    }

    /// The same, of several the one that was started last.
    pub(super) fn watch_of_last(&self, of: &str) -> WatchId {
        *self.watches.iter().rfind(|(_, spec)| spec.kind == kind(of)).unwrap().0
    }

    /// Creates or changes an object; `metadata.resourceVersion` is put in.
    pub(super) fn upsert(&mut self, of: &str, mut object: Value) -> Option<ObjectChange> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let change = self.cache.upsert(self.watch_of(of), self.object(of, &object));
        self.step(Input::Changed(change.iter().cloned().collect()));
        change
    }

    pub(super) fn delete(&mut self, of: &str, name: &ObjectName) {
        self.version += 1;
        let change = self.cache.remove(self.watch_of(of), name, Some(&self.version.to_string()));
        self.step(Input::Changed(change.into_iter().collect()));
    }

    pub(super) fn wait(&mut self, by: Duration) {
        self.now = self.now + by;
        self.step(Input::Tick);
        self.settle();
    }

    pub(super) fn end(&mut self, run: &Run, outcome: Outcome) {
        let cpu = Duration::from_micros(100);
        self.step(Input::Ended(Ended {
            run: run.id,
            at: self.now,
            outcome,
            cpu,
            calls: 0,
            reads: Reads::default(),
        }));
    }

    /// Ends every run with success until nothing is left to run; answers what ran, in order.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let mut ran = Vec::new();
        loop {
            self.settle();
            let runs = mem::take(&mut self.runs);
            if runs.is_empty() {
                return ran;
            }
            for run in runs {
                ran.push(run.request.name.to_string());
                self.end(&run, Outcome::Done);
            }
        }
    }
}

pub(super) fn site(name: &str) -> Value {
    json!({"metadata": {"namespace": "n", "name": name, "uid": format!("u-{name}")}})
}
