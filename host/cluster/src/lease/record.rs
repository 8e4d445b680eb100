//! What stands in a Lease (L4).

use serde_json::{Value, json};
use std::time::Duration;

/// What stands in a Lease. Times are for people; nobody compares them (L2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Empty: nobody holds it.
    pub holder: String,
    /// How long others wait, in seconds.
    pub lease_duration_seconds: u64,
    /// Since when the holder holds it.
    pub acquire_time: String,
    /// When the holder renewed it last.
    pub renew_time: String,
    /// How often the holder changed.
    pub transitions: u64,
}

impl Record {
    /// Reads a Lease object.
    pub(super) fn of(lease: &Value) -> Self {
        let spec = &lease["spec"];
        let text = |name: &str| spec[name].as_str().unwrap_or_default().to_owned();
        Self {
            holder: text("holderIdentity"),
            lease_duration_seconds: spec["leaseDurationSeconds"].as_u64().unwrap_or(0),
            acquire_time: text("acquireTime"),
            renew_time: text("renewTime"),
            transitions: spec["leaseTransitions"].as_u64().unwrap_or(0),
        }
    }

    /// How long it is valid after it was last seen to change.
    pub(super) fn valid_for(&self) -> Duration {
        Duration::from_secs(self.lease_duration_seconds)
    }

    /// The record of `identity` after this one (L4): the time of acquiring stays while the holder stays.
    pub(super) fn taken(&self, identity: &str, lease_duration: Duration, now: &str) -> Self {
        let kept = self.holder == identity;
        Self {
            holder: identity.to_owned(),
            lease_duration_seconds: lease_duration.as_secs().max(1),
            acquire_time: if kept { self.acquire_time.clone() } else { now.to_owned() },
            renew_time: now.to_owned(),
            transitions: self.transitions + u64::from(!kept),
        }
    }

    /// The record that frees the Lease (L6).
    pub(super) fn released(&self, now: &str) -> Self {
        Self {
            holder: String::new(),
            lease_duration_seconds: 1,
            acquire_time: now.to_owned(),
            renew_time: now.to_owned(),
            transitions: self.transitions,
        }
    }

    /// A new Lease object.
    pub(super) fn created(&self, namespace: &str, name: &str) -> Value {
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": namespace, "name": name},
            "spec": self.spec(),
        })
    }

    /// A Lease object as it was read, with this record: its resourceVersion guards the write (L3).
    pub(super) fn onto(&self, lease: &Value) -> Value {
        let mut lease = lease.clone();
        if let Value::Object(new) = self.spec() {
            for (name, value) in new {
                lease["spec"][&name] = value;
            }
        }
        lease
    }

    fn spec(&self) -> Value {
        json!({
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.lease_duration_seconds,
            "acquireTime": self.acquire_time,
            "renewTime": self.renew_time,
            "leaseTransitions": self.transitions,
        })
    }
}
