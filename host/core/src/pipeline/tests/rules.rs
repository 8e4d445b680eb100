//! Single rules of the pipeline.

use super::*;
use crate::{
    call::Shape,
    description::{Index, Lookup},
    field_path::FieldPath,
    selector::Selector,
};

pub(super) fn name(text: &str) -> ObjectName {
    ObjectName::namespaced("n", text)
}

/// A world that serves one controller of sites with these watches.
pub(super) fn serving(watches: Vec<Watch>) -> World {
    let mut world = World::new();
    world.serve(version("m", 1, vec![controller("site", "Site", watches)]));
    world
}

#[test]
fn c7_s7_a_version_serves_once_its_watches_are_synced_and_what_is_there_runs() {
    let mut world = World::new();
    world.step(Input::Offer(Box::new(version("m", 1, vec![controller("site", "Site", Vec::new())]))));
    assert_eq!((world.watches.len(), world.serves.len()), (1, 0));
    world.sync_all(&[("Site", site("a")), ("Site", site("b"))]);
    assert_eq!(world.serves, [(Digest([1; 32]), Generation(1))]);
    assert_eq!(world.runs[0].reason, Reason::Appeared);
    assert_eq!(world.finish(), ["n/a", "n/b"]);
}

#[test]
fn c2_a_change_runs_its_object_and_a_deletion_does_so_too() {
    let mut world = serving(Vec::new());
    world.upsert("Site", site("a"));
    assert_eq!(world.runs[0].reason, Reason::Appeared);
    assert_eq!(world.finish(), ["n/a"]);
    world.upsert("Site", site("a"));
    assert_eq!(world.runs[0].reason, Reason::Changed);
    assert_eq!(world.finish(), ["n/a"]);
    world.delete("Site", &name("a"));
    assert_eq!(world.runs[0].reason, Reason::Gone);
    assert_eq!(world.finish(), ["n/a"]);
}

#[test]
fn s11_entering_and_leaving_a_selection_count_and_what_is_outside_does_not() {
    let mut world = World::new();
    let mut one = controller("site", "Site", Vec::new());
    one.selection.labels = Some(Selector::parse("on=yes").unwrap());
    // Another module holds every site, so the selection is evaluated here and not by the server.
    world.serve(version("all", 9, vec![controller("all", "Site", Vec::new())]));
    world.serve(version("m", 1, vec![one]));
    assert_eq!(world.watches.len(), 1);
    let with = |label: &str| json!({"metadata": {"namespace": "n", "name": "a", "uid": "u", "labels": {"on": label}}});
    for (label, want) in
        [("no", None), ("yes", Some(Reason::Appeared)), ("no", Some(Reason::Gone)), ("no", None)]
    {
        world.upsert("Site", with(label));
        let of_m = world.runs.iter().find(|run| &*run.request.controller.module.0 == "m");
        assert_eq!(of_m.map(|run| run.reason.clone()), want);
        let held = world.cache.selected(
            &kind("Site"),
            &Selection { labels: Some(Selector::parse("on=yes").unwrap()), ..Selection::default() },
            &name("a"),
        );
        assert_eq!(held.is_some(), label == "yes");
        world.finish();
    }
}

#[test]
fn a_predicate_filters_changes_but_never_creation_deletion_or_the_end_of_the_object() {
    let mut world = World::new();
    let mut one = controller("site", "Site", Vec::new());
    one.predicates = vec![Predicate::Generation, Predicate::Field(FieldPath::parse(".status.n").unwrap())];
    world.serve(version("m", 1, vec![one]));
    let state = |generation: u32, note: &str, status: u32, finalizers: &[&str]| {
        json!({
            "metadata": {"namespace": "n", "name": "a", "uid": "u", "generation": generation,
                "annotations": {"note": note}, "finalizers": finalizers},
            "status": {"n": status},
        })
    };
    for (object, runs) in [
        (state(1, "x", 0, &["f"]), true),
        (state(1, "y", 0, &["f"]), false),
        (state(2, "y", 0, &["f"]), true),
        (state(2, "y", 1, &["f"]), true),
        (state(2, "y", 1, &[]), true),
        (state(2, "z", 1, &[]), false),
    ] {
        world.upsert("Site", object.clone());
        assert_eq!(!world.finish().is_empty(), runs, "{object}");
    }
    let mut again = state(2, "z", 1, &[]);
    again["metadata"]["uid"] = json!("another");
    world.upsert("Site", again);
    assert_eq!(world.finish(), ["n/a"], "another object of the same name (I1)");
    world.delete("Site", &name("a"));
    assert_eq!(world.finish(), ["n/a"]);
}

