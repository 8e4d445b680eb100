//! One registry for all resources: every verb once, driven by the resource's definition and strategy.
//!
//! Flow of a write: decode and check the body → metadata → strategy → validation → field ownership → one
//! [`Write`](crate::store::Write) to the store, retried on the current state where the client allows it.

mod admit;
mod body;
mod create;
mod delete;
mod list;
mod metadata;
mod namespace;
mod ownership;
mod patch;
mod scale;
mod update;
mod version;
mod watch;

use std::sync::Arc;

use serde_json::Value;

pub use self::body::Body;
pub use self::delete::{DeleteOptions, Deleted};
pub use self::list::List;
pub(crate) use self::list::{parse_version, too_large_version};
pub use self::patch::PatchKind;
pub use self::scale::scale_of;

pub(crate) use self::ownership::cause;
pub use self::watch::{Event, EventKind, Watch};

use crate::catalog::{Catalog, Resource, Resources};
use crate::convert::to_version;
use crate::defaults;
use crate::object;
use crate::status::{ApiError, ResourceName};
use crate::store::{Draft, Expect, Guard, Store, StoreError, Stored, Write};

/// Where a request points: a resource, a namespace, a name.
#[derive(Debug, Clone)]
pub struct Place {
    /// The resource in the version asked for.
    pub resource: Arc<Resource>,
    /// Namespace, empty for resources without and for lists over all.
    pub namespace: String,
    /// Name, empty for collections.
    pub name: String,
    /// Subresource, empty for the object itself.
    pub subresource: String,
}

impl Place {
    /// A place without a subresource.
    pub fn new(resource: &Arc<Resource>, namespace: &str, name: &str) -> Self {
        Self {
            resource: Arc::clone(resource),
            namespace: namespace.into(),
            name: name.into(),
            subresource: String::new(),
        }
    }

    /// Key in the store.
    pub fn key(&self) -> Box<str> {
        self.resource.key(&self.namespace, &self.name)
    }

    /// The resource as errors name it.
    pub fn resource_name(&self) -> ResourceName<'_> {
        (&*self.resource.definition).into()
    }
}

/// What a write came to.
#[derive(Debug)]
pub struct Written {
    /// The object as it now is, in its storage version.
    pub object: Arc<Stored>,
    /// Whether it is new: 201 instead of 200.
    pub created: bool,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// The registry; cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    catalog: Catalog,
    /// Stands where the version will be; unguessable, so that no object can hold it by design.
    version_mark: String,
}

impl Registry {
    /// A registry over a store, with the built-in resources.
    pub fn new(store: Store) -> Self {
        let version_mark = uuid::Uuid::new_v4().simple().to_string();
        Self { inner: Arc::new(Inner { store, catalog: Catalog::default(), version_mark }) }
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The resources of this moment.
    pub fn resources(&self) -> Arc<Resources> {
        self.inner.catalog.snapshot()
    }

    /// The catalog, to which CustomResourceDefinitions add.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// One object.
    pub fn get(&self, place: &Place) -> Result<Arc<Stored>, ApiError> {
        self.find(place).ok_or_else(|| ApiError::not_found(place.resource_name(), &place.name))
    }

    fn find(&self, place: &Place) -> Option<Arc<Stored>> {
        self.inner.store.get(&place.resource.store_name, &place.key())
    }

    /// The object with its version's place marked, ready for the store.
    fn draft(&self, resource: &Resource, mut object: Value) -> Result<Draft, StoreError> {
        if !resource.is_converted() {
            to_version(&mut object, &resource.storage_api_version);
        }
        let definition = &resource.definition;
        if definition.custom().is_none() {
            let stored_as = &*resource.storage_api_version;
            let (group, version) = stored_as.rsplit_once('/').unwrap_or(("", stored_as));
            defaults::complete(group, version, &definition.kind, &mut object);
        }
        object::metadata_mut(&mut object)
            .insert("resourceVersion".into(), self.inner.version_mark.as_str().into());
        let json = resource.encode_stored(&object);
        if json.len() > OBJECT_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: json.len(), bytes_max: OBJECT_BYTES_MAX });
        }
        let draft = Draft::new(&object, json, &self.inner.version_mark);
        Ok(draft.expect("the encoder writes every field of metadata, so the mark set above too"))
    }

    async fn put(
        &self,
        place: &Place,
        expect: Expect,
        draft: Draft,
        guard: Option<Guard>,
    ) -> Result<Arc<Stored>, StoreError> {
        let write = Write {
            resource: Arc::clone(&place.resource.store_name),
            key: place.key(),
            expect,
            action: crate::store::Action::Put(draft),
            guard,
        };
        Ok(Arc::clone(&self.inner.store.commit(write).await?.object))
    }

    /// An object as a dry run or a final update answers with it: not stored, its version as it stands.
    fn detached(&self, place: &Place, object: &Value) -> Arc<Stored> {
        let mut object = object.clone();
        // What a webhook converts stays in the version it is in: there is nothing to store.
        if !place.resource.is_converted() {
            to_version(&mut object, &place.resource.storage_api_version);
        }
        let definition = &place.resource.definition;
        if definition.custom().is_none() {
            defaults::complete(&definition.group, &definition.version, &definition.kind, &mut object);
        }
        Arc::new(Stored::detached(place.key(), &object, place.resource.encode_stored(&object)))
    }
}

/// What etcd takes at most; larger objects break real clusters, so they do not pass here either.
const OBJECT_BYTES_MAX: usize = 1_572_864;

/// A store error as a client sees it, where no rule of a verb says otherwise.
fn store_error(place: &Place, error: StoreError) -> ApiError {
    match error {
        StoreError::Exists => ApiError::already_exists(place.resource_name(), &place.name),
        StoreError::Missing => ApiError::not_found(place.resource_name(), &place.name),
        StoreError::Changed { .. } | StoreError::GuardChanged => {
            ApiError::modified(place.resource_name(), &place.name)
        }
        StoreError::Expired { asked, oldest } => {
            ApiError::expired(format!("too old resource version: {asked} ({oldest})"))
        }
        error @ StoreError::TooLarge { .. } => ApiError::too_large(error.to_string()),
        other => ApiError::internal(other),
    }
}
