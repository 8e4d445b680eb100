//! What runs say about their version and their module: going back, slowing down, quarantine.

use super::*;
use crate::{
    outcome::{Trap, TrapKind},
    quarantine::Stage,
    trial::Regression,
};

fn sites(digest: u8) -> Version {
    version("m", digest, vec![controller("site", "Site", Vec::new())])
}

fn trap() -> Outcome {
    Outcome::Trapped(Trap { kind: TrapKind::Fault, message: "dead".into(), frames: Vec::new() })
}

/// Ten objects, each of which ran well on version 1.
fn served() -> World {
    let mut world = World::new();
    world.serve(sites(1));
    for n in 0..10 {
        world.upsert("Site", site(&format!("s{n}")));
    }
    assert_eq!(world.finish().len(), 10);
    world
}

fn rolled_back(world: &World) -> Vec<Regression> {
    let backs = world.log.iter().filter_map(|command| match command {
        Command::RollBack(_, regression) => Some(regression.clone()),
        _ => None,
    });
    backs.collect()
}

fn stages(world: &World) -> Vec<Stage> {
    let told = world.facts.iter().filter_map(|fact| match fact {
        Fact::ModuleStanding { standing, .. } => Some(standing.stage),
        _ => None,
    });
    told.collect()
}

/// Lets everything that starts trap, for so long; how many runs there were.
fn trap_all(world: &mut World, by: Duration) -> usize {
    let (until, mut ran) = (world.now + by, 0);
    while world.now < until {
        for run in mem::take(&mut world.runs) {
            ran += 1;
            world.end(&run, trap());
        }
        if world.runs.is_empty() {
            world.now = world.wake_at.unwrap_or(until).clamp(world.now + Duration::from_micros(1), until);
            world.step(Input::Tick);
        }
    }
    ran
}

#[test]
fn a_version_that_fails_where_the_one_before_succeeded_is_told_to_go_once() {
    let mut world = served();
    world.serve(sites(2));
    assert_eq!(world.pipeline.status().modules[0].tried_against, Some(Digest([1; 32])));
    trap_all(&mut world, Duration::from_secs(60));
    let told = rolled_back(&world);
    let (bad, good) = (Digest([2; 32]), Digest([1; 32]));
    assert_eq!(told, [Regression { bad, good, requests: 3, message: "dead".into() }]);
    world.serve(sites(1));
    assert_eq!(world.finish().len(), 10, "the good version runs everything again");
    assert_eq!(world.pipeline.status().modules[0].tried_against, None);
}

#[test]
fn a_version_that_does_its_work_is_not_on_trial_for_long() {
    let mut world = served();
    world.serve(sites(2));
    assert_eq!(world.finish().len(), 10);
    assert_eq!(world.pipeline.status().modules[0].tried_against, None);
    trap_all(&mut world, Duration::from_secs(60));
    assert_eq!(rolled_back(&world), []);
}

#[test]
fn a_module_that_fails_at_everything_is_slowed_then_held_and_free_at_its_first_success() {
    let mut world = World::new();
    world.serve(sites(1));
    for n in 0..200 {
        world.upsert("Site", site(&format!("s{n}")));
    }
    let ran = trap_all(&mut world, Duration::from_secs(600));
    assert_eq!(stages(&world), [Stage::Slowed, Stage::Quarantined]);
    assert!((30..50).contains(&ran), "30 until it is held, then one a minute: {ran}");
    let standing = world.pipeline.status().modules[0].standing.clone().unwrap();
    assert_eq!((standing.stage, standing.message.as_str()), (Stage::Quarantined, "dead"));
    world.wait(Duration::from_secs(60));
    let [run] = mem::take(&mut world.runs).try_into().unwrap();
    world.end(&run, Outcome::Done);
    assert_eq!(stages(&world).last(), Some(&Stage::Free));
    assert!(world.finish().len() > 100, "whatever waited runs now");
}

#[test]
fn a_new_version_and_an_operator_free_a_module_from_quarantine() {
    let held = || {
        let mut world = World::new();
        world.serve(sites(1));
        for n in 0..100 {
            world.upsert("Site", site(&format!("s{n}")));
        }
        trap_all(&mut world, Duration::from_secs(60));
        assert_eq!((stages(&world).last(), world.runs.len()), (Some(&Stage::Quarantined), 0));
        world
    };
    let module = ModuleName("m".into());
    for input in [Input::Resume(module.clone()), Input::Ask(module, None), Input::Offer(Box::new(sites(2)))] {
        let mut world = held();
        world.step(input);
        world.sync_all(&[]);
        assert_eq!(stages(&world).last(), Some(&Stage::Free));
        assert!(!world.runs.is_empty());
    }
}

#[test]
fn a_module_in_quarantine_holds_no_other_one() {
    let mut world = World::new();
    world.serve(sites(1));
    for n in 0..100 {
        world.upsert("Site", site(&format!("s{n}")));
    }
    trap_all(&mut world, Duration::from_secs(60));
    world.serve(version("other", 9, vec![controller("site", "Site", Vec::new())]));
    assert_eq!(world.finish().len(), 100);
    assert_eq!(stages(&world).last(), Some(&Stage::Quarantined));
}
