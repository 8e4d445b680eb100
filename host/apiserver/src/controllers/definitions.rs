//! CustomResourceDefinitions: names accepted, resources served, and cleaned up at the end.

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Client;
use crate::crd;
use crate::object;
use crate::query::ListOptions;
use crate::registry::{DeleteOptions, Place, Registry};
use crate::status::ApiError;

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Serves what the definitions in the store define; at the start, before the first request.
pub(crate) fn load(registry: &Registry) {
    let definitions = definitions(registry);
    registry.catalog().set_definitions(&definitions);
}

fn definitions(registry: &Registry) -> Vec<Value> {
    let listed = crd::place(registry, "").map(|place| registry.list(&place, &ListOptions::default()));
    let items = listed.and_then(Result::ok).map(|list| list.items).unwrap_or_default();
    items.iter().map(|item| item.value()).collect()
}

/// Follows the definitions until it is told to stop.
pub(super) async fn run(client: Client, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        if let Err(error) = follow(&client, &stopping).await {
            tracing::warn!(%error, "definitions of custom resources are followed anew");
        }
    }
}

async fn follow(client: &Client, stopping: &CancellationToken) -> Result<(), ApiError> {
    let registry = client.registry();
    let Some(place) = crd::place(registry, "") else { return Ok(()) };
    let mut watch = registry.watch(&place, &ListOptions::default())?;
    drop(watch.take_initial());
    loop {
        reconcile_all(client).await;
        // What the last deletions left waits for others to take finalizers away; looking again is cheap.
        let ending = definitions(registry).iter().any(|crd| object::deletion_timestamp(crd).is_some());
        let again = tokio::time::sleep(if ending { CLEANUP_PAUSE } else { QUIET });
        tokio::select! {
            biased;
            events = watch.next() => drop(events?),
            () = again => {}
            () = stopping.cancelled() => return Ok(()),
        }
    }
}

/// Pause between looks at custom resources that wait for their finalizers.
const CLEANUP_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
const QUIET: std::time::Duration = std::time::Duration::from_secs(3600);

async fn reconcile_all(client: &Client) {
    for crd in definitions(client.registry()) {
        let name = object::name(&crd).to_owned();
        if let Err(error) = reconcile(client, crd).await
            && error.code() != 409
            && error.code() != 404
        {
            tracing::warn!(%error, name, "a definition cannot be brought up to date");
        }
    }
    load(client.registry());
}

async fn reconcile(client: &Client, crd: Value) -> Result<(), ApiError> {
    let registry = client.registry();
    let Some(mut place) = crd::place(registry, object::name(&crd)) else { return Ok(()) };
    if object::deletion_timestamp(&crd).is_some() {
        load(registry);
        return clean_up(client, &place, &crd).await;
    }
    let others = definitions(registry);
    let next = crd::establish(&crd, &others);
    if next.get("status") == crd.get("status") {
        return Ok(());
    }
    place.subresource = "status".into();
    // Whoever sees `Established` may ask for the resource at once, so it is served before that is written.
    let served = others
        .into_iter()
        .map(|other| if object::uid(&other) == object::uid(&next) { next.clone() } else { other });
    registry.catalog().set_definitions(&served.collect::<Vec<_>>());
    let written = client.named("kube-apiserver").update(&place, next).await;
    load(registry);
    written.map(drop)
}

/// Deletes the custom resources of a definition that is being removed; when none is left, frees it.
async fn clean_up(client: &Client, place: &Place, crd: &Value) -> Result<(), ApiError> {
    if !object::has_finalizer(crd, CLEANUP) {
        return Ok(());
    }
    let registry = client.registry();
    let name = object::name(crd);
    let store_name = name.to_owned();
    if registry.store().count(&store_name) > 0 {
        let served =
            registry.resources().custom().iter().find(|held| *held.store_name == store_name).cloned();
        if let Some(resource) = served {
            let everything = Place::new(&resource, "", "");
            let options = DeleteOptions::default();
            registry.delete_collection(&everything, &ListOptions::default(), &options).await?;
        }
        if registry.store().count(&store_name) > 0 {
            return Ok(());
        }
    }
    let mut freed = crd.clone();
    object::remove_finalizer(&mut freed, CLEANUP);
    client.named("kube-apiserver").update(place, freed).await?;
    Ok(())
}
