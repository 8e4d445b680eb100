//! Writes that go in circles: detected, slowed down, told, and over when they stop.

use super::*;
use crate::fight::{FightStage, Wrote, changed_fields};

impl World {
    /// What the driver does for a guest's write: the object changes, and the run's write is told.
    fn write(&mut self, run: &Run, of: &str, mut object: Value) {
        let name: ObjectName = {
            let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
            ObjectName::namespaced(&text("namespace"), &text("name"))
        };
        let before = self.cache.get(&kind(of), &name);
        object["metadata"]["resourceVersion"] = json!((self.version + 1).to_string());
        let text = before.as_ref().map_or("null", |before| before.json()).to_owned();
        self.upsert(of, object);
        let after = self.cache.get(&kind(of), &name).unwrap();
        self.step(Input::Wrote(Box::new(Wrote {
            run: run.id,
            kind: kind(of),
            name,
            from_version: before.map(|before| before.resource_version().into()),
            version: Some(after.resource_version().into()),
            changes: changed_fields(&text, after.json()),
        })));
    }

    fn fights(&mut self) -> Vec<FightStage> {
        let facts = mem::take(&mut self.facts);
        let fights = facts.into_iter().filter_map(|fact| match fact {
            Fact::Fight(fight) => Some(fight.stage),
            _ => None,
        });
        fights.collect()
    }
}

fn timed(at: u64) -> Value {
    json!({"metadata": {"namespace": "n", "name": "a", "uid": "u"}, "status": {"at": at}})
}

/// A module that writes the time into its own object in every run, driven for so long: how often it ran.
fn stamps(world: &mut World, by: Duration) -> usize {
    let (until, mut ran) = (world.now + by, 0);
    while world.now < until {
        for run in mem::take(&mut world.runs) {
            ran += 1;
            world.write(&run, "Site", timed(world.version));
            world.end(&run, Outcome::Done);
        }
        world.wait(Duration::from_millis(1));
        let wake = world.wake_at.unwrap_or(until).max(world.now);
        if world.runs.is_empty() {
            world.now = wake.min(until);
            world.step(Input::Tick);
        }
    }
    ran
}

#[test]
fn a_module_that_wakes_itself_is_slowed_down_named_and_let_go_when_it_stops() {
    let mut world = World::new();
    world.serve(version("m", 1, vec![controller("site", "Site", Vec::new())]));
    world.upsert("Site", timed(0));
    let ran = stamps(&mut world, Duration::from_secs(600));
    assert!((12..25).contains(&ran), "8 at once, then ever more slowly: {ran}");
    let told = world.fights();
    assert_eq!(told[..2], [FightStage::Began, FightStage::GoesOn]);
    let fights = world.pipeline.status().fights;
    assert_eq!(fights.len(), 1);
    let text = fights[0].to_string();
    assert!(
        text.starts_with(
            "m/site n/a wakes itself by its own writes of .status.at of example.com/v1 Site n/a"
        ),
        "{text}"
    );
    // A user's change waits for its turn, and is not lost.
    world.upsert("Site", site("a"));
    assert_eq!(world.runs.len(), 0);
    world.wait(Duration::from_secs(300));
    assert_eq!(world.finish(), ["n/a"], "it changed nothing this time");
    world.wait(Duration::from_secs(1_000));
    assert_eq!(world.fights(), [FightStage::Over]);
    assert_eq!(world.pipeline.status().fights, []);
    world.upsert("Site", site("a"));
    assert_eq!(world.finish(), ["n/a"], "at once");
    assert_eq!(world.wake_at, None);
}

#[test]
fn an_operator_s_word_comes_through_to_a_request_that_is_held_back() {
    let mut world = World::new();
    world.serve(version("m", 1, vec![controller("site", "Site", Vec::new())]));
    world.upsert("Site", timed(0));
    stamps(&mut world, Duration::from_secs(60));
    assert_eq!(world.runs.len(), 0);
    world.step(Input::Ask(ModuleName("m".into()), Some(ObjectName::namespaced("n", "a"))));
    assert_eq!(world.finish(), ["n/a"]);
}

#[test]
fn two_modules_that_undo_each_other_are_slowed_down_until_one_is_replaced() {
    let mut world = World::new();
    let maps = || vec![watch("maps", "ConfigMap", Relation::Owned)];
    world.serve(version("a", 1, vec![controller("site", "Site", maps())]));
    world.serve(version("b", 2, vec![controller("site", "Site", maps())]));
    world.upsert("Site", site("x"));
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": "x", "uid": "u"}]);
    let map = |value: &str| json!({"metadata": {"namespace": "n", "name": "c", "uid": "c", "ownerReferences": owner}, "data": {"v": value}});
    let (start, mut ran) = (world.now, 0);
    while world.now.since(start) < Duration::from_secs(600) {
        for run in mem::take(&mut world.runs) {
            ran += 1;
            let module = run.request.controller.module.0.clone();
            let held = world.cache.get(&kind("ConfigMap"), &ObjectName::namespaced("n", "c"));
            if !held.is_some_and(|held| held.json().contains(&format!(r#""v":"{module}""#))) {
                world.write(&run, "ConfigMap", map(&module));
            }
            world.end(&run, Outcome::Done);
        }
        world.wait(Duration::from_millis(100));
    }
    assert!(ran < 70, "{ran} runs in ten minutes");
    let text = world.pipeline.status().fights[0].to_string();
    assert!(text.contains("undo each other's writes of .data.v of v1 ConfigMap n/c"), "{text}");
    assert!(text.contains("a/site n/x") && text.contains("b/site n/x"), "{text}");
    world.fights();
    world.step(Input::Withdraw(ModuleName("b".into())));
    assert_eq!(world.fights(), [FightStage::Over]);
    let status = world.pipeline.status();
    assert!(status.fights.is_empty() && status.modules[0].controllers[0].waiting == 0, "a is let go");
}

#[test]
fn a_module_that_counts_other_objects_in_its_own_is_no_fight() {
    let mut world = World::new();
    let maps = vec![watch("maps", "ConfigMap", Relation::Owned)];
    world.serve(version("m", 1, vec![controller("site", "Site", maps)]));
    world.upsert("Site", timed(0));
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": "a", "uid": "u"}]);
    for n in 0..50 {
        let run = world.runs.pop();
        if let Some(run) = &run {
            // Its own write wakes it, and so does what comes before it runs again.
            world.write(run, "Site", timed(n));
        }
        world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": format!("c{n}"), "uid": "c", "ownerReferences": owner}}));
        if let Some(run) = run {
            world.end(&run, Outcome::Done);
        }
    }
    assert_eq!(world.fights(), []);
}
