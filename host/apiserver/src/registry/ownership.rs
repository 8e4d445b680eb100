//! Schema and field ownership: where the registry meets `schema`, `patch` and `apply`.

use serde_json::Value;

use super::{Body, PatchKind, Place, Registry, Written};
use crate::apply::{self, ApplyError, Conflict, Ctx, Set};
use crate::clock;
use crate::object;
use crate::patch::{self, PatchError};
use crate::query::WriteOptions;
use crate::schema::{self, Custom, FieldError, Schema};
use crate::status::{ApiError, Cause, Details, reason};
use crate::strategy::StatusMetadata;
use crate::validate;

impl Registry {
    /// What the kind's schema finds wrong with an object, or with a change of one.
    pub(super) fn faults(&self, place: &Place, object: &Value, old: Option<&Value>) -> Vec<Cause> {
        let definition = &place.resource.definition;
        let (Some(schema), Some(custom)) = (place.resource.schema(), definition.custom()) else {
            let kind = (&*definition.group, &*definition.kind);
            let errors = validate::validate(kind, &place.subresource, object, old);
            return errors.into_iter().map(cause).collect();
        };
        let scale = custom.scale.as_ref();
        let held = Custom {
            schema,
            rules: place.resource.rules(),
            spec_replicas_path: scale.map(|scale| &*scale.spec_replicas),
            status_replicas_path: scale.map(|scale| &*scale.status_replicas),
        };
        schema::validate_custom(&held, object, old).into_iter().map(cause).collect()
    }

    /// A new object with its field owners.
    pub(crate) fn own_created(&self, place: &Place, mut object: Value, options: &WriteOptions) -> Value {
        if let Some(schema) = place.resource.schema().filter(|_| !options.owners_settled) {
            let (now, reset) = (clock::now(), reset_fields(place));
            apply::track_update(None, &mut object, &context(place, options, schema, (&now, &reset)));
        }
        object
    }

    /// A changed object with its field owners; if nothing but times changed, the old times stay.
    pub(super) fn own_updated(
        &self,
        place: &Place,
        mut object: Value,
        old: &Value,
        options: &WriteOptions,
    ) -> Value {
        let Some(schema) = place.resource.schema() else { return object };
        if !options.owners_settled {
            let (now, reset) = (clock::now(), reset_fields(place));
            let context = context(place, options, schema, (&now, &reset));
            apply::track_update(Some(old), &mut object, &context);
        }
        apply::settle_times(old, &mut object);
        if place.subresource == "scale" {
            untimed(&mut object);
        }
        object
    }

    /// The object that a patch makes of the current one.
    pub(super) fn patched(
        &self,
        place: &Place,
        kind: PatchKind,
        old: &Value,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        patched(kind, old, patch, place.resource.schema())
    }

    /// Server-side apply: over the object if there is one, else it is created.
    pub(super) async fn apply(
        &self,
        place: &Place,
        patch: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let Some(schema) = place.resource.schema() else { return Err(not_served()) };
        let options = WriteOptions { owners_settled: true, ..options.clone() };
        let (now, reset) = (clock::now(), reset_fields(place));
        let context = context(place, &options, schema, (&now, &reset));
        let mut warnings = Vec::new();
        let mut applied = |live: Option<&Value>| {
            warnings.clear();
            let object = apply::apply(live, &patch.value, &context).map_err(refused)?;
            let body = Body { value: object, faults: patch.faults.clone(), ..Body::default() };
            self.decode(place, body, options.field_validation, &mut warnings)
        };
        check_name(place, &patch.value)?;
        let mut written = if self.find(place).is_some() || !place.subresource.is_empty() {
            self.update_with(place, &options, &mut |old| applied(Some(old))).await?
        } else {
            check_not_known(place, &patch.value)?;
            let mut object = applied(None)?;
            object::metadata_mut(&mut object).insert("name".into(), place.name.as_str().into());
            self.create_decoded(place, object, &options, Vec::new()).await?
        };
        written.warnings.splice(0..0, warnings);
        Ok(written)
    }
}

/// A finding of a schema as a client sees it.
pub(crate) fn cause(error: FieldError) -> Cause {
    Cause::of(error.reason.as_str(), error.message, error.field)
}

