//! Creating objects.

use std::sync::Arc;

use serde_json::Value;

use super::{Body, Expect, Place, Registry, Written, metadata, store_error};
use crate::object;
use crate::query::WriteOptions;
use crate::status::{ApiError, Cause};
use crate::store::StoreError;
use crate::strategy::Generation;

/// Attempts at a free generated name, as the real server makes them.
const NAME_ATTEMPTS_MAX: usize = 8;
/// Attempts when the namespace changes at the same moment.
const GUARD_ATTEMPTS_MAX: usize = 8;

impl Registry {
    /// Creates an object from a body; `place.name` is not used, the body says it.
    pub async fn create(
        &self,
        place: &Place,
        body: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let mut warnings = Vec::new();
        let mut object = self.decode(place, body, options.field_validation, &mut warnings)?;
        if !object::resource_version(&object).is_empty() {
            return Err(ApiError::plain("resourceVersion should not be set on objects to be created"));
        }
        metadata::wipe(&mut object);
        let object = self.own_created(place, object, options);
        self.create_decoded(place, object, options, warnings).await
    }

    /// Creates an object whose body has been read and whose field owners are set.
    pub(super) async fn create_decoded(
        &self,
        place: &Place,
        mut object: Value,
        options: &WriteOptions,
        mut warnings: Vec<String>,
    ) -> Result<Written, ApiError> {
        metadata::begin(place, &mut object)?;
        let generated = metadata::wants_generated_name(&object);
        let mut place = place.clone();
        place.name = object::name(&object).to_owned();
        self.check_may_create(&place)?;
        self.admit(&place, &mut object, None)?;
        prepare(&place, &mut object);
        self.admit_new(&place, &mut object, options);
        for _ in 0..NAME_ATTEMPTS_MAX {
            if generated {
                place.name = metadata::generated_name(&object);
                object::metadata_mut(&mut object).insert("name".into(), place.name.as_str().into());
            }
            let object = self.prepared(&place, object.clone())?;
            warnings.extend(super::update::warnings(&place, &object, None));
            if options.dry_run {
                return self.create_dry(&place, &object, warnings);
            }
            let object = self.in_storage_version(&place.resource, object).await?;
            match self.insert(&place, object).await {
                Ok(object) => return Ok(Written { object, created: true, warnings }),
                Err(StoreError::Exists) if generated => {}
                Err(StoreError::Exists) => return Err(self.exists(&place)),
                Err(error) => return Err(store_error(&place, error)),
            }
        }
        Err(ApiError::already_exists(place.resource_name(), &place.name))
    }

    /// The last steps before the store: what the kind decides by name, and validation.
    fn prepared(&self, place: &Place, mut object: Value) -> Result<Value, ApiError> {
        (place.resource.strategy.prepare_create)(&mut object);
        let mut causes = metadata::faults(place, &object);
        causes.extend(self.faults(place, &object, None));
        causes.extend((place.resource.strategy.validate)(&object, None));
        if causes.is_empty() { Ok(object) } else { Err(invalid(place, &object, causes)) }
    }

    fn create_dry(&self, place: &Place, object: &Value, warnings: Vec<String>) -> Result<Written, ApiError> {
        if self.find(place).is_some() {
            return Err(self.exists(place));
        }
        let object = self.detached(place, object);
        Ok(Written { object, created: true, warnings })
    }

    /// The name is taken, perhaps by an object that is about to go.
    fn exists(&self, place: &Place) -> ApiError {
        let mut error = ApiError::already_exists(place.resource_name(), &place.name);
        let ending = |held: &crate::store::Stored| object::deletion_timestamp(&held.value()).is_some();
        if self.find(place).is_some_and(|held| ending(&held)) {
            error.0.message = format!("object is being deleted: {}", error.0.message);
        }
        error
    }

    /// Writes a new object, as long as its namespace stays what it was when it was checked.
    async fn insert(&self, place: &Place, object: Value) -> Result<Arc<crate::store::Stored>, StoreError> {
        let draft = self.draft(&place.resource, object)?;
        for _ in 0..GUARD_ATTEMPTS_MAX {
            let guard = self.namespace_guard(place);
            match self.put(place, Expect::Absent, draft.clone(), guard).await {
                Err(StoreError::GuardChanged) if self.check_may_create(place).is_ok() => {}
                done => return done,
            }
        }
        Err(StoreError::GuardChanged)
    }
}

/// Generation and status of a new object.
fn prepare(place: &Place, object: &mut Value) {
    let strategy = place.resource.strategy;
    if strategy.generation != Generation::Ignored {
        object::metadata_mut(object).insert("generation".into(), 1.into());
    }
    if place.resource.has_status() {
        object::as_map(object).remove("status");
    }
}

/// 422 with the kind, group and name of the object.
pub(super) fn invalid(place: &Place, object: &Value, causes: Vec<Cause>) -> ApiError {
    let definition = &place.resource.definition;
    ApiError::invalid(&definition.group, &definition.kind, object::name(object), causes)
}
