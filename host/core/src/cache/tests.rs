//! The cache against a model, and its rules one by one.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod rules;

use super::*;
use crate::{change::Cause, object::FieldPlan, selector::Selector};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn pods() -> Kind {
    Kind::new("v1", "Pod")
}

fn spec(namespace: Option<&str>, labels: Option<&str>) -> WatchSpec {
    let selection = Selection {
        namespaces: namespace.map(Arc::from).into_iter().collect(),
        labels: labels.map(|text| Selector::parse(text).unwrap()),
        fields: None,
    };
    WatchSpec { kind: pods(), selection, metadata_only: false, plan: Arc::new(FieldPlan::default()) }
}

fn pod(namespace: &str, name: &str, version: u64, app: &str) -> Object {
    let raw = format!(
        r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","uid":"u-{name}","resourceVersion":"{version}","labels":{{"app":"{app}"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"o-{app}"}}]}},"spec":{{"node":"n-{app}"}}}}"#
    );
    Object::ingest(&pods(), &raw).unwrap()
}

fn names(list: &[Arc<Object>]) -> Vec<String> {
    list.iter().map(|object| object.name().to_string()).collect()
}

fn everything() -> Query {
    Query::default()
}

fn wide_cache(objects: Vec<Object>) -> Cache {
    let cache = Cache::new();
    cache.open(WatchId(1), &spec(None, None));
    cache.replace(WatchId(1), objects, "100");
    cache
}

#[test]
fn i2_a_list_by_label_owner_index_and_namespace_finds_the_same_as_a_scan() {
    let cache = wide_cache(
        (0..300)
            .map(|n| pod(&format!("ns{}", n % 3), &format!("p{n}"), n + 1, &format!("a{}", n % 7)))
            .collect(),
    );
    let path = FieldPath::parse(".spec.node").unwrap();
    cache.index(&pods(), vec![path.clone()]);
    let all = cache.list(&pods(), &everything()).unwrap();
    let want: Vec<_> =
        all.iter().filter(|object| object.label("app") == Some("a3")).map(|o| o.name().to_string()).collect();
    let label = Question { labels: Some(Selector::parse("app in (a3, a3)").unwrap()), ..Question::default() };
    for query in [
        Query { question: label.clone(), ..Query::default() },
        Query { owner_uid: Some("o-a3".into()), ..Query::default() },
        Query { index: Some((path, "n-a3".into())), ..Query::default() },
    ] {
        assert_eq!(names(&cache.list(&pods(), &query).unwrap()), want);
    }
    let here = Namespaces::These(vec!["ns1".into()]);
    let query = Query { question: Question { namespaces: here, ..label }, ..Query::default() };
    let inside: Vec<_> = want.iter().filter(|name| name.starts_with("ns1/")).cloned().collect();
    assert_eq!(names(&cache.list(&pods(), &query).unwrap()), inside);
    let namespaces = Namespaces::These(vec!["ns0".into(), "ns1".into(), "none".into()]);
    let fields = Some(format!("metadata.name={}", &inside[0][4..]).into());
    let query =
        Query { question: Question { namespaces, fields, ..Question::default() }, ..Query::default() };
    assert_eq!(names(&cache.list(&pods(), &query).unwrap()), [inside[0].clone()]);
}

