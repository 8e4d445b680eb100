//! A module is never woken by, nor shown, what it may not read, while namespaces gain and lose the labels by which it
//! is granted; and what a label gives is looked at.

use super::*;
use crate::{
    cache::Namespaces,
    call::Shape,
    description::Lookup,
    grant::{NamespaceLabels, namespace_kind},
    selector::Selector,
    subscription::{Subscribed, Subscription},
};
use proptest::prelude::*;

const SPACES: [&str; 3] = ["n0", "n1", "n2"];
const MODULES: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
enum Happening {
    /// A namespace has this team, none, or is gone.
    Label(u8, Option<Option<u8>>),
    /// An object of one of three kinds in one of the namespaces, and what it names; or it goes.
    Put(u8, u8, u8),
    Delete(u8, u8),
    /// A module with these scopes for sites, config maps and secrets.
    Offer(u8, [u8; 3]),
    Withdraw(u8),
    /// Its operator gives a module other scopes; the last one is none of these kinds'.
    Regrant(u8, [u8; 3]),
    /// One watch gets its first list.
    Sync(u8),
    /// The runs that wait end so; before that each reads and follows a config map of this namespace.
    End(u8, u8),
    /// A question is answered with names in every namespace, or fails.
    Answer(bool),
    Wait(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        5 => (0..3_u8, prop::option::weighted(0.9, prop::option::weighted(0.8, 0..2_u8)))
            .prop_map(|(space, team)| Happening::Label(space, team)),
        6 => (0..3_u8, 0..3_u8, 0..3_u8).prop_map(|(of, space, means)| Happening::Put(of, space, means)),
        1 => (0..3_u8, 0..3_u8).prop_map(|(of, space)| Happening::Delete(of, space)),
        2 => (0..2_u8, prop::array::uniform3(0..5_u8)).prop_map(|(module, scopes)| Happening::Offer(module, scopes)),
        1 => (0..2_u8).prop_map(Happening::Withdraw),
        2 => (0..2_u8, prop::array::uniform3(0..6_u8)).prop_map(|(module, scopes)| Happening::Regrant(module, scopes)),
        4 => any::<u8>().prop_map(Happening::Sync),
        4 => (0..3_u8, 0..3_u8).prop_map(|(how, space)| Happening::End(how, space)),
        3 => any::<bool>().prop_map(Happening::Answer),
        1 => (0..20_000_u16).prop_map(Happening::Wait),
    ]
}

const KINDS: [&str; 3] = ["Site", "ConfigMap", "Secret"];

struct Checked {
    world: World,
    /// By kind, namespace and name.
    truth: BTreeMap<(&'static str, &'static str, String), Value>,
    digest_last: u8,
    read_last: u64,
    grants: BTreeMap<Digest, (ModuleName, Arc<Grant>)>,
    serving: BTreeMap<ModuleName, Digest>,
    /// Sites that a module was granted or that changed while it may see them, and that it has not run since.
    owed: BTreeSet<(ModuleName, ObjectName)>,
    /// What ran since the last write to the cluster began.
    ran: BTreeSet<(ModuleName, ObjectName)>,
}

fn scope(number: u8) -> Scope {
    match number {
        0 => Scope::AllNamespaces,
        1 => Scope::Namespaces(vec!["n0".into(), "n1".into()]),
        2 => Scope::Selected(Selector::parse("team=t0").unwrap()),
        3 => Scope::Selected(Selector::parse("team=t1").unwrap()),
        4 => Scope::Selected(Selector::parse("team").unwrap()),
        _ => Scope::Cluster,
    }
}

fn offered(module: u8, digest: u8, scopes: [u8; 3]) -> Version {
    let lookup = Lookup { name: "site".into(), namespace: Some("where".into()) };
    let watches = vec![
        watch("maps", "ConfigMap", Relation::Labelled(lookup)),
        watch("secrets", "Secret", Relation::Mapped),
    ];
    let rules = ["sites", "configmaps", "secrets"].iter().zip(scopes).map(|(plural, number)| {
        let own = |text: &str| vec![text.to_owned()];
        let permission = Permission {
            api_groups: own("*"),
            resources: own(plural),
            resource_names: Vec::new(),
            verbs: own("*"),
        };
        Rule { permission, scope: scope(number) }
    });
    Version {
        grant: Arc::new(Grant { rules: rules.collect() }),
        concurrency: 100,
        ..version(MODULES[usize::from(module)], digest, vec![controller("sites", "Site", watches)])
    }
}

