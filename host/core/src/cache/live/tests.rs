//! Live reads over what the watches say, rule by rule. The model of own writes has them too.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    cache::{
        Cache, Found, Query, Question,
        own_writes::tests::{incarnation, maps, name, spec},
    },
    call::{Action, Call, ListQuery, Page, Reply, Shape},
    input::WatchId,
    object::Object,
    selector::Selector,
    time::Time,
};

const W: WatchId = WatchId(1);

fn map(name: &str, version: u64, app: &str) -> Object {
    incarnation(&format!("u-{name}"), name, version, app, "")
}

/// A watch of everything has listed `p@1` and `q@2` at version 100.
fn watched() -> Cache {
    let cache = Cache::new();
    cache.open(W, &spec("", None));
    drop(cache.replace(W, vec![map("p", 1, "x"), map("q", 2, "x")], "100"));
    cache
}

fn get(cache: &Cache, which: &str, shape: Shape, subresource: Option<&str>, answer: Option<Object>) {
    let action = Action::Get { name: name(which), shape };
    let call = Call { kind: maps(), subresource: subresource.map(str::to_owned), action };
    let answer = Ok(Reply::Object(answer.map(|object| object.json().to_owned())));
    assert!(cache.lay_read(&call, cache.before(&maps(), &name(which)), &answer, Time(0)));
}

fn list(cache: &Cache, query: ListQuery, version: &str, objects: &[Object], more: bool) {
    let items = objects.iter().map(|object| object.json().to_owned()).collect();
    let page =
        Page { items, continue_token: more.then(|| "on".to_owned()), resource_version: version.into() };
    let call = Call { kind: maps(), subresource: None, action: Action::List { query, shape: Shape::Whole } };
    assert!(cache.lay_read(&call, None, &Ok(Reply::Page(page)), Time(0)));
}

/// `p` and `q` as a cached read shows them, and how many are laid.
fn seen(cache: &Cache) -> (String, String, usize) {
    let found = |which| match cache.find(&maps(), &name(which), Shape::Whole) {
        Found::Object(object) => object.resource_version().to_string(),
        Found::Absent => "absent".to_owned(),
        Found::Unknown => "ask".to_owned(),
    };
    (found("p"), found("q"), cache.own_writes().live)
}

fn are(p: &str, q: &str, live: usize) -> (String, String, usize) {
    (p.to_owned(), q.to_owned(), live)
}

#[test]
fn what_a_live_get_showed_is_seen_until_the_watch_has_passed_it() {
    let cache = watched();
    get(&cache, "p", Shape::Whole, None, Some(map("p", 105, "y")));
    get(&cache, "q", Shape::Whole, None, None);
    assert_eq!(seen(&cache), are("105", "absent", 2));
    assert!(cache.upsert(W, map("p", 103, "z")).is_some(), "what was before it is told");
    assert_eq!(seen(&cache), are("105", "absent", 2));
    assert!(cache.remove(W, &name("q"), Some("104")).is_some());
    assert!(cache.upsert(W, map("p", 105, "y")).is_some(), "and so is the change that it showed");
    assert_eq!(seen(&cache), are("105", "absent", 0));
}

#[test]
fn nothing_is_laid_where_the_watches_are_as_new_or_the_answer_is_not_of_the_object() {
    let cache = watched();
    get(&cache, "p", Shape::Whole, None, Some(map("p", 1, "x")));
    get(&cache, "p", Shape::Whole, Some("scale"), Some(map("p", 105, "y")));
    get(&cache, "none", Shape::Whole, None, None);
    list(&cache, ListQuery::default(), "100", &[map("p", 1, "x"), map("q", 2, "x")], false);
    assert_eq!(seen(&cache), are("1", "2", 0));
    get(&Cache::new(), "p", Shape::Whole, None, Some(map("p", 105, "y")));
}

#[test]
fn after_a_live_read_of_metadata_only_the_server_knows_the_whole_object() {
    let cache = watched();
    get(&cache, "p", Shape::Metadata, None, map("p", 105, "y").metadata_only());
    assert_eq!(seen(&cache), are("ask", "2", 1));
    get(&cache, "p", Shape::Whole, None, Some(map("p", 105, "y")));
    assert_eq!(seen(&cache), are("105", "2", 1));
}

#[test]
fn what_a_live_list_lacks_is_gone_or_has_lost_the_label_that_was_asked_for() {
    let cache = watched();
    list(&cache, ListQuery::default(), "105", &[map("p", 103, "x")], false);
    assert_eq!(seen(&cache), are("103", "absent", 2));
    cache.bookmark(W, "105");
    assert_eq!(seen(&cache), are("1", "2", 0), "the watch says so");
    let labels = || ListQuery { labels: Some("app=x".to_owned()), ..ListQuery::default() };
    list(&cache, labels(), "107", &[map("p", 106, "x")], false);
    assert_eq!(seen(&cache), are("106", "ask", 2));
    assert_eq!(cache.overdue(Time(0), 9).len(), 1, "it is looked up at once");
    let by_label = Question { labels: Some(Selector::parse("app=y").unwrap()), ..Question::default() };
    assert!(cache.list(&maps(), &Query { question: by_label, ..Query::default() }).is_none());
}

#[test]
fn a_page_says_what_is_missing_between_its_names_and_only_within_one_namespace() {
    let here = |token: Option<&str>| ListQuery {
        namespace: Some("a".into()),
        continue_token: token.map(str::to_owned),
        ..ListQuery::default()
    };
    for (query, objects, more, p, q) in [
        (here(None), vec![map("o", 1, "x")], true, "1", "2"),
        (here(None), vec![map("pp", 1, "x")], true, "absent", "2"),
        (here(Some("on")), vec![map("pp", 1, "x")], false, "1", "absent"),
        (ListQuery::default(), vec![map("pp", 1, "x")], true, "1", "2"),
        (here(None), Vec::new(), false, "absent", "absent"),
    ] {
        let cache = watched();
        list(&cache, query.clone(), "105", &objects, more);
        let (seen_p, seen_q, _) = seen(&cache);
        assert_eq!((seen_p.as_str(), seen_q.as_str()), (p, q), "{query:?}");
    }
}
