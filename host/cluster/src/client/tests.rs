//! Calls against a scripted server: what goes out, what comes back, what is sent again.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::script::{Answer, Part, Script, status};
use tokio::time::Instant;
use windlass_core::{
    call::{Answered, ListQuery, PatchType, Propagation},
    name::ObjectName,
    object::Object,
};

const SERVED: &[(&str, &str, &str, bool)] = &[
    ("v1", "configmaps", "ConfigMap", true),
    ("v1", "namespaces", "Namespace", false),
    ("apps/v1", "deployments", "Deployment", true),
];

fn bench(answers: Vec<Answer>) -> (Script, Client) {
    let server = Script::new(answers);
    server.serve(SERVED);
    let connection = server.connection();
    let client = Client::new(&connection, Discovery::new(&connection), Settings::default());
    (server, client)
}

fn call(kind: &str, action: Action) -> Call {
    let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    Call { kind: Kind::new(api_version, kind), subresource: None, action }
}

fn name() -> ObjectName {
    ObjectName::namespaced("prod", "a")
}

fn get(name: ObjectName) -> Action {
    Action::Get { name, shape: Shape::Whole }
}

fn write() -> WriteOptions {
    WriteOptions { field_manager: "windlass/a b".into(), dry_run: false }
}

fn patch(patch_type: PatchType, force: bool) -> Action {
    Action::Patch { name: name(), patch_type, body: "{}".to_owned(), force, write: write() }
}

const OBJECT: &str = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","managedFields":[{"a":1}]},"data":{"n":"1"}}"#;
const NORMALISED: &str = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"n":"1"}}"#;

/// Makes one call; the request must be this line, content type and body.
async fn check(call: Call, want: (&str, &str, &str)) {
    let (server, client) = bench(vec![Answer::json(200, OBJECT)]);
    client.call(&call).await.unwrap();
    let seen = &server.seen()[0];
    let content_type = seen.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    assert_eq!((seen.line.as_str(), content_type, seen.body.as_str()), want);
}