impl Checked {
    fn new() -> Self {
        let mut world = World::new();
        world.step(Input::Discovered(resources()));
        Self {
            world,
            truth: BTreeMap::new(),
            digest_last: 0,
            read_last: 0,
            grants: BTreeMap::new(),
            serving: BTreeMap::new(),
            owed: BTreeSet::new(),
            ran: BTreeSet::new(),
        }
    }

    /// Where a module that serves may see a kind now.
    fn sees(&self, module: &ModuleName, of: &str) -> Namespaces {
        let resource = resources().into_iter().find(|resource| resource.kind == kind(of)).unwrap();
        let Some(digest) = self.serving.get(module) else { return Namespaces::These(Vec::new()) };
        let (_, grant) = &self.grants[digest];
        // Who may not watch one of its kinds at all is stopped.
        if grant.rules.iter().any(|rule| rule.scope == Scope::Cluster) {
            return Namespaces::These(Vec::new());
        }
        grant.among(&*self.world.cache).namespaces_to_follow(&resource, Shape::Whole)
    }

    fn seen_sites(&self) -> Vec<(ModuleName, Namespaces)> {
        let modules = MODULES.map(|name| ModuleName(name.into()));
        modules.into_iter().map(|module| (module.clone(), self.sees(&module, "Site"))).collect()
    }

    /// What modules may see now and could not before they owe a run.
    fn owe_gained(&mut self, before: Vec<(ModuleName, Namespaces)>) {
        for (module, had) in before {
            let has = self.sees(&module, "Site");
            for (_, namespace, site) in self.truth.keys().filter(|(of, ..)| *of == "Site") {
                let site = ObjectName::namespaced(namespace, site);
                let gained = has.contain(site.as_ref()) && !had.contain(site.as_ref());
                let owed = (module.clone(), site);
                if gained && !self.ran.contains(&owed) {
                    self.owed.insert(owed);
                }
            }
            self.owe(&module);
        }
    }

    fn assert_seen(&self, module: &ModuleName, of: &Kind, name: &ObjectName, what: &str) {
        let seen = self.sees(module, &of.kind);
        assert!(seen.contain(name.as_ref()), "{module} is {what} {of} {name} and may see {seen:?}");
    }

    /// Holds what was ordered against what the modules may see at this moment.
    fn read(&mut self, fresh: bool) {
        for command in mem::take(&mut self.world.log) {
            match command {
                Command::Serve { module, digest, .. } => {
                    self.serving.insert(module.clone(), digest);
                    self.owe(&module);
                }
                Command::Run(run) => {
                    let module = &run.request.controller.module;
                    self.assert_seen(module, &run.kind, &run.request.name, "run for");
                    let shown = self.world.cache.selected(&run.kind, &run.selection, &run.request.name);
                    if let Some(object) = shown {
                        self.assert_seen(module, &run.kind, &object.name().to_owned(), "shown");
                    }
                    if let (true, Reason::Related { kind, name, .. }) = (fresh, &run.reason) {
                        self.assert_seen(module, kind, name, "woken by");
                    }
                    let ran = (module.clone(), run.request.name);
                    self.owed.remove(&ran);
                    self.ran.insert(ran);
                }
                Command::AskTargets(_, asked) => {
                    for change in &asked.changes {
                        self.assert_seen(&asked.module, &change.kind, &change.name, "asked about");
                    }
                }
                _ => {}
            }
        }
    }

    fn owe(&mut self, module: &ModuleName) {
        let seen = self.sees(module, "Site");
        self.owed.retain(|(of, name)| of != module || seen.contain(name.as_ref()));
    }

    /// Writes to the cluster, and tells every watch that is synced and looks there. Answers whether nothing was waiting.
    fn tell(&mut self, of: &'static str, name: &ObjectName, object: Option<Value>) {
        let before = self.seen_sites();
        self.ran.clear();
        self.world.version += 1;
        let version = self.world.version.to_string();
        let object = object.map(|mut object| {
            object["metadata"]["resourceVersion"] = json!(version);
            object
        });
        let looks = |spec: &WatchSpec| {
            let namespaces = &spec.selection.namespaces;
            spec.kind == kind(of)
                && (namespaces.is_empty()
                    || namespaces.iter().any(|one| Some(&**one) == name.namespace.as_deref()))
        };
        let synced = |id: &WatchId| self.world.cache.synced(*id);
        let watches = self.world.watches.iter().filter(|(id, spec)| synced(id) && looks(spec));
        let watches: Vec<_> = watches.map(|(id, _)| *id).collect();
        let quiet = self.world.runs.is_empty();
        for id in watches {
            let change = match &object {
                Some(object) => self.world.cache.upsert(id, self.world.object(of, object)),
                None => self.world.cache.remove(id, name, Some(&version)),
            };
            self.world.step(Input::Changed(change.into_iter().collect()));
        }
        self.read(quiet);
        self.owe_gained(before);
    }

