//! What questions say, whatever order the changes come in.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::call::Shape;
use proptest::prelude::*;

const KIND: (&str, &str) = ("v1", "Pod");

fn kind() -> Kind {
    Kind::new(KIND.0, KIND.1)
}

/// A state of an object; version 0 is none.
fn state(name: &str, version: u32) -> Option<Arc<Object>> {
    let raw = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
    (version > 0).then(|| Arc::new(Object::ingest(&kind(), &raw).unwrap()))
}

fn change(name: &str, before: u32, after: u32, cause: Cause) -> ObjectChange {
    ObjectChange {
        kind: kind(),
        shape: Shape::Whole,
        fields: None,
        name: ObjectName::cluster(name),
        before: state(name, before),
        after: state(name, after),
        cause,
    }
}

fn version(object: Option<&Arc<Object>>) -> u32 {
    object.map_or(0, |object| object.resource_version().parse().unwrap())
}

/// What is held now, what waits, and the question under way.
struct World {
    held: BTreeMap<ObjectName, Arc<Object>>,
    asks: Asks,
    id: u64,
    asking: Vec<ObjectChange>,
}

impl World {
    fn new() -> Self {
        Self { held: BTreeMap::new(), asks: Asks::new(kind()), id: 0, asking: Vec::new() }
    }

    /// The cache holds this from now on.
    fn hold(&mut self, name: &str, version: u32) {
        match state(name, version) {
            Some(object) => drop(self.held.insert(ObjectName::cluster(name), object)),
            None => drop(self.held.remove(&ObjectName::cluster(name))),
        }
    }

    fn push(&mut self, change: &ObjectChange) {
        self.asks.push(change, &|name| self.held.get(name).cloned());
    }

    /// An object changes, and that is told at once.
    fn change(&mut self, name: &str, before: u32, after: u32) {
        self.hold(name, after);
        self.push(&change(name, before, after, Cause::Live));
    }

    fn ask(&mut self, bounds: (usize, usize)) -> Vec<String> {
        self.id += 1;
        let batch = self.asks.take(TargetsId(self.id), bounds, &|name| self.held.get(name).cloned());
        let told = |one: &Asked| {
            format!("{} {}>{}", one.name, version(one.before.as_ref()), version(one.after.as_ref()))
        };
        let said = batch.iter().map(told).collect();
        let change = |one: Asked| ObjectChange {
            before: one.before,
            after: one.after,
            cause: one.cause,
            ..change(&one.name.name, 0, 0, Cause::Live)
        };
        self.asking = batch.into_iter().map(change).collect();
        said
    }

    fn answer(&mut self) {
        self.asks.answered(TargetsId(self.id), (&self.asking, false), |_| true);
    }

    fn fail(&mut self, retry_at: Time) {
        self.asks.failed(TargetsId(self.id), self.asking.clone(), retry_at);
    }
}

const WIDE: (usize, usize) = (10, 10_000);

#[test]
fn changes_of_one_object_are_one_from_what_was_told_to_what_is() {
    let mut world = World::new();
    for (name, before, after) in [("a", 0, 1), ("b", 0, 3), ("a", 1, 4), ("c", 0, 5), ("c", 5, 0)] {
        world.change(name, before, after);
    }
    assert_eq!(world.ask(WIDE), ["a 0>4", "b 0>3"]);
    world.answer();
    world.change("a", 4, 6);
    world.change("a", 6, 7);
    assert_eq!(world.ask(WIDE), ["a 4>7"]);
}

#[test]
fn what_comes_late_or_out_of_order_takes_no_question_back() {
    let mut world = World::new();
    world.change("a", 0, 1);
    assert_eq!(world.ask(WIDE), ["a 0>1"]);
    world.answer();
    world.hold("a", 0);
    world.push(&change("a", 2, 0, Cause::Live));
    assert_eq!(world.ask(WIDE), ["a 1>0"]);
    world.answer();
    world.push(&change("a", 1, 2, Cause::Live));
    assert_eq!(world.ask(WIDE), [""; 0]);
    assert_eq!(world.asks.len(), 0);
}

#[test]
fn a_failed_question_comes_first_again_with_what_came_since() {
    let mut world = World::new();
    for (name, after) in [("a", 2), ("b", 3), ("c", 4)] {
        world.change(name, 0, after);
    }
    assert_eq!(world.ask((2, 10_000)), ["a 0>2", "b 0>3"]);
    assert!(!world.asks.is_due(Time(0)), "one question at a time");
    world.change("b", 3, 5);
    world.fail(Time(10));
    assert!(!world.asks.is_due(Time(9)) && world.asks.is_due(Time(10)));
    assert_eq!(world.ask(WIDE), ["a 0>2", "c 0>4", "b 0>5"]);
}

#[test]
fn a_question_is_bounded_in_changes_and_bytes_but_never_empty() {
    let mut world = World::new();
    (0..5).for_each(|n| world.change(&format!("p{n}"), 0, 2));
    assert_eq!(world.ask((2, 10_000)).len(), 2);
    world.answer();
    assert_eq!(world.ask((2, 1)).len(), 1);
    world.answer();
    assert_eq!(world.asks.len(), 2);
}

#[test]
fn what_comes_and_goes_unasked_leaves_nothing_behind() {
    let mut world = World::new();
    for n in 0..100 {
        let name = format!("p{n}");
        world.change(&name, 0, 1);
        world.change(&name, 1, 0);
    }
    assert_eq!((world.asks.len(), world.asks.numbers.len()), (0, 0));
}

