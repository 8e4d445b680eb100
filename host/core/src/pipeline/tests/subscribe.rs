//! Reads with `subscribe`: what they wake, which watches serve them, and their bounds.

mod random;
mod refused;
mod served;

use super::*;
use crate::{
    cache::Found,
    call::Shape,
    input::Subscribe,
    selector::Selector,
    subscription::{Seen, Subscribed, Subscription},
};

pub(super) const MAP: &str = "ConfigMap";

pub(super) fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap_or(("n", text));
    ObjectName::namespaced(namespace, name)
}

pub(super) fn one(text: &str) -> Subscription {
    of(Subscribed::One(name(text)))
}

/// Namespaces (none: all) and a label selector.
pub(super) fn many(namespaces: &[&str], labels: &str) -> Subscription {
    of(Subscribed::Many(Selection {
        namespaces: namespaces.iter().map(|one| Arc::from(*one)).collect(),
        labels: (!labels.is_empty()).then(|| Selector::parse(labels).unwrap()),
        fields: None,
    }))
}

fn of(what: Subscribed) -> Subscription {
    let resource = resources().into_iter().find(|one| one.kind == kind(MAP)).unwrap();
    Subscription { resource, what, shape: Shape::Whole }
}

/// A cluster of ConfigMaps beside a world. Watches hear of a change when they are told, not before.
pub(super) struct Cluster {
    pub(super) world: World,
    /// Every change: version, object, state after.
    log: Vec<(u64, ObjectName, Option<Value>)>,
    /// Up to where of the log each watch was told.
    told: BTreeMap<WatchId, usize>,
    read_last: u64,
}

impl Cluster {
    pub(super) fn with(settings: Settings) -> Self {
        let mut world = World::with(settings);
        world.serve(sites("m", 1));
        Self { world, log: Vec::new(), told: BTreeMap::new(), read_last: 0 }
    }

    /// What there is after so many changes.
    pub(super) fn state(&self, len: usize) -> BTreeMap<ObjectName, Value> {
        let mut state = BTreeMap::new();
        for (_, name, after) in &self.log[..len] {
            match after {
                Some(object) => drop(state.insert(name.clone(), object.clone())),
                None => drop(state.remove(name)),
            }
        }
        state
    }

    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    /// Changes the cluster and tells nobody.
    pub(super) fn write(&mut self, text: &str, label: Option<&str>) {
        self.world.version += 1;
        let (version, name) = (self.world.version, name(text));
        let object = label.map(|label| {
            json!({"metadata": {"namespace": name.namespace.as_deref(), "name": &*name.name, "uid": format!("u-{text}"),
                "resourceVersion": version.to_string(), "labels": {"on": label}}})
        });
        if object.is_some() || self.state(self.len()).contains_key(&name) {
            self.log.push((version, name, object));
        }
    }

    /// Changes the cluster and tells every watch that is synced.
    pub(super) fn change(&mut self, text: &str, label: Option<&str>) {
        self.write(text, label);
        self.tell_all();
    }

    pub(super) fn of_maps(&self) -> Vec<WatchId> {
        let maps = self.world.watches.iter().filter(|(_, spec)| spec.kind == kind(MAP));
        maps.map(|(id, _)| *id).collect()
    }

    /// Lists to a watch that is not synced what there was so many changes ago.
    pub(super) fn sync(&mut self, id: WatchId, ago: usize) {
        if self.world.cache.synced(id) || !self.world.watches.contains_key(&id) {
            return;
        }
        let len = self.len().saturating_sub(ago);
        let selected = self.state(len);
        let list: Vec<_> =
            selected.values().map(|one| self.object(one)).filter(|one| self.selects(id, one)).collect();
        let version = self.log[..len].last().map_or(1, |(version, ..)| *version);
        let changes = self.world.cache.replace(id, list, &version.to_string());
        self.told.insert(id, len);
        self.world.step(Input::Changed(changes));
        self.world.step(Input::Synced(id));
        self.world.settle();
    }

    pub(super) fn sync_all(&mut self) {
        self.of_maps().into_iter().for_each(|id| self.sync(id, 0));
    }