    fn regrant(&mut self, module: u8, scopes: [u8; 3]) {
        let before = self.seen_sites();
        self.ran.clear();
        let name = ModuleName(MODULES[usize::from(module)].into());
        let grant = offered(module, 0, scopes).grant;
        for (of, known) in self.grants.values_mut() {
            if *of == name {
                known.clone_from(&grant);
            }
        }
        self.world.step(Input::Grant(name, grant));
        self.read(false);
        self.owe_gained(before);
    }

    fn apply(&mut self, happening: &Happening) {
        match *happening {
            Happening::Label(space, ref team) => {
                let name = SPACES[usize::from(space)];
                let object = team.map(|team| {
                    let labels = team.map_or(json!({}), |team| json!({"team": format!("t{team}")}));
                    json!({"metadata": {"name": name, "uid": format!("u-{name}"), "labels": labels}})
                });
                self.put("Namespace", "", name.to_owned(), object);
            }
            Happening::Put(of, space, means) => {
                let (of, space) = (KINDS[usize::from(of)], SPACES[usize::from(space)]);
                let labels = json!({"site": "x", "where": SPACES[usize::from(means)]});
                let uid = format!("{of}-{space}-{}", self.world.version);
                let object =
                    json!({"metadata": {"namespace": space, "name": "x", "uid": uid, "labels": labels}});
                self.put(of, space, "x".to_owned(), Some(object));
            }
            Happening::Delete(of, space) => {
                self.put(KINDS[usize::from(of)], SPACES[usize::from(space)], "x".to_owned(), None);
            }
            Happening::Offer(module, scopes) => {
                self.digest_last += 1;
                let version = offered(module, self.digest_last, scopes);
                self.grants.insert(version.digest, (version.module.clone(), version.grant.clone()));
                self.world.step(Input::Offer(Box::new(version)));
                self.read(false);
            }
            Happening::Withdraw(module) => {
                let module = ModuleName(MODULES[usize::from(module)].into());
                self.world.step(Input::Withdraw(module.clone()));
                self.serving.remove(&module);
                self.owe(&module);
                self.read(false);
            }
            Happening::Regrant(module, scopes) => self.regrant(module, scopes),
            Happening::Sync(which) => {
                let fresh: Vec<_> = self.fresh();
                if !fresh.is_empty() {
                    self.sync(fresh[usize::from(which) % fresh.len()]);
                }
            }
            Happening::End(how, space) => self.end_all(how, space),
            Happening::Answer(well) => self.answer_all(well),
            Happening::Wait(millis) => {
                self.world.wait(Duration::from_millis(millis.into()));
                self.read(false);
            }
        }
    }

    fn put(&mut self, of: &'static str, space: &'static str, text: String, object: Option<Value>) {
        let name = match space {
            "" => ObjectName::cluster(&text),
            space => ObjectName::namespaced(space, &text),
        };
        let key = (of, space, text);
        match &object {
            Some(object) => drop(self.truth.insert(key, object.clone())),
            None if self.truth.remove(&key).is_none() => return,
            None => {}
        }
        self.tell(of, &name, object);
    }

    fn fresh(&self) -> Vec<WatchId> {
        self.world.watches.keys().filter(|id| !self.world.cache.synced(**id)).copied().collect()
    }

    fn sync(&mut self, id: WatchId) {
        let spec = self.world.watches[&id].clone();
        self.world.version += 1;
        let version = self.world.version.to_string();
        let of_kind = self.truth.iter().filter(|((of, space, _), _)| {
            let namespaces = &spec.selection.namespaces;
            kind(of) == spec.kind && (namespaces.is_empty() || namespaces.iter().any(|one| **one == **space))
        });
        let list: Vec<_> = of_kind
            .map(|((of, ..), object)| {
                let mut object = object.clone();
                object["metadata"]["resourceVersion"] = json!(version);
                self.world.object(of, &object)
            })
            .collect();
        let changes = self.world.cache.replace(id, list, &version);
        self.world.step(Input::Changed(changes));
        self.read(false);
        self.world.step(Input::Synced(id));
        self.world.settle();
        self.read(false);
    }

