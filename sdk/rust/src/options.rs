//! How to read, list, patch and delete: the contract's options with defaults and in builder form.

use serde::Serialize;

use crate::bindings::windlass::controller::objects::IndexValue;
use crate::{
    Consistency, DeleteOptions, PatchType, Propagation, Query, ReadOptions, Result, Selection, Shape,
    WriteOptions,
};

/// From the cache, whole objects, no subscription.
impl Default for ReadOptions {
    fn default() -> Self {
        Self { subresource: None, consistency: Consistency::Cached, shape: Shape::Whole, subscribe: false }
    }
}

impl ReadOptions {
    /// From the server, as of now.
    #[must_use]
    pub fn latest() -> Self {
        Self { consistency: Consistency::Latest, ..Self::default() }
    }

    /// Also run the request again when the answer changes. The reads of a successful run replace those of the one
    /// before, so a run reads all that it goes by, each time. It takes the grant of `watch` beside `get` or `list`; too
    /// many are refused with `LimitExceeded`: then declare a watch.
    #[must_use]
    pub fn subscribed(mut self) -> Self {
        self.subscribe = true;
        self
    }

    /// Only `metadata`.
    #[must_use]
    pub fn metadata_only(mut self) -> Self {
        self.shape = Shape::Metadata;
        self
    }

    /// `status`, `scale`, …
    #[must_use]
    pub fn of_subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.into());
        self
    }
}

/// Every object of the kind that the grant covers.
impl Default for Query {
    fn default() -> Self {
        Self {
            namespace: None,
            label_selector: None,
            field_selector: None,
            owner_uid: None,
            index: None,
            limit: None,
            continue_token: None,
        }
    }
}

impl Query {
    /// Objects of every namespace that the grant covers.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Objects of one namespace; none is every namespace.
    #[must_use]
    pub fn in_namespace<'a>(namespace: impl Into<Option<&'a str>>) -> Self {
        Self { namespace: namespace.into().map(Into::into), ..Self::default() }
    }

    /// Only with these labels: `app=web,tier in (a,b)`.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.label_selector = Some(selector.into());
        self
    }

    /// Only with these fields, as far as the server supports them.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Self {
        self.field_selector = Some(selector.into());
        self
    }

    /// Only with an owner reference to this uid; the kind must be watched.
    #[must_use]
    pub fn owned_by(mut self, uid: &str) -> Self {
        self.owner_uid = Some(uid.into());
        self
    }

    /// Only with this value in a declared index.
    #[must_use]
    pub fn indexed(mut self, index: &str, value: &str) -> Self {
        self.index = Some(IndexValue { index: index.into(), value: value.into() });
        self
    }

    /// So many a page.
    #[must_use]
    pub fn page_size(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// What a list found.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T> {
    /// The objects, ordered by namespace, then name.
    pub items: Vec<T>,
    /// There is more: for the next query.
    pub continue_token: Option<String>,
    /// What version the list is of.
    pub resource_version: String,
}

/// The object itself, stored, no fields taken over.
impl Default for WriteOptions {
    fn default() -> Self {
        Self { subresource: None, force: false, dry_run: false }
    }
}

impl WriteOptions {
    /// Take over fields that other managers own; for server-side apply.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.force = true;
        self
    }

    /// Check only.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// `status`, `scale`, `eviction`, …
    #[must_use]
    pub fn of_subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.into());
        self
    }
}

/// A change to an object, in one of the forms that the API takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pub(crate) form: PatchType,
    pub(crate) body: String,
}

impl Patch {
    /// JSON merge patch (RFC 7386): `json!({"spec": {"replicas": 3}})`; `null` removes.
    ///
    /// # Errors
    /// If the body cannot be written as JSON.
    pub fn merge(body: &impl Serialize) -> Result<Self> {
        Self::of(PatchType::Merge, body)
    }

    /// JSON patch (RFC 6902): a list of operations, all or none.
    ///
    /// # Errors
    /// If the body cannot be written as JSON.
    pub fn json(operations: &impl Serialize) -> Result<Self> {
        Self::of(PatchType::Json, operations)
    }

    /// Strategic merge patch; built-in kinds only.
    ///
    /// # Errors
    /// If the body cannot be written as JSON.
    pub fn strategic(body: &impl Serialize) -> Result<Self> {
        Self::of(PatchType::Strategic, body)
    }

    /// Server-side apply of a part of an object. The body names its `apiVersion`, `kind` and name.
    ///
    /// # Errors
    /// If the body cannot be written as JSON.
    pub fn apply(body: &impl Serialize) -> Result<Self> {
        Self::of(PatchType::Apply, body)
    }

    fn of(form: PatchType, body: &impl Serialize) -> Result<Self> {
        Ok(Self { form, body: serde_json::to_string(body)? })
    }
}

/// The kind's own way of deleting, whichever object has the name.
impl Default for DeleteOptions {
    fn default() -> Self {
        Self {
            propagation: None,
            uid: None,
            resource_version: None,
            grace_period_seconds: None,
            dry_run: false,
        }
    }
}

impl DeleteOptions {
    /// What becomes of the objects that the deleted one owns.
    #[must_use]
    pub fn propagating(mut self, propagation: Propagation) -> Self {
        self.propagation = Some(propagation);
        self
    }

    /// Only if it is still the object with this uid.
    #[must_use]
    pub fn only_uid(mut self, uid: &str) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// Only if it is still this version.
    #[must_use]
    pub fn only_version(mut self, resource_version: &str) -> Self {
        self.resource_version = Some(resource_version.into());
        self
    }

    /// How long the object gets to end, in seconds.
    #[must_use]
    pub fn grace_period_seconds(mut self, seconds: u32) -> Self {
        self.grace_period_seconds = Some(seconds);
        self
    }
}

/// Every object that the grant covers.
impl Default for Selection {
    fn default() -> Self {
        Self { namespaces: Vec::new(), label_selector: None, field_selector: None }
    }
}
