//! API services: an object for each group version that is served, and for no other.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use std::collections::BTreeSet;

use bench::Bench;
use serde_json::{Value, json};

const SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[tokio::test]
async fn each_built_in_group_version_has_one_from_the_first_moment() {
    let bench = Bench::new().await;
    let list = bench.get(SERVICES).await.expect(200);
    let items = list["items"].as_array().unwrap();
    let names: BTreeSet<String> =
        items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, served(&bench).await);
    for item in items {
        assert_eq!(item["metadata"]["labels"]["kube-aggregator.kubernetes.io/automanaged"], "onstart");
        assert_eq!(item["status"]["conditions"][0]["reason"], "Local", "{item}");
        assert_eq!(item["metadata"]["managedFields"][0]["manager"], "kube-apiserver");
    }
}

#[tokio::test]
async fn one_of_a_definition_comes_and_goes_with_it_and_comes_back_if_deleted() {
    let bench = Bench::new().await;
    let path = format!("{SERVICES}/v1.example.com");
    bench.get(&path).await.expect(404);
    bench.post(CRDS, definition()).await.expect(201);
    let service = bench.until(&path, 200).await.json();
    assert_eq!(
        service["spec"],
        json!({"group": "example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100})
    );
    let uid = service["metadata"]["uid"].clone();
    bench.delete(&path).await.expect(200);
    let again = bench.until(&path, 200).await.json();
    assert_ne!(again["metadata"]["uid"], uid);
    bench.delete(&format!("{CRDS}/boats.example.com")).await.expect(200);
    bench.until(&path, 404).await;
}

#[tokio::test]
async fn what_a_user_made_or_changed_is_left_alone() {
    let bench = Bench::new().await;
    let own = json!({
        "metadata": {"name": "v1.mine.example.com"},
        "spec": {"group": "mine.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1},
    });
    bench.post(SERVICES, own).await.expect(201);
    let changed = json!({"metadata": {"labels": {"kube-aggregator.kubernetes.io/automanaged": null}}, "spec": {"versionPriority": 7}});
    bench.merge(&format!("{SERVICES}/v1.apps"), changed).await.expect(200);
    bench.post(CRDS, definition()).await.expect(201);
    bench.until(&format!("{SERVICES}/v1.example.com"), 200).await;
    bench.delete(&format!("{CRDS}/boats.example.com")).await.expect(200);
    bench.until(&format!("{SERVICES}/v1.example.com"), 404).await;
    bench.get(&format!("{SERVICES}/v1.mine.example.com")).await.expect(200);
    let apps = bench.get(&format!("{SERVICES}/v1.apps")).await.expect(200);
    assert_eq!(apps["spec"]["versionPriority"], 7);
}

#[tokio::test]
async fn one_is_named_after_what_it_serves_and_within_its_bounds() {
    let bench = Bench::new().await;
    let wrong = json!({
        "metadata": {"name": "v1.other"},
        "spec": {"group": "mine", "version": "v1", "groupPriorityMinimum": 20001, "versionPriority": 0, "caBundle": "YWJj"},
    });
    assert_eq!(
        bench.post(SERVICES, wrong).await.fails(422, "Invalid"),
        "APIService.apiregistration.k8s.io \"v1.other\" is invalid: [metadata.name: Invalid value: \"v1.other\": must be \
         `spec.version+\".\"+spec.group`: \"v1.mine\", spec.groupPriorityMinimum: Invalid value: 20001: must be positive \
         and less than 20000, spec.versionPriority: Invalid value: 0: must be positive and less than 1000, spec.caBundle: \
         Invalid value: \"3 bytes\": local APIServices may not have a caBundle]"
    );
}

/// Names as API services have them, of what discovery shows; the aggregator does not list itself.
async fn served(bench: &Bench) -> BTreeSet<String> {
    let groups = bench.get("/apis").await.expect(200);
    let versions = groups["groups"].as_array().unwrap().iter().flat_map(|group| {
        let name = group["name"].as_str().unwrap();
        let versions: Vec<&Value> = group["versions"].as_array().unwrap().iter().collect();
        versions.into_iter().map(move |version| format!("{}.{name}", version["version"].as_str().unwrap()))
    });
    let versions = versions.filter(|name| name != "v1.apiregistration.k8s.io");
    versions.chain(["v1.".to_owned()]).collect()
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "boats", "kind": "Boat"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    })
}
