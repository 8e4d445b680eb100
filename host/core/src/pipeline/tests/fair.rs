//! A noisy module beside another one, in virtual time.

use super::*;

/// How long runs take.
const LIGHT: Duration = Duration::from_millis(5);
const NOISY: Duration = Duration::from_millis(500);

/// What the light module's requests waited, sorted.
fn waits(noisy: bool) -> Vec<Duration> {
    let mut world = World::new();
    let mut light = version("light", 1, vec![controller("site", "Site", Vec::new())]);
    light.concurrency = 4;
    world.serve(light);
    let mut loud = version("noisy", 2, vec![controller("map", "ConfigMap", Vec::new())]);
    loud.concurrency = 1_000;
    if noisy {
        world.serve(loud);
    }
    let start = world.now;
    let mut ends: BTreeMap<(Time, RunId), Run> = BTreeMap::new();
    let mut waited = Vec::new();
    for tick in 0..4_000_u64 {
        let now = start + Duration::from_millis(tick);
        while let Some(((at, id), run)) = ends.pop_first() {
            if at > now {
                ends.insert((at, id), run);
                break;
            }
            world.now = at;
            let cpu = if is_light(&run) { LIGHT } else { NOISY } / 5;
            world.step(Input::Ended(Ended {
                run: id,
                at: world.now,
                outcome: Outcome::Done,
                cpu,
                calls: 0,
                reads: Reads::default(),
            }));
            begin(&mut world, &mut ends, &mut waited);
        }
        world.now = now;
        // Bursts, so that the light module waits for itself already when it is alone.
        let changes = if tick % 100 == 0 { 30 } else { u64::from(tick % 5 == 0) };
        for n in 0..changes {
            world.upsert("Site", site(&format!("s{}", (tick * 7 + n * 13) % 500)));
            if noisy {
                let name = format!("c{}", (tick * 11 + n * 17) % 500);
                world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": name, "uid": "c"}}));
            }
            begin(&mut world, &mut ends, &mut waited);
        }
    }
    waited.sort_unstable();
    waited
}

fn is_light(run: &Run) -> bool {
    &*run.request.controller.module.0 == "light"
}

fn begin(world: &mut World, ends: &mut BTreeMap<(Time, RunId), Run>, waited: &mut Vec<Duration>) {
    for run in mem::take(&mut world.runs) {
        if is_light(&run) {
            waited.push(run.waited);
        }
        ends.insert((world.now + if is_light(&run) { LIGHT } else { NOISY }, run.id), run);
    }
}

#[test]
fn a_noisy_module_of_long_runs_adds_at_most_a_fifth_to_what_the_other_waits() {
    let p99 = |waits: &[Duration]| waits[waits.len() * 99 / 100];
    let (alone, beside) = (waits(false), waits(true));
    assert!(alone.len() > 1_500 && beside.len() > 1_500, "{} and {} runs", alone.len(), beside.len());
    assert!(p99(&alone) > Duration::from_millis(20), "{:?} is no load", p99(&alone));
    assert!(p99(&beside) <= p99(&alone) * 12 / 10, "{:?} alone, {:?} beside", p99(&alone), p99(&beside));
}

#[test]
fn a_module_runs_no_more_at_a_time_than_it_may_and_that_is_told() {
    let mut world = World::new();
    let controllers =
        vec![controller("site", "Site", Vec::new()), controller("map", "ConfigMap", Vec::new())];
    let mut bounded = version("bounded", 1, controllers);
    (bounded.concurrency, bounded.runs_max) = (4, 3);
    world.serve(bounded);
    for n in 0..5 {
        world.upsert("Site", site(&format!("s{n}")));
        let name = format!("c{n}");
        world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": name, "uid": "c"}}));
    }
    let mut ended = 0;
    while !world.runs.is_empty() {
        assert!(world.runs.len() == 3 || ended >= 8, "{} run, {ended} have ended", world.runs.len());
        let run = world.runs.remove(0);
        ended += 1;
        world.step(Input::Ended(Ended {
            run: run.id,
            at: world.now,
            outcome: Outcome::Done,
            cpu: LIGHT,
            calls: 0,
            reads: Reads::default(),
        }));
    }
    assert_eq!(ended, 10);
    let held_back =
        world.facts.iter().filter(|fact| matches!(fact, Fact::BoundReached { bound: "runs", .. }));
    assert_eq!(held_back.count(), 6, "once for each run that took the last place while others waited");
}
