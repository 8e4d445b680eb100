//! `namespace-controller`: empties namespaces that are being deleted, then lets them go.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Client, Controller};
use crate::object;
use crate::query::{ListOptions, WriteOptions};
use crate::registry::{Body, DeleteOptions, Place};
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: "namespace-controller", run };

const NAMESPACES: (&str, &str, &str) = ("", "v1", "namespaces");
/// Pause between looks at a namespace whose objects wait for their finalizers.
const PAUSE: Duration = Duration::from_millis(100);

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    async move {
        while !stopping.is_cancelled() {
            if let Err(error) = follow(&client, &stopping).await {
                tracing::warn!(%error, "namespaces are followed anew");
            }
        }
    }
    .boxed()
}

async fn follow(client: &Client, stopping: &CancellationToken) -> Result<(), ApiError> {
    let mut watch = client.watch(&client.place(NAMESPACES, "", "")?, &ListOptions::default())?;
    let mut ending: BTreeSet<String> = BTreeSet::new();
    let mut events = watch.take_initial().unwrap_or_default();
    loop {
        ending.extend(events.iter().map(|event| event.object.name().to_owned()));
        let mut left = BTreeSet::new();
        for name in std::mem::take(&mut ending) {
            if !finish(client, &name).await? {
                left.insert(name);
            }
        }
        ending = left;
        let again = tokio::time::sleep(PAUSE);
        events = tokio::select! {
            biased;
            events = watch.next() => events?,
            () = again, if !ending.is_empty() => Vec::new(),
            () = stopping.cancelled() => return Ok(()),
        };
    }
}

/// Does what can be done for one namespace; `true` if nothing is left to do.
async fn finish(client: &Client, name: &str) -> Result<bool, ApiError> {
    let place = client.place(NAMESPACES, "", name)?;
    let Ok(namespace) = client.get(&place) else { return Ok(true) };
    let finalizers = object::at(&namespace, "spec.finalizers").and_then(Value::as_array);
    let held = finalizers.is_some_and(|list| list.iter().any(|held| held == "kubernetes"));
    if object::deletion_timestamp(&namespace).is_none() || !held {
        return Ok(true);
    }
    let left = empty(client, name).await?;
    if !left.is_empty() {
        tell(client, &place, &left).await?;
        return Ok(false);
    }
    let mut freed = namespace;
    let spec = object::child_mut(object::as_map(&mut freed), "spec");
    object::list_mut(spec, "finalizers").retain(|finalizer| finalizer != "kubernetes");
    object::metadata_mut(&mut freed).remove("resourceVersion");
    let options = WriteOptions { field_manager: CONTROLLER.name.into(), ..WriteOptions::default() };
    match client.registry().finalize_namespace(&place, Body::from(freed), &options).await {
        Err(error) if error.code() != 404 => Err(error),
        _ => Ok(true),
    }
}

/// Deletes every object of a namespace; the result names the resources of which some are left, with their number.
async fn empty(client: &Client, namespace: &str) -> Result<Vec<(String, usize)>, ApiError> {
    let mut left = Vec::new();
    for resource in client.registry().resources().stored().filter(|resource| resource.definition.namespaced) {
        let prefix = format!("{namespace}/");
        let listing = crate::store::Listing { prefix: &prefix, ..Default::default() };
        let count = || {
            let page = client.registry().store().list(&resource.store_name, listing);
            page.map_or(0, |page| page.items.len())
        };
        if count() == 0 {
            continue;
        }
        let everything = Place::new(resource, namespace, "");
        let options = DeleteOptions::default();
        client.registry().delete_collection(&everything, &ListOptions::default(), &options).await?;
        let count = count();
        if count > 0 {
            left.push((resource.store_name.to_string(), count));
        }
    }
    Ok(left)
}

/// Says in the namespace's conditions what it waits for.
async fn tell(client: &Client, place: &Place, left: &[(String, usize)]) -> Result<(), ApiError> {
    let list: Vec<String> =
        left.iter().map(|(resource, count)| format!("{resource} has {count} resource instances")).collect();
    let mut namespace = client.get(place)?;
    let message = format!("Some resources are remaining: {}", list.join(", "));
    let told = object::at(&namespace, "status.conditions").and_then(Value::as_array).into_iter().flatten();
    if told.into_iter().any(|condition| condition["message"] == *message) {
        return Ok(());
    }
    namespace["status"]["conditions"] = json!([{
        "type": "NamespaceContentRemaining",
        "status": "True",
        "lastTransitionTime": crate::clock::now(),
        "reason": "SomeResourcesRemain",
        "message": message,
    }]);
    let mut place = place.clone();
    place.subresource = "status".into();
    object::metadata_mut(&mut namespace).remove("resourceVersion");
    match client.named(CONTROLLER.name).update(&place, namespace).await {
        Err(error) if error.code() != 404 => Err(error),
        _ => Ok(()),
    }
}
