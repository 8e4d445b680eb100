//! Objects through the whole chain, in process: the messages are those of a recorded kube-apiserver 1.36.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use bench::Bench;
use serde_json::json;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn creation_is_refused_with_the_words_of_the_real_server() {
    let bench = Bench::new().await;
    bench.post(MAPS, json!({"metadata": {"name": "a"}})).await.expect(201);
    let fails = [
        (json!({"metadata": {"name": "a"}}), 409, "AlreadyExists", "configmaps \"a\" already exists"),
        (
            json!({"metadata": {}}),
            422,
            "Invalid",
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "z"}}),
            400,
            "BadRequest",
            "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
        (
            json!({"metadata": {"name": "z", "namespace": "other"}}),
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            json!({"metadata": {"name": "z", "resourceVersion": "5"}}),
            500,
            "",
            "resourceVersion should not be set on objects to be created",
        ),
        (
            json!({"metadata": {"name": "z"}, "data": {"a": 1}}),
            400,
            "BadRequest",
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
    ];
    for (body, code, reason, message) in fails {
        assert_eq!(bench.post(MAPS, body.clone()).await.fails(code, reason), message, "{body}");
    }
    let missing = bench.post("/api/v1/namespaces/none/configmaps", json!({"metadata": {"name": "z"}})).await;
    assert_eq!(missing.fails(404, "NotFound"), "namespaces \"none\" not found");
}

#[tokio::test]
async fn unknown_fields_are_dropped_with_a_warning_or_refused() {
    let bench = Bench::new().await;
    let body = json!({"metadata": {"name": "a"}, "nope": 1});
    let strict = bench.post(&format!("{MAPS}?fieldValidation=Strict"), body.clone()).await;
    assert_eq!(
        strict.fails(400, "BadRequest"),
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"nope\""
    );
    let warned = bench.post(MAPS, body).await;
    assert_eq!(warned.expect(201)["nope"], json!(null));
    assert_eq!(warned.warnings, ["299 - \"unknown field \\\"nope\\\"\""]);
}

