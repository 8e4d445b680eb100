//! Random sequences of everything that can happen, held against the rules of hot reload and of the queue.

use super::*;
use crate::name::Request;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Happening {
    Upsert(u8),
    Delete(u8),
    /// A ConfigMap owned by a site.
    Child(u8, u8),
    EndRun(u8, u8),
    /// Of which module; whether it follows ConfigMaps.
    Offer(bool, bool),
    Withdraw(bool),
    Pause(bool, bool),
    Lead(bool),
    Sync,
    Relist,
    Wait(u16),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        6 => (0_u8..4).prop_map(Happening::Upsert),
        2 => (0_u8..4).prop_map(Happening::Delete),
        3 => (0_u8..3, 0_u8..4).prop_map(|(child, site)| Happening::Child(child, site)),
        8 => (any::<u8>(), 0_u8..7).prop_map(|(run, outcome)| Happening::EndRun(run, outcome)),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(module, maps)| Happening::Offer(module, maps)),
        1 => any::<bool>().prop_map(Happening::Withdraw),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(module, paused)| Happening::Pause(module, paused)),
        1 => any::<bool>().prop_map(Happening::Lead),
        3 => Just(Happening::Sync),
        1 => Just(Happening::Relist),
        2 => (1_u16..500).prop_map(Happening::Wait),
    ];
    prop::collection::vec(one, 1..90)
}

fn module(which: bool) -> ModuleName {
    ModuleName(if which { "a" } else { "b" }.into())
}

/// The world, the cluster behind it, and what must hold.
struct Checked {
    world: World,
    server: BTreeMap<(&'static str, String), Value>,
    running: BTreeMap<RunId, Run>,
    serving: BTreeMap<ModuleName, (Digest, Generation)>,
    freed: BTreeSet<(ModuleName, Digest)>,
    paused: BTreeSet<ModuleName>,
    leading: bool,
    /// Changes that no run has started after.
    owed: BTreeSet<(ModuleName, ObjectName)>,
    /// The last generation each request ran on.
    ran: BTreeMap<Request, Generation>,
    digest_last: u8,
}

const SLOTS: usize = 3;

impl Checked {
    fn new(requests_max: usize) -> Self {
        let settings = Settings { slots_max: SLOTS, backfill_slice: 2, requests_max, ..Settings::default() };
        Self {
            world: World::with(settings),
            server: BTreeMap::new(),
            running: BTreeMap::new(),
            serving: BTreeMap::new(),
            freed: BTreeSet::new(),
            paused: BTreeSet::new(),
            leading: true,
            owed: BTreeSet::new(),
            ran: BTreeMap::new(),
            digest_last: 0,
        }
    }

    /// Reads what was ordered since the last time.
    fn read(&mut self) {
        for command in mem::take(&mut self.world.log) {
            match command {
                Command::Serve { module, digest, generation, .. } => {
                    let before = self.serving.insert(module, (digest, generation));
                    assert!(before.is_none_or(|(_, last)| last < generation), "generations only rise");
                }
                Command::Free { module, digest } => {
                    assert!(self.serving.get(&module).is_none_or(|(serving, _)| *serving != digest));
                    let used = self
                        .running
                        .values()
                        .any(|run| run.request.controller.module == module && run.digest == digest);
                    assert!(!used, "freed while it runs");
                    self.freed.insert((module, digest));
                }
                Command::Run(run) => self.started(run),
                _ => {}
            }
        }
    }

    fn started(&mut self, run: Run) {
        let module = &run.request.controller.module;
        assert!(self.leading && !self.paused.contains(module), "{} must not run", run.request);
        assert_eq!(self.serving.get(module), Some(&(run.digest, run.generation)), "of the serving version");
        assert!(!self.freed.contains(&(module.clone(), run.digest)), "a freed version runs");
        let same = self.running.values().filter(|other| other.request == run.request).count();
        assert_eq!(same, 0, "{} runs twice", run.request);
        let of_controller =
            self.running.values().filter(|other| other.request.controller == run.request.controller).count();
        assert!(of_controller < 2 && self.running.len() < SLOTS, "too many at a time");
        self.owed.remove(&(module.clone(), run.request.name.clone()));
        self.ran.insert(run.request.clone(), run.generation);
        self.running.insert(run.id, run);
    }

    /// The cluster tells a change of an object to every watch that is synced.
    fn told(&mut self, of: &'static str, object: Value, gone: bool) {
        self.world.version += 1;
        let mut object = object;
        object["metadata"]["resourceVersion"] = json!(self.world.version.to_string());
        let text = object["metadata"]["name"].as_str().unwrap().to_owned();
        let name = ObjectName::namespaced("n", &text);
        let existed = if gone {
            self.server.remove(&(of, text)).is_some()
        } else {
            self.server.insert((of, text), object.clone());
            true
        };
        let watches: Vec<_> = self.world.watches.iter().filter(|(_, spec)| spec.kind == kind(of)).collect();
        let synced: Vec<_> =
            watches.iter().map(|(id, _)| **id).filter(|id| self.world.cache.synced(*id)).collect();
        if !existed || synced.is_empty() {
            return;
        }
        if of == "Site" {
            self.owed.extend(self.serving.keys().map(|module| (module.clone(), name.clone())));
        }
        for id in synced {
            let change = if gone {
                self.world.cache.remove(id, &name, Some(&self.world.version.to_string()))
            } else {
                self.world.cache.upsert(id, self.world.object(of, &object))
            };
            self.world.step(Input::Changed(change.into_iter().collect()));
        }
    }

