//! What the attributes make of a function, a struct and a module, seen as the host sees it.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass::{
    Change, Context, Error, Index, Kind, Lookup, Manifest as _, Object, ObjectMeta, ObjectName, Outcome,
    Permission, Predicate, Relation, Resource, Result, module, testing::Cluster,
};

#[derive(Deserialize, Serialize, Resource)]
#[resource("example.dev/v1/Fleet", cluster)]
struct Fleet {
    metadata: ObjectMeta,
}

/// Has every argument that there is.
#[windlass::controller(
    name = "fleets",
    labels = "a=b",
    fields = "metadata.name!=x",
    namespaces("one", "two"),
    on("generation", "labels", "annotations", ".spec.size"),
    owns("apps/v1/Deployment", "v1/Service"),
    watches("v1/Secret", labelled = "fleet", namespace = "fleet-namespace", metadata_only),
    watches("v1/ConfigMap", name = "settings", referenced = ".spec.settings.name", on(".data")),
    watches("v1/Pod", annotated = "fleet", labels = "app", namespaces("three")),
    watches("v1/Node", mapped = fleets_of_node),
    watches("v1/PersistentVolume", owned)
)]
fn fleet(ctx: &Context, fleet: Option<Fleet>) -> Result<Outcome> {
    match fleet {
        Some(fleet) => ctx.count("fleets", 1.0, &[("name", &fleet.metadata.name)]),
        None => windlass::info!("{} is gone", ctx.name()),
    }
    Ok(Outcome::requeue_after(std::time::Duration::from_millis(1500)))
}

fn fleets_of_node(_: &Context, change: &Change) -> Result<Vec<ObjectName>> {
    let side = |object: &Option<String>| -> Result<Option<ObjectName>> {
        let Some(object) = object else { return Ok(None) };
        Ok(Object::from_json(object)?.label_value("fleet").map(ObjectName::cluster))
    };
    Ok([side(&change.before)?, side(&change.after)?].into_iter().flatten().collect())
}

#[windlass::controller(reconciles = "v1/ConfigMap")]
fn second_one(_: &Context, _: Object) -> Result<Outcome> {
    Err(Error::new("not today"))
}

windlass::module! {
    controllers: [fleet, second_one],
    title: "Fleets",
    indexes: [Index::new("by-size", "example.dev/v1/Fleet", ".spec.size")],
    permissions: [Permission::new("apps", "deployments, deployments/scale", "get,patch").only(&["x"])],
    definitions: ["{}"],
    finalizers: ["example.dev/hold"],
    settings_schema: "{}",
}

