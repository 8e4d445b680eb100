//! Which watches run: shared, widened, refused.

use super::*;
use crate::selector::Selector;

/// A version that may see config maps in these namespaces only; none: everywhere.
fn of_namespaces(module: &str, digest: u8, namespaces: &[&str]) -> Version {
    let mut version = version(module, digest, vec![controller("maps", "ConfigMap", Vec::new())]);
    if !namespaces.is_empty() {
        let mut grant = everything();
        grant.rules[0].scope = Scope::Namespaces(namespaces.iter().map(|one| Arc::from(*one)).collect());
        version.grant = Arc::new(grant);
    }
    version
}

/// `namespace|labels` of each watch that runs.
fn running(world: &World) -> Vec<String> {
    let text = |spec: &WatchSpec| {
        let namespace = spec.selection.namespaces.first().map_or("", AsRef::as_ref);
        let labels = spec.selection.labels.as_ref().map_or("", Selector::as_str);
        format!("{namespace}|{labels}")
    };
    world.watches.values().map(text).collect()
}

fn serving(world: &World) -> Vec<u8> {
    world.serves.iter().map(|(digest, _)| digest.0[0]).collect()
}

#[test]
fn a_wide_watch_that_the_server_refuses_holds_up_nobody_who_needs_less() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(of_namespaces("wide", 1, &[]))));
    world.step(Input::Offer(Box::new(of_namespaces("narrow", 2, &["n"]))));
    assert_eq!(running(&world), ["|"], "the narrow need is served along");
    world.step(Input::Refused(WatchId(1)));
    assert_eq!(running(&world), ["|", "n|"], "the wide one is still tried");
    world.sync(WatchId(2), &[]);
    assert_eq!(serving(&world), [2]);

    world.sync(WatchId(1), &[]);
    assert_eq!(
        (serving(&world), running(&world)),
        (vec![2, 1], vec!["|".to_owned()]),
        "and allowed in the end"
    );
}

#[test]
fn a_watch_that_is_refused_after_it_was_in_step_is_replaced_for_those_who_need_less() {
    let mut world = World::new();
    world.serve(of_namespaces("wide", 1, &[]));
    world.serve(of_namespaces("narrow", 2, &["n"]));
    world.step(Input::Refused(WatchId(1)));
    assert_eq!(running(&world), ["|", "n|"]);
    world.sync(WatchId(2), &[]);
    world.step(Input::Withdraw(ModuleName("narrow".into())));
    assert_eq!(running(&world), ["|"], "what nobody needs goes, though the wide one is refused");
}

/// Nine versions, each with a selector of its own.
fn nine() -> impl Iterator<Item = Version> {
    (1..=9).map(|digest| {
        let mut version =
            version(&format!("m{digest}"), digest, vec![controller("maps", "ConfigMap", Vec::new())]);
        let mut description = (*version.description).clone();
        description.controllers[0].selection.labels =
            Some(Selector::parse(&format!("app=x{digest}")).unwrap());
        version.description = Arc::new(description);
        version
    })
}

#[test]
fn the_ninth_selector_of_a_kind_widens_its_watch_without_a_gap() {
    let mut world = World::new();
    nine().take(8).for_each(|version| world.serve(version));
    assert_eq!(running(&world).len(), 8);
    nine().skip(8).for_each(|version| world.step(Input::Offer(Box::new(version))));
    assert_eq!(running(&world).len(), 9, "the narrow ones go on until the wide one is in step");
    assert_eq!(running(&world)[8], "|");
    let map = |app: &str| json!({"metadata": {"namespace": "n", "name": app, "uid": app, "resourceVersion": "1", "labels": {"app": app}}});
    world.sync(WatchId(9), &[("ConfigMap", map("x3")), ("ConfigMap", map("other"))]);
    assert_eq!(running(&world), ["|"]);
    assert_eq!(serving(&world).len(), 9);
    assert_eq!(world.finish(), ["n/x3"], "each module sees what it selects and no more");
}

