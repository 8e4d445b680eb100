//! Changing objects: PUT, and the loop that every other change goes through as well.

use std::sync::Arc;

use serde_json::Value;

use super::create::invalid;
use super::{Body, Expect, Place, Registry, Written, metadata, store_error};
use crate::object;
use crate::query::WriteOptions;
use crate::status::{ApiError, Cause};
use crate::store::{Action, StoreError, Stored, Write};
use crate::strategy::{Generation, StatusMetadata};

/// Makes the new object from the current one; called again if another write came between.
pub(super) type Make<'a> = dyn FnMut(&Value) -> Result<Value, ApiError> + Send + 'a;

/// Attempts of a write that does not insist on a version, before the client is told of the conflict.
const ATTEMPTS_MAX: usize = 64;

impl Registry {
    /// PUT of an object or its status.
    pub async fn update(
        &self,
        place: &Place,
        body: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let mut warnings = Vec::new();
        let sent = self.decode(place, body, options.field_validation, &mut warnings)?;
        let wanted_uid = object::uid(&sent).to_owned();
        check_name(place, &sent)?;
        let create = place.resource.strategy.create_on_update && place.subresource.is_empty();
        if create && self.find(place).is_none() {
            check_uid(place, &wanted_uid, &Value::Null)?;
            let mut object = self.own_created(place, sent, options);
            object::metadata_mut(&mut object).insert("name".into(), place.name.as_str().into());
            return self.create_decoded(place, object, options, warnings).await;
        }
        let mut make = |old: &Value| {
            check_uid(place, &wanted_uid, old)?;
            Ok(sent.clone())
        };
        let mut written = self.update_with(place, options, &mut make).await?;
        written.warnings.splice(0..0, warnings);
        Ok(written)
    }

    /// Gives a pod its node: what the binding subresource does.
    pub async fn bind_pod(
        &self,
        place: &Place,
        node: &str,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let name = place.name.clone();
        let mut make = |old: &Value| {
            let mut pod = old.clone();
            let held = object::at(old, "spec.nodeName").and_then(Value::as_str).unwrap_or_default();
            if !held.is_empty() {
                let resource = crate::status::ResourceName { group: "", plural: "pods/binding" };
                let why = format!("pod {name} is already assigned to node \"{held}\"");
                return Err(ApiError::conflict(resource, &name, &why));
            }
            pod["spec"]["nodeName"] = node.into();
            Ok(pod)
        };
        let place = Place { subresource: "binding".into(), ..place.clone() };
        self.update_with(&place, options, &mut make).await
    }

    /// Changes an object until the change fits the state it was made from.
    pub(super) async fn update_with(
        &self,
        place: &Place,
        options: &WriteOptions,
        make: &mut Make<'_>,
    ) -> Result<Written, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let current = self.get(place)?;
            let old = place.resource.read(&*self.in_version(&place.resource, &current).await?);
            let made = make(&old)?;
            if place.subresource != "scale" {
                check_name(place, &made)?;
            }
            check_expected(place, &made, &old)?;
            let object = self.changed(place, made, &old, options)?;
            if options.dry_run {
                return Ok(Written {
                    object: self.detached(place, &object),
                    created: false,
                    warnings: warnings(place, &object, Some(&old)),
                });
            }
            let warnings = warnings(place, &object, Some(&old));
            let object = self.in_storage_version(&place.resource, object).await?;
            match self.write_change(place, &current, object).await {
                Ok(object) => return Ok(Written { object, created: false, warnings }),
                Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(store_error(place, error)),
            }
        }
        Err(ApiError::modified(place.resource_name(), &place.name))
    }

    /// The object as it is to be stored: metadata kept, generation, kind's rules, validation, owners.
    fn changed(
        &self,
        place: &Place,
        mut object: Value,
        old: &Value,
        options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        let strategy = place.resource.strategy;
        let mut causes = metadata::keep(&mut object, old);
        if place.subresource == "status" && &*place.resource.store_name == "pods" {
            // A Pod's quality is decided when it is created.
            object["status"]["qosClass"] = old["status"]["qosClass"].clone();
        }
        keep_other_half(place, &mut object, old);
        let mut object = self.own_updated(place, object, old, options);
        self.admit(place, &mut object, Some(old))?;
        if place.subresource.is_empty() {
            (strategy.prepare_update)(&mut object, old);
        }
        if rises(place, &object, old) {
            let next = object::generation(old) + 1;
            object::metadata_mut(&mut object).insert("generation".into(), next.into());
        }
        causes.extend(metadata::update_faults(place, &object, old));
        causes.extend(self.faults(place, &object, Some(old)));
        causes.extend((strategy.validate)(&object, Some(old)));
        if causes.is_empty() { Ok(object) } else { Err(invalid(place, &object, causes)) }
    }

    /// Writes a change, or nothing if there is none, or takes the object away if that was all it waited for.
    async fn write_change(
        &self,
        place: &Place,
        current: &Arc<Stored>,
        object: Value,
    ) -> Result<Arc<Stored>, StoreError> {
        let expect = Expect::Version(current.version);
        if super::delete::is_finished(place, &object) {
            let answer = self.detached(place, &object);
            let write = Write {
                resource: Arc::clone(&place.resource.store_name),
                key: place.key(),
                expect,
                action: Action::Delete,
                guard: None,
            };
            self.inner.store.commit(write).await?;
            return Ok(answer);
        }
        let draft = self.draft(&place.resource, object)?;
        if !current.differs_from(&draft) {
            return Ok(Arc::clone(current));
        }
        self.put(place, expect, draft, None).await
    }
}

