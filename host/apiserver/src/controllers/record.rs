//! Telling what a controller did: Events about an object, as `kubectl describe` and `kubectl events` show them.
//!
//! The same thing told again raises the count of its Event. An Event that cannot be written holds up nothing.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Client;
use crate::clock;
use crate::object;
use crate::status::{ApiError, reason};

const EVENTS: (&str, &str, &str) = ("", "v1", "events");

/// What is told: `Normal` or `Warning`, why, and in words.
pub(super) struct Told<'a> {
    pub(super) kind: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: String,
}

impl<'a> Told<'a> {
    pub(super) fn normal(reason: &'a str, message: String) -> Self {
        Self { kind: "Normal", reason, message }
    }

    pub(super) fn warning(reason: &'a str, message: String) -> Self {
        Self { kind: "Warning", reason, message }
    }
}

/// Writes an Event about an object, in the name of the controller.
pub(super) async fn record(client: &Client, component: &str, about: &Value, told: Told<'_>) {
    let reason = told.reason;
    if let Err(error) = write(client, component, about, told).await {
        tracing::debug!(%error, reason, name = object::name(about), "an event is left out");
    }
}

async fn write(client: &Client, component: &str, about: &Value, told: Told<'_>) -> Result<(), ApiError> {
    let name = name(component, about, &told);
    let namespace = object::namespace(about);
    let place = client.place(EVENTS, namespace, &name)?;
    let now = clock::now();
    match client.get(&place) {
        Ok(held) => {
            let count = held["count"].as_i64().unwrap_or(1) + 1;
            client.patch(&place, json!({"count": count, "lastTimestamp": now})).await.map(drop)
        }
        Err(_) => {
            let event = event(name, component, about, told, &now);
            match client.create(&client.place(EVENTS, namespace, "")?, event).await {
                Err(error) if error.reason() != reason::ALREADY_EXISTS => Err(error),
                _ => Ok(()),
            }
        }
    }
}

fn event(name: String, component: &str, about: &Value, told: Told<'_>, now: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": object::namespace(about)},
        "involvedObject": {
            "kind": object::kind(about),
            "namespace": object::namespace(about),
            "name": object::name(about),
            "uid": object::uid(about),
            "apiVersion": object::api_version(about),
            "resourceVersion": object::resource_version(about),
        },
        "reason": told.reason,
        "message": told.message,
        "source": {"component": component},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "type": told.kind,
        "reportingComponent": component,
        "reportingInstance": "",
    })
}

/// The same for the same thing told of the same object: the object's name and sixteen hexadecimal digits.
fn name(component: &str, about: &Value, told: &Told<'_>) -> String {
    let mut hash = Sha256::new();
    for part in [component, object::uid(about), told.kind, told.reason, &told.message] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}.{digits}", object::name(about))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::ApiServer;

    #[tokio::test]
    async fn what_is_told_twice_is_counted() {
        let server = ApiServer::builder().start().await.unwrap();
        let client = server.client();
        let about = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "d", "namespace": "default", "uid": "u", "resourceVersion": "7"}});
        for message in ["up", "up", "down"] {
            let told = Told::normal("Scaling", message.to_owned());
            record(&client, "deployment-controller", &about, told).await;
        }
        let place = client.place(EVENTS, "default", "").unwrap();
        let list = client.list(&place, &crate::query::ListOptions::default()).unwrap();
        let mut counts: Vec<(String, i64)> = list
            .items
            .iter()
            .map(|event| event.value())
            .map(|event| (event["message"].as_str().unwrap().to_owned(), event["count"].as_i64().unwrap()))
            .collect();
        counts.sort();
        assert_eq!(counts, [("down".to_owned(), 1), ("up".to_owned(), 2)]);
    }
}
