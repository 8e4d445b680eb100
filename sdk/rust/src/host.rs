//! What a run may reach, as a trait with two implementations: the contract's imports, and the test store.

use crate::bindings::windlass::controller::{environment, events, metrics, objects};
use crate::{ApiError, DeleteOptions, Event, Kind, ObjectName, PatchType, Query, ReadOptions, WriteOptions};

/// The contract's imports, one method each; `wit/` says what each means.
///
/// Authors use [`Context`](crate::Context) instead. This is public so that tests may put a host of their own
/// under a context.
pub trait Host {
    /// `objects.get`.
    fn get(&self, kind: &Kind, name: &ObjectName, options: &ReadOptions) -> Result<Option<String>, ApiError>;
    /// `objects.list`.
    fn list(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<objects::Page, ApiError>;
    /// `objects.create`.
    fn create(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote;
    /// `objects.update`.
    fn update(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote;
    /// `objects.patch`.
    fn patch(
        &self,
        kind: &Kind,
        name: &ObjectName,
        form: PatchType,
        body: &str,
        options: &WriteOptions,
    ) -> Wrote;
    /// `objects.delete`.
    fn delete(&self, kind: &Kind, name: &ObjectName, options: &DeleteOptions) -> Result<bool, ApiError>;
    /// `events.emit`.
    fn emit(&self, event: &Event);
    /// `metrics.add`, `set` and `observe`.
    fn measure(&self, metric: Metric, name: &str, value: f64, labels: &[(&str, &str)]);
    /// `environment.settings`.
    fn settings(&self) -> String;
    /// `environment.now-ms`.
    fn now_ms(&self) -> f64;
    /// `environment.random`.
    fn random(&self, bytes: u32) -> Vec<u8>;
}

/// What a write answers.
pub type Wrote = Result<objects::Written, ApiError>;

/// The three kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by their size.
    Histogram,
}

/// The host of a running module.
#[derive(Debug)]
pub struct Imports;

/// The host under a context: in a module the contract's imports, elsewhere any. That the type says so lets the compiler
/// leave out the imports that a module never calls; it is then smaller and starts sooner.
#[cfg(target_arch = "wasm32")]
pub type HostRef<'a> = &'a Imports;
/// The host under a context: in a module the contract's imports, elsewhere any.
#[cfg(not(target_arch = "wasm32"))]
pub type HostRef<'a> = &'a dyn Host;

impl Host for Imports {
    fn get(&self, kind: &Kind, name: &ObjectName, options: &ReadOptions) -> Result<Option<String>, ApiError> {
        objects::get(kind, name, options)
    }

    fn list(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<objects::Page, ApiError> {
        objects::list(kind, query, options)
    }

    fn create(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote {
        objects::create(kind, name, object, options)
    }

    fn update(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote {
        objects::update(kind, name, object, options)
    }

    fn patch(
        &self,
        kind: &Kind,
        name: &ObjectName,
        form: PatchType,
        body: &str,
        options: &WriteOptions,
    ) -> Wrote {
        objects::patch(kind, name, form, body, options)
    }

    fn delete(&self, kind: &Kind, name: &ObjectName, options: &DeleteOptions) -> Result<bool, ApiError> {
        objects::delete(kind, name, options)
    }

    fn emit(&self, event: &Event) {
        events::emit(event);
    }

    fn measure(&self, metric: Metric, name: &str, value: f64, labels: &[(&str, &str)]) {
        let labels: Vec<metrics::Label> = labels
            .iter()
            .map(|(name, value)| metrics::Label { name: (*name).into(), value: (*value).into() })
            .collect();
        match metric {
            Metric::Counter => metrics::add(name, value, &labels),
            Metric::Gauge => metrics::set(name, value, &labels),
            Metric::Histogram => metrics::observe(name, value, &labels),
        }
    }

    fn settings(&self) -> String {
        environment::settings()
    }

    fn now_ms(&self) -> f64 {
        environment::now_ms()
    }

    fn random(&self, bytes: u32) -> Vec<u8> {
        environment::random(bytes)
    }
}
