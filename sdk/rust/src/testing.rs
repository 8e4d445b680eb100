//! Run a reconciler in a plain `cargo test`: no Wasm, no cluster.
//!
//! ```
//! # use windlass::{Context, Object, Outcome, Result, testing::Cluster};
//! # #[windlass::controller(reconciles = "v1/ConfigMap")]
//! # fn greeting(ctx: &Context, map: Object) -> Result<Outcome> {
//! #     let name = map.label_value("name").unwrap_or_default();
//! #     ctx.apply(&Object::new("v1/ConfigMap", "copy").in_namespace(ctx.namespace())
//! #         .with("data", serde_json::json!({ "greeting": format!("Hello, {name}") })))?;
//! #     Ok(Outcome::done())
//! # }
//! let cluster = Cluster::new();
//! cluster.put(&Object::new("v1/ConfigMap", "one").in_namespace(Some("default")).label("name", "Ada"));
//! cluster.reconcile::<greeting>(("default", "one"))?;
//! let copy = cluster.object("v1/ConfigMap", ("default", "copy")).expect("the copy is there");
//! assert_eq!(copy.str_at("/data/greeting"), Some("Hello, Ada"));
//! # Ok::<(), windlass::Error>(())
//! ```
//!
//! The [`Cluster`] keeps the rules that reconcilers depend on: versions and conflicts, generations, the status
//! as a subresource of every kind, finalizers, owners' garbage, server-side apply of one manager. It knows no
//! schemas, no defaults and no grants; for those, run the module against `windlass server`.

mod apply;
mod field;
mod recorded;
mod selector;
mod store;

use std::cell::{Cell, RefCell};

use serde_json::Value;

use crate::bindings::windlass::controller::objects::Page;
use crate::host::{Host, Metric, Wrote};
use crate::{
    ApiError, Change, DeleteOptions, Error, Event, Index, Kind, Manifest, Name, Object, ObjectName, Outcome,
    PatchType, Query, ReadOptions, Reconciler, Request, Resource, Result, Timestamp, WriteOptions, context,
};

pub(crate) use recorded::record_line;
pub use recorded::{Call, Line, Measurement};
use store::Store;

/// The time at which a [`Cluster`] begins: 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

/// A cluster in memory for one test, with what the reconciler did in it.
pub struct Cluster {
    store: RefCell<Store>,
    calls: RefCell<Vec<Call>>,
    events: RefCell<Vec<Event>>,
    lines: RefCell<Vec<Line>>,
    measurements: RefCell<Vec<Measurement>>,
    settings: RefCell<String>,
    refusals: RefCell<Vec<(String, ApiError)>>,
    failures: RefCell<Vec<(String, ObjectName, u32)>>,
    now_ms: Cell<i64>,
    chance: Cell<u64>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Cluster {
    /// An empty cluster.
    #[must_use]
    pub fn new() -> Self {
        Self {
            store: RefCell::default(),
            calls: RefCell::default(),
            events: RefCell::default(),
            lines: RefCell::default(),
            measurements: RefCell::default(),
            settings: RefCell::new("{}".into()),
            refusals: RefCell::default(),
            failures: RefCell::default(),
            now_ms: Cell::new(START_MS),
            chance: Cell::new(1),
        }
    }

    /// Puts an object there as it is, status included, whatever was there before; as somebody else would.
    ///
    /// # Panics
    /// If the object cannot be written as JSON.
    pub fn put(&self, object: &impl Manifest) {
        let text = object.to_json().expect("the object is one that can be written");
        let value = serde_json::from_str(&text).expect("it was just written");
        self.store.borrow_mut().put(&object.kind(), &object.object_name(), value, self.now());
    }

    /// Sets the status of an object, as its controller would. Nothing happens if there is no such object.
    pub fn set_status(&self, kind: impl Into<Kind>, name: impl Into<Name>, status: Value) {
        let options = WriteOptions::default().of_subresource("status");
        let body = serde_json::json!({ "status": status }).to_string();
        let patch = (PatchType::Merge, body.as_str());
        let name = exactly(name);
        // No such object is the only answer but success.
        drop(self.store.borrow_mut().patch(&kind.into(), &name, patch, &options, self.now()));
    }

    /// Deletes an object, as a user would. True when it is gone.
    pub fn delete(&self, kind: impl Into<Kind>, name: impl Into<Name>) -> bool {
        let options = DeleteOptions::default();
        self.store.borrow_mut().delete(&kind.into(), &exactly(name), &options, self.now()).unwrap_or(false)
    }

    /// An object as it is now.
    #[must_use]
    pub fn object(&self, kind: impl Into<Kind>, name: impl Into<Name>) -> Option<Object> {
        let value = self.store.borrow().get(&kind.into(), &exactly(name))?;
        serde_json::from_value(value).ok()
    }

    /// A typed object as it is now.
    ///
    /// # Panics
    /// If the object there does not have the type's form.
    #[must_use]
    pub fn read<T: Resource>(&self, name: impl Into<Name>) -> Option<T> {
        let value = self.store.borrow().get(&Kind::new(T::API_VERSION, T::KIND), &exactly(name))?;
        Some(serde_json::from_value(value).expect("the object has the form of the type"))
    }

    /// Every object there is, as `Kind namespace/name`, in order.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        self.store.borrow().names()
    }

