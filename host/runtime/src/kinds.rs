//! Which kinds the server serves, and which it does not yet.
//!
//! A module may name kinds whose CustomResourceDefinition is not installed. They are looked for again when discovery
//! is told to be out of date, and at a slow pace without a hint; the pipeline is told when they appear.

use crate::tell::Inputs;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
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

/// Looks for absent kinds until they are all there.
pub(crate) struct Seeker {
    absent: watch::Sender<BTreeSet<Kind>>,
}

impl Seeker {
    /// Starts looking, for nothing yet. Ends when this is dropped.
    pub(crate) fn start(discovery: Arc<Discovery>, inputs: Inputs) -> Self {
        let (absent, wanted) = watch::channel(BTreeSet::new());
        tokio::spawn(seek(discovery, inputs, wanted));
        Self { absent }
    }

    /// Looks for these from now on, and for nothing else.
    pub(crate) fn look_for(&self, kinds: BTreeSet<Kind>) {
        self.absent.send_if_modified(|now| {
            let new = *now != kinds;
            *now = kinds;
            new
        });
    }
}

async fn seek(discovery: Arc<Discovery>, inputs: Inputs, mut wanted: watch::Receiver<BTreeSet<Kind>>) {
    let mut hints = discovery.changes();
    let mut found: BTreeSet<Kind> = BTreeSet::new();
    loop {
        let kinds: Vec<_> = wanted.borrow_and_update().difference(&found).cloned().collect();
        let mut appeared = Vec::new();
        for kind in &kinds {
            if let Ok(resource) = resource(&discovery, kind).await {
                found.insert(kind.clone());
                appeared.push(resource);
            }
        }
        if !appeared.is_empty() {
            inputs.send(Input::Discovered(appeared)).await;
        }
        let all_found = wanted.borrow().iter().all(|kind| found.contains(kind));
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                found.retain(|kind| !wanted.borrow().contains(kind));
            }
            _ = hints.changed(), if !all_found => {}
            () = tokio::time::sleep(POLL), if !all_found => {}
        }
    }
}
