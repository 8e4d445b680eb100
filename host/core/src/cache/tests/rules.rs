//! client-go's rules for deltas, stores and informers, as far as they are the cache's.

use super::*;

fn named(name: &str) -> ObjectName {
    ObjectName::namespaced("a", name)
}

fn labelled(cache: &Cache, app: &str) -> Vec<String> {
    let labels = Some(Selector::parse(&format!("app={app}")).unwrap());
    let question = Question { labels, ..Question::default() };
    names(&cache.list(&pods(), &Query { question, ..Query::default() }).unwrap())
}

#[test]
fn d3_a_deletion_of_what_is_not_held_is_no_change() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x")]);
    assert!(cache.remove(WatchId(1), &named("q"), Some("200")).is_none());
    assert!(cache.remove(WatchId(1), &named("p"), Some("201")).is_some());
    assert!(cache.remove(WatchId(1), &named("p"), Some("202")).is_none(), "nor a second one");
}

#[test]
fn d6_f7_a_watch_is_synced_only_when_it_holds_all_of_its_first_list() {
    let cache = Cache::new();
    cache.open(WatchId(1), &spec(None, None));
    assert!(!cache.synced(WatchId(1)) && !cache.covers(&pods(), &Question::default()));
    let changes = cache.replace(WatchId(1), (0..10).map(|n| pod("a", &format!("p{n}"), n + 1, "x")), "20");
    assert!(cache.synced(WatchId(1)) && cache.len_of(WatchId(1)) == 10);
    assert!(changes.iter().all(|change| change.cause == Cause::Initial), "P7: of the first list");
}

#[test]
fn s1_whoever_is_told_of_a_change_finds_it_or_something_newer() {
    let cache = wide_cache(Vec::new());
    for version in 1..50 {
        let change = cache.upsert(WatchId(1), pod("a", "p", 200 + version, "x")).unwrap();
        let held = cache.get(&pods(), &named("p")).unwrap();
        assert_eq!(change.after.unwrap().resource_version(), held.resource_version());
    }
    for size in [3_u64, 2_000] {
        let list = (0..size).map(|n| pod("a", &format!("p{n}"), 1_000 + n, "y"));
        for change in cache.replace(WatchId(1), list, "9000") {
            let held = cache.get(&pods(), &change.name);
            assert_eq!(
                held.map(|held| held.json().to_owned()),
                change.after.map(|after| after.json().to_owned())
            );
        }
    }
}

#[test]
fn i1_the_name_is_the_key_and_another_uid_under_it_is_a_change_with_both_states() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x")]);
    let again = r#"{"metadata":{"namespace":"a","name":"p","uid":"another","resourceVersion":"300"}}"#;
    let change = cache.upsert(WatchId(1), Object::ingest(&pods(), again).unwrap()).unwrap();
    let uid = |object: &Option<Arc<Object>>| object.as_ref().unwrap().uid().to_string();
    assert_eq!((uid(&change.before), uid(&change.after)), ("u-p".to_owned(), "another".to_owned()));
    assert_eq!(cache.len(&pods()), 1);
    assert_eq!(change.name.to_string(), "a/p");
    assert_eq!(ObjectName::cluster("big").to_string(), "big");
}

#[test]
fn i3_i4_a_changed_object_leaves_its_old_index_entries_and_a_list_replaces_them_all() {
    let cache = wide_cache((0..6).map(|n| pod("a", &format!("p{n}"), n + 1, "x")).collect());
    cache.upsert(WatchId(1), pod("a", "p1", 200, "y"));
    cache.remove(WatchId(1), &named("p2"), Some("201"));
    assert_eq!(labelled(&cache, "x"), ["a/p0", "a/p3", "a/p4", "a/p5"]);
    assert_eq!(labelled(&cache, "y"), ["a/p1"]);
    let owned = |owner: &str| {
        let query = Query { owner_uid: Some(owner.into()), ..Query::default() };
        names(&cache.list(&pods(), &query).unwrap())
    };
    assert_eq!(owned("o-y"), ["a/p1"]);
    cache.replace(WatchId(1), vec![pod("a", "p0", 300, "z"), pod("a", "p9", 301, "z")], "301");
    assert_eq!((labelled(&cache, "x").len(), labelled(&cache, "y").len()), (0, 0));
    assert_eq!(labelled(&cache, "z"), ["a/p0", "a/p9"]);
    assert_eq!((owned("o-y").len(), owned("o-z").len()), (0, 2));
}

#[test]
fn i5_an_index_that_is_declared_late_finds_what_is_held_already() {
    let cache = wide_cache(
        (0..10).map(|n| pod("a", &format!("p{n}"), n + 1, if n < 3 { "x" } else { "y" })).collect(),
    );
    let path = FieldPath::parse(".spec.node").unwrap();
    let query = Query { index: Some((path.clone(), "n-x".into())), ..Query::default() };
    cache.index(&pods(), vec![path]);
    assert_eq!(names(&cache.list(&pods(), &query).unwrap()), ["a/p0", "a/p1", "a/p2"]);
}

#[test]
fn i7_f6_every_event_and_every_bookmark_moves_the_version_of_the_store() {
    let cache = wide_cache(vec![pod("a", "p", 1, "x")]);
    let version = || cache.version(&pods()).unwrap().to_string();
    assert_eq!(version(), "100");
    cache.upsert(WatchId(1), pod("a", "p", 150, "y"));
    assert_eq!(version(), "150");
    cache.bookmark(WatchId(1), "180");
    assert_eq!(version(), "180");
    cache.bookmark(WatchId(1), "170");
    assert_eq!(version(), "180", "never back");
    cache.remove(WatchId(1), &named("p"), Some("190"));
    assert_eq!(version(), "190");
    cache.replace(WatchId(1), Vec::<Object>::new(), "200");
    assert_eq!(version(), "200");
}