#[test]
fn a_module_that_comes_and_goes_at_the_border_starts_no_list() {
    let mut world = World::new();
    nine().for_each(|version| world.serve(version));
    assert_eq!(running(&world), ["|"]);
    let starts =
        |world: &World| world.log.iter().filter(|command| matches!(command, Command::StartWatch(..))).count();
    let before = starts(&world);
    for _ in 0..3 {
        world.step(Input::Withdraw(ModuleName("m9".into())));
        world.serve(nine().last().unwrap());
    }
    (5..=9).rev().for_each(|at| {
        assert_eq!((running(&world), starts(&world)), (vec!["|".to_owned()], before), "with {at} selectors");
        world.step(Input::Withdraw(ModuleName(format!("m{at}").into())));
    });
    world.sync_all(&[]);
    assert_eq!(running(&world), ["|app=x1", "|app=x2", "|app=x3", "|app=x4"], "four are watched apart");
}

#[test]
fn a_widened_watch_that_the_server_refuses_is_given_up_for_an_hour() {
    let mut world = World::new();
    nine().take(8).for_each(|version| world.serve(version));
    nine().skip(8).for_each(|version| world.step(Input::Offer(Box::new(version))));
    world.step(Input::Refused(WatchId(9)));
    world.sync(WatchId(10), &[]);
    assert_eq!((running(&world).len(), serving(&world).len()), (9, 9));
    assert!(running(&world).iter().all(|watch| watch != "|"));
    world.now = world.now + Duration::from_secs(3600);
    world.step(Input::Synced(WatchId(1)));
    assert!(running(&world).contains(&"|".to_owned()), "it is asked for again");
}

#[test]
fn r17_a_resync_runs_everything_and_asks_nothing_of_the_server() {
    let mut world = World::new();
    let mut often = version("m", 1, vec![controller("maps", "ConfigMap", Vec::new())]);
    often.resync = Duration::from_secs(100);
    world.serve(often);
    world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": "a", "uid": "u"}}));
    world.finish();
    world.log.clear();
    world.wait(Duration::from_secs(111));
    assert_eq!(world.finish(), ["n/a"]);
    let asks = |command: &&Command| matches!(command, Command::StartWatch(..) | Command::StopWatch(_));
    assert_eq!(world.log.iter().filter(asks).count(), 0);
}

#[test]
fn a_change_under_way_from_the_view_that_a_follower_has_left_still_counts() {
    let mut world = World::new();
    let owned = Watch { metadata_only: true, ..watch("maps", "ConfigMap", Relation::Owned) };
    world.step(Input::Offer(Box::new(version("sites", 1, vec![controller("site", "Site", vec![owned])]))));
    let owner = json!([{"apiVersion": "example.com/v1", "kind": "Site", "name": "a", "uid": "u"}]);
    world.version += 1;
    let metadata =
        json!({"namespace": "n", "name": "c", "uid": "c", "resourceVersion": "90", "ownerReferences": owner});
    let site = json!({"metadata": {"namespace": "n", "name": "a", "uid": "u", "resourceVersion": "80"}});
    world.sync_all(&[("ConfigMap", json!({"metadata": metadata})), ("Site", site)]);
    world.finish();

    // Its deletion is in the cache, and on its way, when a watch of whole objects that never saw it takes over.
    let narrow = world.watch_of("ConfigMap");
    let under_way = world.cache.remove(narrow, &ObjectName::namespaced("n", "c"), Some("101"));
    world.serve(version("maps", 2, vec![controller("map", "ConfigMap", Vec::new())]));
    assert_eq!(world.finish(), Vec::<String>::new(), "nothing else wakes anybody");
    assert!(!world.watches.contains_key(&narrow), "the other watch serves both");
    world.step(Input::Changed(under_way.into_iter().collect()));
    assert_eq!(world.finish(), ["n/a"]);
}
