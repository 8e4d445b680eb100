//! How things stand: plain data for `windlass status` and gauges.

use super::Pipeline;
use crate::{
    description::Selection,
    dispatch::{Asks, Lane, Module, Pending},
    fight::Fight,
    grant::{Grant, Rule, Scope},
    input::WatchId,
    interest::Atom,
    name::{ControllerName, Digest, Generation, Kind, ModuleName},
    quarantine::Standing,
    time::Time,
};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// When the runs of each controller were started.
type Since<'a> = BTreeMap<&'a ControllerName, Vec<Time>>;

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Whether runs may start.
    pub leading: bool,
    /// Whether the host is ending.
    pub draining: bool,
    /// Runs and questions under way.
    pub slots_held: usize,
    /// By name.
    pub modules: Vec<ModuleStatus>,
    /// By number.
    pub watches: Vec<WatchStatus>,
    /// Writes that go in circles, by object.
    pub fights: Vec<Fight>,
}

/// One module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleStatus {
    /// Its name.
    pub name: ModuleName,
    /// What serves; none before the first version does.
    pub serving: Option<(Digest, Generation)>,
    /// What will serve, and what it waits for.
    pub pending: Option<(Digest, String)>,
    /// Nothing of it runs until it is resumed.
    pub paused: bool,
    /// It fails at everything and is slowed or held for it; none while nothing holds it.
    pub standing: Option<Standing>,
    /// The version against which the one that serves is on trial.
    pub tried_against: Option<Digest>,
    /// Runs under way.
    pub running: usize,
    /// Reads that its requests follow.
    pub subscriptions: usize,
    /// Kinds that it may follow in all namespaces and the host may not.
    pub narrowed: Vec<Narrowed>,
    /// By name.
    pub controllers: Vec<ControllerStatus>,
}

/// A kind that is followed in fewer namespaces than the grant allows, because the server refuses more.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    /// Which kind.
    pub kind: Kind,
    /// Where it is followed: in the namespaces that the grant names.
    pub namespaces: Vec<Arc<str>>,
    /// What a ClusterRole of the host's account lacks.
    pub lacks: String,
}

impl fmt::Display for Narrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the server does not let the host watch {} in all namespaces; until it does, only {} {} followed, which the grant names. The host's account lacks a ClusterRole with {}",
            self.kind,
            self.namespaces.join(", "),
            if self.namespaces.len() == 1 { "is" } else { "are" },
            self.lacks
        )
    }
}

/// One controller.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerStatus {
    /// Its name in the description.
    pub name: Arc<str>,
    /// The kind it reconciles.
    pub kind: Kind,
    /// Requests that could run now.
    pub ready: usize,
    /// The same by priority: first lists, resyncs and reloads; what asked to come back; changes.
    pub ready_by_priority: [usize; 3],
    /// Requests that wait for their time.
    pub waiting: usize,
    /// Requests that run.
    pub running: usize,
    /// When each of them was started.
    pub running_since: Vec<Time>,
    /// Requests whose last run failed.
    pub failing: usize,
    /// Requests put in since the start, repeats not counted.
    pub adds: u64,
    /// Requests dropped because the queue was full.
    pub dropped: u64,
    /// Changes that wait for the module's `targets`.
    pub unasked: usize,
}

/// One watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchStatus {
    /// Its number.
    pub id: WatchId,
    /// What it watches.
    pub kind: Kind,
    /// None: everywhere.
    pub namespace: Option<Arc<str>>,
    /// Label selector.
    pub labels: Option<String>,
    /// Field selector.
    pub fields: Option<Arc<str>>,
    /// Metadata only.
    pub metadata_only: bool,
    /// Whether it holds all there was when it began.
    pub synced: bool,
    /// Whether a description wants it; else only requests follow by it what they read.
    pub declared: bool,
    /// Whose description needs it: `module/controller`.
    pub users: Vec<String>,
    /// Whose requests follow by it what they read, and in how many subscriptions.
    pub followers: Vec<(String, usize)>,
}

impl Pipeline {
    /// Which version of a module serves.
    #[must_use]
    pub fn serving(&self, module: &ModuleName) -> Option<(Digest, Generation)> {
        let serving = self.modules.get(module)?.serving.as_ref()?;
        Some((serving.version.digest, serving.generation))
    }

