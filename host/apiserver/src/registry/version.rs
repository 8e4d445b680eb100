//! Objects in the version that is asked for, where a conversion webhook makes them.
//!
//! For all other resources these functions give back what they got. A list or a watch asks the webhook about what it has
//! not seen yet, a read of one object always, as the real server's watch cache and storage do.

use std::sync::Arc;

use serde_json::Value;

use super::{Event, List, Registry};
use crate::catalog::Resource;
use crate::crd::conversion::Converter;
use crate::object;
use crate::schema;
use crate::status::ApiError;
use crate::store::Stored;

/// Objects that one ConversionReview asks about at most, so that a long list is no single huge request.
const ASKED_MAX: usize = 500;

impl Registry {
    /// An object of the store in the version of the resource.
    ///
    /// # Errors
    /// 500 with what the webhook, or reaching it, came to.
    pub async fn in_version(
        &self,
        resource: &Resource,
        stored: &Arc<Stored>,
    ) -> Result<Arc<Stored>, ApiError> {
        let Some(converter) = converter(resource).filter(|_| !is_in(stored, &resource.api_version)) else {
            return Ok(Arc::clone(stored));
        };
        let mut converted = self.ask(resource, converter, &[stored]).await?;
        converted.pop().ok_or_else(|| ApiError::internal("the webhook's answer is empty"))
    }

    /// The same for all objects of a list.
    ///
    /// # Errors
    /// 500 as above; no part of the list is given then.
    pub async fn list_in_version(&self, mut list: List) -> Result<List, ApiError> {
        let resource = Arc::clone(&list.resource);
        if let Some(converter) = converter(&resource) {
            let mut items: Vec<&mut Arc<Stored>> = list.items.iter_mut().collect();
            self.convert_all(&resource, converter, &mut items).await?;
        }
        Ok(list)
    }

    /// The same for the objects of events.
    ///
    /// # Errors
    /// 500 as above.
    pub async fn events_in_version(
        &self,
        resource: &Resource,
        mut events: Vec<Event>,
    ) -> Result<Vec<Event>, ApiError> {
        if let Some(converter) = converter(resource) {
            let mut objects: Vec<_> = events.iter_mut().map(|event| &mut event.object).collect();
            self.convert_all(resource, converter, &mut objects).await?;
        }
        Ok(events)
    }

    /// An object of a request in the version that is stored.
    pub(super) async fn in_storage_version(
        &self,
        resource: &Resource,
        object: Value,
    ) -> Result<Value, ApiError> {
        let target = &resource.storage_api_version;
        let Some(converter) = converter(resource).filter(|_| object::api_version(&object) != target) else {
            return Ok(object);
        };
        let converted = converter.convert(self, vec![object], target).await.map_err(ApiError::plain)?;
        let mut converted = converted
            .into_iter()
            .next()
            .ok_or_else(|| ApiError::internal("the webhook's answer is empty"))?;
        self.prune_as(resource, target, &mut converted);
        Ok(converted)
    }

    async fn convert_all(
        &self,
        resource: &Resource,
        converter: &Converter,
        objects: &mut [&mut Arc<Stored>],
    ) -> Result<(), ApiError> {
        let target = &resource.api_version;
        let mut asked: Vec<&mut Arc<Stored>> = Vec::new();
        for object in objects.iter_mut().filter(|object| !is_in(object, target)) {
            match converter.remembered(object, target) {
                Some(known) => **object = known,
                None => asked.push(object),
            }
        }
        for part in asked.chunks_mut(ASKED_MAX) {
            let sent: Vec<&Arc<Stored>> = part.iter().map(|object| &**object).collect();
            let converted = self.ask(resource, converter, &sent).await?;
            for (object, converted) in part.iter_mut().zip(converted) {
                converter.remember(object, target, &converted);
                **object = converted;
            }
        }
        Ok(())
    }

    /// Asks the webhook. What is stored is read as its own version has it first: pruned and with defaults.
    async fn ask(
        &self,
        resource: &Resource,
        converter: &Converter,
        stored: &[&Arc<Stored>],
    ) -> Result<Vec<Arc<Stored>>, ApiError> {
        let values = stored.iter().map(|stored| {
            let mut value = stored.value();
            let held = object::api_version(&value).to_owned();
            self.prune_as(resource, &held, &mut value);
            if let Some(schema) = self.version_of(resource, &held).as_ref().and_then(|held| held.schema()) {
                schema::apply_defaults(schema, &mut value);
            }
            value
        });
        let converted = converter
            .convert(self, values.collect(), &resource.api_version)
            .await
            .map_err(ApiError::plain)?;
        let pairs = stored.iter().zip(converted);
        Ok(pairs
            .map(|(stored, mut value)| {
                self.prune_as(resource, &resource.api_version, &mut value);
                Arc::new(Stored::detached(stored.key.clone(), &value, resource.encode(&value)))
            })
            .collect())
    }

    /// Takes out what the schema of a version does not know, as far as that version is served.
    fn prune_as(&self, resource: &Resource, api_version: &str, value: &mut Value) {
        if let Some(schema) = self.version_of(resource, api_version).as_ref().and_then(|held| held.schema()) {
            schema::prune_stored(schema, value);
        }
    }

    fn version_of(&self, resource: &Resource, api_version: &str) -> Option<Arc<Resource>> {
        let definition = &resource.definition;
        let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
        self.resources().find(&definition.group, version, &definition.plural).cloned()
    }
}

fn converter(resource: &Resource) -> Option<&Converter> {
    resource.definition.custom()?.converter.as_deref()
}

/// Whether an object of a custom resource is stored in a version; its JSON begins with that.
fn is_in(stored: &Stored, api_version: &str) -> bool {
    let after = stored.json().strip_prefix(b"{\"apiVersion\":\"").unwrap_or_default();
    after.strip_prefix(api_version.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"'))
}