    /// Every run follows a config map of a namespace if it may, and ends.
    fn end_all(&mut self, how: u8, space: u8) {
        for run in mem::take(&mut self.world.runs) {
            let resource =
                resources().into_iter().find(|resource| resource.kind == kind("ConfigMap")).unwrap();
            let one = ObjectName::namespaced(SPACES[usize::from(space)], "x");
            let subscription = Subscription { resource, what: Subscribed::One(one), shape: Shape::Whole };
            let (_, grant) = &self.grants[&run.digest];
            if grant.among(&*self.world.cache).may_subscribe(&subscription) {
                self.read_last += 1;
                let asked = Subscribe { id: SubscriptionId(self.read_last), run: run.id, subscription };
                self.world.step(Input::Subscribe(asked));
            }
            let outcome = match how {
                0 => Outcome::Done,
                1 => Outcome::Retry { message: "again".to_owned(), after: None, explained: false },
                _ => Outcome::RequeueAfter(Duration::from_millis(500)),
            };
            self.world.end(&run, outcome);
            self.read(false);
        }
    }

    fn answer_all(&mut self, well: bool) {
        for (id, asked) in mem::take(&mut self.world.asked) {
            let everywhere = SPACES.map(|space| ObjectName::namespaced(space, "x")).to_vec();
            let lists = asked.changes.iter().map(|_| everywhere.clone()).collect();
            self.world.step(Input::Targets(id, well.then_some(lists), Duration::ZERO));
            self.read(false);
        }
    }