#[test]
fn i2_a_list_is_the_same_whether_candidates_are_sorted_or_names_are_walked() {
    let all: Vec<_> = (0..4_000)
        .map(|n| {
            pod(&format!("ns{}", n % 3), &format!("p{}", n * 7 % 4_001), n + 1, &format!("a{}", n.min(8) % 4))
        })
        .collect();
    let mut want: Vec<_> = all.iter().filter(|object| object.label("app") == Some("a0")).collect();
    want.sort_by_key(|object| object.name());
    let want: Vec<_> = want.iter().map(|object| object.name().to_owned()).collect();
    let cache = wide_cache(all.clone());
    let labels = Some(Selector::parse("app=a0").unwrap());
    for namespaces in [Namespaces::All, Namespaces::These(vec!["ns0".into(), "ns2".into()])] {
        let question = Question { labels: labels.clone(), namespaces, ..Question::default() };
        for (limit, after) in
            [(None, None), (Some(7), None), (Some(2_000), Some(&want[1_500])), (Some(7), Some(&want[3_000]))]
        {
            let query =
                Query { question: question.clone(), limit, after: after.cloned(), ..Query::default() };
            let inside = want.iter().filter(|name| question.namespaces.contain(name.as_ref()));
            let inside = inside.filter(|name| after.is_none_or(|after| *name > after));
            let inside: Vec<_> = inside.take(limit.unwrap_or(usize::MAX)).map(ToString::to_string).collect();
            assert!(!inside.is_empty());
            assert_eq!(names(&cache.list(&pods(), &query).unwrap()), inside, "{limit:?} {after:?}");
        }
    }
}

#[test]
fn a_relist_holds_no_second_copy_of_what_is_held_and_readers_keep_the_old_view_meanwhile() {
    let cache = wide_cache((0..2_000).map(|n| pod("a", &format!("p{n}"), n + 1, "x")).collect());
    let before = cache.list(&pods(), &everything()).unwrap();
    let mut staging = Staging::default();
    for n in 1..2_000 {
        let version = if n == 7 { 5_000 } else { n + 1 };
        staging.put(cache.share(WatchId(1), pod("a", &format!("p{n}"), version, "y")));
    }
    let list = staging.take();
    let held = |object: &Arc<Object>| before.iter().any(|held| Arc::ptr_eq(held, object));
    let fresh: Vec<_> = list.iter().filter(|object| !held(object)).map(|object| object.name().name).collect();
    assert_eq!(fresh, ["p7"], "the copy that came is dropped where its state is held");
    assert_eq!(names(&cache.list(&pods(), &everything()).unwrap()), names(&before));
    let told: Vec<_> =
        cache.replace(WatchId(1), list, "5001").into_iter().map(|c| c.name.to_string()).collect();
    assert_eq!(told, ["a/p0", "a/p7"]);
    let other = pod("a", "p8", 9, "x");
    let again = r#"{"metadata":{"namespace":"a","name":"p8","uid":"another","resourceVersion":"9"}}"#;
    assert!(held(&cache.share(WatchId(1), other)));
    assert!(
        !held(&cache.share(WatchId(1), Object::ingest(&pods(), again).unwrap())),
        "another object of the name"
    );
}

#[test]
fn a_list_goes_on_after_a_name_in_name_order() {
    let cache = wide_cache((0..10).map(|n| pod("a", &format!("p{n}"), n + 1, "x")).collect());
    let mut query = Query { limit: Some(4), ..Query::default() };
    let mut seen = Vec::new();
    loop {
        let page = cache.list(&pods(), &query).unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some(last.name().to_owned());
        seen.extend(names(&page));
    }
    assert_eq!(seen, (0..10).map(|n| format!("a/p{n}")).collect::<Vec<_>>());
}

#[test]
fn f3_d4_a_list_tells_deletions_first_with_the_last_known_state_and_no_unchanged_object() {
    for size in [3_u64, 2_000] {
        let cache = wide_cache((0..size).map(|n| pod("a", &format!("p{n}"), n + 1, "x")).collect());
        let mut list: Vec<_> = (1..size).map(|n| pod("a", &format!("p{n}"), n + 1, "x")).collect();
        list[0] = pod("a", "p1", 5_000, "y");
        list.push(pod("a", "new", 5_001, "y"));
        let changes = cache.replace(WatchId(1), list, "5002");
        let told: Vec<_> = changes
            .iter()
            .map(|c| (c.name.to_string(), c.before.is_some(), c.after.is_some(), c.cause))
            .collect();
        assert_eq!(
            told,
            [
                ("a/p0".to_owned(), true, false, Cause::Relist),
                ("a/new".to_owned(), false, true, Cause::Relist),
                ("a/p1".to_owned(), true, true, Cause::Relist)
            ]
        );
        assert_eq!(changes[0].before.as_ref().unwrap().label("app"), Some("x"));
        assert_eq!(cache.version(&pods()).as_deref(), Some("5002"));
    }
}