    /// Runs a controller for the object of this name, as the host would: with the object as it is, or none.
    ///
    /// # Errors
    /// The reconciler's. The next run for the same object is told that it failed.
    pub fn reconcile<R: Reconciler>(&self, name: impl Into<Name>) -> Result<Outcome> {
        let name = exactly(name);
        let object =
            self.store.borrow().get(&R::controller().reconciles, &name).map(|value| value.to_string());
        let request = Request {
            controller: R::NAME.into(),
            failures: self.failures_of(R::NAME, &name),
            name,
            object,
            remaining_ms: 30_000.0,
        };
        let outcome = self
            .recording(|| R::reconcile(&context::Context::new(self, &request), request.object.as_deref()));
        self.count_failure(R::NAME, &request.name, outcome.is_err());
        outcome
    }

    /// What the controller answers to a change that reached a `mapped` watch.
    ///
    /// # Errors
    /// The controller's.
    pub fn targets<R: Reconciler>(
        &self,
        watch: &str,
        before: Option<&Object>,
        after: Option<&Object>,
    ) -> Result<Vec<ObjectName>> {
        let name = after.or(before).map(Manifest::object_name);
        let name = name.ok_or_else(|| Error::new("a change has an object before it or after it"))?;
        let request = Request {
            controller: R::NAME.into(),
            name: name.clone(),
            object: None,
            failures: 0,
            remaining_ms: 30_000.0,
        };
        let change = Change {
            controller: R::NAME.into(),
            watch: watch.into(),
            name,
            before: before.map(Manifest::to_json).transpose()?,
            after: after.map(Manifest::to_json).transpose()?,
        };
        self.recording(|| R::targets(&context::Context::new(self, &request), &change))
    }

    /// The calls so far, reads included.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// The writes so far, as `apply Deployment default/web`; forgets all calls.
    #[must_use]
    pub fn take_writes(&self) -> Vec<String> {
        let calls = self.calls.take();
        calls.iter().filter(|call| !matches!(call.verb, "get" | "list")).map(ToString::to_string).collect()
    }

