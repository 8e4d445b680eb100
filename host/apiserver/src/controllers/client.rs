//! Reading and writing straight through the registry, for code that lives in the server's process.

use std::sync::Arc;

use serde_json::Value;

use crate::catalog::Resource;
use crate::query::{ListOptions, WriteOptions};
use crate::registry::{Body, DeleteOptions, Deleted, List, PatchKind, Place, Registry, Watch};
use crate::status::ApiError;

/// A client without HTTP, types or authorization; cheap to clone.
///
/// Objects come as JSON values in the version of the resource asked for. Writes are filed under the manager that
/// [`Client::named`] gives.
#[derive(Debug, Clone)]
pub struct Client {
    registry: Registry,
    manager: &'static str,
}

impl Client {
    /// A client of a registry.
    pub fn new(registry: Registry) -> Self {
        Self { registry, manager: "kube-controller-manager" }
    }

    /// The same client under another manager's name.
    pub fn named(&self, manager: &'static str) -> Self {
        Self { registry: self.registry.clone(), manager }
    }

    /// The registry below.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The resource of a group, version and plural.
    ///
    /// # Errors
    /// 404 if it is not served.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Result<Arc<Resource>, ApiError> {
        let found = self.registry.resources().find(group, version, plural).cloned();
        found.ok_or_else(ApiError::no_such_resource)
    }

    /// A place, for the methods below.
    ///
    /// # Errors
    /// 404 if the resource is not served.
    pub fn place(
        &self,
        resource: (&str, &str, &str),
        namespace: &str,
        name: &str,
    ) -> Result<Place, ApiError> {
        let (group, version, plural) = resource;
        Ok(Place::new(&self.resource(group, version, plural)?, namespace, name))
    }

    /// One object.
    pub fn get(&self, place: &Place) -> Result<Value, ApiError> {
        Ok(place.resource.read(&*self.registry.get(place)?))
    }

    /// A list; a place without a namespace is over all.
    pub fn list(&self, place: &Place, options: &ListOptions) -> Result<List, ApiError> {
        self.registry.list(place, options)
    }

    /// A watch.
    pub fn watch(&self, place: &Place, options: &ListOptions) -> Result<Watch, ApiError> {
        self.registry.watch(place, options)
    }

    /// Creates an object.
    pub async fn create(&self, place: &Place, object: Value) -> Result<Value, ApiError> {
        let written = self.registry.create(place, Body::from(object), &self.options()).await?;
        Ok(place.resource.read(&written.object))
    }

    /// Replaces an object, or its status if the place says so.
    pub async fn update(&self, place: &Place, object: Value) -> Result<Value, ApiError> {
        let written = self.registry.update(place, Body::from(object), &self.options()).await?;
        Ok(place.resource.read(&written.object))
    }

    /// Merge-patches an object, or its status if the place says so.
    pub async fn patch(&self, place: &Place, patch: Value) -> Result<Value, ApiError> {
        let patch = Body::from(patch);
        let written = self.registry.patch(place, PatchKind::Merge, patch, &self.options()).await?;
        Ok(place.resource.read(&written.object))
    }

    /// Deletes an object, or begins to.
    pub async fn delete(&self, place: &Place, options: &DeleteOptions) -> Result<Deleted, ApiError> {
        self.registry.delete(place, options).await
    }

    fn options(&self) -> WriteOptions {
        WriteOptions { field_manager: self.manager.to_owned(), ..WriteOptions::default() }
    }
}