fn owned(name: &str, owners: &[(&str, bool)]) -> Value {
    let owners: Vec<_> = owners
        .iter()
        .map(|(owner, controller)| {
            json!({"apiVersion": "example.com/v2", "kind": "Site", "name": owner, "uid": "u", "controller": controller})
        })
        .collect();
    json!({"metadata": {"namespace": "n", "name": name, "uid": "c", "ownerReferences": owners}})
}

#[test]
fn controlled_leads_to_the_controller_and_owned_to_every_owner_before_and_after() {
    for (relation, want) in [
        (Relation::Controlled, [vec!["n/x"], vec!["n/x", "n/z"], vec!["n/z"]]),
        (Relation::Owned, [vec!["n/x", "n/y"], vec!["n/x", "n/y", "n/z"], vec!["n/y", "n/z"]]),
    ] {
        let mut world = serving(vec![watch("children", "ConfigMap", relation)]);
        world.upsert("ConfigMap", owned("c", &[("x", true), ("y", false)]));
        assert_eq!(world.finish(), want[0]);
        world.upsert("ConfigMap", owned("c", &[("z", true), ("y", false)]));
        let mut ran = world.finish();
        ran.sort();
        assert_eq!(ran, want[1]);
        world.delete("ConfigMap", &name("c"));
        let mut ran = world.finish();
        ran.sort();
        assert_eq!(ran, want[2]);
    }
}

#[test]
fn a_cluster_scoped_owner_has_no_namespace() {
    let mut world = World::new();
    let children = watch("children", "ConfigMap", Relation::Owned);
    world.serve(version("m", 1, vec![controller("node", "Node", vec![children])]));
    let mut child = owned("c", &[("big", true)]);
    child["metadata"]["ownerReferences"][0]["kind"] = json!("Node");
    child["metadata"]["ownerReferences"][0]["apiVersion"] = json!("v1");
    world.upsert("ConfigMap", child);
    assert_eq!(world.finish(), ["big"]);
}

#[test]
fn labels_and_annotations_name_the_object_and_its_namespace() {
    let lookup =
        |namespace: Option<&str>| Lookup { name: "site".into(), namespace: namespace.map(Box::from) };
    for (relation, place) in [
        (Relation::Labelled(lookup(None)), "labels"),
        (Relation::Labelled(lookup(Some("where"))), "labels"),
        (Relation::Annotated(lookup(Some("where"))), "annotations"),
    ] {
        let elsewhere = format!("{relation:?}").contains("where");
        let mut world = serving(vec![watch("named", "ConfigMap", relation)]);
        let mut object = json!({"metadata": {"namespace": "n", "name": "c", "uid": "c"}});
        object["metadata"][place] = json!({"site": "x", "where": "o"});
        world.upsert("ConfigMap", object.clone());
        assert_eq!(world.finish(), [if elsewhere { "o/x" } else { "n/x" }]);
        object["metadata"][place] = json!({"where": "o"});
        world.upsert("ConfigMap", object);
        assert_eq!(world.finish().len(), 1, "the state before counts");
    }
}

#[test]
fn referenced_leads_to_every_reconciled_object_that_names_the_changed_one() {
    let path = |text| FieldPath::parse(text).unwrap();
    let lookup =
        Lookup { name: path(".spec.from[*].name"), namespace: Some(path(".spec.from[*].namespace")) };
    let mut world = serving(vec![watch("used", "ConfigMap", Relation::Referenced(lookup))]);
    let with = |name: &str, from: Value| json!({"metadata": {"namespace": "n", "name": name, "uid": name}, "spec": {"from": from}});
    world.upsert("Site", with("a", json!([{"name": "c"}])));
    world
        .upsert("Site", with("b", json!([{"name": "x", "namespace": "o"}, {"name": "c", "namespace": "n"}])));
    world.upsert("Site", with("d", json!([{"name": "c", "namespace": "o"}])));
    world.upsert("Site", with("e", json!([])));
    world.finish();
    world.upsert("ConfigMap", json!({"metadata": {"namespace": "n", "name": "c", "uid": "c"}}));
    assert_eq!(world.finish(), ["n/a", "n/b"]);
    world.upsert("ConfigMap", json!({"metadata": {"namespace": "o", "name": "c", "uid": "c"}}));
    assert_eq!(world.finish(), ["n/b", "n/d"], "names and namespaces of a list are not paired");
    world.upsert("Site", with("a", json!([])));
    world.finish();
    world.delete("ConfigMap", &name("c"));
    assert_eq!(world.finish(), ["n/b"]);
}

