//! What a module is asked about the objects of a `mapped` watch.

use super::{
    rules::{name, serving},
    *,
};
use crate::selector::Selector;

#[test]
fn mapped_changes_are_asked_in_batches_and_retried_with_what_came_since() {
    let mut world = serving(vec![watch("any", "ConfigMap", Relation::Mapped)]);
    let map = |name: &str| json!({"metadata": {"namespace": "n", "name": name, "uid": name}});
    world.upsert("ConfigMap", map("c"));
    world.upsert("ConfigMap", map("d"));
    world.upsert("ConfigMap", map("e"));
    assert_eq!(world.asked.len(), 1, "one question at a time");
    let (id, asked) = world.asked.remove(0);
    assert_eq!(asked.changes.len(), 1);
    world.step(Input::Targets(id, None, Duration::ZERO));
    assert_eq!(world.asked.len(), 0, "not before the backoff is over");
    assert_eq!(world.wake_at, Some(world.now + Duration::from_millis(5)));
    world.wait(Duration::from_millis(5));
    let (id, asked) = world.asked.remove(0);
    let names: Vec<_> = asked.changes.iter().map(|change| change.name.to_string()).collect();
    assert_eq!(names, ["n/c", "n/d", "n/e"]);
    let answer = vec![vec![name("x")], vec![], vec![name("x"), ObjectName::cluster("odd"), name("y")]];
    world.step(Input::Targets(id, Some(answer), Duration::ZERO));
    assert_eq!(world.finish(), ["n/x", "n/y"]);
    world.upsert("ConfigMap", map("c"));
    let (id, _) = world.asked.remove(0);
    world.step(Input::Targets(id, Some(Vec::new()), Duration::ZERO));
    world.wait(Duration::from_secs(1));
    assert_eq!(world.asked.len(), 1, "an answer of another length is a failure");
}

#[test]
fn a_module_is_never_asked_about_an_older_state_than_before_though_two_watches_tell_out_of_order() {
    let mut maps = watch("maps", "ConfigMap", Relation::Mapped);
    maps.selection.labels = Some(Selector::parse("app=a").unwrap());
    let mut world = serving(vec![maps]);
    // Neither watch serves the other, so the object is in both.
    let mut other = watch("maps", "ConfigMap", Relation::Owned);
    other.selection.namespaces = vec!["n".into()];
    world.serve(version("other", 2, vec![controller("site", "Site", vec![other])]));
    let ids: Vec<_> = world.watches.iter().filter(|(_, spec)| spec.kind == kind("ConfigMap")).collect();
    let [one, two] = ids[..] else { panic!("{ids:?}") };
    let (one, two) = (*one.0, *two.0);
    let state = |version: &str| {
        let labels = json!({"app": "a"});
        let metadata =
            json!({"namespace": "n", "name": "c", "uid": "c", "labels": labels, "resourceVersion": version});
        Object::ingest(&kind("ConfigMap"), &json!({"metadata": metadata}).to_string()).unwrap()
    };
    let sides = |(_, asked): (TargetsId, crate::input::AskTargets)| {
        let version = |object: Option<Arc<Object>>| object.map(|object| object.resource_version().to_owned());
        let change = asked.changes.into_iter().next().unwrap();
        (version(change.before), version(change.after))
    };
    let of = |version: &str| Some(version.to_owned());
    let made = world.cache.upsert(one, state("201")).unwrap();
    let changed = world.cache.upsert(two, state("202")).unwrap();
    world.step(Input::Changed(vec![changed]));
    let (id, asked) = world.asked.remove(0);
    assert_eq!(sides((id, asked)), (None, of("202")));
    world.step(Input::Targets(id, Some(vec![Vec::new()]), Duration::ZERO));
    world.step(Input::Changed(vec![made]));
    assert!(world.asked.is_empty(), "it was told in a later state");
    let changed = world.cache.upsert(one, state("203")).unwrap();
    assert!(world.cache.remove(one, &name("c"), Some("204")).is_none());
    let gone = world.cache.remove(two, &name("c"), Some("204")).unwrap();
    world.step(Input::Changed(vec![gone]));
    let (id, asked) = world.asked.remove(0);
    assert_eq!(sides((id, asked)), (of("202"), None));
    world.step(Input::Targets(id, Some(vec![Vec::new()]), Duration::ZERO));
    world.step(Input::Changed(vec![changed]));
    assert!(world.asked.is_empty(), "it is gone");
}

#[test]
fn a_new_version_is_asked_about_what_only_the_old_one_was_asked() {
    let maps = |metadata_only| Watch { metadata_only, ..watch("maps", "ConfigMap", Relation::Mapped) };
    let mut world = serving(vec![maps(true)]);
    let of_maps = |world: &World| {
        let ids = world.watches.iter().filter(|(_, spec)| spec.kind == kind("ConfigMap"));
        ids.map(|(id, _)| *id).max().unwrap()
    };
    let tell = |world: &mut World, by: WatchId| {
        let object =
            json!({"metadata": {"namespace": "n", "name": "c", "uid": "c", "resourceVersion": "201"}});
        let object = Object::ingest(&kind("ConfigMap"), &object.to_string()).unwrap();
        let change = world.cache.upsert(by, object).unwrap();
        world.step(Input::Changed(vec![change]));
    };
    let narrow = of_maps(&world);
    tell(&mut world, narrow);
    let (old, _) = world.asked.remove(0);
    // The new version wants whole objects: another view, in which the object is not yet.
    world.serve(version("m", 2, vec![controller("site", "Site", vec![maps(false)])]));
    let wide = of_maps(&world);
    assert_ne!(narrow, wide);
    tell(&mut world, wide);
    world.step(Input::Targets(old, Some(vec![Vec::new()]), Duration::ZERO));
    let asked = world.asked.first().map(|(_, asked)| (asked.digest, asked.changes.len()));
    assert_eq!(asked, Some((Digest([2; 32]), 1)));
}