    fn list(&mut self, only_fresh: bool) {
        let objects: Vec<(&str, Value)> =
            self.server.iter().map(|((of, _), object)| (*of, object.clone())).collect();
        for id in self.world.watches.keys().copied().collect::<Vec<_>>() {
            if (!only_fresh || !self.world.cache.synced(id)) && self.world.watches.contains_key(&id) {
                self.world.sync(id, &objects);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Upsert(n) => self.told("Site", site(&format!("s{n}")), false),
            Happening::Delete(n) => self.told("Site", site(&format!("s{n}")), true),
            Happening::Child(child, owner) => {
                let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": format!("s{owner}"), "uid": "u"}]);
                let object = json!({"metadata": {"namespace": "n", "name": format!("c{child}"), "ownerReferences": owner}});
                self.told("ConfigMap", object, false);
            }
            Happening::EndRun(n, outcome) => self.end(usize::from(n), outcome),
            Happening::Offer(which, maps) => {
                self.digest_last += 1;
                let watches = if maps { vec![watch("c", "ConfigMap", Relation::Owned)] } else { Vec::new() };
                let name = module(which);
                let one = version(&name.0, self.digest_last, vec![controller("site", "Site", watches)]);
                self.world.step(Input::Offer(Box::new(one)));
                self.world.settle();
            }
            Happening::Withdraw(which) => {
                let name = module(which);
                self.read();
                self.serving.remove(&name);
                self.paused.remove(&name);
                self.owed.retain(|(module, _)| *module != name);
                self.world.step(Input::Withdraw(name));
            }
            Happening::Pause(which, paused) => {
                let name = module(which);
                let status = self.world.pipeline.status();
                let known = status.modules.iter().any(|module| {
                    module.name == name && (module.serving.is_some() || module.pending.is_some())
                });
                self.read();
                if paused && known {
                    self.paused.insert(name.clone());
                } else {
                    self.paused.remove(&name);
                }
                self.world.step(if paused { Input::Pause(name) } else { Input::Resume(name) });
            }
            Happening::Lead(leading) => {
                self.read();
                self.leading = leading;
                self.world.step(Input::Leading(leading));
            }
            Happening::Sync => self.list(true),
            Happening::Relist => self.list(false),
            Happening::Wait(ms) => self.world.wait(Duration::from_millis(ms.into())),
        }
        self.world.settle();
        self.read();
    }

    fn end(&mut self, n: usize, outcome: u8) {
        let Some(run) = self.running.values().nth(n % self.running.len().max(1)).cloned() else { return };
        let after = Some(Duration::from_millis(30));
        let outcome = match outcome {
            0 | 1 => Outcome::Done,
            2 => Outcome::RequeueAfter(Duration::from_millis(20)),
            3 => Outcome::Retry { message: String::new(), after: None, explained: false },
            4 => Outcome::Retry { message: String::new(), after, explained: true },
            5 => Outcome::Trapped(crate::outcome::Trap {
                kind: crate::outcome::TrapKind::Fault,
                message: String::new(),
                frames: Vec::new(),
            }),
            _ => Outcome::Abandoned,
        };
        self.running.remove(&run.id);
        self.world.end(&run, outcome);
    }

    /// Lets everything come to rest, and checks that nothing is owed.
    fn rest(mut self) {
        self.happen(Happening::Lead(true));
        [true, false].into_iter().for_each(|which| self.happen(Happening::Pause(which, false)));
        for _ in 0..500 {
            self.happen(Happening::Sync);
            while let Some(run) = self.running.values().next().cloned() {
                self.running.remove(&run.id);
                self.world.end(&run, Outcome::Done);
                self.world.settle();
                self.read();
            }
            if self.world.wake_at.is_none() {
                break;
            }
            self.happen(Happening::Wait(60_000));
        }
        assert_eq!(self.owed, BTreeSet::new(), "changes that no run followed");
        for (module, (_, generation)) in &self.serving {
            for (of, name) in self.server.keys() {
                let controller = ControllerName { module: module.clone(), controller: "site".into() };
                let request = Request { controller, name: ObjectName::namespaced("n", name) };
                assert!(
                    *of != "Site" || self.ran.get(&request) == Some(generation),
                    "{request} not on {generation:?}"
                );
            }
        }
        let status = self.world.pipeline.status();
        assert_eq!(status.slots_held, 0);
        for module in &status.modules {
            assert_eq!(module.running, 0);
            assert!(
                module.controllers.iter().all(|one| one.ready + one.waiting + one.running + one.failing == 0)
            );
        }
        let kept: BTreeSet<_> =
            self.serving.iter().map(|(name, (digest, _))| (name.clone(), *digest)).collect();
        assert!(self.freed.is_disjoint(&kept));
        let wanted = if status.modules.is_empty() { 0 } else { self.world.watches.len() };
        assert_eq!(self.world.watches.len(), wanted, "no watch without a user");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn runs_never_overlap_are_of_the_serving_version_and_follow_every_change(
        happenings in happenings(),
        // Room for all sites, or for half of them: what is dropped comes back.
        requests_max in prop_oneof![Just(1_000_usize), Just(2)],
    ) {
        let mut checked = Checked::new(requests_max);
        for happening in happenings {
            checked.happen(happening);
        }
        checked.rest();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_same_inputs_give_the_same_commands(happenings in happenings()) {
        let run = |happenings: &[Happening]| {
            let mut checked = Checked::new(2);
            let mut told = Vec::new();
            for happening in happenings {
                checked.happen(happening.clone());
                told.push(format!("{:?} {:?}", checked.running, checked.world.pipeline.status()));
            }
            told
        };
        prop_assert_eq!(run(&happenings), run(&happenings));
    }
}