#[test]
fn s6_a_late_joiner_gets_what_is_held_without_another_watch() {
    let mut world = serving(Vec::new());
    world.upsert("Site", site("a"));
    world.finish();
    let maps = watch("maps", "Site", Relation::Labelled(Lookup { name: "x".into(), namespace: None }));
    world.step(Input::Offer(Box::new(version("late", 2, vec![controller("site", "Site", vec![maps])]))));
    assert_eq!((world.watches.len(), world.serves.len()), (1, 2));
    assert_eq!(world.finish(), ["n/a"]);
}

#[test]
fn s9_a_module_that_leaves_takes_its_watches_along_if_it_was_the_last() {
    let mut world = serving(vec![watch("c", "ConfigMap", Relation::Controlled)]);
    world.serve(version("other", 2, vec![controller("site", "Site", Vec::new())]));
    assert_eq!(world.watches.len(), 2);
    world.step(Input::Withdraw(ModuleName("m".into())));
    assert_eq!(world.watches.values().map(|spec| spec.kind.clone()).collect::<Vec<_>>(), [kind("Site")]);
    assert_eq!(world.frees, [Digest([1; 32])]);
    assert!(world.pipeline.status().modules.iter().all(|module| &*module.name.0 == "other"));
}

#[test]
fn a_grant_for_some_namespaces_makes_one_watch_for_each() {
    let mut world = World::new();
    let mut narrow = version("m", 1, vec![controller("site", "Site", Vec::new())]);
    let mut grant = everything();
    grant.rules[0].scope = Scope::Namespaces(vec!["a".into(), "b".into()]);
    narrow.grant = Arc::new(grant);
    world.serve(narrow);
    let spaces: Vec<_> = world.watches.values().map(|spec| spec.selection.namespaces.clone()).collect();
    assert_eq!(spaces, [vec![Arc::from("a")], vec![Arc::from("b")]]);
}

#[test]
fn without_a_grant_a_version_waits_and_says_which_rule_it_lacks() {
    let mut world = World::new();
    let mut bare = version("m", 1, vec![controller("site", "Site", Vec::new())]);
    bare.grant = Arc::default();
    world.serve(bare);
    assert_eq!((world.watches.len(), world.serves.len()), (0, 0));
    let Some(Fact::ModuleWaiting { reason, .. }) = world.facts.last() else { panic!("{:?}", world.facts) };
    assert!(reason.contains("resources: [sites], verbs: [get, list, watch]"), "{reason}");
}

#[test]
fn an_absent_kind_is_followed_once_it_appears() {
    let mut world = World::new();
    let mut early =
        version("m", 1, vec![controller("site", "Site", vec![watch("c", "ConfigMap", Relation::Owned)])]);
    early.resources.retain(|resource| resource.kind == kind("Site"));
    world.serve(early);
    assert_eq!((world.watches.len(), world.serves.len()), (1, 1));
    assert!(
        world
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::KindAbsent { kind: absent } if *absent == kind("ConfigMap")))
    );
    world.step(Input::Discovered(resources()));
    world.sync_all(&[("ConfigMap", {
        let mut child = owned("c", &[("x", true)]);
        child["metadata"]["resourceVersion"] = json!("7");
        child
    })]);
    assert_eq!(world.finish(), ["n/x"]);
}

#[test]
fn c11_a_wider_need_starts_its_watch_before_the_narrow_one_ends() {
    let mut world = World::new();
    let mut narrow = controller("site", "Site", Vec::new());
    narrow.selection.namespaces = vec!["n".into()];
    world.serve(version("m", 1, vec![narrow]));
    world.step(Input::Offer(Box::new(version("wide", 2, vec![controller("site", "Site", Vec::new())]))));
    assert_eq!(world.watches.len(), 2, "the narrow one serves until the wide one is synced");
    world.sync_all(&[]);
    assert_eq!(world.watches.len(), 1);
    world.upsert("Site", site("a"));
    assert_eq!(world.finish(), ["n/a", "n/a"], "both modules see it");
}