#[test]
fn the_description_holds_what_the_attributes_say() {
    let description = module::describe::<WindlassModule>();
    assert_eq!(
        (description.title.as_str(), description.version.as_str()),
        ("Fleets", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(description.indexes[0].field, ".spec.size");
    assert_eq!(description.permissions[0].resources, ["deployments", "deployments/scale"]);
    assert_eq!(description.permissions[0].verbs, ["get", "patch"]);
    assert_eq!(description.permissions[0].resource_names, ["x"]);
    let [fleets, second] = &description.controllers[..] else { panic!("two controllers") };
    assert_eq!((fleets.name.as_str(), second.name.as_str()), ("fleets", "second-one"));
    assert_eq!(fleets.reconciles, Kind::new("example.dev/v1", "Fleet"));
    assert_eq!(fleets.selection.label_selector.as_deref(), Some("a=b"));
    assert_eq!(fleets.selection.field_selector.as_deref(), Some("metadata.name!=x"));
    assert_eq!(fleets.selection.namespaces, ["one", "two"]);
    let size = Predicate::Field(".spec.size".into());
    assert_eq!(fleets.predicates, [Predicate::Generation, Predicate::Labels, Predicate::Annotations, size]);
    assert_eq!(second.reconciles, Kind::new("v1", "ConfigMap"));
}

#[test]
fn every_watch_has_its_relation() {
    let description = module::describe::<WindlassModule>();
    let watches = &description.controllers[0].watches;
    let check = |at: usize, name: &str, relation: Relation| {
        assert_eq!((watches[at].name.as_str(), &watches[at].relation), (name, &relation));
    };
    check(0, "deployment", Relation::Controlled);
    check(1, "service", Relation::Controlled);
    check(2, "secret", Relation::Labelled(Lookup::new("fleet").with_namespace("fleet-namespace")));
    check(3, "settings", Relation::Referenced(Lookup::new(".spec.settings.name")));
    check(4, "pod", Relation::Annotated(Lookup::new("fleet")));
    check(5, "node", Relation::Mapped);
    check(6, "persistentvolume", Relation::Owned);
    assert_eq!(watches.iter().map(|watch| watch.metadata_only).position(|only| only), Some(2));
    assert_eq!(watches[3].predicates, [Predicate::Field(".data".into())]);
    assert_eq!(
        (watches[4].selection.label_selector.as_deref(), watches[4].selection.namespaces.len()),
        (Some("app"), 1)
    );
}

#[test]
fn an_optional_object_is_run_for_when_it_is_gone_too() {
    let cluster = Cluster::new();
    cluster.put(&Object::new("example.dev/v1/Fleet", "home"));
    assert_eq!(cluster.reconcile::<fleet>("home").unwrap(), Outcome::RequeueAfterMs(1500.0));
    assert!(cluster.delete("example.dev/v1/Fleet", "home"));
    cluster.reconcile::<fleet>("home").unwrap();
    assert_eq!(cluster.measurements().len(), 1);
    assert_eq!(cluster.lines()[0].message, "home is gone");
}

#[test]
fn a_mapped_change_asks_the_function_of_its_watch_for_both_sides() {
    let cluster = Cluster::new();
    let node = |fleet: &str| Object::new("v1/Node", "n1").label("fleet", fleet);
    let (before, after) = (node("red"), node("blue"));
    let targets = cluster.targets::<fleet>("node", Some(&before), Some(&after)).unwrap();
    assert_eq!(targets, [ObjectName::cluster("red"), ObjectName::cluster("blue")]);
    assert_eq!(cluster.targets::<fleet>("secret", None, Some(&after)).unwrap(), []);
    assert_eq!(cluster.targets::<second_one>("node", None, Some(&after)).unwrap(), []);
}

#[test]
fn failures_are_counted_until_a_run_succeeds() {
    #[windlass::controller(reconciles = "v1/ConfigMap")]
    fn third_time_lucky(ctx: &Context, _: Object) -> Result<Outcome> {
        if ctx.failures() < 2 { Err(Error::new("again")) } else { Ok(Outcome::done()) }
    }
    let cluster = Cluster::new();
    cluster.put(&Object::new("v1/ConfigMap", "a").in_namespace(Some("default")));
    let run = || cluster.reconcile::<third_time_lucky>(("default", "a")).is_ok();
    assert_eq!([run(), run(), run(), run()], [false, false, true, false]);
}

#[test]
fn settings_that_do_not_fit_are_somebodys_to_change() {
    #[derive(Deserialize)]
    struct Settings {
        color: String,
    }
    #[windlass::controller(reconciles = "v1/ConfigMap")]
    fn colored(ctx: &Context, _: Option<Object>) -> Result<Outcome> {
        windlass::warn!("{}", ctx.settings::<Settings>()?.color);
        Ok(Outcome::done())
    }
    let cluster = Cluster::new();
    let error = cluster.reconcile::<colored>(("default", "a")).unwrap_err();
    assert!(error.is_terminal() && error.to_string().contains("spec.settings"), "{error}");
    cluster.set_settings(&json!({ "color": "blue" }));
    cluster.reconcile::<colored>(("default", "a")).unwrap();
    assert_eq!(cluster.lines()[0].message, "blue");
}