    fn object(&self, object: &Value) -> Object {
        Object::ingest(&kind(MAP), &object.to_string()).unwrap()
    }

    fn selects(&self, id: WatchId, object: &Object) -> bool {
        crate::cache::selects(&self.world.watches[&id].selection, object)
    }

    /// Tells a synced watch its next change. False when there is none.
    pub(super) fn tell(&mut self, id: WatchId) -> bool {
        let Some(at) = self.told.get(&id).copied().filter(|at| *at < self.len()) else { return false };
        if !self.world.watches.contains_key(&id) {
            return false;
        }
        self.told.insert(id, at + 1);
        let (version, name, after) = self.log[at].clone();
        let after = after.map(|object| self.object(&object)).filter(|object| self.selects(id, object));
        let change = match after {
            Some(object) => self.world.cache.upsert(id, object),
            None => self.world.cache.remove(id, &name, Some(&version.to_string())),
        };
        self.world.step(Input::Changed(change.into_iter().collect()));
        self.world.settle();
        true
    }

    pub(super) fn tell_all(&mut self) {
        for id in self.of_maps() {
            while self.tell(id) {}
        }
    }

    /// Asks to follow; the read comes after.
    pub(super) fn subscribe(
        &mut self,
        run: &Run,
        subscription: &Subscription,
    ) -> (SubscriptionId, Result<Following, SubscribeError>) {
        self.read_last += 1;
        let id = SubscriptionId(self.read_last);
        self.world.step(Input::Subscribe(Subscribe { id, run: run.id, subscription: subscription.clone() }));
        let (answered, answer) = self.world.answers.pop().unwrap();
        assert_eq!(answered, id, "answered in the same step");
        (id, answer)
    }

    /// What a guest reads: out of the cache where it covers the question, else from the cluster. The flag: from the
    /// cache.
    pub(super) fn look(&self, subscription: &Subscription) -> (Seen, bool) {
        let cache = &self.world.cache;
        let held = match &subscription.what {
            Subscribed::One(name) => match cache.find(&kind(MAP), name, subscription.shape) {
                Found::Object(object) => Some(vec![object]),
                Found::Absent => Some(Vec::new()),
                Found::Unknown => None,
            },
            Subscribed::Many(_) => {
                let query = crate::cache::Query { question: subscription.question(), ..Default::default() };
                cache.list(&kind(MAP), &query)
            }
        };
        let from_cache = held.is_some();
        (
            held.map_or_else(|| self.truth(subscription), |held| seen(held.iter().map(|one| &**one))),
            from_cache,
        )
    }

    /// What there is now.
    pub(super) fn truth(&self, subscription: &Subscription) -> Seen {
        let state = self.state(self.len());
        let objects: Vec<_> = state.values().map(|object| self.object(object)).collect();
        seen(objects.iter().filter(|object| match &subscription.what {
            Subscribed::One(name) => *name == object.name(),
            Subscribed::Many(selection) => crate::cache::selects(selection, object),
        }))
    }

    /// A whole read that is followed.
    pub(super) fn read(&mut self, run: &Run, subscription: &Subscription) -> Result<Seen, SubscribeError> {
        let (id, answer) = self.subscribe(run, subscription);
        let (seen, _) = self.look(subscription);
        if answer? == Following::Starting {
            self.world.step(Input::Seen(run.id, id, Some(seen)));
        }
        Ok(seen)
    }

    /// Runs a site that reads these and ends so.
    pub(super) fn run(&mut self, text: &str, reads: &[Subscription], outcome: Outcome) {
        self.world.upsert("Site", site(text));
        self.go_on(text, reads, outcome);
    }

    /// Goes on with the run of a site that has begun.
    pub(super) fn go_on(&mut self, text: &str, reads: &[Subscription], outcome: Outcome) {
        let at = self.world.runs.iter().position(|run| *run.request.name.name == *text);
        let run = self.world.runs.remove(at.unwrap_or_else(|| panic!("{text} does not run")));
        for read in reads {
            self.read(&run, read).unwrap();
        }
        self.world.end(&run, outcome);
    }

