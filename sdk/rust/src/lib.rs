//! Write a Kubernetes controller for Windlass in Rust.
//!
//! A controller is a function from an object to an [`Outcome`]. It runs in a fresh sandbox each time and
//! reaches the cluster only through its [`Context`]:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use windlass::{Context, Object, ObjectMeta, Outcome, Resource, Result};
//!
//! #[derive(Deserialize, Serialize, Resource)]
//! #[resource("example.dev/v1/Website")]
//! struct Website {
//!     metadata: ObjectMeta,
//!     spec: WebsiteSpec,
//! }
//!
//! #[derive(Deserialize, Serialize)]
//! struct WebsiteSpec {
//!     content: String,
//! }
//!
//! /// Keeps a ConfigMap with the website's content.
//! #[windlass::controller(owns("v1/ConfigMap"))]
//! fn website(ctx: &Context, site: Website) -> Result<Outcome> {
//!     let page = Object::new("v1/ConfigMap", &site.metadata.name)
//!         .in_namespace(site.metadata.namespace.as_deref())
//!         .owned_by(&site)
//!         .with("data", serde_json::json!({ "index.html": site.spec.content }));
//!     ctx.apply(&page)?;
//!     Ok(Outcome::done())
//! }
//!
//! windlass::module! {
//!     controllers: [website],
//!     permissions: [windlass::Permission::new("", "configmaps", "create, patch")],
//! }
//! # fn main() {}
//! ```
//!
//! `windlass build` makes the module of it, `windlass dev` runs it, and [`testing`] runs the function in a
//! plain `cargo test`.

mod condition;
pub mod context;
mod controller;
mod error;
mod event;
mod finalizer;
pub mod host;
mod json;
pub mod log;
mod metadata;
pub mod module;
mod name;
mod object;
mod options;
mod outcome;
mod resource;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod timestamp;

#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "generated; wit/ documents it"
)]
pub mod bindings;

pub use bindings::windlass::controller::events::{Event, Severity};
pub use bindings::windlass::controller::log::Level;
pub use bindings::windlass::controller::module::{
    Change, Controller, Description, Index, Lookup, Outcome, Permission, Predicate, Relation, Request,
    Selection, Watch,
};
pub use bindings::windlass::controller::objects::{
    Consistency, DeleteOptions, PatchType, Propagation, Query, ReadOptions, Shape, WriteOptions,
};
pub use bindings::windlass::controller::types::{ApiError, Kind, ObjectName, ObjectRef};
pub use condition::{Condition, set_condition};
pub use context::Context;
pub use error::{Error, Result, ResultExt};
pub use finalizer::{Finalized, finalize};
pub use host::Host;
pub use metadata::{ObjectMeta, OwnerReference};
pub use module::{Module, Reconciler};
pub use name::Name;
pub use object::Object;
pub use options::{List, Patch};
pub use resource::{Manifest, Resource, Subject, TypedSubject, owner_reference};
pub use timestamp::Timestamp;
pub use windlass_macros::{Resource, controller};

/// The text of a CustomResourceDefinition as JSON, from a YAML or JSON file. The path counts from the crate's
/// folder, and a mistake in the file is an error of the build:
/// `definitions: [windlass::definition!("crds/websites.yaml")]`.
#[cfg(feature = "yaml")]
pub use windlass_macros::definition;