/// What the kind warns of.
pub(super) fn warnings(place: &Place, object: &Value, old: Option<&Value>) -> Vec<String> {
    let definition = &place.resource.definition;
    if definition.custom().is_some() || !place.subresource.is_empty() {
        return Vec::new();
    }
    crate::validate::warnings((&definition.group, &definition.kind), object, old)
}

fn check_name(place: &Place, sent: &Value) -> Result<(), ApiError> {
    let name = object::name(sent);
    if name != place.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.name
        )));
    }
    let namespace = object::namespace(sent);
    if !namespace.is_empty() && namespace != place.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// A uid that a PUT sends is a demand; in a patch it is a change, which validation refuses.
fn check_uid(place: &Place, uid: &str, old: &Value) -> Result<(), ApiError> {
    let held = object::uid(old);
    if uid.is_empty() || uid == held {
        return Ok(());
    }
    let definition = &place.resource.definition;
    let group = if definition.custom().is_some() { format!("{}/", definition.group) } else { String::new() };
    let directory = if &*definition.plural == "services" { "services/specs" } else { &definition.plural };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{group}{directory}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {held}",
        place.key()
    );
    Err(ApiError::conflict(place.resource_name(), &place.name, &why))
}

/// Checks the version that the client sent, if it did.
fn check_expected(place: &Place, made: &Value, old: &Value) -> Result<(), ApiError> {
    let version = object::resource_version(made);
    if version.is_empty() || version == "0" {
        if place.resource.strategy.unconditional_update {
            return Ok(());
        }
        let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
        let definition = &place.resource.definition;
        return Err(ApiError::invalid(&definition.group, &definition.plural, &place.name, vec![cause]));
    }
    if place.resource.definition.custom().is_none() && version.parse::<u64>().is_err() {
        return Err(ApiError::plain(format!("strconv.ParseUint: parsing {version:?}: invalid syntax")));
    }
    if version != object::resource_version(old) {
        return Err(ApiError::modified(place.resource_name(), &place.name));
    }
    Ok(())
}

/// A write of the object leaves the status as it is, a write of the status leaves everything else.
fn keep_other_half(place: &Place, object: &mut Value, old: &Value) {
    if place.subresource == "status" {
        let status = object.get_mut("status").map(Value::take);
        let meta = object.get_mut("metadata").map(Value::take);
        let mut kept = old.clone();
        put(&mut kept, "status", status.filter(|status| !status.is_null()));
        let old_labels = object::labels(old).cloned();
        match place.resource.strategy.status_keeps_metadata {
            // Who owns the status that is being written goes with it.
            StatusMetadata::Kept => {
                let owners = meta.as_ref().and_then(|meta| meta.get("managedFields")).cloned();
                put(&mut kept["metadata"], "managedFields", owners);
            }
            StatusMetadata::Written => put(&mut kept, "metadata", meta),
            StatusMetadata::LabelsKept => {
                put(&mut kept, "metadata", meta);
                let meta = object::metadata_mut(&mut kept);
                meta.remove("labels");
                meta.extend(old_labels.map(|labels| ("labels".to_owned(), Value::Object(labels))));
            }
        }
        *object = kept;
    } else if place.subresource.is_empty() && place.resource.has_status() {
        put(object, "status", old.get("status").cloned());
    }
}

fn put(object: &mut Value, field: &str, value: Option<Value>) {
    let map = object::as_map(object);
    match value {
        Some(value) => map.insert(field.into(), value),
        None => map.remove(field),
    };
}

/// Whether the change makes the generation rise.
fn rises(place: &Place, object: &Value, old: &Value) -> bool {
    if place.subresource == "status" {
        return false;
    }
    let spec = || object.get("spec") != old.get("spec");
    match place.resource.strategy.generation {
        Generation::Ignored => false,
        Generation::Spec => spec(),
        Generation::SpecAndAnnotations => spec() || object::annotations(object) != object::annotations(old),
        Generation::All => {
            let counts = |key: &str| key != "metadata" && !(key == "status" && place.resource.has_status());
            let part = |of: &Value| -> Vec<(String, Value)> {
                let fields = of.as_object().into_iter().flatten().filter(|(key, _)| counts(key));
                fields.map(|(key, value)| (key.clone(), value.clone())).collect()
            };
            part(object) != part(old)
        }
    }
}