#[test]
fn metadata_is_served_by_a_whole_watch_once_there_is_one_and_looked_at_anew() {
    let mut world = World::new();
    let mut children = watch("c", "ConfigMap", Relation::Owned);
    children.metadata_only = true;
    world.serve(version("m", 1, vec![controller("site", "Site", vec![children])]));
    let lone = world.watch_of("ConfigMap");
    assert!(world.watches[&lone].metadata_only);
    world.step(Input::Offer(Box::new(version("w", 2, vec![controller("map", "ConfigMap", Vec::new())]))));
    let mut child = owned("c", &[("x", true)]);
    child["metadata"]["resourceVersion"] = json!("7");
    world.sync_all(&[("ConfigMap", child)]);
    assert!(!world.watches.contains_key(&lone));
    let ran = world.finish();
    assert!(ran.contains(&"n/x".to_owned()) && ran.contains(&"n/c".to_owned()), "{ran:?}");
}

#[test]
fn c8_w6_p9_nothing_runs_while_paused_not_leading_or_draining_and_nothing_is_lost() {
    let m = || ModuleName("m".into());
    for (stop, go) in [(Input::Pause(m()), Input::Resume(m())), (Input::Leading(false), Input::Leading(true))]
    {
        let mut world = serving(Vec::new());
        world.step(stop);
        world.upsert("Site", site("a"));
        assert_eq!(world.runs.len(), 0);
        world.step(go);
        assert_eq!(world.finish(), ["n/a"]);
    }
    let mut world = serving(Vec::new());
    world.step(Input::Drain);
    world.upsert("Site", site("a"));
    world.step(Input::Leading(true));
    assert_eq!(world.runs.len(), 0);
    assert_eq!(world.pipeline.status().modules[0].controllers[0].ready, 1);
}

#[test]
fn an_abandoned_run_runs_again_when_this_host_leads_again() {
    let mut world = serving(Vec::new());
    world.upsert("Site", site("a"));
    let run = world.runs.remove(0);
    world.step(Input::Leading(false));
    world.end(&run, Outcome::Abandoned);
    assert_eq!(world.runs.len(), 0);
    world.step(Input::Leading(true));
    assert_eq!(world.finish(), ["n/a"]);
}

#[test]
fn c1_a_controller_runs_no_more_requests_at_a_time_than_it_may() {
    let mut world = serving(Vec::new());
    for n in 0..5 {
        world.upsert("Site", site(&format!("s{n}")));
    }
    assert_eq!(world.runs.len(), 2);
    let first = world.runs.remove(0);
    world.end(&first, Outcome::Done);
    assert_eq!(world.runs.len(), 2);
}

#[test]
fn s5_p7_a_resync_runs_everything_again_at_low_priority() {
    let mut world = World::new();
    let mut often = version("m", 1, vec![controller("site", "Site", Vec::new())]);
    often.resync = Duration::from_secs(100);
    world.serve(often);
    world.upsert("Site", site("a"));
    world.finish();
    let due = world.wake_at.unwrap();
    assert!((90..=110).contains(&due.since(Time(1_000_000)).as_secs()));
    world.wait(due.since(world.now));
    assert_eq!(world.runs[0].reason, Reason::Resync);
    assert_eq!(world.finish(), ["n/a"]);
    assert!(world.wake_at.unwrap() > due);
}

#[test]
fn p7_what_a_first_list_or_a_relist_brings_waits_for_changes_and_for_nobody() {
    let mut world = World::new();
    let mut one = version("m", 1, vec![controller("site", "Site", Vec::new())]);
    one.concurrency = 1;
    world.step(Input::Offer(Box::new(one)));
    let at = |name: &str| {
        let mut site = site(name);
        site["metadata"]["resourceVersion"] = json!("7");
        ("Site", site)
    };
    world.step(Input::Leading(false));
    world.sync_all(&[at("a"), at("b"), at("c")]);
    world.upsert("Site", site("d"));
    let watch = world.watch_of("Site");
    let mut list: Vec<_> = ["a", "b", "c", "e"].map(|name| world.object("Site", &at(name).1)).into();
    list.push((*world.cache.get(&kind("Site"), &name("d")).unwrap()).clone());
    let changes = world.cache.replace(watch, list, "999");
    assert_eq!(changes.len(), 1);
    world.step(Input::Changed(changes));
    world.step(Input::Leading(true));
    assert_eq!(world.finish(), ["n/d", "n/e", "n/a", "n/b", "n/c"], "what a gap hid is a change");
}

