//! Reads that are followed: the host is told before the read, and what it showed while its watch is still starting.

use crate::{instance::State, limits::Bound};
use serde::Deserialize;
use std::borrow::Cow;
use windlass_core::{
    call::ApiError,
    name::{NameRef, ObjectName},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};

/// What of an object's JSON tells its versions apart.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
}

impl State {
    /// Asks to follow a read that is made next. The number, if the host wants to know what it shows. Only a reconcile
    /// has a request to run again.
    pub(super) async fn subscribe(
        &mut self,
        subscription: Subscription,
    ) -> Result<Option<SubscriptionId>, ApiError> {
        if self.caller.request().is_none() {
            self.tally.subscriptions_dropped += 1;
            return Ok(None);
        }
        let max = self.limits().count(Bound::Subscriptions);
        if self.tally.subscriptions >= max {
            self.reach(Bound::Subscriptions, 1);
            let hint = self.limits().hint(Bound::Subscriptions);
            let message = format!(
                "a run may follow {max} reads: list what belongs together, or declare a watch of it; {hint}"
            );
            return Err(ApiError::host("LimitExceeded", message));
        }
        let (id, following) = self.host.subscribe(&self.caller, subscription).await?;
        self.tally.subscriptions += 1;
        Ok((following == Following::Starting).then_some(id))
    }
}

/// What a read of one object showed, by the name it was asked for. None if its text says no version.
pub(super) fn seen_one(name: &ObjectName, object: Option<&str>) -> Option<Seen> {
    let mut seen = Seen::default();
    if let Some(object) = object {
        let outline: Outline<'_> = serde_json::from_str(object).ok()?;
        seen.add(name.as_ref(), &outline.metadata.resource_version);
    }
    Some(seen)
}

/// What a whole list showed. None if an item says no name.
pub(super) fn seen_all(items: &[String]) -> Option<Seen> {
    let mut seen = Seen::default();
    for item in items {
        let Outline { metadata } = serde_json::from_str(item).ok()?;
        let name = NameRef { namespace: metadata.namespace.as_deref(), name: &metadata.name };
        seen.add(name, &metadata.resource_version);
    }
    Some(seen)
}
