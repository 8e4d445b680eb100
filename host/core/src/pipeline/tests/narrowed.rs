//! Modules that may follow all namespaces, on a host that the server lets follow some.

use super::*;

/// Follows config maps: everywhere by its grant, which also names these namespaces.
fn version_of(module: &str, digest: u8, named: &[&str]) -> Version {
    let mut version = version(module, digest, vec![controller("maps", "ConfigMap", Vec::new())]);
    if !named.is_empty() {
        let mut grant = everything();
        let mut rule = grant.rules[0].clone();
        rule.permission.verbs = vec!["update".to_owned()];
        rule.scope = Scope::Namespaces(named.iter().map(|one| Arc::from(*one)).collect());
        grant.rules.push(rule);
        version.grant = Arc::new(grant);
    }
    version
}

fn map(text: &str) -> (&'static str, Value) {
    let (namespace, name) = text.split_once('/').unwrap();
    let metadata = json!({"namespace": namespace, "name": name, "uid": text, "resourceVersion": "90"});
    ("ConfigMap", json!({ "metadata": metadata }))
}

/// The number and the namespace of each watch that runs.
fn running(world: &World) -> Vec<(u64, String)> {
    let namespace =
        |spec: &'_ WatchSpec| spec.selection.namespaces.first().map_or("*".into(), ToString::to_string);
    world.watches.iter().map(|(id, spec)| (id.0, namespace(spec))).collect()
}

fn sync(world: &mut World, id: u64, maps: &[&str]) {
    let maps: Vec<_> = maps.iter().map(|text| map(text)).collect();
    world.sync(WatchId(id), &maps);
}

#[test]
fn where_all_namespaces_are_refused_those_that_the_grant_names_are_followed_until_all_are_allowed() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(version_of("m", 1, &["o", "n"]))));
    world.step(Input::Refused(WatchId(1)));
    assert_eq!(
        running(&world),
        [(1, "*".to_owned()), (2, "n".to_owned()), (3, "o".to_owned())],
        "the wide one is still tried"
    );
    sync(&mut world, 2, &["n/a"]);
    assert_eq!(world.serves.len(), 0);
    sync(&mut world, 3, &[]);
    assert_eq!(world.serves.len(), 1);
    assert_eq!(world.finish(), ["n/a"]);
    let status = world.pipeline.status();
    assert_eq!(
        status.modules[0].narrowed[0].to_string(),
        "the server does not let the host watch v1 ConfigMap in all namespaces; until it does, only n, o are followed, \
         which the grant names. The host's account lacks a ClusterRole with \
         {apiGroups: [\"\"], resources: [configmaps], verbs: [get, list, watch]}"
    );
    assert!(status.watches.iter().all(|watch| watch.users == ["m/maps"] && watch.declared));

    world.log.clear();
    world.step(Input::Offer(Box::new(version_of("m", 2, &["o", "n"]))));
    assert_eq!(world.serves.len(), 2, "the next version knows it at once");
    world.finish();

    sync(&mut world, 1, &["n/a", "p/b"]);
    assert_eq!(running(&world), [(1, "*".to_owned())]);
    let mut ran = world.finish();
    ran.sort();
    assert_eq!(ran, ["n/a", "p/b"]);
    assert_eq!(world.pipeline.status().modules[0].narrowed, []);
    let starts = world.log.iter().filter(|command| matches!(command, Command::StartWatch(..))).count();
    assert_eq!(starts, 0, "nothing was listed that was not tried anyway");
}

#[test]
fn what_is_refused_after_it_was_in_step_shows_nobody_what_is_gone() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(version_of("m", 1, &["n"]))));
    sync(&mut world, 1, &["n/a", "n/b", "p/c"]);
    world.finish();
    world.step(Input::Pause(ModuleName("m".into())));
    world.step(Input::Ask(ModuleName("m".into()), Some(ObjectName::namespaced("p", "c"))));
    world.step(Input::Refused(WatchId(1)));
    assert_eq!(
        running(&world),
        [(1, "*".to_owned()), (2, "*".to_owned()), (3, "n".to_owned())],
        "the old one serves until its heir is in step"
    );
    world.step(Input::Resume(ModuleName("m".into())));
    assert_eq!(world.finish(), ["n/a", "n/b"], "out of reach nothing is run, as nobody knows what is there");

    sync(&mut world, 3, &["n/a"]);
    assert_eq!(running(&world), [(2, "*".to_owned()), (3, "n".to_owned())]);
    assert_eq!(world.finish(), ["n/b"], "the heir has found it gone");
    sync(&mut world, 2, &["n/a", "p/c"]);
    assert_eq!(running(&world), [(2, "*".to_owned())]);
    assert!(world.finish().contains(&"p/c".to_owned()));
}

#[test]
fn who_names_no_namespace_waits_and_keeps_what_it_has() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(version_of("all", 1, &[]))));
    sync(&mut world, 1, &["n/a", "p/b"]);
    world.finish();
    world.step(Input::Offer(Box::new(version_of("some", 2, &["n"]))));
    assert_eq!(world.serves.len(), 2);
    world.finish();
    world.step(Input::Refused(WatchId(1)));
    assert_eq!(running(&world), [(1, "*".to_owned()), (2, "n".to_owned())]);
    let narrowed: Vec<_> = world.pipeline.status().modules.iter().map(|one| one.narrowed.len()).collect();
    assert_eq!(narrowed, [0, 1]);
    sync(&mut world, 2, &["n/a"]);
    world.finish();
    world.step(Input::Synced(WatchId(1)));
    assert_eq!(running(&world), [(1, "*".to_owned())]);
}