#[test]
fn s2_an_added_event_of_a_known_object_is_an_update() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x")]);
    let change = cache.upsert(WatchId(1), pod("a", "p", 2, "x")).unwrap();
    assert!(change.before.is_some());
    assert_eq!(change.cause, Cause::Live);
}

#[test]
fn i8_an_older_version_never_replaces_a_newer_one_whatever_its_length() {
    let cache = wide_cache(vec![pod("a", "p", 10_000, "new")]);
    assert!(cache.upsert(WatchId(1), pod("a", "p", 9_999, "old")).is_none());
    assert!(cache.upsert(WatchId(1), pod("a", "p", 10_000, "same")).is_none());
    let held = cache.get(&pods(), &ObjectName::namespaced("a", "p")).unwrap();
    assert_eq!(held.label("app"), Some("new"));
    assert!(cache.remove(WatchId(1), &ObjectName::namespaced("a", "p"), Some("9999")).is_none());
}

#[test]
fn a_narrow_watch_that_loses_an_object_ends_only_its_own_hold() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x")]);
    cache.open(WatchId(2), &spec(None, Some("app=x")));
    assert!(cache.replace(WatchId(2), vec![pod("a", "p", 1, "x")], "100").is_empty());
    let name = ObjectName::namespaced("a", "p");
    assert!(cache.remove(WatchId(2), &name, Some("200")).is_none());
    assert!(cache.get(&pods(), &name).is_some());
    assert!(cache.remove(WatchId(1), &name, Some("201")).unwrap().before.is_some());
}

#[test]
fn a_watch_that_ends_takes_along_what_only_it_held() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x"), pod("b", "q", 2, "y")]);
    cache.open(WatchId(2), &spec(Some("a"), None));
    cache.replace(WatchId(2), vec![pod("a", "p", 1, "x")], "100");
    let gone = cache.forget(WatchId(1));
    assert_eq!(gone.len(), 1, "only the other watch's view of `a/p` stays");
    assert_eq!((gone[0].name.to_string(), gone[0].after.is_none()), ("b/q".to_owned(), true));
    assert_eq!(cache.len(&pods()), 1);
    assert!(cache.upsert(WatchId(1), pod("b", "q", 3, "y")).is_none());
    assert_eq!(cache.forget(WatchId(2)).len(), 1);
    assert!(cache.is_empty(&pods()));
    assert!(!cache.covers(&pods(), &Question::default()));
}

#[test]
fn what_a_watch_that_was_behind_held_alone_is_told_as_deleted_when_it_ends() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x"), pod("b", "q", 2, "y")]);
    cache.open(WatchId(2), &spec(Some("a"), None));
    assert!(
        cache.replace(WatchId(2), Vec::<Object>::new(), "100").is_empty(),
        "the first watch still holds it"
    );
    let gone = cache.forget(WatchId(1));
    assert_eq!(gone.iter().map(|change| change.name.to_string()).collect::<Vec<_>>(), ["a/p", "b/q"]);
    assert!(gone[0].before.is_some() && gone[0].after.is_none());
}

