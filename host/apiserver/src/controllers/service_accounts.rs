//! `serviceaccount-controller`: every namespace has a service account `default`.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Client, Controller};
use crate::object;
use crate::query::ListOptions;
use crate::registry::EventKind;
use crate::status::ApiError;

pub(super) const CONTROLLER: Controller = Controller { name: "serviceaccount-controller", run };

const NAMESPACES: (&str, &str, &str) = ("", "v1", "namespaces");
const ACCOUNTS: (&str, &str, &str) = ("", "v1", "serviceaccounts");

fn run(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    async move {
        let client = client.named(CONTROLLER.name);
        while !stopping.is_cancelled() {
            if let Err(error) = follow(&client, &stopping).await {
                tracing::warn!(%error, "service accounts are followed anew");
            }
        }
    }
    .boxed()
}

/// Looks at a namespace when it changes, and when an account of it is taken away.
async fn follow(client: &Client, stopping: &CancellationToken) -> Result<(), ApiError> {
    let options = ListOptions::default();
    let mut namespaces = client.watch(&client.place(NAMESPACES, "", "")?, &options)?;
    let mut accounts = client.watch(&client.place(ACCOUNTS, "", "")?, &options)?;
    drop(accounts.take_initial());
    for event in namespaces.take_initial().unwrap_or_default() {
        ensure(client, event.object.name()).await?;
    }
    loop {
        let (events, by_namespace) = tokio::select! {
            biased;
            events = namespaces.next() => (events?, false),
            events = accounts.next() => (events?, true),
            () = stopping.cancelled() => return Ok(()),
        };
        for event in events {
            let gone = event.kind == EventKind::Deleted;
            if by_namespace && gone {
                ensure(client, event.object.namespace()).await?;
            } else if !by_namespace && !gone {
                ensure(client, event.object.name()).await?;
            }
        }
    }
}

async fn ensure(client: &Client, namespace: &str) -> Result<(), ApiError> {
    let Ok(held) = client.get(&client.place(NAMESPACES, "", namespace)?) else { return Ok(()) };
    let place = client.place(ACCOUNTS, namespace, "default")?;
    if object::deletion_timestamp(&held).is_some() || client.get(&place).is_ok() {
        return Ok(());
    }
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}});
    match client.create(&place, account).await {
        // The namespace went, or somebody else was quicker.
        Err(error) if !matches!(error.code(), 403 | 404 | 409) => Err(error),
        _ => Ok(()),
    }
}