    /// Lets everything come to rest.
    fn rest(&mut self) {
        for round in 0.. {
            assert!(round < 100, "it never comes to rest");
            self.world.settle();
            self.read(false);
            let fresh = self.fresh();
            fresh
                .iter()
                .filter(|id| self.world.watches.contains_key(id))
                .copied()
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|id| {
                    if self.world.watches.contains_key(&id) {
                        self.sync(id)
                    }
                });
            self.answer_all(true);
            self.end_all(0, 0);
            if self.fresh().is_empty() && self.world.runs.is_empty() && self.world.asked.is_empty() {
                self.world.wait(Duration::from_secs(20));
                self.read(false);
                if self.world.runs.is_empty() && self.world.asked.is_empty() && self.fresh().is_empty() {
                    return;
                }
            }
        }
    }

    /// At rest: whoever serves has run what it may see, and nothing is watched that nobody may see.
    fn assert_at_rest(&self) {
        // What went before anybody looked was nobody's to run.
        let there = |name: &ObjectName| {
            let place = name.namespace.as_deref();
            self.truth
                .keys()
                .any(|(of, space, site)| *of == "Site" && Some(*space) == place && **site == *name.name)
        };
        let owes =
            |(module, name): &&(ModuleName, ObjectName)| self.serving.contains_key(module) && there(name);
        let owed: Vec<_> = self.owed.iter().filter(owes).collect();
        assert!(owed.is_empty(), "granted and never run: {owed:?}");
        let by_label = self.serving.values().any(|digest| self.grants[digest].1.selects_namespaces());
        for spec in self.world.watches.values() {
            if spec.kind == namespace_kind() {
                assert!(by_label, "namespaces are watched for nobody");
                continue;
            }
            let place = spec.selection.namespaces.first();
            let seen = MODULES.iter().any(|name| {
                match (self.sees(&ModuleName((*name).into()), &spec.kind.kind), place) {
                    (Namespaces::All, _) => true,
                    (Namespaces::These(list), Some(place)) => list.contains(place),
                    _ => false,
                }
            });
            assert!(seen, "{} is watched in {place:?} and nobody may see it", spec.kind);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_module_is_never_woken_by_nor_shown_what_it_may_not_read(
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let mut checked = Checked::new();
        for happening in &happenings {
            checked.apply(happening);
        }
        checked.rest();
        checked.assert_at_rest();
    }
}

fn named(world: &World) -> Vec<String> {
    let place = |spec: &WatchSpec| spec.selection.namespaces.first().map_or("", AsRef::as_ref).to_owned();
    world.watches.values().map(|spec| format!("{} {}", spec.kind.kind, place(spec))).collect()
}

#[test]
fn a_label_that_comes_or_goes_starts_and_stops_watches_and_runs_at_once() {
    let mut checked = Checked::new();
    checked.apply(&Happening::Put(0, 0, 0));
    checked.apply(&Happening::Put(0, 1, 1));
    checked.apply(&Happening::Label(0, Some(Some(0))));
    checked.apply(&Happening::Label(1, Some(None)));
    checked.apply(&Happening::Offer(0, [2, 2, 2]));
    assert_eq!(named(&checked.world), ["Namespace "], "labels come first");
    assert!(checked.world.serves.is_empty());
    checked.rest();
    assert_eq!(named(&checked.world), ["Namespace ", "Site n0", "ConfigMap n0", "Secret n0"]);

    checked.apply(&Happening::Label(1, Some(Some(0))));
    checked.rest();
    assert_eq!(named(&checked.world).len(), 7, "and three more");
    assert_eq!(checked.world.serves.len(), 1, "the same generation goes on");

    checked.apply(&Happening::Put(0, 0, 0));
    let run = checked.world.runs.pop().unwrap();
    checked.apply(&Happening::Label(0, Some(None)));
    checked.world.end(&run, Outcome::Retry { message: "again".to_owned(), after: None, explained: false });
    checked.rest();
    let n1 = ["Namespace ", "Site n1", "ConfigMap n1", "Secret n1"];
    assert_eq!(named(&checked.world), n1);
    checked.apply(&Happening::Put(0, 0, 0));
    assert!(checked.world.runs.is_empty(), "what it lost wakes it no more, nor does it try again");

    checked.apply(&Happening::Label(1, None));
    checked.rest();
    assert_eq!(named(&checked.world), ["Namespace "], "it serves on and waits for a namespace");
    checked.apply(&Happening::Withdraw(0));
    assert!(checked.world.watches.is_empty());
}

#[test]
fn a_right_that_is_taken_away_ends_runs_and_watches_and_comes_back_with_all_that_was_missed() {
    let mut checked = Checked::new();
    checked.apply(&Happening::Put(0, 0, 0));
    checked.apply(&Happening::Offer(0, [0, 0, 0]));
    checked.rest();
    assert_eq!(checked.world.watches.len(), 3);
    // It asks for secrets, and is given them no more.
    checked.apply(&Happening::Regrant(0, [0, 0, 5]));
    let waits =
        |fact: &Fact| matches!(fact, Fact::ModuleWaiting { reason, .. } if reason.contains("secrets"));
    assert!(checked.world.facts.iter().any(waits), "{:?}", checked.world.facts);
    assert!(checked.world.watches.is_empty());
    checked.apply(&Happening::Put(0, 0, 0));
    assert!(checked.world.runs.is_empty());
    checked.apply(&Happening::Regrant(0, [1, 1, 1]));
    for id in checked.fresh() {
        checked.sync(id);
    }
    assert_eq!(checked.world.finish(), ["n0/x"]);
}

#[test]
fn only_what_a_new_namespace_brings_is_looked_at() {
    let mut checked = Checked::new();
    for space in 0..2 {
        checked.apply(&Happening::Put(0, space, space));
        checked.apply(&Happening::Label(space, Some((space == 0).then_some(0))));
    }
    checked.apply(&Happening::Offer(0, [2, 2, 2]));
    checked.rest();
    checked.apply(&Happening::Label(1, Some(Some(0))));
    for id in checked.fresh() {
        checked.sync(id);
    }
    assert_eq!(checked.world.finish(), ["n1/x"]);
}

#[test]
fn the_labels_are_those_of_the_namespaces_that_are_held() {
    let mut checked = Checked::new();
    let team = Selector::parse("team=t0").unwrap();
    checked.apply(&Happening::Label(0, Some(Some(0))));
    let none = Namespaces::These(Vec::new());
    assert_eq!(checked.world.cache.namespaces_with(&team), none, "nothing is held");
    assert!(!checked.world.cache.namespace_has("n0", &team));
    checked.apply(&Happening::Offer(0, [2, 2, 2]));
    checked.rest();
    assert_eq!(checked.world.cache.namespaces_with(&team), Namespaces::These(vec!["n0".into()]));
    assert!(checked.world.cache.namespace_has("n0", &team));
    assert!(!checked.world.cache.namespace_has("n1", &team));
}