    /// Whether this host may run modules.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.leading
    }

    /// How things stand, for `windlass status`.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut since = Since::new();
        for run in self.runs.values() {
            since.entry(&run.request.controller).or_default().push(run.started);
        }
        let mut followed = self.subscriptions.served(&self.watches);
        Status {
            leading: self.leading,
            draining: self.draining,
            slots_held: self.turns.held(),
            fights: self.fights.open().cloned().collect(),
            modules: self.modules.iter().map(|(name, module)| self.module(name, module, &since)).collect(),
            watches: self
                .watches
                .iter()
                .map(|(id, atom, synced)| WatchStatus {
                    followers: followed.remove(&id).unwrap_or_default().into_iter().collect(),
                    ..self.watch(id, atom, synced)
                })
                .collect(),
        }
    }

    fn module(&self, name: &ModuleName, module: &Module, since: &Since<'_>) -> ModuleStatus {
        let waits = |pending: &Pending| match &pending.needs {
            Err(reason) => reason.clone(),
            Ok(needs) => {
                let atoms = needs.iter().flat_map(|need| &need.atoms);
                let unsynced = atoms.filter(|(atom, _)| !self.watches.is_ready(atom));
                let mut kinds: Vec<_> = unsynced.map(|(atom, _)| atom.kind.to_string()).collect();
                kinds.sort();
                kinds.dedup();
                format!("waits for its watches of {}", kinds.join(", "))
            }
        };
        ModuleStatus {
            name: name.clone(),
            serving: module.serving.as_ref().map(|serving| (serving.version.digest, serving.generation)),
            pending: module.pending.as_ref().map(|pending| (pending.version.digest, waits(pending))),
            paused: module.paused,
            standing: module.quarantine.standing(),
            tried_against: module.trials.good(),
            running: module.under_way(),
            subscriptions: self.subscriptions.held_by(name),
            narrowed: self.narrowed(name, module),
            controllers: module
                .lanes
                .iter()
                .map(|(lane_name, lane)| {
                    let id = ControllerName { module: name.clone(), controller: lane_name.clone() };
                    controller(lane_name, lane, since.get(&id).cloned().unwrap_or_default())
                })
                .collect(),
        }
    }

    /// Of what serves and of what will, each kind once.
    fn narrowed(&self, name: &ModuleName, module: &Module) -> Vec<Narrowed> {
        let pending = module.pending.as_ref().and_then(|pending| pending.needs.as_deref().ok());
        let needs = self.interest.of(name).iter().chain(pending.unwrap_or_default());
        let mut found: Vec<Narrowed> = Vec::new();
        for need in needs.filter(|need| need.tried.is_some()) {
            let Some(resource) = self.resources.get(&need.kind) else { continue };
            let scope = Scope::Cluster;
            let namespaces = need.selection.namespaces.clone();
            let permission = Grant::reading_rule(resource, &Selection::default()).permission;
            let lacks = Rule { permission, scope }.to_string();
            let one = Narrowed { kind: need.kind.clone(), namespaces, lacks };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }

    fn watch(&self, id: WatchId, atom: &Atom, synced: bool) -> WatchStatus {
        let mut users: Vec<String> = Vec::new();
        for (module, needs) in self.interest.iter() {
            for need in needs {
                let brings = |(one, _): &(Atom, _)| self.watches.serving(one).any(|by| by == id);
                let uses = need.atoms.iter().any(brings) || need.tried.as_ref() == Some(atom);
                let user = format!("{module}/{}", need.controller);
                if uses && users.last() != Some(&user) {
                    users.push(user);
                }
            }
        }
        WatchStatus {
            id,
            kind: atom.kind.clone(),
            namespace: atom.namespace.clone(),
            labels: atom.labels.as_ref().map(ToString::to_string),
            fields: atom.fields.clone(),
            metadata_only: atom.metadata,
            synced,
            declared: self.watches.is_declared(id),
            users,
            followers: Vec::new(),
        }
    }
}

fn controller(name: &Arc<str>, lane: &Lane, running_since: Vec<Time>) -> ControllerStatus {
    ControllerStatus {
        name: name.clone(),
        kind: lane.kind.clone(),
        ready: lane.queue.ready(),
        ready_by_priority: lane.queue.ready_by_priority(),
        waiting: lane.queue.waiting(),
        running: lane.queue.running(),
        running_since,
        failing: lane.queue.failing(),
        adds: lane.queue.adds(),
        dropped: lane.queue.dropped(),
        unasked: lane.asks.values().map(Asks::len).sum(),
    }
}
