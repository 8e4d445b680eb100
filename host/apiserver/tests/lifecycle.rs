//! What happens by itself: custom resources served, garbage collected, namespaces emptied, state kept.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use bench::Bench;
use serde_json::{Value, json};
use windlass_apiserver::ApiServer;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/demo.example.com/v1/namespaces/default/widgets";
const COLLECTOR: &str = "garbage-collector-controller";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.demo.example.com"},
        "spec": {
            "group": "demo.example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {
                        "size": {"type": "string"},
                        "replicas": {"type": "integer", "default": 1},
                    }},
                    "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
                }}},
            }],
        },
    })
}

fn widget(name: &str) -> Value {
    json!({
        "apiVersion": "demo.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": "M"},
        "status": {"phase": "early"},
    })
}

async fn with_widgets(controllers: &[&str]) -> Bench {
    let bench = Bench::with(controllers).await;
    bench.post(DEFINITIONS, definition()).await.expect(201);
    bench.until(WIDGETS, 200).await;
    bench
}

#[tokio::test]
async fn an_applied_status_of_a_custom_resource_belongs_to_its_manager() {
    let bench = with_widgets(&[]).await;
    bench.post(WIDGETS, widget("a")).await.expect(201);
    let status = json!({
        "apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": "a", "labels": {"not": "kept"}},
        "status": {"phase": "late"},
    });
    let path = format!("{WIDGETS}/a/status?fieldManager=teller");
    let applied =
        bench.send("PATCH", &path, "application/apply-patch+yaml", status.to_string()).await.expect(200);
    let entries = applied["metadata"]["managedFields"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["manager"] == "teller").unwrap();
    assert_eq!((&entry["operation"], &entry["subresource"]), (&json!("Apply"), &json!("status")));
    assert_eq!(entry["fieldsV1"], json!({"f:status": {"f:phase": {}}}));
    assert_eq!(applied["metadata"]["labels"], Value::Null);
    // What is no longer applied goes: only an owner is known to have set it.
    let nothing = json!({"apiVersion": "demo.example.com/v1", "kind": "Widget", "metadata": {"name": "a"}});
    let left =
        bench.send("PATCH", &path, "application/apply-patch+yaml", nothing.to_string()).await.expect(200);
    assert_eq!(left["status"]["phase"], Value::Null);
}