    /// What runs, and why; nothing of it is ended.
    pub(super) fn running(&self) -> Vec<(String, Reason)> {
        let runs = self.world.runs.iter();
        runs.map(|run| (run.request.name.name.to_string(), run.reason.clone())).collect()
    }

    /// Every watch of ConfigMaps: namespace and field selector.
    pub(super) fn watched(&self) -> Vec<String> {
        let maps = self.world.watches.values().filter(|spec| spec.kind == kind(MAP));
        let text = |spec: &WatchSpec| {
            let namespace = spec.selection.namespaces.first().map_or("*", |one| one);
            format!("{namespace}:{}", spec.selection.fields.as_deref().unwrap_or_default())
        };
        maps.map(text).collect()
    }
}

fn seen<'o>(objects: impl Iterator<Item = &'o Object>) -> Seen {
    let mut seen = Seen::default();
    for object in objects {
        seen.add(object.name(), object.resource_version());
    }
    seen
}

pub(super) fn sites(module: &str, digest: u8) -> Version {
    version(module, digest, vec![controller("site", "Site", Vec::new())])
}

pub(super) fn followed(text: &str) -> Reason {
    Reason::Followed { kind: kind(MAP), name: Some(name(text)) }
}

fn cluster() -> Cluster {
    Cluster::with(Settings::default())
}

#[test]
fn a_change_of_what_was_read_wakes_the_request_and_no_other() {
    let mut cluster = cluster();
    cluster.write("x", Some("a"));
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.run("t", &[one("y")], Outcome::Done);
    cluster.sync_all();
    assert_eq!(cluster.running(), [], "nothing has changed since it was read");
    cluster.change("x", Some("b"));
    assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
    cluster.go_on("s", &[one("x")], Outcome::Done);
    cluster.change("x", None);
    assert_eq!(cluster.running(), [("s".into(), followed("x"))], "a deletion counts");
    cluster.go_on("s", &[one("x")], Outcome::Done);
    cluster.change("y", Some("a"));
    assert_eq!(
        cluster.running(),
        [("t".into(), followed("y"))],
        "so does the creation of what was not there"
    );
}

#[test]
fn the_set_of_a_successful_run_replaces_the_one_before() {
    let mut cluster = cluster();
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.run("s", &[one("y")], Outcome::RequeueAfter(Duration::from_secs(900)));
    cluster.sync_all();
    cluster.change("x", Some("a"));
    assert_eq!(cluster.running(), []);
    cluster.change("y", Some("a"));
    assert_eq!(cluster.running(), [("s".into(), followed("y"))]);
    cluster.go_on("s", &[], Outcome::Done);
    cluster.change("y", Some("b"));
    assert_eq!(cluster.running(), [], "a run that reads nothing follows nothing");
}

#[test]
fn a_failed_run_leaves_the_set_and_adds_its_own() {
    for outcome in [
        Outcome::Terminal { message: "no".into(), explained: false },
        Outcome::Retry { message: String::new(), after: Some(Duration::from_secs(900)), explained: true },
    ] {
        let mut cluster = cluster();
        cluster.run("s", &[one("x")], Outcome::Done);
        cluster.run("s", &[one("y")], outcome.clone());
        cluster.sync_all();
        cluster.change("y", Some("a"));
        assert_eq!(cluster.running(), [("s".into(), followed("y"))], "after {outcome:?}");
        cluster.go_on("s", &[], outcome.clone());
        cluster.change("y", Some("b"));
        assert_eq!(cluster.running(), [], "the failed run after that has not read it");
        cluster.change("x", Some("b"));
        assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
    }
}

#[test]
fn a_change_between_the_read_and_the_first_list_of_the_watch_wakes_once() {
    let gone: fn(&mut Cluster) = |cluster| cluster.write("x", None);
    let changed: fn(&mut Cluster) = |cluster| cluster.write("x", Some("b"));
    let nothing: fn(&mut Cluster) = |_| {};
    for (meanwhile, wakes) in [(gone, true), (changed, true), (nothing, false)] {
        for subscription in [one("x"), many(&["n"], "on"), many(&[], "")] {
            let mut cluster = cluster();
            cluster.write("x", Some("a"));
            cluster.run("s", std::slice::from_ref(&subscription), Outcome::Done);
            meanwhile(&mut cluster);
            cluster.sync_all();
            assert_eq!(!cluster.running().is_empty(), wakes, "{subscription:?}");
            cluster.world.finish();
            assert_eq!(cluster.running(), []);
        }
    }
}

