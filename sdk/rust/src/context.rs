//! What a reconciler gets beside its object: the request, the cluster, time, chance, settings.

mod objects;

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::duration_of_ms;
#[cfg(target_arch = "wasm32")]
use crate::host::Host as _;
use crate::host::{HostRef, Metric};
use crate::{Error, ObjectName, Request, Result, Timestamp, json};

/// One run: what it was asked and what it may reach. Every call goes through the module's grant, and a read
/// sees at least what this module wrote before.
pub struct Context<'a> {
    host: HostRef<'a>,
    request: &'a Request,
}

impl<'a> Context<'a> {
    /// A context over a host. Modules get theirs; this is for tests with a host of their own.
    #[must_use]
    pub fn new(host: HostRef<'a>, request: &'a Request) -> Self {
        Self { host, request }
    }

    pub(crate) fn host(&self) -> HostRef<'a> {
        self.host
    }

    /// The controller that runs.
    #[must_use]
    pub fn controller(&self) -> &str {
        &self.request.controller
    }

    /// The object to reconcile; it may be gone.
    #[must_use]
    pub fn name(&self) -> &ObjectName {
        &self.request.name
    }

    /// The namespace of the object to reconcile.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.request.name.namespace.as_deref()
    }

    /// How many times in a row this request has failed.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.request.failures
    }

    /// How long the run could take when it began.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        duration_of_ms(self.request.remaining_ms)
    }

    /// The time, by the host's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit an i64 for long")]
        Timestamp::from_ms(self.host.now_ms() as i64)
    }

    /// Unpredictable bytes, at most 65,536 a call.
    #[must_use]
    pub fn random(&self, bytes: u32) -> Vec<u8> {
        self.host.random(bytes)
    }

    /// The module's settings, `spec.settings` of its manifest.
    ///
    /// # Errors
    /// Terminal, if they do not have the form of `T`: somebody has to change them.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_str(&self.host.settings())
            .map_err(|error| Error::terminal(format!("the module's settings (spec.settings): {error}")))
    }

    /// Adds to a counter. The host puts the module's name before the metric's.
    pub fn count(&self, counter: &str, by: f64, labels: &[(&str, &str)]) {
        self.host.measure(Metric::Counter, counter, by, labels);
    }

    /// Sets a gauge.
    pub fn gauge(&self, gauge: &str, value: f64, labels: &[(&str, &str)]) {
        self.host.measure(Metric::Gauge, gauge, value, labels);
    }

    /// Records a value in a histogram; durations in seconds.
    pub fn observe(&self, histogram: &str, value: f64, labels: &[(&str, &str)]) {
        self.host.measure(Metric::Histogram, histogram, value, labels);
    }
}
