//! Hot reload: every run is of one version, runs of a request never overlap, nothing is lost.

use super::*;
use crate::selector::Selector;

fn sites(digest: u8) -> Version {
    version("m", digest, vec![controller("site", "Site", Vec::new())])
}

fn reasons(world: &World) -> Vec<(Reason, u8, u64)> {
    world.runs.iter().map(|run| (run.reason.clone(), run.digest.0[0], run.generation.0)).collect()
}

#[test]
fn after_a_swap_every_object_runs_again_on_the_new_version() {
    let mut world = World::new();
    world.serve(sites(1));
    world.upsert("Site", site("a"));
    world.upsert("Site", site("b"));
    world.finish();
    world.serve(sites(2));
    assert_eq!(world.serves, [(Digest([1; 32]), Generation(1)), (Digest([2; 32]), Generation(2))]);
    assert_eq!(world.frees, [Digest([1; 32])]);
    assert_eq!(reasons(&world), [(Reason::Reloaded, 2, 2), (Reason::Reloaded, 2, 2)]);
    assert_eq!(world.finish(), ["n/a", "n/b"]);
}

#[test]
fn a_run_of_the_old_version_ends_before_the_new_one_runs_the_request() {
    let mut world = World::new();
    world.serve(sites(1));
    world.upsert("Site", site("a"));
    let old = world.runs.remove(0);
    world.serve(sites(2));
    world.upsert("Site", site("a"));
    assert_eq!((world.runs.len(), world.frees.len()), (0, 0));
    world.end(&old, Outcome::Done);
    assert_eq!(world.frees, [Digest([1; 32])], "freed at its last run's end");
    assert_eq!(reasons(&world).len(), 1);
    assert_eq!(world.runs[0].digest, Digest([2; 32]));
    assert_eq!(world.finish(), ["n/a"], "one more run for the reload and the change");
}

#[test]
fn the_old_version_serves_until_the_watches_of_the_new_one_are_synced() {
    let mut world = World::new();
    world.serve(sites(1));
    let maps = watch("c", "ConfigMap", Relation::Owned);
    world.step(Input::Offer(Box::new(version("m", 2, vec![controller("site", "Site", vec![maps])]))));
    world.upsert("Site", site("a"));
    assert_eq!(reasons(&world), [(Reason::Appeared, 1, 1)]);
    let status = world.pipeline.status();
    assert_eq!(status.modules[0].pending.as_ref().unwrap().1, "waits for its watches of v1 ConfigMap");
    world.finish();
    world.sync_all(&[]);
    assert_eq!(reasons(&world), [(Reason::Reloaded, 2, 2)]);
}

#[test]
fn a_version_that_never_served_is_freed_when_another_takes_its_place() {
    let mut world = World::new();
    world.serve(sites(1));
    let maps = watch("c", "ConfigMap", Relation::Owned);
    world.step(Input::Offer(Box::new(version("m", 2, vec![controller("site", "Site", vec![maps])]))));
    assert_eq!(world.watches.len(), 2);
    world.step(Input::Offer(Box::new(sites(3))));
    world.frees.sort();
    assert_eq!(world.frees, [Digest([1; 32]), Digest([2; 32])]);
    assert_eq!(world.watches.len(), 1);
}

#[test]
fn a_controller_that_vanishes_drops_its_requests_and_keeps_its_locks() {
    let mut world = World::new();
    let two = |digest| {
        version(
            "m",
            digest,
            vec![controller("site", "Site", Vec::new()), controller("again", "Site", Vec::new())],
        )
    };
    world.serve(two(1));
    world.upsert("Site", site("a"));
    let of_again = world.runs.iter().position(|run| &*run.request.controller.controller == "again").unwrap();
    let old = world.runs.remove(of_again);
    world.finish();
    world.serve(sites(2));
    world.finish();
    world.serve(two(3));
    assert!(
        world.runs.iter().all(|run| run.request != old.request),
        "the first version's run of this request has not ended"
    );
    world.end(&old, Outcome::RequeueAfter(Duration::from_millis(1)));
    assert!(world.runs.iter().any(|run| run.request == old.request && run.digest == Digest([3; 32])));
}