#[test]
fn a_read_that_nobody_knows_the_answer_of_wakes_once_its_watch_is_in_step() {
    let mut cluster = cluster();
    cluster.world.upsert("Site", site("s"));
    let run = cluster.world.runs.remove(0);
    let (_, answer) = cluster.subscribe(&run, &one("x"));
    assert_eq!(answer, Ok(Following::Starting));
    cluster.world.end(&run, Outcome::Terminal { message: "cut off".into(), explained: false });
    assert_eq!(cluster.running(), []);
    cluster.sync_all();
    assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
}

#[test]
fn a_list_is_followed_by_its_selection_before_and_after() {
    let mut cluster = cluster();
    cluster.run("s", &[many(&["n"], "on=yes")], Outcome::Done);
    cluster.sync_all();
    let steps = [
        ("n/a", Some("no"), false),
        ("n/a", Some("yes"), true),
        ("n/a", Some("no"), true),
        ("n/a", None, false),
    ];
    for (text, label, wakes) in steps.into_iter().chain([("o/a", Some("yes"), false)]) {
        cluster.change(text, label);
        assert_eq!(!cluster.running().is_empty(), wakes, "{text} {label:?}");
        if wakes {
            cluster.go_on("s", &[many(&["n"], "on=yes")], Outcome::Done);
        }
    }
}

#[test]
fn w5_changes_of_what_a_run_reads_while_it_runs_cause_exactly_one_more() {
    let mut cluster = cluster();
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.sync_all();
    cluster.change("x", Some("a"));
    for label in ["b", "c", "d"] {
        cluster.change("x", Some(label));
    }
    assert_eq!(cluster.running().len(), 1);
    cluster.go_on("s", &[one("x")], Outcome::Done);
    assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
    cluster.go_on("s", &[one("x")], Outcome::Done);
    assert_eq!(cluster.running(), []);
}

#[test]
fn a_request_whose_object_is_gone_follows_nothing_and_its_watch_ends() {
    let mut cluster = cluster();
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.sync_all();
    cluster.world.delete("Site", &name("s"));
    cluster.go_on(
        "s",
        &[one("x")],
        Outcome::Terminal { message: "its object is gone".into(), explained: false },
    );
    cluster.change("x", Some("a"));
    assert_eq!(cluster.running(), []);
    assert_eq!(cluster.world.pipeline.status().modules[0].subscriptions, 0);
    cluster.world.wait(Settings::default().subscription_grace);
    assert_eq!(cluster.watched(), Vec::<String>::new());
}

#[test]
fn a_reload_keeps_the_set_until_the_new_version_has_run() {
    let mut cluster = cluster();
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.sync_all();
    cluster.world.serve(sites("m", 2));
    assert_eq!(cluster.running(), [("s".into(), Reason::Reloaded)]);
    cluster.change("x", Some("a"));
    cluster.go_on("s", &[one("y")], Outcome::Done);
    assert_eq!(cluster.running().len(), 1, "the change while it ran");
    cluster.go_on("s", &[one("y")], Outcome::Done);
    cluster.change("x", Some("b"));
    assert_eq!(cluster.running(), []);
}

#[test]
fn a_module_that_goes_takes_its_watches_along_at_once() {
    let mut cluster = cluster();
    cluster.run("s", &[one("x"), many(&[], "on")], Outcome::Done);
    cluster.world.upsert("Site", site("t"));
    let run = cluster.world.runs.remove(0);
    assert_eq!(cluster.watched().len(), 2);
    cluster.world.step(Input::Withdraw(ModuleName("m".into())));
    assert_eq!(cluster.world.watches.len(), 0);
    assert_eq!(cluster.subscribe(&run, &one("z")).1, Ok(Following::InStep), "nobody is left to wake");
    cluster.world.end(&run, Outcome::Done);
    assert_eq!(cluster.world.watches.len(), 0);
}
