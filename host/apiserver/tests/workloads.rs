//! What the workload controllers do to Deployments, ReplicaSets, Jobs and their Pods.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use bench::{Bench, Events};
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const PODS: &str = "/api/v1/namespaces/default/pods";
const CONTROLLERS: [&str; 5] = [
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "pod-lifecycle",
    "garbage-collector-controller",
];

/// A Pod template whose Pods take a step of the length.
fn template(image: &str, step_ms: u32) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"pod-lifecycle.windlass.dev/step-ms": step_ms.to_string()}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    })
}

fn deployment(replicas: u32, image: &str, step_ms: u32) -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template(image, step_ms)},
    })
}

/// Reads events until one's object satisfies the condition.
async fn until(events: &mut Events, holds: impl Fn(&Value) -> bool) -> Value {
    loop {
        let event = events.next().await.expect("the watch goes on");
        if holds(&event["object"]) {
            return event["object"].clone();
        }
    }
}

fn number(object: &Value, field: &str) -> i64 {
    object["status"][field].as_i64().unwrap_or(0)
}

fn revision(deployment: &Value) -> &str {
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap_or_default()
}

/// Whether the rollout of the present template has ended.
fn is_rolled_out(deployment: &Value) -> bool {
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap();
    deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
        && ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .all(|field| number(deployment, field) == wanted)
}

async fn items(bench: &Bench, path: &str) -> Vec<Value> {
    bench.get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_deployment_rolls_over_within_its_limits() {
    let bench = Bench::with(&CONTROLLERS).await;
    let mut events = bench.watch(&format!("{DEPLOYMENTS}?watch=1")).await;
    bench.post(DEPLOYMENTS, deployment(4, "nginx:1", 1)).await.expect(201);
    let ready = until(&mut events, is_rolled_out).await;
    assert_eq!(revision(&ready), "1");

    let mut sets = bench
        .watch(&format!(
            "{SETS}?watch=1&resourceVersion={}",
            ready["metadata"]["resourceVersion"].as_str().unwrap()
        ))
        .await;
    let change = json!({"spec": {"template": template("nginx:2", 1)}});
    bench.merge(&format!("{DEPLOYMENTS}/web"), change).await.expect(200);
    // Of four Pods a quarter may be missing, and a quarter may be too many, at every moment.
    until(&mut events, |deployment| {
        assert!(number(deployment, "availableReplicas") >= 3, "{deployment}");
        assert!(number(deployment, "replicas") <= 5, "{deployment}");
        revision(deployment) == "2" && is_rolled_out(deployment)
    })
    .await;
    let retired = until(&mut sets, |set| number(set, "replicas") == 0 && set["spec"]["replicas"] == 0).await;
    assert_eq!(retired["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:1");
    let images: Vec<Value> =
        items(&bench, PODS).await.iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect();
    assert_eq!(images, ["nginx:2"; 4]);

    // The old template again: its ReplicaSet comes back under a new revision.
    bench
        .merge(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"template": template("nginx:1", 1)}}))
        .await
        .expect(200);
    until(&mut events, |deployment| revision(deployment) == "3" && is_rolled_out(deployment)).await;
    assert_eq!(items(&bench, SETS).await.len(), 2);
}

#[tokio::test]
async fn recreation_never_runs_two_templates_at_once() {
    let bench = Bench::with(&CONTROLLERS).await;
    let mut events = bench.watch(&format!("{DEPLOYMENTS}?watch=1")).await;
    let mut web = deployment(2, "nginx:1", 1);
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    bench.post(DEPLOYMENTS, web).await.expect(201);
    until(&mut events, is_rolled_out).await;
    let mut pods = bench.watch(&format!("{PODS}?watch=1")).await;
    bench
        .merge(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"template": template("nginx:2", 1)}}))
        .await
        .expect(200);
    let mut old = 0;
    loop {
        let event = pods.next().await.unwrap();
        let image = event["object"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        match (event["type"].as_str().unwrap(), image.as_str()) {
            ("ADDED", "nginx:1") => old += 1,
            ("DELETED", "nginx:1") => old -= 1,
            ("ADDED", "nginx:2") => break,
            _ => {}
        }
    }
    assert_eq!(old, 0, "an old Pod is left when the first new one is made");
}

#[tokio::test]
async fn lost_pods_are_replaced_and_matching_orphans_adopted() {
    let bench = Bench::with(&["replicaset-controller"]).await;
    let orphan = json!({"metadata": {"name": "orphan", "labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    bench.post(PODS, orphan).await.expect(201);
    let mut sets = bench.watch(&format!("{SETS}?watch=1")).await;
    let mut set = deployment(2, "nginx:1", 1);
    set["metadata"]["name"] = "rs".into();
    bench.post(SETS, set).await.expect(201);
    until(&mut sets, |set| number(set, "replicas") == 2).await;
    let adopted = bench.get(&format!("{PODS}/orphan")).await.expect(200);
    assert_eq!(adopted["metadata"]["ownerReferences"][0]["name"], "rs");

    let mut pods = bench
        .watch(&format!(
            "{PODS}?watch=1&resourceVersion={}",
            adopted["metadata"]["resourceVersion"].as_str().unwrap()
        ))
        .await;
    bench.delete(&format!("{PODS}/orphan")).await.expect(200);
    let made =
        until(&mut pods, |pod| pod["metadata"]["name"] != "orphan" && pod["metadata"]["uid"].is_string())
            .await;
    assert!(made["metadata"]["name"].as_str().unwrap().starts_with("rs-"));
    // Scaled down to nothing.
    bench.merge(&format!("{SETS}/rs"), json!({"spec": {"replicas": 0}})).await.expect(200);
    until(&mut sets, |set| set["spec"]["replicas"] == 0 && number(set, "replicas") == 0).await;
    assert!(items(&bench, PODS).await.is_empty());
}

#[tokio::test]
async fn a_job_completes_when_its_pods_have_succeeded() {
    let bench = Bench::with(&CONTROLLERS).await;
    let mut template = template("busybox", 1);
    template["spec"]["restartPolicy"] = "Never".into();
    let mut jobs = bench.watch(&format!("{JOBS}?watch=1")).await;
    let job = json!({"metadata": {"name": "j"}, "spec": {"completions": 3, "parallelism": 2, "template": template}});
    bench.post(JOBS, job).await.expect(201);
    let done = until(&mut jobs, |job| {
        assert!(number(job, "active") <= 2, "{job}");
        job["status"]["completionTime"].is_string()
    })
    .await;
    assert_eq!(number(&done, "succeeded"), 3);
    let kinds: Vec<&Value> =
        done["status"]["conditions"].as_array().unwrap().iter().map(|of| &of["type"]).collect();
    assert_eq!(kinds, ["SuccessCriteriaMet", "Complete"]);
    assert_eq!(items(&bench, PODS).await.len(), 3);
}