#[test]
fn an_operator_can_ask_for_one_object_or_for_all() {
    let mut world = serving(Vec::new());
    world.upsert("Site", site("a"));
    world.upsert("Site", site("b"));
    world.finish();
    world.step(Input::Ask(ModuleName("m".into()), Some(name("b"))));
    assert_eq!(world.runs[0].reason, Reason::Asked);
    assert_eq!(world.finish(), ["n/b"]);
    world.step(Input::Ask(ModuleName("m".into()), None));
    assert_eq!(world.finish(), ["n/a", "n/b"]);
    world.step(Input::Ask(ModuleName("m".into()), Some(name("gone"))));
    assert_eq!(world.finish(), ["n/gone"]);
}

#[test]
fn a_big_kind_is_looked_at_in_slices() {
    let mut world = World::with(Settings { backfill_slice: 10, ..Settings::default() });
    world.step(Input::Offer(Box::new(version("m", 1, vec![controller("site", "Site", Vec::new())]))));
    let id = world.watch_of("Site");
    let list = (0..25).map(|n| world.object("Site", &site(&format!("s{n:02}")))).collect::<Vec<_>>();
    world.cache.replace(id, list, "9");
    world.step(Input::Synced(id));
    let ready = |world: &World| {
        let status = world.pipeline.status();
        status.modules[0].controllers[0].ready + status.modules[0].controllers[0].running
    };
    let first = ready(&world);
    assert_eq!(world.wake_at, Some(world.now));
    world.step(Input::Tick);
    assert_eq!(ready(&world), first + 10);
    world.settle();
    assert_eq!(ready(&world), 25);
}

#[test]
fn what_a_full_queue_drops_is_counted_and_brought_back_once_there_is_room() {
    let mut world = World::with(Settings { requests_max: 4, ..Settings::default() });
    world.serve(version("m", 1, vec![controller("site", "Site", Vec::new())]));
    world.upsert("Site", site("old"));
    world.finish();
    world.step(Input::Pause(ModuleName("m".into())));
    for n in 0..20 {
        world.upsert("Site", site(&format!("s{n}")));
    }
    let dropped = world.facts.iter().filter(|fact| matches!(fact, Fact::Dropped { count: 1, .. })).count();
    assert_eq!(dropped, 16);
    // What the cache cannot bring back has room of its own.
    world.delete("Site", &name("old"));
    world.step(Input::Resume(ModuleName("m".into())));
    let ran: BTreeSet<_> = world.finish().into_iter().collect();
    let mut all: BTreeSet<_> = (0..20).map(|n| format!("n/s{n}")).collect();
    all.insert("n/old".to_owned());
    assert_eq!(ran, all);
    assert_eq!(world.pipeline.status().modules[0].controllers[0].dropped, 16, "no more than that");
}

#[test]
fn a_list_that_is_larger_than_the_queue_is_taken_in_as_there_is_room() {
    let mut world = World::with(Settings { requests_max: 4, backfill_slice: 3, ..Settings::default() });
    world.step(Input::Offer(Box::new(version("m", 1, vec![controller("site", "Site", Vec::new())]))));
    let sites: Vec<_> = (0..50).map(|n| ("Site", site(&format!("s{n:02}")))).collect();
    let mut listed = sites;
    listed.iter_mut().for_each(|(_, site)| site["metadata"]["resourceVersion"] = json!("7"));
    world.sync_all(&listed);
    assert_eq!(world.finish(), (0..50).map(|n| format!("n/s{n:02}")).collect::<Vec<_>>());
    assert_eq!(world.pipeline.status().modules[0].controllers[0].dropped, 0);
}

