//! Which writes of a run may be spared, by what wakes its request.

use super::*;
use crate::{
    call::{Action, Call, PatchType, WriteOptions},
    description::Lookup,
    unneeded::Unneeded,
};

fn map(labels: Value) -> Value {
    let owner = json!({"apiVersion": "example.com/v1", "kind": "Site", "name": "s", "uid": "u-s", "controller": true});
    json!({"metadata": {"namespace": "n", "name": "m", "uid": "u-m", "labels": labels, "ownerReferences": [owner]}, "data": {"k": "v"}})
}

fn merge(of: &str, to: &str) -> Call {
    let (name, write) = (ObjectName::namespaced("n", to), WriteOptions::default());
    let body = r#"{"metadata":{"namespace":"n"}}"#.to_owned();
    let action = Action::Patch { name, patch_type: PatchType::Merge, body, force: false, write };
    Call { kind: kind(of), subresource: None, action }
}

/// A run for the Site `n/s`, and whether its patch that changes nothing of this object is spared.
fn spared(version: Version, (of, object): (&str, &Value)) -> Option<bool> {
    let mut world = World::new();
    world.serve(version);
    world.upsert("Site", site("s"));
    let spares = world.runs[0].spares.clone()?;
    let to = object["metadata"]["name"].as_str().unwrap();
    let seen = world.object(of, object);
    let who = (&ModuleName("site".into()), &ObjectName::namespaced("n", "s"));
    Some(Unneeded::default().is(who, &merge(of, to), &seen, &spares, Time(0)))
}

#[test]
fn a_merge_patch_is_spared_only_where_any_change_of_the_object_wakes_the_request() {
    let owned = |relation, predicates: Vec<Predicate>| {
        let watch = Watch { predicates, ..watch("map", "ConfigMap", relation) };
        version("site", 1, vec![controller("sites", "Site", vec![watch])])
    };
    let by_label = || Relation::Labelled(Lookup { name: "site".into(), namespace: None });
    let controlled = map(json!({}));
    for (version, of, object, want) in [
        (owned(Relation::Controlled, vec![]), "Site", site("s"), true),
        (owned(Relation::Controlled, vec![]), "Site", site("another"), false),
        (owned(Relation::Controlled, vec![]), "ConfigMap", controlled.clone(), true),
        (owned(Relation::Controlled, vec![Predicate::Labels]), "ConfigMap", controlled.clone(), false),
        (owned(by_label(), vec![]), "ConfigMap", map(json!({"site": "s"})), true),
        (owned(by_label(), vec![]), "ConfigMap", map(json!({"site": "t"})), false),
        (owned(Relation::Mapped, vec![]), "ConfigMap", controlled.clone(), false),
        (owned(Relation::Controlled, vec![]), "Node", json!({"metadata": {"name": "m", "uid": "x"}}), false),
    ] {
        assert_eq!(spared(version, (of, &object)), Some(want), "{of} {object}");
    }
    let mut filtered = owned(Relation::Controlled, vec![]);
    let mut description = (*filtered.description).clone();
    description.controllers[0].predicates = vec![Predicate::Generation];
    filtered.description = Arc::new(description);
    assert_eq!(spared(filtered, ("Site", &site("s"))), Some(false));
}

#[test]
fn nothing_is_spared_where_the_manifest_says_so() {
    let version = version("site", 1, vec![controller("sites", "Site", Vec::new())]);
    let off = Version { suppress_no_op_writes: false, ..version };
    assert_eq!(spared(off, ("Site", &site("s"))), None);
}

#[test]
fn all_writes_of_a_run_that_makes_sure_go_out() {
    let mut world = World::new();
    let hourly = Version {
        resync: Duration::from_secs(3_600),
        ..version("site", 1, vec![controller("sites", "Site", Vec::new())])
    };
    world.serve(hourly.clone());
    world.upsert("Site", site("s"));
    let ended = |world: &mut World| {
        world.settle();
        let run = world.runs.remove(0);
        world.end(&run, Outcome::Done);
        (run.reason.clone(), run.spares.is_some())
    };
    assert_eq!(ended(&mut world), (Reason::Appeared, true));
    world.step(Input::Ask(ModuleName("site".into()), Some(ObjectName::namespaced("n", "s"))));
    assert_eq!(ended(&mut world), (Reason::Asked, false));
    world.wait(Duration::from_secs(4_000));
    assert_eq!(ended(&mut world), (Reason::Resync, false));
    world.step(Input::Offer(Box::new(Version { digest: Digest([2; 32]), ..hourly })));
    world.sync_all(&[]);
    assert_eq!(ended(&mut world), (Reason::Reloaded, false));
}
