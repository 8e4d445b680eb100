//! Own writes over what the watches say, rule by rule.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    cache::{Before, Cache, Found, LiveAnswer, Namespaces, OwnWrite, Query, Question, laid},
    call::{Action, Answered, ApiError, Call, DeleteOptions, PatchType, Reply, Shape, WriteOptions},
    change::Cause,
    description::Selection,
    field_path::FieldPath,
    input::{WatchId, WatchSpec},
    name::{Kind, ObjectName},
    object::{FieldPlan, Object},
    selector::Selector,
    time::Time,
};
use std::{sync::Arc, time::Duration};

const W: WatchId = WatchId(1);

pub(in crate::cache) fn maps() -> Kind {
    Kind::new("v1", "ConfigMap")
}

pub(in crate::cache) fn spec(labels: &str, fields: Option<&str>) -> WatchSpec {
    let labels = (!labels.is_empty()).then(|| Selector::parse(labels).unwrap());
    let selection = Selection { namespaces: Vec::new(), labels, fields: fields.map(Arc::from) };
    WatchSpec { kind: maps(), selection, metadata_only: false, plan: Arc::new(FieldPlan::default()) }
}

pub(in crate::cache) fn name(name: &str) -> ObjectName {
    ObjectName::namespaced("a", name)
}

/// A ConfigMap `a/NAME`: uid `u-NAME` unless said otherwise, with the label `app`.
fn map(name: &str, version: u64, app: &str) -> Object {
    incarnation(&format!("u-{name}"), name, version, app, "")
}

pub(in crate::cache) fn incarnation(uid: &str, name: &str, version: u64, app: &str, more: &str) -> Object {
    let raw = format!(
        r#"{{"metadata":{{"namespace":"a","name":"{name}","uid":"{uid}","resourceVersion":"{version}","labels":{{"app":"{app}"}},"ownerReferences":[{{"apiVersion":"v1","kind":"Site","name":"s","uid":"owner-{app}"}}]{more}}},"data":{{"k":"{app}"}}}}"#
    );
    Object::ingest(&maps(), &raw).unwrap()
}

pub(in crate::cache) fn patch(name: &str) -> Call {
    let (patch_type, write) = (PatchType::Apply, WriteOptions::default());
    let action =
        Action::Patch { name: self::name(name), patch_type, body: String::new(), force: true, write };
    Call { kind: maps(), subresource: None, action }
}

pub(in crate::cache) fn delete(name: &str) -> Call {
    let action = Action::Delete { name: self::name(name), options: DeleteOptions::default() };
    Call { kind: maps(), subresource: None, action }
}

pub(in crate::cache) fn written(object: Object) -> Result<Reply, ApiError> {
    Ok(Reply::Written { object: Answered::Object(Arc::new(object)), warnings: Vec::new() })
}

pub(in crate::cache) fn deleted(uid: &str) -> Result<Reply, ApiError> {
    Ok(Reply::Deleted { gone: true, uid: Some(uid.into()), left: None })
}

pub(in crate::cache) fn lost() -> Result<Reply, ApiError> {
    Err(ApiError::host("OutcomeUnknown", "the connection broke"))
}

/// A cache of which the watch 1 has listed these, at version 100.
fn watched(objects: Vec<Object>) -> Cache {
    let cache = Cache::new();
    cache.open(W, &spec("", None));
    cache.replace(W, objects, "100");
    cache
}

/// Makes a write whose answer is laid at once.
fn write(cache: &Cache, call: &Call, answer: Result<Reply, ApiError>) {
    let before = cache.before(&maps(), call.action.name().unwrap());
    answer_to(cache, call, before, answer);
}

fn answer_to(cache: &Cache, call: &Call, before: Option<Before>, answer: Result<Reply, ApiError>) {
    if let Some(write) = OwnWrite::answered(call, before, &answer) {
        cache.lay(&write, Time(0));
    }
}

fn found(cache: &Cache, name: &str) -> String {
    match cache.find(&maps(), &self::name(name), Shape::Whole) {
        Found::Object(object) => object.resource_version().to_string(),
        Found::Absent => "absent".to_owned(),
        Found::Unknown => "ask".to_owned(),
    }
}