#[test]
fn what_a_narrow_watch_in_step_holds_is_read_from_it_and_what_it_does_not_hold_is_not() {
    let cache = Cache::new();
    let find = |name: &str| match cache.find(&pods(), &ObjectName::namespaced("a", name), Shape::Whole) {
        Found::Object(object) => object.resource_version().to_owned(),
        Found::Absent => "absent".to_owned(),
        Found::Unknown => "unknown".to_owned(),
    };
    cache.open(WatchId(1), &spec(None, Some("app")));
    cache.upsert(WatchId(1), pod("a", "p", 3, "x"));
    assert_eq!(find("p"), "unknown", "its first list is not over");
    cache.replace(WatchId(1), vec![pod("a", "p", 3, "x")], "5");
    assert_eq!([find("p"), find("q")], ["3", "unknown"]);
    cache.remove(WatchId(1), &ObjectName::namespaced("a", "p"), Some("6"));
    assert_eq!(find("p"), "unknown", "it may only have left the selection");
    cache.upsert(WatchId(1), pod("a", "p", 7, "x"));
    assert_eq!(find("p"), "7");
    cache.forget(WatchId(1));
    assert_eq!(find("p"), "unknown");
}

#[test]
fn a_read_is_covered_only_by_what_is_synced_and_wide_enough() {
    let cache = Cache::new();
    let ask = |namespaces: &[&str], labels: &str, shape| Question {
        namespaces: match namespaces {
            [] => Namespaces::All,
            list => Namespaces::These(list.iter().map(|one| Arc::from(*one)).collect()),
        },
        labels: Some(Selector::parse(labels).unwrap()),
        fields: None,
        shape,
    };
    cache.open(WatchId(1), &spec(Some("a"), None));
    cache.open(WatchId(2), &spec(Some("b"), Some("app")));
    assert!(!cache.covers(&pods(), &ask(&["a"], "", Shape::Whole)));
    cache.replace(WatchId(1), Vec::<Object>::new(), "5");
    cache.replace(WatchId(2), Vec::<Object>::new(), "4");
    cache.open(WatchId(3), &WatchSpec { metadata_only: true, ..spec(None, None) });
    cache.replace(WatchId(3), Vec::<Object>::new(), "6");
    for (namespaces, labels, shape, want) in [
        (&["a"][..], "", Shape::Whole, true),
        (&["a", "b"], "", Shape::Whole, false),
        (&["a", "b"], "app=x", Shape::Whole, true),
        (&["c"], "", Shape::Whole, false),
        (&[], "", Shape::Whole, false),
        (&[], "", Shape::Metadata, true),
    ] {
        assert_eq!(cache.covers(&pods(), &ask(namespaces, labels, shape)), want, "{namespaces:?} {labels}");
    }
    assert!(matches!(cache.find(&pods(), &ObjectName::namespaced("a", "x"), Shape::Whole), Found::Absent));
    assert!(matches!(cache.find(&pods(), &ObjectName::namespaced("c", "x"), Shape::Whole), Found::Unknown));
    assert!(matches!(cache.find(&pods(), &ObjectName::namespaced("c", "x"), Shape::Metadata), Found::Absent));
    assert_eq!(cache.version(&pods()).as_deref(), Some("4"));
}