#[tokio::test]
async fn a_defined_resource_is_served_and_discovered() {
    let bench = with_widgets(&[]).await;
    let crd = bench.get(&format!("{DEFINITIONS}/widgets.demo.example.com")).await.expect(200);
    let conditions = crd["status"]["conditions"].as_array().unwrap();
    let kinds: Vec<_> = conditions.iter().map(|condition| condition["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["NamesAccepted", "Established"]);
    assert_eq!(crd["status"]["acceptedNames"]["singular"], "widget");
    assert_eq!(crd["status"]["storedVersions"], json!(["v1"]));
    let list = bench.get("/apis/demo.example.com/v1").await.expect(200);
    let names: Vec<_> =
        list["resources"].as_array().unwrap().iter().map(|held| held["name"].clone()).collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
}

#[tokio::test]
async fn spec_status_and_scale_of_a_custom_resource_are_apart() {
    let bench = with_widgets(&[]).await;
    let created = bench.post(WIDGETS, widget("w")).await.expect(201);
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["spec"], json!({"size": "M", "replicas": 1}));
    assert_eq!(created["status"], json!(null), "the status has its own path");
    let path = format!("{WIDGETS}/w");
    let status =
        json!({"status": {"phase": "ok"}, "spec": {"size": "S"}, "metadata": {"labels": {"z": "z"}}});
    let after = bench.merge(&format!("{path}/status"), status).await.expect(200);
    assert_eq!((&after["spec"]["size"], &after["status"]["phase"]), (&json!("M"), &json!("ok")));
    assert_eq!((&after["metadata"]["labels"], &after["metadata"]["generation"]), (&json!(null), &json!(1)));
    let hacked = bench.merge(&path, json!({"status": {"phase": "hack"}})).await.expect(200);
    assert_eq!(hacked, after, "a write of the status elsewhere is none");
    let scale = bench.merge(&format!("{path}/scale"), json!({"spec": {"replicas": 3}})).await.expect(200);
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    let scaled = bench.get(&path).await.expect(200);
    assert_eq!((&scaled["spec"]["replicas"], &scaled["metadata"]["generation"]), (&json!(3), &json!(2)));
    let unversioned = bench.put(&path, widget("w")).await;
    assert_eq!(
        unversioned.fails(422, "Invalid"),
        "widgets.demo.example.com \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
}

#[tokio::test]
async fn a_definition_goes_only_after_its_objects() {
    let bench = with_widgets(&[]).await;
    let mut held = widget("held");
    held["metadata"]["finalizers"] = json!(["x.example.com/f"]);
    bench.post(WIDGETS, held).await.expect(201);
    bench.post(WIDGETS, widget("free")).await.expect(201);
    let path = format!("{DEFINITIONS}/widgets.demo.example.com");
    let marked = bench.delete(&path).await.expect(200);
    assert_eq!(marked["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
    bench.until(&format!("{WIDGETS}/free"), 404).await;
    let late = bench.post(WIDGETS, widget("late")).await;
    assert_eq!(
        late.fails(403, "Forbidden"),
        "widgets.demo.example.com \"late\" is forbidden: create not allowed while custom resource definition is terminating"
    );
    bench.get(&path).await.expect(200);
    bench.merge(&format!("{WIDGETS}/held"), json!({"metadata": {"finalizers": null}})).await.expect(200);
    bench.until(&path, 404).await;
    bench.until(WIDGETS, 404).await;
}

fn owned(name: &str, owner: &Value, blocks: bool) -> Value {
    json!({"metadata": {"name": name, "ownerReferences": [{
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": blocks,
    }]}})
}

#[tokio::test]
async fn what_loses_its_last_owner_is_collected() {
    let bench = Bench::with(&[COLLECTOR]).await;
    let one = bench.post(MAPS, json!({"metadata": {"name": "one"}})).await.expect(201);
    let two = bench.post(MAPS, json!({"metadata": {"name": "two"}})).await.expect(201);
    let mut both = owned("both", &one, false);
    both["metadata"]["ownerReferences"]
        .as_array_mut()
        .unwrap()
        .push(owned("", &two, false)["metadata"]["ownerReferences"][0].clone());
    bench.post(MAPS, both).await.expect(201);
    bench.post(MAPS, owned("single", &one, false)).await.expect(201);
    let mut wrong = owned("wrong-uid", &two, false);
    wrong["metadata"]["ownerReferences"][0]["uid"] = "00000000-0000-0000-0000-000000000000".into();
    bench.post(MAPS, wrong).await.expect(201);
    bench.until(&format!("{MAPS}/wrong-uid"), 404).await;
    bench.delete(&format!("{MAPS}/one")).await.expect(200);
    bench.until(&format!("{MAPS}/single"), 404).await;
    bench.get(&format!("{MAPS}/both")).await.expect(200);
    bench.delete(&format!("{MAPS}/two")).await.expect(200);
    bench.until(&format!("{MAPS}/both"), 404).await;
}

#[tokio::test]
async fn foreground_deletion_waits_for_dependents_and_orphaning_frees_them() {
    let bench = Bench::with(&[COLLECTOR]).await;
    let owner = bench.post(MAPS, json!({"metadata": {"name": "owner"}})).await.expect(201);
    let mut held = owned("held", &owner, true);
    held["metadata"]["finalizers"] = json!(["x.example.com/f"]);
    bench.post(MAPS, held).await.expect(201);
    bench.delete(&format!("{MAPS}/owner?propagationPolicy=Foreground")).await.expect(200);
    let mut watch = bench.watch(&format!("{MAPS}?watch=1&fieldSelector=metadata.name%3Dheld")).await;
    while watch.next().await.unwrap()["object"]["metadata"]["deletionTimestamp"].is_null() {}
    bench.get(&format!("{MAPS}/owner")).await.expect(200);
    bench.merge(&format!("{MAPS}/held"), json!({"metadata": {"finalizers": null}})).await.expect(200);
    bench.until(&format!("{MAPS}/owner"), 404).await;

    let owner = bench.post(MAPS, json!({"metadata": {"name": "parent"}})).await.expect(201);
    bench.post(MAPS, owned("child", &owner, true)).await.expect(201);
    bench.delete(&format!("{MAPS}/parent?propagationPolicy=Orphan")).await.expect(200);
    bench.until(&format!("{MAPS}/parent"), 404).await;
    let child = bench.get(&format!("{MAPS}/child")).await.expect(200);
    assert_eq!(child["metadata"]["ownerReferences"], json!(null));
}

#[tokio::test]
async fn a_namespace_takes_its_objects_along() {
    let bench = Bench::with(&["namespace-controller", "serviceaccount-controller"]).await;
    bench.post("/api/v1/namespaces", json!({"metadata": {"name": "n"}})).await.expect(201);
    bench.until("/api/v1/namespaces/n/serviceaccounts/default", 200).await;
    let maps = "/api/v1/namespaces/n/configmaps";
    bench.post(maps, json!({"metadata": {"name": "a", "finalizers": ["x.example.com/f"]}})).await.expect(201);
    let marked = bench.delete("/api/v1/namespaces/n").await.expect(200);
    assert_eq!(marked["status"]["phase"], "Terminating");
    let late = bench.post(maps, json!({"metadata": {"name": "late"}})).await;
    assert_eq!(late.expect(403)["details"]["causes"][0]["reason"], "NamespaceTerminating");
    bench.merge(&format!("{maps}/a"), json!({"metadata": {"finalizers": null}})).await.expect(200);
    bench.until("/api/v1/namespaces/n", 404).await;
    let immortal = bench.delete("/api/v1/namespaces/default").await;
    assert_eq!(
        immortal.fails(403, "Forbidden"),
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

#[tokio::test]
async fn a_server_with_a_data_folder_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let start =
        || async { Bench { server: ApiServer::builder().data_dir(folder.path()).start().await.unwrap() } };
    let bench = start().await;
    bench.post(DEFINITIONS, definition()).await.expect(201);
    bench.until(WIDGETS, 200).await;
    let created = bench.post(WIDGETS, widget("w")).await.expect(201);
    bench.server.shutdown().await;
    let bench = start().await;
    assert_eq!(bench.get(&format!("{WIDGETS}/w")).await.expect(200), created);
    let next = bench.post(WIDGETS, widget("next")).await.expect(201);
    let version =
        |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(version(&next) > version(&created));
    let mut watch = bench.watch(&format!("{WIDGETS}?watch=1&resourceVersion=1")).await;
    let event = watch.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["reason"]), (&json!("ERROR"), &json!("Expired")));
    assert_eq!(watch.next().await, None);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn watches_end_when_the_server_does() {
    let bench = Bench::new().await;
    let mut watch = bench.watch(&format!("{MAPS}?watch=1&resourceVersion=0")).await;
    let ending = tokio::spawn(bench.server.shutdown());
    assert_eq!(watch.next().await, None);
    ending.await.unwrap();
}

#[tokio::test]
async fn events_are_the_same_in_both_groups() {
    let bench = Bench::new().await;
    let path = "/apis/events.k8s.io/v1/namespaces/default/events";
    let event = json!({
        "metadata": {"name": "e"}, "regarding": {"kind": "ConfigMap", "name": "x"}, "note": "m", "reason": "r",
        "reportingController": "c", "reportingInstance": "i", "action": "a", "type": "Normal",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    });
    let created = bench.post(path, event).await.expect(201);
    assert_eq!((&created["note"], &created["message"]), (&json!("m"), &json!(null)));
    let core = bench.get("/api/v1/namespaces/default/events/e").await.expect(200);
    assert_eq!((&core["message"], &core["involvedObject"]["name"]), (&json!("m"), &json!("x")));
    let patched = bench.merge(&format!("{path}/e"), json!({"note": "n"})).await.expect(200);
    assert_eq!((&patched["apiVersion"], &patched["note"]), (&json!("events.k8s.io/v1"), &json!("n")));
}

#[tokio::test]
async fn a_definition_with_a_schema_that_is_not_structural_is_refused() {
    let bench = Bench::new().await;
    let mut crd = definition();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "properties": {"a": {}}});
    assert_eq!(
        bench.post(DEFINITIONS, crd).await.fails(422, "Invalid"),
        "CustomResourceDefinition.apiextensions.k8s.io \"widgets.demo.example.com\" is invalid: spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields"
    );
}

#[tokio::test]
async fn objects_are_read_as_the_current_schema_has_them() {
    let bench = with_widgets(&[]).await;
    bench.post(WIDGETS, widget("w")).await.expect(201);
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "replicas": {"type": "integer", "default": 1},
        "color": {"type": "string", "default": "red"},
    }}}});
    let path = format!("{DEFINITIONS}/widgets.demo.example.com");
    let patch =
        json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema}]);
    bench.send("PATCH", &path, "application/json-patch+json", patch.to_string()).await.expect(200);
    let expected = json!({"replicas": 1, "color": "red"});
    let changed = async {
        while bench.get(&format!("{WIDGETS}/w")).await.expect(200)["spec"] != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), changed).await.unwrap();
    let list = bench.get(WIDGETS).await.expect(200);
    assert_eq!(list["items"][0]["spec"], expected);
}