#[test]
fn the_plan_of_a_kind_is_the_union_of_what_everybody_looks_at() {
    let path = |text| FieldPath::parse(text).unwrap();
    let mut one = controller(
        "site",
        "Site",
        vec![watch(
            "used",
            "ConfigMap",
            Relation::Referenced(Lookup { name: path(".spec.from"), namespace: None }),
        )],
    );
    one.predicates = vec![Predicate::Field(path(".status.n"))];
    let mut first = version("m", 1, vec![one]);
    let indexes = vec![Index { name: "host".into(), kind: kind("Site"), field: path(".spec.host") }];
    first.description = Arc::new(Description { indexes, ..(*first.description).clone() });
    let mut world = World::new();
    world.serve(first);
    let plan = &world.watches[&world.watch_of("Site")].plan;
    assert_eq!(
        plan.paths().iter().map(FieldPath::as_str).collect::<Vec<_>>(),
        [".spec.from", ".spec.host", ".status.n"]
    );
    world.upsert(
        "Site",
        json!({"metadata": {"namespace": "n", "name": "a", "uid": "u"}, "spec": {"host": "h"}}),
    );
    let query = crate::cache::Query { index: Some((path(".spec.host"), "h".into())), ..Default::default() };
    assert_eq!(world.cache.list(&kind("Site"), &query).unwrap().len(), 1);
}

/// A module that watches Secrets and is granted these verbs of them, beside everything else.
fn watching_secrets(verbs: &[&str], change: impl FnOnce(&mut Watch)) -> Version {
    let mut secrets = watch("secrets", "Secret", Relation::Mapped);
    change(&mut secrets);
    let mut grant = everything();
    let mut rule = grant.rules[0].clone();
    rule.permission.resources = vec!["secrets".into()];
    rule.permission.verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
    grant.rules.push(rule);
    let version = version("m", 1, vec![controller("site", "Site", vec![secrets])]);
    Version { grant: Arc::new(grant), ..version }
}

#[test]
fn secrets_are_held_as_metadata_unless_their_data_is_granted() {
    let held = |verbs: &[&str], metadata_only: bool| {
        let mut world = World::new();
        world.serve(watching_secrets(verbs, |watch| watch.metadata_only = metadata_only));
        world.watches[&world.watch_of("Secret")].metadata_only
    };
    assert!(held(&["list", "watch"], false));
    assert!(held(&["get", "list", "watch"], true));
    assert!(!held(&["get", "list", "watch"], false));
}

#[test]
fn a_module_without_the_data_of_secrets_is_shown_none_where_another_has_it() {
    let mut world = World::new();
    let mut other = watching_secrets(&["get", "list", "watch"], |_| {});
    other.module = ModuleName("other".into());
    world.serve(other);
    world.serve(watching_secrets(&["list", "watch"], |_| {}));
    assert_eq!(world.watches.values().filter(|spec| spec.kind == kind("Secret")).count(), 1);
    world.upsert(
        "Secret",
        json!({"metadata": {"namespace": "n", "name": "s", "uid": "s"}, "data": {"key": "eA=="}}),
    );
    let mut shapes: Vec<_> = world.asked.iter().map(|(_, asked)| (&*asked.module.0, asked.shape)).collect();
    shapes.sort_unstable_by_key(|(module, _)| *module);
    assert_eq!(shapes, [("m", Shape::Metadata), ("other", Shape::Whole)]);
}

#[test]
fn who_may_not_see_secrets_follows_no_field_of_them_and_reconciles_none() {
    let waits = |version: Version| {
        let mut world = World::new();
        world.step(Input::Offer(Box::new(version)));
        let waiting = world.facts.iter().find_map(|fact| match fact {
            Fact::ModuleWaiting { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        waiting.unwrap()
    };
    let field = Predicate::Field(FieldPath::parse(".data.key").unwrap());
    let told = waits(watching_secrets(&["list", "watch"], |watch| watch.predicates = vec![field]));
    assert!(told.contains("takes `get` as well") && told.contains("verbs: [get, list, watch]"), "{told}");
    let watches = watching_secrets(&["list", "watch"], |_| {});
    let controllers = vec![controller("secret", "Secret", Vec::new())];
    let description = Arc::new(Description { controllers, ..Description::default() });
    let told = waits(Version { description, ..watches });
    assert!(told.contains("may not watch v1 Secret") && told.contains("verbs: [get, list, watch]"), "{told}");
}