fn listed(cache: &Cache, query: &Query) -> String {
    let show = |object: &Arc<Object>| format!("{}@{}", object.name().name, object.resource_version());
    let list = cache.list(&maps(), query);
    list.map_or("ask".to_owned(), |list| list.iter().map(show).collect::<Vec<_>>().join(" "))
}

fn by_label(app: &str) -> Query {
    let labels = Some(Selector::parse(&format!("app={app}")).unwrap());
    Query { question: Question { labels, ..Question::default() }, ..Query::default() }
}

fn by_owner(app: &str) -> Query {
    Query { owner_uid: Some(format!("owner-{app}").into()), ..Query::default() }
}

fn live(cache: &Cache) -> usize {
    cache.own_writes().live
}

#[test]
fn a_write_is_visible_to_every_reader_and_index_before_the_watch_tells_of_it() {
    let cache = watched(vec![map("p", 1, "old"), map("q", 2, "old")]);
    let path = FieldPath::parse(".data.k").unwrap();
    cache.index(&maps(), vec![path.clone()]);
    write(&cache, &patch("p"), written(map("p", 101, "new")));
    write(&cache, &patch("made"), written(map("made", 102, "new")));
    assert_eq!((found(&cache, "p"), found(&cache, "made")), ("101".to_owned(), "102".to_owned()));
    let by_index = |value: &str| Query { index: Some((path.clone(), value.into())), ..Query::default() };
    for (old, new) in [
        (by_label("old"), by_label("new")),
        (by_owner("old"), by_owner("new")),
        (by_index("old"), by_index("new")),
    ] {
        assert_eq!(listed(&cache, &old), "q@2");
        assert_eq!(listed(&cache, &new), "made@102 p@101");
    }
    assert_eq!(listed(&cache, &Query { limit: Some(2), ..Query::default() }), "made@102 p@101");
    let selected = cache.selected(&maps(), &Selection::default(), &name("made")).unwrap();
    assert_eq!(selected.resource_version(), "102");
}

#[test]
fn the_event_that_carries_a_write_is_a_change_all_the_same_and_ends_the_layer() {
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &patch("p"), written(map("p", 101, "new")));
    write(&cache, &patch("made"), written(map("made", 102, "new")));
    let change = cache.upsert(W, map("p", 101, "new")).unwrap();
    assert_eq!(change.before.unwrap().label("app"), Some("old"));
    assert_eq!((change.after.unwrap().label("app"), change.cause), (Some("new"), Cause::Live));
    assert_eq!(live(&cache), 1);
    let change = cache.upsert(W, map("made", 102, "new")).unwrap();
    assert!(change.before.is_none());
    assert_eq!(live(&cache), 0);
    assert_eq!(found(&cache, "made"), "102");
}

#[test]
fn an_older_event_is_told_and_not_seen() {
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &patch("p"), written(map("p", 105, "new")));
    let change = cache.upsert(W, map("p", 103, "between")).unwrap();
    assert_eq!(change.after.unwrap().label("app"), Some("between"));
    assert_eq!((found(&cache, "p"), live(&cache)), ("105".to_owned(), 1));
    assert_eq!(listed(&cache, &by_label("between")), "");
}

#[test]
fn a_write_ends_when_anything_that_the_watch_tells_is_past_it() {
    let check = |how: &dyn Fn(&Cache, &str), version: &str, left: usize| {
        let cache = watched(vec![map("p", 1, "old")]);
        // As if another selection held it: the watch itself tells nothing of it.
        write(&cache, &patch("p"), written(map("p", 105, "new")));
        how(&cache, version);
        assert_eq!(live(&cache), left, "after {version}");
    };
    let bookmark = |cache: &Cache, version: &str| cache.bookmark(W, version);
    let another =
        |cache: &Cache, version: &str| drop(cache.upsert(W, map("q", version.parse().unwrap(), "x")));
    let relist = |cache: &Cache, version: &str| drop(cache.replace(W, vec![map("p", 1, "old")], version));
    let relist_big = |cache: &Cache, version: &str| {
        let many: Vec<_> = (0..400).map(|n| map(&format!("n{n}"), 50, "x")).collect();
        drop(cache.replace(W, many, version));
    };
    let removal = |cache: &Cache, version: &str| drop(cache.remove(W, &name("none"), Some(version)));
    for how in [&bookmark as &dyn Fn(&Cache, &str), &another, &relist, &relist_big, &removal] {
        check(how, "104", 1);
        check(how, "105", 0);
        check(how, "1000", 0);
    }
}