fn context<'a>(
    place: &'a Place,
    options: &'a WriteOptions,
    schema: &'a Schema,
    (now, reset): (&'a str, &'a Set),
) -> Ctx<'a> {
    Ctx {
        manager: &options.field_manager,
        api_version: &place.resource.api_version,
        kind: &place.resource.definition.kind,
        subresource: &place.subresource,
        force: options.force,
        now,
        schema,
        reset,
    }
}

/// The fields that a write to this place leaves as they are, so that nobody comes to own them by it.
fn reset_fields(place: &Place) -> Set {
    if place.subresource.is_empty() {
        return if place.resource.has_status() { Set::of_fields(&[&["status"]]) } else { Set::default() };
    }
    if place.subresource != "status" {
        return Set::default();
    }
    match place.resource.strategy.status_keeps_metadata {
        StatusMetadata::Kept => Set::of_fields(&[&["spec"], &["metadata"]]),
        StatusMetadata::LabelsKept => Set::of_fields(&[&["spec"], &["metadata", "labels"]]),
        StatusMetadata::Written => Set::of_fields(&[&["spec"]]),
    }
}

/// Entries that the scale subresource makes carry no time, and so stand before the other updates.
fn untimed(object: &mut Value) {
    let Some(Value::Array(entries)) = object::metadata_mut(object).get_mut("managedFields") else { return };
    for entry in entries.iter_mut().filter(|entry| entry["subresource"] == "scale") {
        object::as_map(entry).remove("time");
    }
    entries.sort_by_key(|entry| (entry["operation"] != "Apply", entry.get("time").is_some()));
}

fn check_name(place: &Place, patch: &Value) -> Result<(), ApiError> {
    let (name, namespace) = (object::name(patch), object::namespace(patch));
    if !name.is_empty() && name != place.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.name
        )));
    }
    if !namespace.is_empty() && namespace != place.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// An object that is to have a uid cannot be a new one.
fn check_not_known(place: &Place, patch: &Value) -> Result<(), ApiError> {
    let uid = object::uid(patch);
    if uid.is_empty() {
        return Ok(());
    }
    let why =
        format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
    Err(ApiError::conflict(place.resource_name(), &place.name, &why))
}

fn refused(error: ApplyError) -> ApiError {
    let message = error.to_string();
    match error {
        ApplyError::Conflicts(conflicts) => {
            let cause = |conflict: &Conflict| {
                Cause::of("FieldManagerConflict", conflict.message(), conflict.field.to_string())
            };
            let causes = conflicts.iter().map(cause).collect();
            let details = Details { causes, ..Details::default() };
            ApiError::new(409, reason::CONFLICT, message, Some(details))
        }
        ApplyError::BadRequest(_) => ApiError::bad_request(message),
        ApplyError::Invalid(_) => ApiError::plain(message),
    }
}

fn not_served() -> ApiError {
    ApiError::new(
        415,
        reason::UNSUPPORTED_MEDIA_TYPE,
        "415: Unsupported Media Type",
        Some(Details::default()),
    )
}

/// The value that a patch makes of another one; only a strategic patch asks the schema.
pub(super) fn patched(
    kind: PatchKind,
    old: &Value,
    patch: &Value,
    schema: Option<&Schema>,
) -> Result<Value, ApiError> {
    let mut new = old.clone();
    let done = match (kind, schema) {
        (PatchKind::Json, _) => patch::json_patch(&mut new, patch),
        (PatchKind::Merge, _) => {
            patch::merge_patch(&mut new, patch.clone());
            Ok(())
        }
        (PatchKind::Strategic, Some(schema)) => patch::strategic_patch(&mut new, patch.clone(), schema),
        (PatchKind::Strategic | PatchKind::Apply, _) => return Err(not_served()),
    };
    done.map_err(cannot_be_done)?;
    Ok(new)
}

fn cannot_be_done(error: PatchError) -> ApiError {
    let message = error.to_string();
    match error {
        PatchError::BadRequest(_) => ApiError::bad_request(message),
        PatchError::TooLarge(_) => ApiError::too_large(message),
        PatchError::Unprocessable => ApiError::unprocessable(),
        PatchError::Rejected(_) => ApiError::new(422, reason::INVALID, message, Some(Details::default())),
        PatchError::Internal(_) => ApiError::plain(message),
    }
}