#[tokio::test]
async fn updates_insist_on_the_version_they_name() {
    let bench = Bench::new().await;
    let path = format!("{MAPS}/a");
    let created = bench.post(MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await.expect(201);
    let same = bench.put(&path, created.clone()).await.expect(200);
    assert_eq!(same, created, "nothing changed, so nothing was written");
    let mut changed = created.clone();
    changed["data"]["k"] = "w".into();
    let after = bench.put(&path, changed.clone()).await.expect(200);
    assert_ne!(after["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
    let modified = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again";
    assert_eq!(bench.put(&path, changed.clone()).await.fails(409, "Conflict"), modified);
    changed["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    changed["data"]["k"] = "x".into();
    assert_eq!(bench.put(&path, changed).await.expect(200)["data"]["k"], "x");
    let stale = json!({"metadata": {"resourceVersion": created["metadata"]["resourceVersion"]}});
    assert_eq!(bench.merge(&path, stale).await.fails(409, "Conflict"), modified);
}

#[tokio::test]
async fn finalizers_hold_an_object_until_they_are_taken_away() {
    let bench = Bench::new().await;
    let path = format!("{MAPS}/a");
    bench.post(MAPS, json!({"metadata": {"name": "a", "finalizers": ["x.example.com/f"]}})).await.expect(201);
    let marked = bench.delete(&path).await.expect(200);
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    assert_eq!(bench.delete(&path).await.expect(200), marked, "a second deletion changes nothing");
    let more = json!({"metadata": {"finalizers": ["x.example.com/f", "y.example.com/g"]}});
    assert_eq!(
        bench.merge(&path, more).await.fails(422, "Invalid"),
        "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"y.example.com/g\"}"
    );
    bench.merge(&path, json!({"metadata": {"finalizers": null}})).await.expect(200);
    assert_eq!(bench.get(&path).await.fails(404, "NotFound"), "configmaps \"a\" not found");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let bench = Bench::new().await;
    let dry = bench.post(&format!("{MAPS}?dryRun=All"), json!({"metadata": {"name": "a"}})).await.expect(201);
    assert_eq!(dry["metadata"]["resourceVersion"], json!(null));
    assert!(dry["metadata"]["uid"].is_string());
    bench.get(&format!("{MAPS}/a")).await.fails(404, "NotFound");
    bench.post(MAPS, json!({"metadata": {"name": "a"}})).await.expect(201);
    bench.delete(&format!("{MAPS}/a?dryRun=All")).await.expect(200);
    bench.get(&format!("{MAPS}/a")).await.expect(200);
}

#[tokio::test]
async fn pages_of_a_list_are_of_one_version() {
    let bench = Bench::new().await;
    for number in 0..5 {
        bench.post(MAPS, json!({"metadata": {"name": format!("l{number}")}})).await.expect(201);
    }
    let first = bench.get(&format!("{MAPS}?limit=2")).await.expect(200);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    bench.post(MAPS, json!({"metadata": {"name": "l22"}})).await.expect(201);
    bench.delete(&format!("{MAPS}/l3")).await.expect(200);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = bench.get(&format!("{MAPS}?limit=3&continue={token}")).await.expect(200);
    let names: Vec<_> =
        second["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["l2", "l3", "l4"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let both = bench.get(&format!("{MAPS}?limit=2&resourceVersion=5&continue={token}")).await;
    assert_eq!(
        both.fails(400, "BadRequest"),
        "specifying resource version is not allowed when using continue"
    );
}

#[tokio::test]
async fn a_watch_tells_who_enters_and_who_leaves_its_selector() {
    let bench = Bench::new().await;
    bench.post(MAPS, json!({"metadata": {"name": "in", "labels": {"l": "1"}}})).await.expect(201);
    bench.post(MAPS, json!({"metadata": {"name": "out"}})).await.expect(201);
    let mut watch = bench.watch(&format!("{MAPS}?watch=1&labelSelector=l%3D1")).await;
    assert_eq!(watch.brief().await, ("ADDED".into(), "in".into()));
    bench.merge(&format!("{MAPS}/out"), json!({"metadata": {"labels": {"l": "1"}}})).await.expect(200);
    assert_eq!(watch.brief().await, ("ADDED".into(), "out".into()));
    let gone = json!({"metadata": {"labels": {"l": "2"}}});
    let left = bench.merge(&format!("{MAPS}/in"), gone).await.expect(200);
    let event = watch.next().await.unwrap();
    assert_eq!(event["type"], "DELETED");
    assert_eq!(event["object"]["metadata"]["labels"]["l"], "1", "the last state that matched");
    assert_eq!(event["object"]["metadata"]["resourceVersion"], left["metadata"]["resourceVersion"]);
    bench.delete(&format!("{MAPS}/out")).await.expect(200);
    assert_eq!(watch.brief().await, ("DELETED".into(), "out".into()));
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark_even_if_there_are_none() {
    let bench = Bench::new().await;
    let query = "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let mut watch = bench.watch(&format!("{MAPS}?{query}&timeoutSeconds=1")).await;
    let event = watch.next().await.unwrap();
    assert_eq!(event["type"], "BOOKMARK");
    assert_eq!(event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(watch.next().await, None, "it ends after its timeout");
}

#[tokio::test]
async fn paths_that_do_not_exist_are_answered_as_such() {
    let bench = Bench::new().await;
    for path in ["/nope", "/apis/nope.example.com/v1/things"] {
        let answer = bench.get(path).await;
        assert_eq!((answer.code, &*answer.text), (404, "404 page not found\n"));
    }
    let unknown = bench.get("/apis/apps/v1/namespaces/default/nopes").await;
    assert_eq!(unknown.fails(404, "NotFound"), "the server could not find the requested resource");
    let wrong = bench.post(&format!("{MAPS}/x"), json!({})).await;
    assert_eq!(
        wrong.fails(405, "MethodNotAllowed"),
        "the server does not allow this method on the requested resource"
    );
}

#[tokio::test]
async fn an_applied_field_belongs_to_its_manager() {
    let bench = Bench::new().await;
    let apply = |manager: &'static str, value: &'static str| {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value},
        });
        let path = format!("{MAPS}/a?fieldManager={manager}");
        let bench = &bench;
        async move { bench.send("PATCH", &path, "application/apply-patch+yaml", object.to_string()).await }
    };
    let created = apply("one", "v").await.expect(201);
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "one");
    assert_eq!(apply("one", "v").await.expect(200), created, "the same again is no write");
    let conflict = apply("two", "w").await;
    assert_eq!(
        conflict.fails(409, "Conflict"),
        "Apply failed with 1 conflict: conflict with \"one\": .data.k"
    );
    assert_eq!(conflict.json()["details"]["causes"][0]["reason"], "FieldManagerConflict");
}

#[tokio::test]
async fn a_secrets_text_becomes_data() {
    let bench = Bench::new().await;
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"a": "y"}});
    let created = bench.post("/api/v1/namespaces/default/secrets", secret).await.expect(201);
    assert_eq!((&created["data"], &created["type"]), (&json!({"a": "eQ=="}), &json!("Opaque")));
    assert_eq!(created["stringData"], json!(null));
}