#[test]
fn what_only_differs_in_how_often_it_runs_is_no_new_generation() {
    let mut world = World::new();
    world.serve(sites(1));
    world.upsert("Site", site("a"));
    world.finish();
    world.serve(Version { concurrency: 1, ..sites(1) });
    assert_eq!((world.serves.len(), world.runs.len()), (1, 0));
    world.serve(Version { concurrency: 1, settings: r#"{"x":1}"#.into(), ..sites(1) });
    assert_eq!(world.serves.last(), Some(&(Digest([1; 32]), Generation(2))));
    assert_eq!(world.frees.len(), 0, "the same bytes serve on");
    assert_eq!(world.finish(), ["n/a"]);
}

#[test]
fn a_module_that_comes_back_while_old_runs_go_on_waits_for_them_per_request() {
    let mut world = World::new();
    world.serve(sites(1));
    world.upsert("Site", site("a"));
    let old = world.runs.remove(0);
    world.step(Input::Withdraw(ModuleName("m".into())));
    assert_eq!(world.watches.len(), 0);
    world.step(Input::Offer(Box::new(sites(1))));
    let mut there = site("a");
    there["metadata"]["resourceVersion"] = json!("500");
    world.sync_all(&[("Site", there)]);
    assert_eq!(world.serves.last(), Some(&(Digest([1; 32]), Generation(2))));
    assert_eq!(world.runs.len(), 0, "it still runs");
    world.end(&old, Outcome::Done);
    assert_eq!(world.finish(), ["n/a"]);
    assert_eq!(world.frees.len(), 0);
}

#[test]
fn questions_go_over_to_the_new_version() {
    let mapped = |digest| {
        let maps = watch("any", "ConfigMap", Relation::Mapped);
        version("m", digest, vec![controller("site", "Site", vec![maps])])
    };
    let mut world = World::new();
    world.serve(mapped(1));
    world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": "c", "uid": "c"}}));
    let (id, _) = world.asked.remove(0);
    world.serve(mapped(2));
    assert_eq!((world.asked.len(), world.frees.len()), (0, 0), "one question at a time");
    world.step(Input::Targets(id, None, Duration::ZERO));
    assert_eq!(world.frees, [Digest([1; 32])]);
    world.wait(Duration::from_millis(5));
    let (id, asked) = world.asked.remove(0);
    assert_eq!((asked.digest, asked.changes.len()), (Digest([2; 32]), 1));
    world.step(Input::Targets(id, Some(vec![vec![ObjectName::namespaced("n", "x")]]), Duration::ZERO));
    assert_eq!(world.finish(), ["n/x"]);
}

#[test]
fn a_deletion_that_only_the_new_watch_knows_of_leads_to_a_run() {
    let mut world = World::new();
    let mut narrow = controller("sites", "Site", Vec::new());
    narrow.selection.labels = Some(Selector::parse("app=a").unwrap());
    world.step(Input::Offer(Box::new(version("m", 1, vec![narrow]))));
    let mut object = site("s");
    object["metadata"]["labels"] = json!({"app": "a"});
    object["metadata"]["resourceVersion"] = json!("7");
    world.sync_all(&[("Site", object)]);
    assert_eq!(world.finish(), ["n/s"]);
    // The narrow watch lags behind: the wide one's list is without the object, and the narrow one ends.
    world.serve(version("m", 2, vec![controller("sites", "Site", Vec::new())]));
    assert_eq!(world.finish(), ["n/s"], "it is gone");
}

#[test]
fn what_the_new_watch_knows_before_the_old_one_leads_to_runs() {
    let mut world = World::new();
    let sites = |metadata_only| {
        let owned = Watch { metadata_only, ..watch("maps", "ConfigMap", Relation::Owned) };
        vec![controller("sites", "Site", vec![owned])]
    };
    world.serve(version("m", 1, sites(false)));
    world.step(Input::Offer(Box::new(version("m", 2, sites(true)))));
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": "s", "uid": "u"}]);
    let metadata =
        json!({"namespace": "n", "name": "c", "uid": "v", "resourceVersion": "7", "ownerReferences": owner});
    world.sync_all(&[("ConfigMap", json!({"metadata": metadata}))]);
    assert_eq!(world.finish(), ["n/s"], "the watch of whole objects had not come so far");
}