    /// The Events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    /// The log so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.borrow().clone()
    }

    /// The metrics so far.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        self.measurements.borrow().clone()
    }

    /// Sets the module's settings.
    pub fn set_settings(&self, settings: &Value) {
        self.settings.replace(settings.to_string());
    }

    /// Declares a field index, as the module's description would.
    pub fn add_index(&self, index: Index) {
        self.store.borrow_mut().indexes.push(index);
    }

    /// Refuses the next call of this verb (`get`, `list`, `create`, `update`, `patch`, `apply`, `delete`).
    pub fn refuse_next(&self, verb: &str, error: ApiError) {
        self.refusals.borrow_mut().push((verb.into(), error));
    }

    /// The cluster's time; it stands still.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.get())
    }

    /// Lets time pass.
    pub fn advance(&self, by: std::time::Duration) {
        self.now_ms.set(self.now_ms.get() + i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 2));
    }

    fn failures_of(&self, controller: &str, name: &ObjectName) -> u32 {
        let failures = self.failures.borrow();
        failures.iter().find(|entry| entry.0 == controller && entry.1 == *name).map_or(0, |entry| entry.2)
    }

    fn count_failure(&self, controller: &str, name: &ObjectName, failed: bool) {
        let count = if failed { self.failures_of(controller, name) + 1 } else { 0 };
        let mut failures = self.failures.borrow_mut();
        failures.retain(|entry| entry.0 != controller || entry.1 != *name);
        failures.push((controller.into(), name.clone(), count));
    }

    fn recording<T>(&self, run: impl FnOnce() -> T) -> T {
        let (answer, lines) = recorded::lines_of(run);
        self.lines.borrow_mut().extend(lines);
        answer
    }

    /// Notes a call and tells whether it is to be refused.
    fn note(&self, call: Call) -> Result<(), ApiError> {
        let mut refusals = self.refusals.borrow_mut();
        let refused = refusals.iter().position(|(verb, _)| verb == call.verb);
        self.calls.borrow_mut().push(call);
        refused.map_or(Ok(()), |at| Err(refusals.remove(at).1))
    }
}

/// Outside of a request a bare name means a cluster-scoped object.
fn exactly(name: impl Into<Name>) -> ObjectName {
    name.into().resolve(false, None)
}

impl Host for Cluster {
    fn get(&self, kind: &Kind, name: &ObjectName, options: &ReadOptions) -> Result<Option<String>, ApiError> {
        let call = Call::new("get", kind, name, options.subresource.as_deref(), "");
        self.note(call.following(options.subscribe))?;
        self.store.borrow().read(kind, name, options)
    }

    fn list(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<Page, ApiError> {
        let about = ObjectName { namespace: query.namespace.clone(), name: String::new() };
        self.note(Call::new("list", kind, &about, None, "").following(options.subscribe))?;
        self.store.borrow().list(kind, query, options)
    }

    fn create(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote {
        self.note(Call::new("create", kind, name, options.subresource.as_deref(), object))?;
        self.store.borrow_mut().create(kind, name, object, options, self.now())
    }

    fn update(&self, kind: &Kind, name: &ObjectName, object: &str, options: &WriteOptions) -> Wrote {
        self.note(Call::new("update", kind, name, options.subresource.as_deref(), object))?;
        self.store.borrow_mut().update(kind, name, object, options, self.now())
    }

    fn patch(
        &self,
        kind: &Kind,
        name: &ObjectName,
        form: PatchType,
        body: &str,
        options: &WriteOptions,
    ) -> Wrote {
        let verb = if form == PatchType::Apply { "apply" } else { "patch" };
        self.note(Call::new(verb, kind, name, options.subresource.as_deref(), body))?;
        self.store.borrow_mut().patch(kind, name, (form, body), options, self.now())
    }

    fn delete(&self, kind: &Kind, name: &ObjectName, options: &DeleteOptions) -> Result<bool, ApiError> {
        self.note(Call::new("delete", kind, name, None, ""))?;
        self.store.borrow_mut().delete(kind, name, options, self.now())
    }

    fn emit(&self, event: &Event) {
        self.events.borrow_mut().push(event.clone());
    }

    fn measure(&self, metric: Metric, name: &str, value: f64, labels: &[(&str, &str)]) {
        self.measurements.borrow_mut().push(Measurement::new(metric, name, value, labels));
    }

    fn settings(&self) -> String {
        self.settings.borrow().clone()
    }

    fn now_ms(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit the 53 bits of an f64")]
        {
            self.now_ms.get() as f64
        }
    }

    /// The same bytes in every test (xorshift).
    fn random(&self, bytes: u32) -> Vec<u8> {
        (0..bytes)
            .map(|_| {
                let mut state = self.chance.get();
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                self.chance.set(state);
                state.to_le_bytes()[3]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
