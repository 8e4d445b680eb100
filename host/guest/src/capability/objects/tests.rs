//! Reads and writes against a host that keeps what it is told; no Wasm.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod rights;

use super::*;
use crate::{
    limits::Bound,
    testing::{Fake, rule, within},
};
use objects::{Host, Shape};
use std::sync::Arc;
use windlass_core::{
    cache::Cache,
    call::{Answered as Answer, Page as CorePage, Shape as CoreShape},
    change::ObjectChange,
    description::Selection,
    grant::Scope,
    input::{WatchId, WatchSpec},
    name::Resource,
    object::Object,
    selector::Selector,
    subscription::{Following, Seen, SubscriptionId},
};

fn kind(kind: &str) -> types::Kind {
    types::Kind { api_version: "v1".to_owned(), kind: kind.to_owned() }
}

fn name(namespace: &str, name: &str) -> types::ObjectName {
    types::ObjectName { namespace: given(Some(namespace.to_owned())), name: name.to_owned() }
}

fn read(consistency: Consistency) -> ReadOptions {
    ReadOptions { subresource: None, consistency, shape: Shape::Whole, subscribe: false }
}

fn plain_write() -> WriteOptions {
    WriteOptions { subresource: None, force: false, dry_run: false }
}

fn query() -> Query {
    Query {
        namespace: None,
        label_selector: None,
        field_selector: None,
        owner_uid: None,
        index: None,
        limit: None,
        continue_token: None,
    }
}

/// A cache that holds the config maps `name` of each namespace.
fn fill(cache: &Cache, names: &[(&str, &str)]) {
    let kind = Kind::new("v1", "ConfigMap");
    let spec = WatchSpec {
        kind: kind.clone(),
        selection: Selection::default(),
        metadata_only: false,
        plan: Arc::default(),
    };
    cache.open(WatchId(1), &spec);
    let object = |(namespace, name): &(&str, &str)| {
        let json = format!(
            r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","uid":"{namespace}-{name}","resourceVersion":"7"}},"data":{{}}}}"#
        );
        Object::ingest(&kind, &json).unwrap()
    };
    let _: Vec<ObjectChange> = cache.replace(WatchId(1), names.iter().map(object), "9");
}

fn reason<T: std::fmt::Debug>(answer: Answered<T>) -> String {
    answer.unwrap().unwrap_err().reason
}

fn everything(scope: Scope) -> Fake {
    Fake::granting(vec![rule(&["*"], &["configmaps", "configmaps/status"], scope)])
}