#[test]
fn what_only_the_server_can_select_is_held_apart() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x"), pod("a", "q", 2, "x")]);
    let mut running = spec(None, None);
    running.selection.fields = Some("status.phase=Running".into());
    cache.open(WatchId(2), &running);
    let changes = cache.replace(WatchId(2), vec![pod("a", "p", 1, "x")], "3");
    assert_eq!(changes[0].fields.as_deref(), Some("status.phase=Running"));
    let question = Question { fields: running.selection.fields.clone(), ..Question::default() };
    let listed = cache.list(&pods(), &Query { question, ..Query::default() }).unwrap();
    assert_eq!(names(&listed), ["a/p"]);
    let name = ObjectName::namespaced("a", "q");
    assert!(cache.get(&pods(), &name).is_some());
    assert!(cache.selected(&pods(), &running.selection, &name).is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Upsert(u64, u8, u64, u8),
    Remove(u64, u8),
    Replace(u64, Vec<(u8, u8)>),
    Forget(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let watch = 1_u64..4;
    let step = prop_oneof![
        6 => (watch.clone(), 0_u8..6, 0_u64..3, 0_u8..3).prop_map(|(w, n, back, app)| Step::Upsert(w, n, back, app)),
        3 => (watch.clone(), 0_u8..6).prop_map(|(w, n)| Step::Remove(w, n)),
        2 => (watch.clone(), prop::collection::btree_map(0_u8..6, 0_u8..3, 0..5))
            .prop_map(|(w, list)| Step::Replace(w, list.into_iter().collect())),
        1 => watch.prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 0..60)
}

/// The rules, written the slow way: name → (version, app, watches).
type Model = BTreeMap<String, (u64, u8, BTreeSet<u64>)>;

fn model_put(model: &mut Model, watch: u64, name: String, version: u64, app: u8) {
    let entry = model.entry(name).or_insert((version, app, BTreeSet::new()));
    if version > entry.0 {
        (entry.0, entry.1) = (version, app);
    }
    entry.2.insert(watch);
}

fn model_drop(model: &mut Model, watch: u64, keep: &dyn Fn(&str) -> bool) {
    model.retain(|name, entry| {
        if !keep(name) {
            entry.2.remove(&watch);
        }
        !entry.2.is_empty()
    });
}

fn mirror(state: &mut BTreeMap<String, String>, changes: impl IntoIterator<Item = ObjectChange>) {
    for change in changes {
        let key = change.name.to_string();
        assert_eq!(
            state.get(&key).map(String::as_str),
            change.before.as_ref().map(|object| object.json()),
            "a change starts from what was told before"
        );
        match change.after {
            Some(after) => state.insert(key, after.json().to_owned()),
            None => state.remove(&key),
        };
    }
}

proptest! {
    #[test]
    fn the_cache_equals_a_model_and_its_changes_tell_it_all(steps in steps()) {
        let cache = Cache::new();
        (1..4).for_each(|watch| cache.open(WatchId(watch), &spec(None, None)));
        let (mut model, mut told, mut version) = (Model::new(), BTreeMap::new(), 10_u64);
        for step in steps {
            version += 3;
            match step {
                Step::Upsert(watch, name, back, app) => {
                    let at = version - 2 * back;
                    let object = pod("a", &name.to_string(), at, &app.to_string());
                    mirror(&mut told, cache.upsert(WatchId(watch), object));
                    if cache.synced(WatchId(watch)) || cache.len_of(WatchId(watch)) > 0 {
                        model_put(&mut model, watch, format!("a/{name}"), at, app);
                    }
                }
                Step::Remove(watch, name) => {
                    let gone = ObjectName::namespaced("a", &name.to_string());
                    mirror(&mut told, cache.remove(WatchId(watch), &gone, Some(&version.to_string())));
                    model_drop(&mut model, watch, &|other| other != gone.to_string());
                }
                Step::Replace(watch, list) => {
                    let objects = list.iter().map(|(name, app)| pod("a", &name.to_string(), version, &app.to_string()));
                    mirror(&mut told, cache.replace(WatchId(watch), objects, &version.to_string()));
                    let listed: BTreeSet<_> = list.iter().map(|(name, _)| format!("a/{name}")).collect();
                    model_drop(&mut model, watch, &|name| listed.contains(name));
                    list.iter().for_each(|(name, app)| model_put(&mut model, watch, format!("a/{name}"), version, *app));
                }
                Step::Forget(watch) => {
                    mirror(&mut told, cache.forget(WatchId(watch)));
                    model_drop(&mut model, watch, &|_| false);
                    cache.open(WatchId(watch), &spec(None, None));
                    told.retain(|name, _| model.contains_key(name));
                }
            }
            for app in 0..3_u8 {
                let labels = Some(Selector::parse(&format!("app={app}")).unwrap());
                let query = Query { question: Question { labels, ..Question::default() }, ..Query::default() };
                let want: Vec<_> = model.iter().filter(|(_, entry)| entry.1 == app).map(|(name, _)| name.clone()).collect();
                if let Some(list) = cache.list(&pods(), &query) {
                    prop_assert_eq!(names(&list), want);
                }
            }
            prop_assert_eq!(told.keys().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>());
        }
    }
}