#[test]
fn an_answer_that_comes_after_its_event_lays_nothing() {
    let cache = watched(vec![map("p", 1, "old")]);
    let before = cache.before(&maps(), &name("p"));
    cache.upsert(W, map("p", 101, "new"));
    answer_to(&cache, &patch("p"), before.clone(), written(map("p", 101, "new")));
    assert_eq!(live(&cache), 0);
    let before_deletion = cache.before(&maps(), &name("p"));
    cache.remove(W, &name("p"), Some("102"));
    answer_to(&cache, &delete("p"), before_deletion, deleted("u-p"));
    assert_eq!(live(&cache), 0);
    // Nor does the late answer to an earlier write bring back what was deleted meanwhile.
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &delete("p"), deleted("u-p"));
    answer_to(&cache, &patch("p"), before.clone(), written(map("p", 101, "new")));
    assert_eq!(found(&cache, "p"), "absent");
    // Nor the late answer to the deletion take away what was made anew.
    write(&cache, &patch("p"), written(incarnation("another", "p", 103, "new", "")));
    answer_to(&cache, &delete("p"), before, deleted("u-p"));
    assert_eq!(found(&cache, "p"), "103");
}

#[test]
fn deleted_stays_deleted_until_another_object_has_the_name() {
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &delete("p"), deleted("u-p"));
    assert_eq!((found(&cache, "p"), listed(&cache, &Query::default())), ("absent".to_owned(), String::new()));
    // Late news of the one that was deleted.
    assert!(cache.upsert(W, map("p", 101, "late")).is_some());
    assert_eq!(found(&cache, "p"), "absent");
    let gone = cache.remove(W, &name("p"), Some("102")).unwrap();
    assert_eq!(gone.before.unwrap().label("app"), Some("late"));
    assert_eq!((found(&cache, "p"), live(&cache)), ("absent".to_owned(), 0));

    // Also where the answer does not say which one it was.
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &delete("p"), Ok(Reply::Deleted { gone: true, uid: None, left: None }));
    assert_eq!((found(&cache, "p"), cache.overdue(Time(0), usize::MAX).len()), ("ask".to_owned(), 1));

    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &delete("p"), deleted("u-p"));
    cache.upsert(W, incarnation("another", "p", 103, "new", ""));
    assert_eq!((found(&cache, "p"), live(&cache)), ("103".to_owned(), 0));
}

#[test]
fn a_deletion_that_one_watch_told_before_its_answer_holds_against_another_that_lags() {
    let cache = Cache::new();
    for (watch, labels) in [(W, ""), (WatchId(2), "app=x")] {
        cache.open(watch, &spec(labels, None));
        drop(cache.replace(watch, Vec::<Object>::new(), "10"));
    }
    drop(cache.upsert(W, map("0", 13, "x")));
    let call = delete("0");
    let before = cache.before(&maps(), &name("0"));
    drop(cache.remove(W, &name("0"), Some("14")));
    answer_to(&cache, &call, before, deleted("u-0"));
    drop(cache.upsert(WatchId(2), map("0", 13, "x")));
    assert_eq!(found(&cache, "0"), "absent", "the other watch comes with what was there before");
    drop(cache.remove(WatchId(2), &name("0"), Some("14")));
    assert_eq!(found(&cache, "0"), "absent");
}

#[test]
fn a_deletion_holds_against_a_watch_that_lags_behind_a_later_state_than_was_seen() {
    // The second watch is past the state that was seen before the deletion, and not past the last one: that has its
    // label by somebody else's write. The first watch has told the end, or is none that tells it.
    for (first, left) in [("", 0), ("app=z", 1)] {
        let cache = Cache::new();
        for (watch, labels) in [(W, first), (WatchId(2), "app=x")] {
            cache.open(watch, &spec(labels, None));
            drop(cache.replace(watch, Vec::<Object>::new(), "10"));
        }
        write(&cache, &patch("0"), written(map("0", 13, "y")));
        let before = Some(Before::of(&map("0", 13, "y")));
        drop(cache.replace(W, Vec::<Object>::new(), "21"));
        cache.bookmark(WatchId(2), "15");
        answer_to(&cache, &delete("0"), before, deleted("u-0"));
        assert!(cache.upsert(WatchId(2), map("0", 20, "x")).is_some(), "it is a change all the same");
        assert_eq!(listed(&cache, &by_label("x")), "", "after {first:?}");
        drop(cache.remove(WatchId(2), &name("0"), Some("21")));
        assert_eq!((listed(&cache, &by_label("x")), live(&cache)), (String::new(), left));
    }
}