#[tokio::test(start_paused = true)]
async fn every_verb_becomes_its_request() {
    let json = "application/json";
    let manager = "fieldManager=windlass%2Fa%20b&fieldValidation=Warn";
    let base = "/api/v1/namespaces/prod/configmaps";
    check(call("ConfigMap", get(name())), (&format!("GET {base}/a"), "", "")).await;
    check(call("Namespace", get(ObjectName::cluster("a"))), ("GET /api/v1/namespaces/a", "", "")).await;
    let create =
        Action::Create { name: ObjectName::namespaced("prod", ""), body: "{1}".to_owned(), write: write() };
    check(call("ConfigMap", create), (&format!("POST {base}?{manager}"), json, "{1}")).await;
    let update = Action::Update {
        name: name(),
        body: "{2}".to_owned(),
        write: WriteOptions { dry_run: true, ..write() },
    };
    check(call("ConfigMap", update), (&format!("PUT {base}/a?{manager}&dryRun=All"), json, "{2}")).await;
    for (patch_type, force, query) in [
        (PatchType::Apply, true, "&force=true"),
        (PatchType::Apply, false, ""),
        (PatchType::Merge, true, ""),
        (PatchType::Json, false, ""),
        (PatchType::Strategic, false, ""),
    ] {
        let line = format!("PATCH {base}/a?{manager}{query}");
        check(call("ConfigMap", patch(patch_type, force)), (&line, patch_type.content_type(), "{}")).await;
    }
    let status =
        Call { subresource: Some("status".to_owned()), ..call("Deployment", patch(PatchType::Merge, false)) };
    let line = format!("PATCH /apis/apps/v1/namespaces/prod/deployments/a/status?{manager}");
    check(status, (&line, "application/merge-patch+json", "{}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_carries_its_preconditions_and_tells_whether_the_object_is_gone() {
    let options = DeleteOptions {
        propagation: Some(Propagation::Foreground),
        uid: Some("u".to_owned()),
        resource_version: Some("7".to_owned()),
        grace_period_seconds: Some(0),
        dry_run: false,
    };
    let stays = r#"{"kind":"ConfigMap","metadata":{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z"}}"#;
    let status = r#"{"kind":"Status","status":"Success","details":{"name":"a","uid":"u"}}"#;
    for (answer, gone, said) in [(status, true, Some("u")), (OBJECT, true, None), (stays, false, None)] {
        let (server, client) = bench(vec![Answer::json(200, answer)]);
        let delete = Action::Delete { name: name(), options: options.clone() };
        let left =
            said.is_none().then(|| Arc::new(Object::ingest(&Kind::new("v1", "ConfigMap"), answer).unwrap()));
        let want = Reply::Deleted { gone, uid: said.map(Box::from), left };
        assert_eq!(client.call(&call("ConfigMap", delete)).await, Ok(want));
        let body: serde_json::Value = serde_json::from_str(&server.seen()[0].body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground",
                "gracePeriodSeconds": 0, "preconditions": {"uid": "u", "resourceVersion": "7"}})
        );
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_normalised_as_the_cache_holds_objects_and_warnings_are_kept() {
    let warned = Answer::json(200, OBJECT)
        .with_header("warning", r#"299 - "unknown field \"spec.x\"""#)
        .with_header("warning", "nonsense");
    let (_, client) = bench(vec![Answer::json(200, OBJECT), warned]);
    let read = client.call(&call("ConfigMap", get(name()))).await;
    assert_eq!(read, Ok(Reply::Object(Some(NORMALISED.to_owned()))));
    let written = client.call(&call("ConfigMap", patch(PatchType::Apply, true))).await;
    let warnings = vec![r#"unknown field "spec.x""#.to_owned()];
    assert_eq!(written, Ok(Reply::Written { object: Answered::Other(NORMALISED.to_owned()), warnings }));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_a_page_with_kinds_put_back() {
    let list = r#"{"kind":"ConfigMapList","metadata":{"resourceVersion":"9","continue":"t"},"items":[{"metadata":{"name":"a"}}]}"#;
    let (server, client) = bench(vec![Answer::json(200, list)]);
    let query = ListQuery { labels: Some("a=b".to_owned()), limit: Some(7), ..ListQuery::default() };
    let reply = client.call(&call("ConfigMap", Action::List { query, shape: Shape::Whole })).await.unwrap();
    let Reply::Page(page) = reply else { panic!("{reply:?}") };
    assert_eq!(page.items, [r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}"#]);
    assert_eq!((page.continue_token.as_deref(), page.resource_version.as_str()), (Some("t"), "9"));
    assert_eq!(server.seen()[0].line, "GET /api/v1/configmaps?labelSelector=a%3Db&limit=7");
}

#[tokio::test(start_paused = true)]
async fn errors_carry_what_controllers_branch_on() {
    let missing = r#"{"kind":"Status","status":"Failure","code":404,"reason":"NotFound","details":{"name":"a","kind":"configmaps"}}"#;
    for (answer, code, reason) in [
        (Answer::status(409, "AlreadyExists"), 409, "AlreadyExists"),
        (Answer::json(403, "no"), 403, "Forbidden"),
        (Answer::json(404, "404 page not found"), 404, "NotFound"),
        (Answer::status(429, "TooManyRequests").with_header("retry-after", "3600"), 429, "TooManyRequests"),
    ] {
        let (_, client) = bench(vec![answer]);
        let error = client.call(&call("ConfigMap", get(name()))).await.unwrap_err();
        assert_eq!((error.code, error.reason.as_str()), (code, reason));
        assert_eq!(error.retry_after, (code == 429).then(|| Duration::from_secs(3600)));
    }
    let (_, client) = bench(vec![Answer::json(404, missing)]);
    assert_eq!(client.call(&call("ConfigMap", get(name()))).await, Ok(Reply::Object(None)));
    let (server, client) = bench(vec![]);
    let unknown = Call { kind: Kind::new("x/v1", "X"), subresource: None, action: get(name()) };
    let error = client.call(&unknown).await.unwrap_err();
    assert!(error.message.contains("x/v1 X") && error.code == 404 && server.seen().is_empty(), "{error}");
}

/// Makes a call against answers; how many requests were sent, how long it took, and the result's reason.
async fn sent(action: Action, answers: Vec<Answer>) -> (usize, Duration, String) {
    let (server, client) = bench(answers);
    let start = Instant::now();
    let result = client.call(&call("ConfigMap", action)).await;
    let reason = result.map_or_else(|error| error.reason, |_| "ok".to_owned());
    (server.seen().len(), start.elapsed(), reason)
}

#[tokio::test(start_paused = true)]
async fn h1_only_an_answer_with_retry_after_is_sent_again_and_after_exactly_so_long() {
    let asked = |code| Answer::status(code, "X").with_header("retry-after", "2");
    let write = || patch(PatchType::Merge, false);
    for (action, code) in [(write(), 429), (write(), 503), (get(name()), 500)] {
        let (count, took, reason) =
            sent(action, vec![asked(code), asked(code), Answer::json(200, OBJECT)]).await;
        assert_eq!((count, took.as_secs(), reason.as_str()), (3, 4, "ok"), "{code}");
    }
    for code in [429, 503, 500, 409] {
        let (count, _, reason) =
            sent(write(), vec![Answer::status(code, "X"), Answer::json(200, OBJECT)]).await;
        assert_eq!((count, reason.as_str()), (1, "X"), "without Retry-After {code} is the answer");
    }
    let always = (0..20).map(|_| Answer::status(429, "X").with_header("retry-after", "1")).collect();
    assert_eq!(sent(write(), always).await.0, 11, "at most ten times again");
    let late = vec![Answer::status(429, "X").with_header("retry-after", "60")];
    assert_eq!(
        sent(write(), late).await.1,
        Duration::ZERO,
        "a wait over the call's time is left to the caller"
    );
}

#[tokio::test(start_paused = true)]
async fn h1_a_read_over_a_broken_connection_is_sent_again_and_a_write_is_not() {
    assert_eq!(sent(get(name()), vec![Answer::Reset, Answer::json(200, OBJECT)]).await.2, "ok");
    let (count, _, reason) = sent(patch(PatchType::Merge, false), vec![Answer::Reset]).await;
    assert_eq!((count, reason.as_str()), (1, "OutcomeUnknown"));
    let half = Answer::stream(vec![Part::Text("{".to_owned()), Part::Break]);
    assert_eq!(sent(patch(PatchType::Apply, true), vec![half]).await.2, "OutcomeUnknown");
    let (_, took, reason) = sent(patch(PatchType::Json, false), vec![Answer::Silence]).await;
    assert_eq!((took.as_secs(), reason.as_str()), (30, "OutcomeUnknown"));
    assert_eq!(sent(get(name()), vec![Answer::Silence]).await.2, "Unavailable");
    let dry = WriteOptions { dry_run: true, ..write() };
    let dry = Action::Update { name: name(), body: "{}".to_owned(), write: dry };
    assert_eq!(sent(dry, vec![Answer::Reset]).await.2, "Unavailable", "a dry run changes nothing");
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_the_bound_is_refused() {
    let server = Script::new([Answer::json(200, format!("{{\"a\":\"{}\"}}", "x".repeat(2000)))]);
    server.serve(SERVED);
    let connection = server.connection();
    let settings = Settings { answer_len_max: 1000, ..Settings::default() };
    let client = Client::new(&connection, Discovery::new(&connection), settings);
    assert_eq!(client.call(&call("ConfigMap", get(name()))).await.unwrap_err().reason, "TooLarge");
}

#[tokio::test(start_paused = true)]
async fn no_name_leaves_its_path_segment() {
    for bad in ["", ".", "..", "a/b", "a%2fb"] {
        let (server, client) = bench(vec![]);
        for name in [ObjectName::namespaced("prod", bad), ObjectName::namespaced(bad, "a")] {
            let error = client.call(&call("ConfigMap", get(name))).await.unwrap_err();
            assert_eq!(error.reason, "BadRequest", "{bad:?}");
        }
        let sub = Call { subresource: Some(bad.to_owned()), ..call("ConfigMap", get(name())) };
        assert_eq!(client.call(&sub).await.unwrap_err().code, 404, "{bad:?}");
        let sub = Call { subresource: Some(format!("status/{bad}/x")), ..call("ConfigMap", get(name())) };
        if bad != "a/b" {
            assert_eq!(client.call(&sub).await.unwrap_err().reason, "BadRequest", "{bad:?}");
        }
        assert!(server.seen().is_empty());
    }
    check(
        call("ConfigMap", get(ObjectName::namespaced("a?b", "c#d e"))),
        ("GET /api/v1/namespaces/a%3Fb/configmaps/c%23d%20e", "", ""),
    )
    .await;
    let (_, client) = bench(vec![]);
    let error = client.call(&call("ConfigMap", get(ObjectName::cluster("a")))).await.unwrap_err();
    assert!(error.message.contains("no namespace was given"));
    let status = status(400, "BadRequest", "told");
    assert_eq!(status_message(status.as_bytes()).as_deref(), Some("told"));
}

#[tokio::test(start_paused = true)]
async fn m4_a_path_that_is_gone_makes_discovery_look_again_and_a_missing_object_does_not() {
    let missing = r#"{"kind":"Status","status":"Failure","code":404,"details":{"name":"a"}}"#;
    for (answer, asks) in [(Answer::json(404, "404 page not found"), 2), (Answer::json(404, missing), 1)] {
        let (server, client) = bench(vec![answer, Answer::json(200, OBJECT)]);
        let update =
            |version: &str| Action::Update { name: name(), body: version.to_owned(), write: write() };
        assert_eq!(client.call(&call("ConfigMap", update("1"))).await.unwrap_err().code, 404);
        client.call(&call("ConfigMap", update("2"))).await.unwrap();
        assert_eq!(server.routed("GET /apis"), asks);
    }
}
