//! API services: which group versions there are, as objects.
//!
//! Those of the built-in groups are written at the start and then left to whoever changes them; those of custom
//! resources follow their definitions for ever. A label says which is which, and what has none is the user's own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Client;
use crate::crd;
use crate::object;
use crate::query::ListOptions;
use crate::registry::{DeleteOptions, Place};
use crate::status::ApiError;

const RESOURCE: (&str, &str, &str) = ("apiregistration.k8s.io", "v1", "apiservices");
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
const AT_START: &str = "onstart";
const ALWAYS: &str = "true";
/// The manager that writes them.
const MANAGER: &str = "kube-apiserver";
/// Pause before what failed is tried anew.
const PAUSE: Duration = Duration::from_millis(50);

/// Version and group, the group's priority, the version's within it.
type Row = (&'static str, &'static str, u32, u32);

/// As the real server's aggregator has them.
const BUILT_IN: [Row; 21] = [
    ("v1", "", 18_000, 1),
    ("v1", "apps", 17_800, 15),
    ("v1", "events.k8s.io", 17_750, 15),
    ("v1", "authentication.k8s.io", 17_700, 15),
    ("v1", "authorization.k8s.io", 17_600, 15),
    ("v1", "autoscaling", 17_500, 15),
    ("v2", "autoscaling", 17_500, 30),
    ("v1", "batch", 17_400, 15),
    ("v1", "certificates.k8s.io", 17_300, 15),
    ("v1", "networking.k8s.io", 17_200, 15),
    ("v1", "policy", 17_100, 15),
    ("v1", "rbac.authorization.k8s.io", 17_000, 15),
    ("v1", "storage.k8s.io", 16_800, 15),
    ("v1", "admissionregistration.k8s.io", 16_700, 15),
    ("v1", "apiextensions.k8s.io", 16_700, 15),
    ("v1", "scheduling.k8s.io", 16_600, 15),
    ("v1", "coordination.k8s.io", 16_500, 15),
    ("v1", "node.k8s.io", 16_300, 15),
    ("v1", "discovery.k8s.io", 16_200, 15),
    ("v1", "resource.k8s.io", 16_200, 21),
    ("v1", "flowcontrol.apiserver.k8s.io", 16_100, 21),
];

/// What custom resources get: after every built-in group, versions in the order of their names.
const CUSTOM_PRIORITIES: (u32, u32) = (1_000, 100);

/// API services by name, without their metadata.
type Specs = BTreeMap<String, Value>;

/// Writes those of the built-in groups, before the first request.
pub(crate) async fn begin(client: &Client) -> Result<(), ApiError> {
    let wanted = BUILT_IN.iter().map(|(version, group, groups, versions)| {
        (format!("{version}.{group}"), spec(group, version, (*groups, *versions)))
    });
    bring_up_to_date(&client.named(MANAGER), &wanted.collect(), AT_START).await
}

/// Keeps those of custom resources in step with their definitions until it is told to stop.
pub(super) async fn run(client: Client, stopping: CancellationToken) {
    let client = client.named(MANAGER);
    while !stopping.is_cancelled() {
        let followed = follow(&client);
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            ended = followed => if let Err(error) = ended && !matches!(error.code(), 404 | 409) {
                tracing::warn!(%error, "API services of custom resources are brought up to date anew");
            },
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Follows the definitions, and the services themselves: who deletes one gets it back.
async fn follow(client: &Client) -> Result<(), ApiError> {
    let registry = client.registry();
    let Some(definitions) = crd::place(registry, "") else { return std::future::pending().await };
    let everything = ListOptions::default();
    let mut definitions_watch = registry.watch(&definitions, &everything)?;
    let mut services_watch = client.watch(&client.place(RESOURCE, "", "")?, &everything)?;
    drop((definitions_watch.take_initial(), services_watch.take_initial()));
    loop {
        let defined = client.list(&definitions, &everything)?;
        let wanted = defined.items.iter().flat_map(|item| of_definition(&item.value())).collect();
        bring_up_to_date(client, &wanted, ALWAYS).await?;
        tokio::select! {
            events = definitions_watch.next() => drop(events?),
            events = services_watch.next() => drop(events?),
        }
    }
}

/// Those that a definition asks for: one for each version that it serves.
fn of_definition(crd: &Value) -> Vec<(String, Value)> {
    let group = crd["spec"]["group"].as_str().unwrap_or_default();
    let served = crd::versions(crd).filter(|version| version.get("served") == Some(&Value::Bool(true)));
    let served = served.filter(|_| crd::is_true(crd, "Established"));
    let names = served.filter_map(|version| version.get("name")?.as_str());
    names.map(|version| (format!("{version}.{group}"), spec(group, version, CUSTOM_PRIORITIES))).collect()
}

fn spec(group: &str, version: &str, (of_group, of_version): (u32, u32)) -> Value {
    let mut spec =
        json!({"version": version, "groupPriorityMinimum": of_group, "versionPriority": of_version});
    if !group.is_empty() {
        spec["group"] = group.into();
    }
    spec
}

/// Makes those with the label be the wanted ones. What has another label or none is left alone.
async fn bring_up_to_date(client: &Client, wanted: &Specs, label: &str) -> Result<(), ApiError> {
    let place = |name: &str| client.place(RESOURCE, "", name);
    let held = client.list(&place("")?, &ListOptions::default())?;
    let held: BTreeMap<String, Value> =
        held.items.iter().map(|item| (item.name().to_owned(), item.value())).collect();
    for (name, spec) in wanted {
        match held.get(name) {
            None => drop(client.create(&place(name)?, service(name, spec, label)).await?),
            Some(service) if is_managed(service, label) && service["spec"] != *spec => {
                let mut next = service.clone();
                next["spec"] = spec.clone();
                client.update(&place(name)?, next).await?;
            }
            Some(_) => {}
        }
    }
    for (name, _) in
        held.iter().filter(|(name, service)| is_managed(service, label) && !wanted.contains_key(*name))
    {
        remove(client, &place(name)?).await?;
    }
    Ok(())
}

async fn remove(client: &Client, place: &Place) -> Result<(), ApiError> {
    match client.delete(place, &DeleteOptions::default()).await {
        Err(error) if error.code() == 404 => Ok(()),
        done => done.map(drop),
    }
}

fn is_managed(service: &Value, label: &str) -> bool {
    object::labels(service).and_then(|labels| labels.get(MANAGED)).is_some_and(|held| held == label)
}

fn service(name: &str, spec: &Value, label: &str) -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name, "labels": {MANAGED: label}},
        "spec": spec,
    })
}