#[tokio::test]
async fn every_kind_of_patch_does_what_its_standard_says() {
    let bench = Bench::new().await;
    let path = format!("{MAPS}/a");
    bench.post(MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await.expect(201);
    let json_patch = |patch: serde_json::Value| {
        bench.send("PATCH", &path, "application/json-patch+json", patch.to_string())
    };
    let added = json_patch(json!([{"op": "add", "path": "/data/m", "value": "1"}])).await.expect(200);
    assert_eq!(added["data"], json!({"k": "v", "m": "1"}));
    let general = "the server rejected our request due to an error in our request";
    let failed = json_patch(json!([{"op": "test", "path": "/data/m", "value": "2"}])).await;
    assert_eq!(failed.fails(422, "Invalid"), general);
    let malformed = json_patch(json!({"op": "x"})).await;
    assert_eq!(
        malformed.fails(400, "BadRequest"),
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    );
    let strategic = json!({"data": {"k": null}}).to_string();
    let merged = bench.send("PATCH", &path, "application/strategic-merge-patch+json", strategic).await;
    assert_eq!(merged.expect(200)["data"], json!({"m": "1"}));
    let unknown = bench.send("PATCH", &path, "application/json", "{}".into()).await;
    assert_eq!(unknown.fails(415, "UnsupportedMediaType"), "415: Unsupported Media Type");
}

#[tokio::test]
async fn a_page_that_a_selector_fills_says_that_more_follows_whatever_it_is() {
    let bench = Bench::new().await;
    for (name, side) in [("a", "left"), ("b", "left"), ("c", "right")] {
        bench.post(MAPS, json!({"metadata": {"name": name, "labels": {"side": side}}})).await.expect(201);
    }
    let page = bench.get(&format!("{MAPS}?limit=2&labelSelector=side%3Dleft")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let token = page["metadata"]["continue"].as_str().expect("more follows");
    let path = format!("{MAPS}?limit=2&labelSelector=side%3Dleft&continue={token}");
    let rest = bench.get(&path).await.expect(200);
    assert_eq!((&rest["items"], rest["metadata"].get("continue")), (&json!([]), None));
    let whole = bench.get(&format!("{MAPS}?limit=2&labelSelector=side%3Dright")).await.expect(200);
    assert_eq!(whole["metadata"].get("continue"), None);
}

#[tokio::test]
async fn an_escape_that_is_none_is_refused_before_the_path_is_read() {
    let bench = Bench::new().await;
    for path in ["/api/v1/namespaces/%zz", "/api/v1/namespaces/a%2", "/%"] {
        let answer = bench.get(path).await;
        assert_eq!((answer.code, &*answer.text), (400, "400 Bad Request"), "{path}");
    }
    bench.get("/api/v1/namespaces/%64efault").await.expect(200);
}
