//! Reading and writing objects.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::bindings::windlass::controller::objects::Page;
#[cfg(target_arch = "wasm32")]
use crate::host::Host as _;
use crate::{
    ApiError, Context, DeleteOptions, Error, Kind, List, Manifest, Name, Object, ObjectName, Patch,
    PatchType, Query, ReadOptions, Resource, Result, WriteOptions,
};

impl Context<'_> {
    /// Reads an object of a typed kind, from the cache. None if there is no such object.
    ///
    /// # Errors
    /// The API's, and terminal if the object does not have the type's form.
    pub fn get<T: Resource>(&self, name: impl Into<Name>) -> Result<Option<T>> {
        self.get_with(name, &ReadOptions::default())
    }

    /// [`get`](Self::get) with a say in how: from the server, subscribed, metadata only.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_with<T: Resource>(&self, name: impl Into<Name>, options: &ReadOptions) -> Result<Option<T>> {
        let (kind, name) = self.typed::<T>(name.into());
        self.read(&kind, &name, options)?.map(|text| T::from_json(&text)).transpose()
    }

    /// Reads an object of any kind.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_object(
        &self,
        kind: impl Into<Kind>,
        name: &ObjectName,
        options: &ReadOptions,
    ) -> Result<Option<Object>> {
        self.read(&kind.into(), name, options)?.map(|text| Object::from_json(&text)).transpose()
    }

    /// Reads a subresource, such as `scale`, of an object of a typed kind, from the server.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_subresource<T: Resource, S: DeserializeOwned>(
        &self,
        name: impl Into<Name>,
        subresource: &str,
    ) -> Result<Option<S>> {
        let (kind, name) = self.typed::<T>(name.into());
        let text = self.read(&kind, &name, &ReadOptions::default().of_subresource(subresource))?;
        Ok(text.as_deref().map(crate::json::from_str).transpose()?)
    }

    /// Every object of a typed kind that the query finds, page after page, from the cache where it covers the
    /// question.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn list<T: Resource>(&self, query: &Query) -> Result<Vec<T>> {
        let kind = Kind::new(T::API_VERSION, T::KIND);
        self.list_all(&kind, query, &ReadOptions::default())
    }

    /// Every object of any kind that the query finds.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn list_objects(
        &self,
        kind: impl Into<Kind>,
        query: &Query,
        options: &ReadOptions,
    ) -> Result<Vec<Object>> {
        self.list_all(&kind.into(), query, options)
    }

    /// One page of a list; the query says how large and from where.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn page<T: Resource>(&self, query: &Query, options: &ReadOptions) -> Result<List<T>> {
        parse_page(self.read_page(&Kind::new(T::API_VERSION, T::KIND), query, options)?)
    }

    /// Creates an object. The answer is the object as stored.
    ///
    /// # Errors
    /// The API's; `AlreadyExists` if there is one.
    pub fn create<M: Manifest>(&self, object: &M) -> Result<M> {
        let (kind, name, body) = (object.kind(), object.object_name(), object.to_json()?);
        let answer = self.host().create(&kind, &name, &body, &WriteOptions::default());
        M::from_json(&answer.map_err(|error| failed("create", &kind, &name, error))?.object)
    }

    /// Replaces an object by a changed one that was read before. Somebody else's change in between is a
    /// conflict, and the run is tried again.
    ///
    /// # Errors
    /// The API's.
    pub fn update<M: Manifest>(&self, object: &M) -> Result<M> {
        self.update_with(object, &WriteOptions::default())
    }

    /// [`update`](Self::update) of a subresource, or as a trial.
    ///
    /// # Errors
    /// The API's.
    pub fn update_with<M: Manifest>(&self, object: &M, options: &WriteOptions) -> Result<M> {
        let (kind, name, body) = (object.kind(), object.object_name(), object.to_json()?);
        let answer = self.host().update(&kind, &name, &body, options);
        M::from_json(&answer.map_err(|error| failed("update", &kind, &name, error))?.object)
    }

    /// Server-side apply: `object` is what this controller decides, and nothing else. What others decide stays;
    /// what this module applied before and now leaves out goes. Creates the object if there is none. Takes
    /// fields over from other managers, as controllers should; [`apply_with`](Self::apply_with) can do without.
    ///
    /// # Errors
    /// The API's.
    pub fn apply<M: Manifest>(&self, object: &M) -> Result<M> {
        self.apply_with(object, &WriteOptions::default().forced())
    }

    /// [`apply`](Self::apply) of a subresource, as a trial, or without taking fields over.
    ///
    /// # Errors
    /// The API's; `Conflict` names the fields that others own.
    pub fn apply_with<M: Manifest>(&self, object: &M, options: &WriteOptions) -> Result<M> {
        let patch = Patch { form: PatchType::Apply, body: object.to_json()? };
        M::from_json(&self.write(&object.kind(), &object.object_name(), &patch, options)?)
    }

    /// Applies `status` to the status of `object`, and nothing else. The answer is the object as stored.
    ///
    /// # Errors
    /// The API's.
    pub fn apply_status<M: Manifest>(&self, object: &M, status: &impl Serialize) -> Result<M> {
        let (kind, name) = (object.kind(), object.object_name());
        let body = json!({
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": { "name": name.name, "namespace": name.namespace },
            "status": status,
        });
        let options = WriteOptions::default().forced().of_subresource("status");
        M::from_json(&self.write(&kind, &name, &Patch::apply(&body)?, &options)?)
    }

    /// Merges `status` into the status of `object` (JSON merge patch).
    ///
    /// # Errors
    /// The API's.
    pub fn patch_status<M: Manifest>(&self, object: &M, status: &impl Serialize) -> Result<M> {
        let patch = Patch::merge(&json!({ "status": status }))?;
        let options = WriteOptions::default().of_subresource("status");
        M::from_json(&self.write(&object.kind(), &object.object_name(), &patch, &options)?)
    }

    /// Patches an object of a typed kind. The answer is the object as stored.
    ///
    /// # Errors
    /// The API's; `NotFound` if there is no such object.
    pub fn patch<T: Resource>(&self, name: impl Into<Name>, patch: &Patch) -> Result<T> {
        let (kind, name) = self.typed::<T>(name.into());
        T::from_json(&self.write(&kind, &name, patch, &WriteOptions::default())?)
    }

    /// Patches an object of any kind, or a subresource of it. The answer is what the server says.
    ///
    /// # Errors
    /// As [`patch`](Self::patch).
    pub fn patch_object(
        &self,
        kind: impl Into<Kind>,
        name: &ObjectName,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Object> {
        Object::from_json(&self.write(&kind.into(), name, patch, options)?)
    }

    /// Posts to a subresource of an object, such as an eviction. The answer is what the server says.
    ///
    /// # Errors
    /// The API's.
    pub fn post(&self, object: &impl Manifest, subresource: &str, body: &impl Serialize) -> Result<Object> {
        let (kind, name) = (object.kind(), object.object_name());
        let options = WriteOptions::default().of_subresource(subresource);
        let answer = self.host().create(&kind, &name, &serde_json::to_string(body)?, &options);
        Object::from_json(&answer.map_err(|error| failed("post to", &kind, &name, error))?.object)
    }

    /// Deletes an object: this very one, if its uid is known. True when it is gone (or was not there), false
    /// when it stays until its finalizers are done.
    ///
    /// # Errors
    /// The API's.
    pub fn delete(&self, object: &impl Manifest) -> Result<bool> {
        let options = DeleteOptions { uid: object.uid().map(Into::into), ..DeleteOptions::default() };
        self.delete_object(object.kind(), &object.object_name(), &options)
    }

    /// Deletes an object of any kind by its name.
    ///
    /// # Errors
    /// The API's; `Conflict` if it is not the one that the options want.
    pub fn delete_object(
        &self,
        kind: impl Into<Kind>,
        name: &ObjectName,
        options: &DeleteOptions,
    ) -> Result<bool> {
        let kind = kind.into();
        self.host().delete(&kind, name, options).map_err(|error| failed("delete", &kind, name, error))
    }

    fn typed<T: Resource>(&self, name: Name) -> (Kind, ObjectName) {
        (Kind::new(T::API_VERSION, T::KIND), name.resolve(T::NAMESPACED, self.namespace()))
    }

    fn read(&self, kind: &Kind, name: &ObjectName, options: &ReadOptions) -> Result<Option<String>> {
        self.host().get(kind, name, options).map_err(|error| failed("get", kind, name, error))
    }

    fn read_page(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<Page> {
        self.host()
            .list(kind, query, options)
            .map_err(|error| Error::of_call(format_args!("list {kind}"), error))
    }

    fn list_all<M: Manifest>(&self, kind: &Kind, query: &Query, options: &ReadOptions) -> Result<Vec<M>> {
        let mut query = query.clone();
        let mut items = Vec::new();
        loop {
            let page = parse_page(self.read_page(kind, &query, options)?)?;
            items.extend(page.items);
            if page.continue_token.is_none() {
                return Ok(items);
            }
            query.continue_token = page.continue_token;
        }
    }

    pub(crate) fn write(
        &self,
        kind: &Kind,
        name: &ObjectName,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<String> {
        let verb = if patch.form == PatchType::Apply { "apply" } else { "patch" };
        let answer = self.host().patch(kind, name, patch.form, &patch.body, options);
        Ok(answer.map_err(|error| failed(verb, kind, name, error))?.object)
    }
}

fn failed(verb: &str, kind: &Kind, name: &ObjectName, error: ApiError) -> Error {
    Error::of_call(format_args!("{verb} {} {name}", kind.kind), error)
}

fn parse_page<M: Manifest>(page: Page) -> Result<List<M>> {
    Ok(List {
        items: page.items.iter().map(|item| M::from_json(item)).collect::<Result<_>>()?,
        continue_token: page.continue_token,
        resource_version: page.resource_version,
    })
}