#[test]
fn an_object_that_was_made_and_deleted_before_the_watch_told_of_it_never_appears() {
    let cache = watched(vec![]);
    write(&cache, &patch("p"), written(map("p", 101, "x")));
    write(&cache, &delete("p"), deleted("u-p"));
    assert!(cache.upsert(W, map("p", 101, "x")).is_some());
    assert_eq!(found(&cache, "p"), "absent");
    assert!(cache.remove(W, &name("p"), Some("102")).is_some());
    assert_eq!((found(&cache, "p"), live(&cache)), ("absent".to_owned(), 0));
}

#[test]
fn a_deletion_shows_the_object_as_long_as_something_holds_it() {
    let check = |more: &str, gone: bool| {
        let cache = watched(vec![map("p", 1, "x")]);
        let ending = format!(r#","deletionTimestamp":"2026-01-01T00:00:00Z"{more}"#);
        let left = Arc::new(incarnation("u-p", "p", 101, "x", &ending));
        write(&cache, &delete("p"), Ok(Reply::Deleted { gone, uid: None, left: Some(left.clone()) }));
        assert_eq!(found(&cache, "p"), if gone { "absent" } else { "101" }, "{more}");
        // The same state as the answer to the patch that takes the last finalizer.
        let cache = watched(vec![map("p", 1, "x")]);
        write(&cache, &patch("p"), written((*left).clone()));
        assert_eq!(found(&cache, "p"), if gone { "absent" } else { "101" }, "{more}");
    };
    check(r#","finalizers":["example.com/f"]"#, false);
    check(r#","deletionGracePeriodSeconds":30"#, false);
    check(r#","deletionGracePeriodSeconds":0"#, true);
    check("", true);
}

#[test]
fn readers_of_a_selection_lose_what_a_write_took_out_of_it() {
    let cache = Cache::new();
    cache.open(W, &spec("app=x", None));
    cache.replace(W, vec![map("p", 1, "x")], "100");
    write(&cache, &patch("p"), written(map("p", 101, "y")));
    assert_eq!((listed(&cache, &by_label("x")), live(&cache)), (String::new(), 1));
    assert!(cache.selected(&maps(), &spec("app=x", None).selection, &name("p")).is_none());
    // The watch tells of the end of its hold.
    assert!(cache.remove(W, &name("p"), Some("101")).is_some());
    assert_eq!(live(&cache), 0);
    // What no watch of the view could tell of is not waited for.
    write(&cache, &patch("q"), written(map("q", 102, "y")));
    assert_eq!(live(&cache), 0);
}

#[test]
fn what_a_write_took_out_of_a_selection_is_seen_by_a_wider_watch_that_begins_then() {
    let cache = Cache::new();
    cache.open(W, &spec("app=x", None));
    drop(cache.replace(W, vec![map("p", 1, "x")], "10"));
    write(&cache, &patch("p"), written(map("p", 12, "y")));
    assert_eq!(listed(&cache, &by_label("x")), "");
    cache.open(WatchId(2), &spec("", None));
    drop(cache.replace(WatchId(2), vec![map("p", 12, "y")], "12"));
    assert_eq!((found(&cache, "p"), listed(&cache, &by_label("x"))), ("12".to_owned(), String::new()));
    cache.forget(W);
    assert_eq!((found(&cache, "p"), live(&cache)), ("12".to_owned(), 0));
}

#[test]
fn a_write_lasts_until_every_watch_that_could_hold_it_has_passed() {
    let cache = watched(vec![map("p", 1, "x")]);
    cache.open(WatchId(2), &spec("app=x", None));
    cache.replace(WatchId(2), vec![map("p", 1, "x")], "100");
    write(&cache, &delete("p"), deleted("u-p"));
    assert!(cache.remove(W, &name("p"), Some("101")).is_none(), "the other watch holds it still");
    assert_eq!(found(&cache, "p"), "absent");
    assert!(cache.remove(WatchId(2), &name("p"), Some("101")).is_some());
    cache.bookmark(W, "101");
    assert_eq!((found(&cache, "p"), live(&cache)), ("absent".to_owned(), 0));
}

#[test]
fn a_metadata_view_shows_the_metadata_of_a_write() {
    let cache = Cache::new();
    cache.open(W, &WatchSpec { metadata_only: true, ..spec("", None) });
    cache.replace(W, Vec::<Object>::new(), "100");
    write(&cache, &patch("p"), written(map("p", 101, "x")));
    let Found::Object(object) = cache.find(&maps(), &name("p"), Shape::Metadata) else { panic!("{cache:?}") };
    assert!(object.json().contains("PartialObjectMetadata") && !object.json().contains("data\":{\"k"));
    assert_eq!(object.label("app"), Some("x"));
}

#[test]
fn what_only_the_server_can_select_is_asked_for_until_the_watch_has_passed() {
    let fields = "status.phase=Running";
    let cache = Cache::new();
    cache.open(W, &spec("", Some(fields)));
    cache.replace(W, vec![map("p", 1, "x")], "100");
    write(&cache, &patch("p"), written(map("p", 101, "x")));
    let question = Question { fields: Some(fields.into()), ..Question::default() };
    let query = Query { question, ..Query::default() };
    assert_eq!(listed(&cache, &query), "ask");
    cache.bookmark(W, "101");
    assert_eq!(listed(&cache, &query), "p@1");
}

#[test]
fn nothing_is_laid_for_what_is_not_watched_not_written_or_not_done() {
    let cache = Cache::new();
    write(&cache, &patch("p"), written(map("p", 101, "x")));
    let cache = watched(vec![map("p", 1, "x")]);
    let refused = |code| Err(ApiError { code, ..ApiError::host("Conflict", "somebody else was faster") });
    let mut dry = patch("p");
    let Action::Patch { write: options, .. } = &mut dry.action else { panic!() };
    options.dry_run = true;
    write(&cache, &dry, written(map("p", 101, "y")));
    assert!(OwnWrite::unanswered(&dry, None).is_none());
    for answer in [refused(409), refused(404), refused(429), Err(ApiError::host("NotLeader", ""))] {
        write(&cache, &patch("p"), answer);
    }
    // The same version as the watch told: nothing changed.
    write(&cache, &patch("p"), written(map("p", 1, "x")));
    assert_eq!((live(&cache), cache.due_next()), (0, None));
}

#[test]
fn a_write_of_unknown_outcome_sends_reads_of_its_object_to_the_server_until_a_live_read() {
    for answer in [lost(), Err(ApiError { code: 504, ..ApiError::host("Timeout", "") })] {
        let cache = watched(vec![map("p", 1, "old"), map("q", 2, "old")]);
        write(&cache, &patch("p"), answer);
        assert_eq!((found(&cache, "p"), found(&cache, "q")), ("ask".to_owned(), "2".to_owned()));
        assert_eq!(
            (listed(&cache, &by_label("old")), cache.must_ask(&maps(), &name("p"))),
            ("ask".to_owned(), true)
        );
        assert!(cache.must_ask(&maps(), &name("p")) && !cache.must_ask(&maps(), &name("q")));
        // An event proves nothing: it may tell of somebody else's write.
        cache.upsert(W, map("p", 101, "other"));
        assert_eq!(found(&cache, "p"), "ask");
        let reads = cache.overdue(Time(0), usize::MAX);
        assert_eq!((reads.len(), cache.overdue(Time(0), usize::MAX).len()), (1, 0));
        let answer = LiveAnswer::Read { object: Some(Arc::new(map("p", 103, "new"))), version: "104".into() };
        cache.settle(&reads[0], &answer, Time(0));
        assert_eq!((found(&cache, "p"), cache.due_next()), ("103".to_owned(), None));
        let told = cache.own_writes();
        assert_eq!((told.settled, told.asked), (1, 3));
        assert!(cache.upsert(W, map("p", 103, "new")).is_some());
        assert_eq!(live(&cache), 0);
    }
}

#[test]
fn a_live_read_that_shows_nothing_of_a_lost_write_is_made_again_a_few_times() {
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &patch("p"), lost());
    let unchanged = LiveAnswer::Read { object: Some(Arc::new(map("p", 1, "old"))), version: "104".into() };
    let (mut now, mut reads) = (Time(0), 0);
    while let Some(due) = cache.due_next() {
        assert_eq!(found(&cache, "p"), "ask");
        assert!(due >= now);
        now = due;
        for read in cache.overdue(now, usize::MAX) {
            reads += 1;
            cache.settle(&read, &unchanged, now);
        }
    }
    assert_eq!((reads, found(&cache, "p"), live(&cache)), (3, "1".to_owned(), 0));
}

#[test]
fn a_live_read_that_fails_is_made_again_with_backoff() {
    let cache = watched(vec![map("p", 1, "old")]);
    write(&cache, &patch("p"), lost());
    let mut waits = Vec::new();
    let mut now = Time(0);
    for _ in 0..12 {
        for read in cache.overdue(now, usize::MAX) {
            cache.settle(&read, &LiveAnswer::Failed, now);
        }
        let due = cache.due_next().unwrap();
        waits.push(due.since(now));
        now = due;
    }
    assert!(waits.is_sorted() && waits[0] == Duration::from_millis(500), "{waits:?}");
    assert_eq!(waits.last(), Some(&Duration::from_secs(30)));
    let reads = cache.overdue(now, usize::MAX);
    cache.settle(&reads[0], &LiveAnswer::NotServed, now);
    assert_eq!(live(&cache), 0);
}

#[test]
fn an_object_of_unknown_name_hides_its_namespace_until_the_watch_has_passed_a_live_read() {
    let cache = watched(vec![map("p", 1, "x")]);
    let (write_options, body) = (WriteOptions::default(), String::new());
    let action = Action::Create { name: name(""), body, write: write_options };
    write(&cache, &Call { kind: maps(), subresource: None, action }, lost());
    let within = |namespace: &str| {
        let namespaces = Namespaces::These(vec![namespace.into()]);
        Query { question: Question { namespaces, ..Question::default() }, ..Query::default() }
    };
    let check = |all: &str, here: &str| {
        assert_eq!(
            (listed(&cache, &Query::default()), listed(&cache, &within("a"))),
            (all.into(), here.into())
        );
        assert_eq!((listed(&cache, &within("b")), found(&cache, "p")), (String::new(), "1".to_owned()));
    };
    check("ask", "ask");
    let reads = cache.overdue(Time(0), usize::MAX);
    cache.settle(&reads[0], &LiveAnswer::Read { object: None, version: "110".into() }, Time(0));
    cache.bookmark(W, "109");
    check("ask", "ask");
    cache.bookmark(W, "110");
    check("p@1", "p@1");
}

#[test]
fn a_write_that_the_watch_does_not_pass_in_time_is_settled_by_one_live_read() {
    let cache = watched(vec![map("p", 1, "x"), map("q", 2, "x"), map("r", 3, "x")]);
    for (which, version) in [("p", 101), ("q", 102)] {
        write(&cache, &patch(which), written(map(which, version, "y")));
    }
    write(&cache, &delete("r"), deleted("u-r"));
    let late = Time(0) + Duration::from_secs(5);
    assert!(cache.overdue(Time(late.0 - 1), usize::MAX).is_empty());
    let reads = cache.overdue(late, usize::MAX);
    assert_eq!(reads.len(), 3);
    // Somebody else deleted p, and changed q; r is gone indeed.
    let changed = Some(Arc::new(map("q", 104, "z")));
    for (read, object) in reads.iter().zip([None, changed, None]) {
        cache.settle(read, &LiveAnswer::Read { object, version: "105".into() }, late);
    }
    let seen = ["p", "q", "r"].map(|name| found(&cache, name));
    assert_eq!((seen, cache.due_next()), (["absent", "104", "absent"].map(str::to_owned), None));
    // A late watch takes nothing back, and tells each change.
    assert!(cache.upsert(W, map("r", 101, "late")).is_some());
    assert_eq!(found(&cache, "r"), "absent");
    cache.bookmark(W, "105");
    assert_eq!((live(&cache), cache.own_writes().settled), (0, 3));
}

#[test]
fn a_live_read_says_nothing_of_a_write_that_was_made_after_it_began() {
    let cache = watched(vec![map("p", 1, "x")]);
    let read = cache.read_live(maps(), name("p"));
    write(&cache, &patch("p"), written(map("p", 102, "y")));
    let old = LiveAnswer::Read { object: Some(Arc::new(map("p", 101, "old"))), version: "101".into() };
    cache.settle(&read, &old, Time(0));
    assert_eq!(found(&cache, "p"), "102");
}

#[test]
fn an_answer_without_the_object_sends_its_reads_to_the_server_until_one_live_read() {
    let cache = watched(vec![map("p", 1, "x")]);
    let scaled = Reply::Written { object: Answered::Other("{}".to_owned()), warnings: Vec::new() };
    write(&cache, &Call { subresource: Some("scale".to_owned()), ..patch("p") }, Ok(scaled));
    assert_eq!(found(&cache, "p"), "ask");
    let reads = cache.overdue(Time(0), usize::MAX);
    let unchanged = LiveAnswer::Read { object: Some(Arc::new(map("p", 1, "x"))), version: "104".into() };
    cache.settle(&reads[0], &unchanged, Time(0));
    assert_eq!((found(&cache, "p"), live(&cache)), ("1".to_owned(), 0));
}

#[test]
fn a_flood_of_writes_is_bounded_counted_and_never_read_too_old() {
    let cache = watched(vec![map("p", 1, "x")]);
    let max = u64::try_from(laid::WRITES_MAX).unwrap();
    for n in 0..max + 10 {
        write(&cache, &patch(&format!("n{n}")), written(map(&format!("n{n}"), 200 + n, "y")));
    }
    assert_eq!((live(&cache), cache.own_writes().given_up), (laid::WRITES_MAX, 10));
    // The first ten are forgotten: whoever asks for one of them, or for what nobody wrote, goes to the server.
    assert_eq!((found(&cache, "n0"), found(&cache, "p")), ("ask".to_owned(), "ask".to_owned()));
    assert_eq!((found(&cache, "n10"), listed(&cache, &by_label("y"))), ("210".to_owned(), "ask".to_owned()));
    cache.bookmark(W, "208");
    assert_eq!(found(&cache, "p"), "ask");
    cache.bookmark(W, "209");
    assert_eq!((found(&cache, "p"), live(&cache)), ("1".to_owned(), laid::WRITES_MAX));
}

#[test]
fn writes_that_cannot_be_given_up_are_bounded_before_they_are_sent() {
    let cache = watched(Vec::new());
    for n in 0..laid::OPEN_MAX {
        assert!(cache.has_room(&maps()));
        write(&cache, &patch(&n.to_string()), lost());
    }
    assert!(!cache.has_room(&maps()));
    for read in cache.overdue(Time(0), usize::MAX) {
        let object = Some(Arc::new(map(&read.name.name, 200, "x")));
        cache.settle(&read, &LiveAnswer::Read { object, version: "200".into() }, Time(0));
    }
    assert!(cache.has_room(&maps()));
}

#[test]
fn a_watch_that_is_never_in_step_keeps_no_write_that_is_settled() {
    let cache = watched(vec![map("p", 1, "x")]);
    cache.open(WatchId(2), &spec("app=x", None));
    write(&cache, &patch("p"), written(map("p", 101, "y")));
    cache.upsert(W, map("p", 101, "y"));
    assert_eq!(live(&cache), 1);
    let reads = cache.overdue(Time(0) + Duration::from_secs(5), usize::MAX);
    let object = Some(Arc::new(map("p", 101, "y")));
    cache.settle(&reads[0], &LiveAnswer::Read { object, version: "102".into() }, Time(0));
    assert_eq!((live(&cache), found(&cache, "p")), (0, "101".to_owned()));
}

#[test]
fn what_no_watch_could_hold_any_more_is_dropped() {
    let cache = watched(vec![map("p", 1, "x")]);
    let mut elsewhere = spec("", None);
    elsewhere.selection.namespaces = vec!["b".into()];
    cache.open(WatchId(2), &elsewhere);
    write(&cache, &patch("p"), written(map("p", 101, "y")));
    cache.forget(W);
    assert_eq!(live(&cache), 0);
}
