//! Which kinds the server serves, and which it does not yet.
//!
//! A module may name kinds whose CustomResourceDefinition is not installed, or is taken out and comes again in another
//! scope. They are looked for when discovery is told to be out of date, absent ones also at a slow pace without a
//! hint; the pipeline is told what it does not know.

use crate::tell::Inputs;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use windlass_cluster::discovery::Discovery;
use windlass_core::{
    call::ApiError,
    description::Description,
    input::Input,
    name::{Kind, Resource},
};

/// How often absent kinds are looked for without a hint.
const POLL: Duration = Duration::from_secs(5);
/// The same while definitions are followed, so that a hint is sure to come.
const FOLLOWED_POLL: Duration = Duration::from_secs(300);

/// Where a kind is served.
///
/// # Errors
/// `NotFound` when it is not, `Unavailable` when that cannot be known.
pub(crate) async fn resource(discovery: &Discovery, kind: &Kind) -> Result<Resource, ApiError> {
    match discovery.resolve(kind).await {
        Ok(Some(served)) => Ok(served.resource.clone()),
        Ok(None) => Err(ApiError {
            code: 404,
            reason: "NotFound".into(),
            message: format!("the server does not serve {kind}: is its CustomResourceDefinition installed?"),
            status: None,
            retry_after: None,
        }),
        Err(error) => Err(ApiError::host("Unavailable", error.to_string())),
    }
}

/// Every kind that a description names.
pub(crate) fn named(description: &Description) -> BTreeSet<Kind> {
    let of_controllers = description.controllers.iter().flat_map(|controller| {
        std::iter::once(&controller.reconciles).chain(controller.watches.iter().map(|watch| &watch.kind))
    });
    of_controllers.chain(description.indexes.iter().map(|index| &index.kind)).cloned().collect()
}

/// The kinds that one module names, each with what was known of it when the module was loaded.
pub(crate) type Kinds = Arc<[(Kind, Option<Resource>)]>;

/// The kinds that modules name, each with what was known of it when its module was loaded.
pub(crate) type Named = BTreeMap<Kind, Option<Resource>>;

/// Looks for absent kinds until they are there, and for kinds that came again in another scope.
pub(crate) struct Seeker {
    named: watch::Sender<Named>,
}

impl Seeker {
    /// Starts looking, for nothing yet. Ends when this is dropped.
    pub(crate) fn start(discovery: Arc<Discovery>, inputs: Inputs) -> Self {
        let (named, wanted) = watch::channel(Named::new());
        tokio::spawn(seek(discovery, inputs, wanted));
        Self { named }
    }

    /// Looks after these from now on, and after nothing else.
    pub(crate) fn look_after(&self, kinds: Named) {
        self.named.send_if_modified(|now| {
            let new = *now != kinds;
            *now = kinds;
            new
        });
    }
}

async fn seek(discovery: Arc<Discovery>, inputs: Inputs, mut wanted: watch::Receiver<Named>) {
    let mut hints = discovery.changes();
    let mut known = Named::new();
    loop {
        hints.mark_unchanged();
        let mut appeared = Vec::new();
        for (kind, held) in &mut known {
            if let Ok(resource) = resource(&discovery, kind).await
                && held.as_ref() != Some(&resource)
            {
                *held = Some(resource.clone());
                appeared.push(resource);
            }
        }
        if !appeared.is_empty() {
            inputs.send(Input::Discovered(appeared)).await;
        }
        let absent = known.values().any(Option::is_none);
        let pause = if discovery.is_followed() { FOLLOWED_POLL } else { POLL };
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                known.clone_from(&wanted.borrow_and_update());
            }
            _ = hints.changed() => {}
            () = tokio::time::sleep(pause), if absent => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::tell;
    use serde_json::json;
    use windlass_apiserver::ApiServer;
    use windlass_cluster::{
        client::{self, Client},
        connect::Connection,
        reflector::{self, Reflector},
    };
    use windlass_core::{
        call::{Action, Call, DeleteOptions, Reply, Shape, WriteOptions},
        name::ObjectName,
    };

    #[tokio::test]
    async fn a_kind_that_comes_and_one_that_comes_again_in_another_scope_are_told_at_once() {
        let server = ApiServer::builder().start().await.unwrap();
        let connection = Connection::in_process(server.service());
        let discovery = Discovery::new(&connection);
        let settings = reflector::Settings::default();
        let _following = Reflector::new(connection.clone(), discovery.clone(), settings).follow_served();
        let client = Client::new(&connection, discovery.clone(), client::Settings::default());
        let (inputs, mut told) = tell::channel();
        let seeker = Seeker::start(discovery, inputs);
        let widget = Kind::new("demo.example.com/v1", "Widget");
        seeker.look_after(Named::from([(widget, None)]));
        let definitions = Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let call = async |action| {
            let call = Call { kind: definitions.clone(), subresource: None, action };
            client.call(&call).await.unwrap()
        };
        for scope in ["Namespaced", "Cluster"] {
            let body = json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "widgets.demo.example.com"},
                "spec": {"group": "demo.example.com", "scope": scope, "names": {"plural": "widgets", "kind": "Widget"},
                    "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]},
            });
            let write = WriteOptions { field_manager: "test".into(), dry_run: false };
            call(Action::Create { name: ObjectName::cluster(""), body: body.to_string(), write }).await;
            let input = tokio::time::timeout(Duration::from_secs(10), told.recv()).await.unwrap();
            let Some(Input::Discovered(resources)) = input else { panic!("{input:?}") };
            assert_eq!((resources.len(), resources[0].namespaced), (1, scope == "Namespaced"));
            let name = ObjectName::cluster("widgets.demo.example.com");
            call(Action::Delete { name: name.clone(), options: DeleteOptions::default() }).await;
            while call(Action::Get { name: name.clone(), shape: Shape::Metadata }).await
                != Reply::Object(None)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        server.shutdown().await;
    }
}