#[tokio::test]
async fn a_read_is_answered_by_the_cache_only_if_it_covers_the_question() {
    let fake = everything(Scope::AllNamespaces);
    let mut state = fake.state(|_| {});
    fake.answer([Ok(Reply::Object(Some("{\"live\":1}".to_owned())))]);
    let live =
        state.get(kind("ConfigMap"), name("mine", "a"), read(Consistency::Cached)).await.unwrap().unwrap();
    assert_eq!(live.as_deref(), Some("{\"live\":1}"));
    fill(&fake.cache, &[("mine", "a")]);
    let held =
        state.get(kind("ConfigMap"), name("mine", "a"), read(Consistency::Cached)).await.unwrap().unwrap();
    assert!(held.unwrap().contains("\"uid\":\"mine-a\""));
    let absent =
        state.get(kind("ConfigMap"), name("mine", "b"), read(Consistency::Cached)).await.unwrap().unwrap();
    assert_eq!(absent, None);
    let mut metadata = read(Consistency::Cached);
    metadata.shape = Shape::Metadata;
    let partial = state.get(kind("ConfigMap"), name("mine", "a"), metadata).await.unwrap().unwrap().unwrap();
    assert!(
        partial.starts_with(r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"#)
    );
    assert!(!partial.contains("data\":{}"));
    assert_eq!(fake.calls.lock().unwrap().len(), 1);
    assert_eq!((state.tally.cached_reads, state.tally.cache_misses, state.tally.server_reads), (3, 1, 1));
}

#[tokio::test]
async fn the_cache_shows_nothing_that_the_grant_does_not() {
    let fake = everything(within(&["mine", "ours"]));
    fill(&fake.cache, &[("mine", "a"), ("other", "b"), ("ours", "c")]);
    let mut state = fake.state(|_| {});
    let refused = state.get(kind("ConfigMap"), name("other", "b"), read(Consistency::Cached)).await;
    assert_eq!(reason(refused), "NotGranted");
    let mut there = query();
    there.namespace = Some("other".to_owned());
    assert_eq!(reason(state.list(kind("ConfigMap"), there, read(Consistency::Cached)).await), "NotGranted");
    let all = state.list(kind("ConfigMap"), query(), read(Consistency::Cached)).await.unwrap().unwrap();
    assert_eq!(all.items.len(), 2);
    assert!(!all.items.iter().any(|item| item.contains("other")));
    assert_eq!(reason(state.list(kind("Secret"), query(), read(Consistency::Cached)).await), "NotGranted");
    assert_eq!(fake.refusals.lock().unwrap().len(), 3);
    assert!(fake.calls.lock().unwrap().is_empty());
    assert!(state.explained);
}

#[tokio::test]
async fn pages_of_the_cache_follow_one_another() {
    let fake = everything(Scope::AllNamespaces);
    let names = ["a", "b", "c", "d", "e"].map(|name| ("mine", name));
    fill(&fake.cache, &names);
    let mut state = fake.state(|_| {});
    let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let mut wanted = query();
        wanted.limit = Some(2);
        wanted.continue_token = token;
        let page = state.list(kind("ConfigMap"), wanted, read(Consistency::Cached)).await.unwrap().unwrap();
        assert_eq!(page.resource_version, "9");
        seen.extend(page.items);
        pages += 1;
        token = page.continue_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (5, 3));
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

fn page(items: &[&str], token: Option<&str>) -> Result<Reply, ApiError> {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    let continue_token = token.map(str::to_owned);
    Ok(Reply::Page(CorePage { items, continue_token, resource_version: "5".to_owned() }))
}

#[tokio::test]
async fn a_list_without_a_namespace_asks_the_server_for_each_granted_one() {
    let fake = everything(within(&["a", "b", "c"]));
    fake.answer([page(&["1", "2"], Some("x/y")), page(&["3"], None), page(&[], None), page(&["4"], None)]);
    let mut state = fake.state(|_| {});
    let all = state.list(kind("ConfigMap"), query(), read(Consistency::Latest)).await.unwrap().unwrap();
    assert_eq!((all.items.len(), all.continue_token, state.tally.host_calls), (4, None, 4));
    let asked: Vec<_> = fake
        .calls
        .lock()
        .unwrap()
        .iter()
        .map(|call| match &call.action {
            Action::List { query, .. } => {
                (query.namespace.clone().unwrap().to_string(), query.continue_token.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let want = [("a", None), ("a", Some("x/y")), ("b", None), ("c", None)];
    assert_eq!(asked, want.map(|(namespace, token)| (namespace.to_owned(), token.map(str::to_owned))));
}

#[tokio::test]
async fn a_page_over_several_namespaces_goes_on_where_it_ended() {
    let fake = everything(within(&["a", "b", "c"]));
    let mut state = fake.state(|terms| terms.limits.set(Bound::NamespacesPerList, 2));
    fake.answer([page(&["1"], None), page(&["2"], Some("x/y"))]);
    let first = state.list(kind("ConfigMap"), query(), read(Consistency::Latest)).await.unwrap().unwrap();
    assert_eq!(first.items.len(), 2);
    fake.answer([page(&["3"], None), page(&["4"], None)]);
    let mut on = query();
    on.continue_token = first.continue_token;
    let second = state.list(kind("ConfigMap"), on, read(Consistency::Latest)).await.unwrap().unwrap();
    assert_eq!((second.items, second.continue_token), (vec!["3".to_owned(), "4".to_owned()], None));
    let mut forged = query();
    forged.continue_token = Some("windlass/in/kube-system/".to_owned());
    assert_eq!(reason(state.list(kind("ConfigMap"), forged, read(Consistency::Latest)).await), "BadRequest");
}

#[tokio::test]
async fn a_page_of_the_server_holds_no_more_than_the_limit_and_tells_what_it_left_out() {
    let fake = everything(within(&["a", "b"]));
    let mut state = fake.state(|terms| terms.limits.set(Bound::ListItems, 3));
    fake.answer([page(&["1", "2"], None), page(&["3"], Some("on"))]);
    let first = state.list(kind("ConfigMap"), query(), read(Consistency::Latest)).await.unwrap().unwrap();
    assert_eq!((first.items.len(), first.continue_token.as_deref()), (3, Some("windlass/in/b/on")));
    let asked = |call: &Call| match &call.action {
        Action::List { query, .. } => query.limit,
        other => panic!("{other:?}"),
    };
    let limits: Vec<_> = fake.calls.lock().unwrap().iter().map(asked).collect();
    assert_eq!(limits, [Some(3), Some(1)]);
    state.tell_reached();
    assert_eq!(*fake.reached.lock().unwrap(), [(Bound::ListItems, 1)]);
    // A page that holds all there is leaves nothing out.
    fake.answer([page(&["1", "2"], None), page(&["3"], None)]);
    let all = state.list(kind("ConfigMap"), query(), read(Consistency::Latest)).await.unwrap().unwrap();
    assert_eq!((all.items.len(), all.continue_token), (3, None));
    state.tell_reached();
    assert_eq!(fake.reached.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_write_goes_out_in_the_manifests_name() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    fake.answer([Ok(Reply::Written {
        object: Answer::Other("{}".to_owned()),
        warnings: vec!["w".to_owned()],
    })]);
    let options = WriteOptions { subresource: Some("status".to_owned()), force: true, dry_run: true };
    let body = r#"{"metadata":{"name":"a"}}"#.to_owned();
    let written =
        state.patch(kind("ConfigMap"), name("mine", "a"), PatchType::Apply, body.clone(), options).await;
    assert_eq!(written.unwrap().unwrap().warnings, ["w"]);
    let write = windlass_core::call::WriteOptions { field_manager: "windlass/sample".into(), dry_run: true };
    let patch_type = windlass_core::call::PatchType::Apply;
    let action =
        Action::Patch { name: ObjectName::namespaced("mine", "a"), patch_type, body, force: true, write };
    let call = Call { kind: Kind::new("v1", "ConfigMap"), subresource: Some("status".to_owned()), action };
    assert_eq!(*fake.calls.lock().unwrap(), [call]);
}

#[tokio::test]
async fn nothing_is_sent_for_a_call_that_makes_no_sense() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|terms| terms.limits.set(Bound::Payload, 100));
    let map = || kind("ConfigMap");
    let here = || name("mine", "a");
    let update = |body: &str| (map(), here(), body.to_owned(), plain_write());
    for body in ["{}", "[]", "{\"metadata\":{\"resourceVersion\":\"\"}}", "no json"] {
        let (kind, name, body, options) = update(body);
        assert_eq!(reason(state.update(kind, name, body, options).await), "BadRequest");
    }
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(100));
    assert_eq!(reason(state.create(map(), here(), long, plain_write()).await), "TooLarge");
    for (namespace, object, body) in [
        ("mine", "", "{}"),
        ("mine", "a", r#"{"metadata":{"name":"b"}}"#),
        ("mine", "a", r#"{"metadata":{"namespace":"other"}}"#),
        ("mine", "../../secrets/x", "{}"),
        ("mine", "..", "{}"),
        ("mine%2f", "a", "{}"),
        ("", "a", "{}"),
    ] {
        let answer = state.create(map(), name(namespace, object), body.to_owned(), plain_write()).await;
        assert_eq!(reason(answer), "BadRequest", "{namespace} {object} {body}");
    }
    let exec = WriteOptions { subresource: Some("../status".to_owned()), ..plain_write() };
    assert_eq!(reason(state.create(map(), here(), "{}".to_owned(), exec).await), "BadRequest");
    let nobody = state.get(kind("pods/exec"), here(), read(Consistency::Latest)).await;
    assert_eq!(reason(nobody), "BadRequest");
    assert_eq!(reason(state.get(kind("Gadget"), here(), read(Consistency::Latest)).await), "NotFound");
    assert!(fake.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_object_is_created_under_the_name_in_its_body() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    for body in [r#"{"metadata":{"name":"b"}}"#, r#"{"metadata":{"generateName":"b-"}}"#] {
        fake.answer([Ok(Reply::Written { object: Answer::Other("{}".to_owned()), warnings: vec![] })]);
        let made = state.create(kind("ConfigMap"), name("mine", ""), body.to_owned(), plain_write()).await;
        made.unwrap().unwrap();
    }
    let calls = fake.calls.lock().unwrap();
    let names: Vec<_> = calls.iter().map(|call| call.action.name().unwrap().name.to_string()).collect();
    assert_eq!(names, ["b", ""]);
}

#[tokio::test]
async fn describing_reads_nothing_and_targets_write_nothing() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state_of(Activity::Describe, |_| {});
    let options = read(Consistency::Cached);
    assert_eq!(reason(state.get(kind("ConfigMap"), name("mine", "a"), options).await), "BadRequest");
    let mut state = fake.state_of(Activity::Targets { controller: "maps".into() }, |_| {});
    fake.answer([Ok(Reply::Object(None))]);
    let mut options = read(Consistency::Cached);
    options.subscribe = true;
    assert_eq!(state.get(kind("ConfigMap"), name("mine", "a"), options).await.unwrap().unwrap(), None);
    assert_eq!((state.tally.subscriptions, state.tally.subscriptions_dropped), (0, 1));
    let written = state.create(kind("ConfigMap"), name("mine", "a"), "{}".to_owned(), plain_write()).await;
    assert_eq!(reason(written), "BadRequest");
}

#[tokio::test]
async fn one_call_too_many_ends_the_run() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|terms| terms.limits.set(Bound::HostCalls, 1));
    fake.answer([Ok(Reply::Deleted { gone: true, uid: None, left: None })]);
    let gone = |state: &mut State| {
        let options = DeleteOptions {
            propagation: None,
            uid: None,
            resource_version: None,
            grace_period_seconds: None,
            dry_run: false,
        };
        let (kind, name) = (kind("ConfigMap"), name("mine", "a"));
        futures::executor::block_on(state.delete(kind, name, options))
    };
    assert!(gone(&mut state).unwrap().unwrap());
    assert!(gone(&mut state).unwrap_err().to_string().contains("more than 1 host calls"));
}

#[tokio::test]
async fn an_index_must_be_declared_and_covered() {
    let fake = everything(Scope::AllNamespaces);
    let field = windlass_core::field_path::FieldPath::parse(".metadata.uid").unwrap();
    let index = windlass_core::description::Index {
        name: "by-uid".into(),
        kind: Kind::new("v1", "ConfigMap"),
        field: field.clone(),
    };
    let mut state = fake.state(|terms| terms.indexes = Arc::from([index]));
    let by = |index: &str| {
        let mut wanted = query();
        wanted.index = Some(objects::IndexValue { index: index.to_owned(), value: "mine-b".to_owned() });
        wanted
    };
    let undeclared = state.list(kind("ConfigMap"), by("by-name"), read(Consistency::Cached)).await;
    assert_eq!(reason(undeclared), "BadRequest");
    let uncovered = state.list(kind("ConfigMap"), by("by-uid"), read(Consistency::Cached)).await;
    assert_eq!(reason(uncovered), "BadRequest");
    fake.cache.index(&Kind::new("v1", "ConfigMap"), vec![field]);
    fill(&fake.cache, &[("mine", "a"), ("mine", "b")]);
    let found =
        state.list(kind("ConfigMap"), by("by-uid"), read(Consistency::Cached)).await.unwrap().unwrap();
    assert_eq!(found.items.len(), 1);
    assert!(found.items[0].contains("mine-b"));
}

#[tokio::test]
async fn following_takes_the_right_to_watch() {
    let fake = Fake::granting(vec![
        rule(&["get", "list"], &["configmaps"], within(&["mine", "ours"])),
        rule(&["watch"], &["configmaps"], within(&["mine"])),
    ]);
    fill(&fake.cache, &[("mine", "a"), ("ours", "b")]);
    let mut state = fake.state(|_| {});
    let options = || ReadOptions { subscribe: true, ..read(Consistency::Cached) };
    state.get(kind("ConfigMap"), name("mine", "a"), options()).await.unwrap().unwrap();
    assert_eq!(reason(state.get(kind("ConfigMap"), name("ours", "b"), options()).await), "NotGranted");
    let mut here = query();
    here.namespace = Some("mine".to_owned());
    here.label_selector = Some("app=web".to_owned());
    state.list(kind("ConfigMap"), here, options()).await.unwrap().unwrap();
    let everywhere = state.list(kind("ConfigMap"), query(), options()).await;
    assert_eq!(reason(everywhere), "NotGranted", "`ours` may be listed and not watched");
    let kind = Kind::new("v1", "ConfigMap");
    let resource = Resource { kind, plural: "configmaps".into(), namespaced: true };
    let of = |what| Subscription { resource: resource.clone(), what, shape: CoreShape::Whole };
    let many = Selection {
        namespaces: vec!["mine".into()],
        labels: Some(Selector::parse("app=web").unwrap()),
        fields: None,
    };
    let want = [of(Subscribed::One(ObjectName::namespaced("mine", "a"))), of(Subscribed::Many(many))];
    assert_eq!(*fake.subscriptions.lock().unwrap(), want);
    assert_eq!(state.tally.subscriptions, 2);
}

#[tokio::test]
async fn what_was_read_before_its_watch_began_is_told_and_nothing_else() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    let options = || ReadOptions { subscribe: true, ..read(Consistency::Cached) };
    let object = |name: &str| {
        format!(r#"{{"metadata":{{"namespace":"mine","name":"{name}","resourceVersion":"7"}}}}"#)
    };
    fake.answer([Ok(Reply::Object(None))]);
    state.get(kind("ConfigMap"), name("mine", "a"), options()).await.unwrap().unwrap();
    assert_eq!(*fake.seen.lock().unwrap(), [], "a watch that is in step tells everything");
    *fake.following.lock().unwrap() = Following::Starting;
    fake.answer([Ok(Reply::Object(None)), Ok(Reply::Object(Some(object("a"))))]);
    fake.answer([Err(ApiError::host("Unavailable", "")), page(&[&object("a"), &object("b")], None)]);
    fake.answer([page(&[&object("a")], Some("more")), page(&["{}"], None)]);
    for _ in 0..3 {
        drop(state.get(kind("ConfigMap"), name("mine", "a"), options()).await.unwrap());
    }
    let mut first = query();
    first.limit = Some(1);
    for wanted in [query(), first, query()] {
        drop(state.list(kind("ConfigMap"), wanted, options()).await.unwrap());
    }
    let digest = |names: &[&str]| {
        let mut seen = Seen::default();
        names.iter().for_each(|name| seen.add(ObjectName::namespaced("mine", name).as_ref(), "7"));
        Some(seen)
    };
    let want = [digest(&[]), digest(&["a"]), None, digest(&["a", "b"]), None, None];
    let told: Vec<_> = fake.seen.lock().unwrap().iter().map(|(_, seen)| *seen).collect();
    assert_eq!(told, want);
    let numbers = fake.seen.lock().unwrap().iter().map(|(id, _)| *id).collect::<Vec<_>>();
    assert_eq!(numbers, (2..8).map(SubscriptionId).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_read_that_cannot_be_followed_fails() {
    let fake = everything(within(&["mine"]));
    *fake.subscriptions_max.lock().unwrap() = 0;
    let mut state = fake.state(|_| {});
    let options = || ReadOptions { subscribe: true, ..read(Consistency::Cached) };
    let one = state.get(kind("ConfigMap"), name("mine", "a"), options()).await;
    assert_eq!(reason(one), "LimitExceeded");
    assert_eq!(reason(state.list(kind("ConfigMap"), query(), options()).await), "LimitExceeded");
    assert!(fake.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_read_is_counted_by_who_answered_it() {
    let fake = everything(Scope::AllNamespaces);
    fill(&fake.cache, &[("mine", "a")]);
    let mut state = fake.state(|_| {});
    fake.answer([Ok(Reply::Object(None)), page(&[], None), Ok(Reply::Object(None))]);
    for consistency in [Consistency::Cached, Consistency::Latest] {
        state.get(kind("ConfigMap"), name("mine", "a"), read(consistency)).await.unwrap().unwrap();
        state.list(kind("ConfigMap"), query(), read(consistency)).await.unwrap().unwrap();
    }
    let of_status = ReadOptions { subresource: Some("status".to_owned()), ..read(Consistency::Cached) };
    state.get(kind("ConfigMap"), name("mine", "a"), of_status).await.unwrap().unwrap();
    assert_eq!((state.tally.cached_reads, state.tally.server_reads, state.tally.cache_misses), (2, 3, 0));
}

#[tokio::test]
async fn the_contents_of_secrets_take_get_and_their_metadata_does_not() {
    let fake = Fake::granting(vec![
        rule(&["list", "watch"], &["secrets"], within(&["mine", "ours"])),
        rule(&["get"], &["secrets"], within(&["mine"])),
    ]);
    let mut state = fake.state(|_| {});
    let mut here = query();
    here.namespace = Some("ours".to_owned());
    let whole = state.list(kind("Secret"), here.clone(), read(Consistency::Latest)).await;
    assert_eq!(reason(whole), "NotGranted");
    fake.answer([page(&[], None), page(&[], None)]);
    let metadata = ReadOptions { shape: Shape::Metadata, ..read(Consistency::Latest) };
    state.list(kind("Secret"), here, metadata).await.unwrap().unwrap();
    state.list(kind("Secret"), query(), read(Consistency::Latest)).await.unwrap().unwrap();
    let calls = fake.calls.lock().unwrap();
    let asked = calls.iter().map(|call| match &call.action {
        Action::List { query, shape } => (query.namespace.as_deref(), *shape),
        other => panic!("{other:?}"),
    });
    let want = [(Some("ours"), CoreShape::Metadata), (Some("mine"), CoreShape::Whole)];
    assert_eq!(asked.collect::<Vec<_>>(), want, "everywhere is where both are granted");
}

#[tokio::test]
async fn what_is_no_selector_is_told_before_anything_is_asked() {
    let fake = everything(Scope::AllNamespaces);
    let mut state = fake.state(|_| {});
    let labels = Query { label_selector: Some("a in b".to_owned()), ..query() };
    let fields = Query { field_selector: Some("metadata.name".to_owned()), ..query() };
    for wanted in [labels, fields] {
        let answer = state.list(kind("ConfigMap"), wanted, read(Consistency::Latest)).await;
        assert_eq!(reason(answer), "BadRequest");
    }
    assert!(fake.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_handed_over() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|terms| terms.limits.set(Bound::Reply, 10));
    fake.answer([Ok(Reply::Object(Some("x".repeat(11)))), page(&["123456", "123456"], None)]);
    let one = state.get(kind("ConfigMap"), name("mine", "a"), read(Consistency::Latest)).await;
    assert_eq!(reason(one), "TooLarge");
    assert_eq!(reason(state.list(kind("ConfigMap"), query(), read(Consistency::Latest)).await), "TooLarge");
}

#[tokio::test]
async fn an_answer_to_another_question_is_the_hosts_fault_and_told_as_such() {
    let fake = everything(within(&["mine"]));
    let mut state = fake.state(|_| {});
    fake.answer([Ok(Reply::Deleted { gone: true, uid: None, left: None })]);
    let answer = state.get(kind("ConfigMap"), name("mine", "a"), read(Consistency::Latest)).await;
    assert_eq!(reason(answer), "InternalError");
}