#[test]
fn a_new_version_is_asked_anew_and_an_old_ones_answer_is_not_taken_for_its_own() {
    let mut world = World::new();
    world.change("a", 0, 1);
    world.change("b", 0, 2);
    assert_eq!(world.ask(WIDE).len(), 2);
    world.answer();
    world.asks.reload(|object| object.name().name != "b");
    world.push(&change("a", 0, 1, Cause::Initial));
    world.hold("b", 0);
    world.push(&change("b", 2, 0, Cause::Live));
    assert_eq!(world.ask(WIDE), ["a 0>1"], "b is not selected any more");
    world.asks.answered(TargetsId(0), (&[], false), |_| true);
    assert!(world.asks.asking.is_some());
    world.answer();
    // It went, and neither the old view nor the new one told.
    world.hold("a", 0);
    world.asks.look_again();
    assert_eq!(world.ask(WIDE), ["a 1>0"]);
}

#[test]
fn a_change_that_does_not_count_moves_what_is_kept_on() {
    let mut world = World::new();
    world.change("a", 0, 1);
    world.ask(WIDE);
    world.answer();
    world.hold("a", 2);
    world.asks.refresh(&state("a", 1).unwrap(), &state("a", 2).unwrap());
    world.change("a", 2, 3);
    assert_eq!(world.ask(WIDE), ["a 2>3"]);
}

/// What happens in a random world.
#[derive(Clone, Debug)]
enum Step {
    /// An object changes or goes; the change waits to be told.
    Change(usize, bool),
    /// One of the changes that wait is told.
    Tell(usize),
    Ask,
    Answer,
    Fail,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, prop::bool::weighted(0.7)).prop_map(|(at, there)| Step::Change(at, there)),
        4 => any::<usize>().prop_map(Step::Tell),
        2 => Just(Step::Ask),
        2 => Just(Step::Answer),
        1 => Just(Step::Fail),
        1 => Just(Step::Reload),
    ]
}

/// A world, the changes that are not told yet, and what each object was last told as.
struct Chaos {
    world: World,
    untold: Vec<ObjectChange>,
    told: BTreeMap<ObjectName, u32>,
    version: u32,
}

impl Chaos {
    fn tell(&mut self, at: usize) {
        if !self.untold.is_empty() {
            let change = self.untold.remove(at % self.untold.len());
            self.world.push(&change);
        }
    }

    fn ask(&mut self) -> Result<(), TestCaseError> {
        if self.world.asks.is_due(Time(0)) {
            self.world.ask((2, 10_000));
            for one in &self.world.asking {
                let told = self.told.get(&one.name).copied().unwrap_or_default();
                let (before, after) = (version(one.before.as_ref()), version(one.after.as_ref()));
                // Of a new version's first look there need not be a state before.
                prop_assert!(
                    before == told || (before == 0 && after == told),
                    "{before}>{after} after {told}"
                );
                prop_assert!(after == 0 || after >= told, "{before}>{after} after {told}");
            }
        }
        Ok(())
    }

    fn answer(&mut self) {
        self.world.answer();
        for one in self.world.asking.drain(..) {
            self.told.insert(one.name, version(one.after.as_ref()));
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Change(at, there) => {
                let name = ["a", "b", "c"][*at];
                self.version += 1;
                let before = version(self.world.held.get(&ObjectName::cluster(name)));
                let after = if *there { self.version } else { 0 };
                if before != after {
                    self.world.hold(name, after);
                    self.untold.push(change(name, before, after, Cause::Live));
                }
            }
            Step::Tell(at) => self.tell(*at),
            Step::Ask => self.ask()?,
            Step::Answer => self.answer(),
            Step::Fail => {
                self.world.fail(Time(0));
                self.world.asking.clear();
            }
            Step::Reload => {
                self.world.asks.reload(|_| true);
                self.world.asks.look_again();
                let held: Vec<_> =
                    self.world.held.iter().map(|(n, o)| (n.clone(), version(Some(o)))).collect();
                for (name, version) in held {
                    self.world.push(&change(&name.name, 0, version, Cause::Initial));
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn questions_make_a_chain_that_ends_in_what_is_held_in_whatever_order_changes_come(
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut chaos = Chaos { world: World::new(), untold: Vec::new(), told: BTreeMap::new(), version: 0 };
        for step in &steps {
            chaos.take(step)?;
        }
        while !chaos.untold.is_empty() {
            chaos.tell(0);
        }
        chaos.answer();
        while chaos.world.asks.is_due(Time(0)) {
            chaos.ask()?;
            chaos.answer();
        }
        chaos.told.retain(|_, version| *version > 0);
        let held: BTreeMap<_, _> =
            chaos.world.held.iter().map(|(name, object)| (name.clone(), version(Some(object)))).collect();
        prop_assert_eq!(&chaos.told, &held);
        prop_assert_eq!(chaos.world.asks.told.iter().count(), held.len(), "nothing is kept of what is gone");
        prop_assert!(chaos.world.asks.numbers.is_empty());
    }
}

#[test]
fn a_new_version_is_asked_about_what_left_and_came_back_as_the_old_one_knew_it() {
    let mut world = World::new();
    world.change("a", 0, 1);
    assert_eq!(world.ask(WIDE), ["a 0>1"]);
    world.answer();
    world.change("a", 1, 0);
    world.asks.reload(|_| true);
    world.change("a", 0, 1);
    assert_eq!(world.ask(WIDE), ["a 0>1"]);
}
