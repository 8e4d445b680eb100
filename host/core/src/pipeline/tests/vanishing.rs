//! Kinds that go, and come again.

use super::*;

fn owned(name: &str, version: &str) -> Value {
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": "a", "uid": "u-a"}]);
    json!({"metadata": {"namespace": "n", "name": name, "uid": name, "resourceVersion": version, "ownerReferences": owner}})
}

/// Reconciles sites and follows config maps in these namespaces; none: everywhere.
fn sites(digest: u8, namespaces: &[&str]) -> Version {
    let mut maps = watch("maps", "ConfigMap", Relation::Owned);
    maps.selection.namespaces = namespaces.iter().map(|one| Arc::from(*one)).collect();
    version("m", digest, vec![controller("site", "Site", vec![maps])])
}

/// The definition of a watch's kind goes, and with it all its objects.
fn goes(world: &mut World, id: WatchId) {
    world.version += 1;
    if world.cache.synced(id) {
        let changes = world.cache.replace(id, Vec::<Object>::new(), &world.version.to_string());
        world.step(Input::Changed(changes));
    }
    world.step(Input::Absent(id));
}

fn serving(world: &World) -> Vec<u8> {
    world.serves.iter().map(|(digest, _)| digest.0[0]).collect()
}

#[test]
fn a_version_does_not_wait_for_a_kind_that_was_served_once_and_has_gone() {
    let mut world = World::new();
    world.serve(sites(1, &["n"]));
    let narrow = world.watch_of("ConfigMap");
    goes(&mut world, narrow);

    world.step(Input::Offer(Box::new(sites(2, &[]))));
    assert_eq!(serving(&world), [1], "a watch that has said nothing yet is waited for");
    let pending = world.pipeline.status().modules[0].pending.clone();
    assert_eq!(pending.unwrap().1, "waits for its watches of v1 ConfigMap");
    let wide = world.watch_of_last("ConfigMap");
    goes(&mut world, wide);
    assert_eq!(serving(&world), [1, 2]);
    assert!(
        !world.watches.contains_key(&narrow),
        "what nobody wants any more goes, though its heir holds nothing"
    );

    world.sync(wide, &[("ConfigMap", owned("c", "500"))]);
    assert_eq!(world.finish(), ["n/a"], "and it is followed when it comes again");
    assert_eq!(world.watches.len(), 2);
}

#[test]
fn the_other_kinds_of_a_module_go_on_and_what_is_gone_is_told_as_deleted() {
    let mut world = World::new();
    world.serve(sites(1, &[]));
    world.upsert("Site", site("a"));
    world.upsert("ConfigMap", owned("c", "1"));
    world.finish();
    let (maps, sites) = (world.watch_of("ConfigMap"), world.watch_of("Site"));
    goes(&mut world, maps);
    assert_eq!(world.finish(), ["n/a"], "by the last known state of what it owned");
    world.upsert("Site", site("b"));
    assert_eq!(world.finish(), ["n/b"]);

    goes(&mut world, sites);
    let runs = mem::take(&mut world.runs);
    let names: Vec<_> = runs.iter().map(|run| run.request.name.to_string()).collect();
    assert_eq!(names, ["n/a", "n/b"]);
    let seen = |run: &Run| world.cache.selected(&run.kind, &run.selection, &run.request.name);
    assert!(
        runs.iter().all(|run| seen(run).is_none()),
        "they run once more, and see that their object is gone"
    );
    runs.iter().for_each(|run| world.end(run, Outcome::Done));
    assert_eq!(world.finish(), Vec::<String>::new());

    world.sync(
        sites,
        &[(
            "Site",
            json!({"metadata": {"namespace": "n", "name": "a", "uid": "new", "resourceVersion": "900"}}),
        )],
    );
    assert_eq!(world.finish(), ["n/a"]);
    let starts = world.log.iter().filter(|command| matches!(command, Command::StartWatch(..))).count();
    assert_eq!(starts, 2, "the same watches wait and go on");
}

#[test]
fn a_kind_that_comes_but_is_refused_is_waited_for() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(sites(1, &[]))));
    let (maps, sites_watch) = (world.watch_of("ConfigMap"), world.watch_of("Site"));
    world.sync(sites_watch, &[]);
    world.step(Input::Refused(maps));
    assert_eq!(serving(&world), Vec::<u8>::new());
    world.step(Input::Absent(maps));
    assert_eq!(serving(&world), [1]);
    world.step(Input::Refused(maps));
    world.step(Input::Offer(Box::new(sites(2, &[]))));
    assert_eq!(serving(&world), [1]);
    world.sync(maps, &[]);
    assert_eq!(serving(&world), [1, 2]);
}
