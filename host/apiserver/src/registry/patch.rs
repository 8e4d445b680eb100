//! The four kinds of patch.

use bytes::Bytes;
use serde_json::Value;

use super::{Body, Place, Registry, Written};
use crate::query::WriteOptions;
use crate::status::{ApiError, Cause, reason};

/// Kind of a patch, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Merge with lists merged by key; built-in kinds only.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchKind {
    /// The kind that a content type names, if the resource takes it.
    pub fn of(content_type: &str, custom: bool) -> Result<Self, ApiError> {
        let kind = match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Self::Json,
            "application/merge-patch+json" => Self::Merge,
            "application/strategic-merge-patch+json" => Self::Strategic,
            "application/apply-patch+yaml" => Self::Apply,
            _ => {
                let message = "415: Unsupported Media Type";
                return Err(ApiError::new(
                    415,
                    reason::UNSUPPORTED_MEDIA_TYPE,
                    message,
                    Some(Default::default()),
                ));
            }
        };
        if kind == Self::Strategic && custom {
            let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Err(ApiError::new(415, reason::UNSUPPORTED_MEDIA_TYPE, message, None));
        }
        Ok(kind)
    }
}

impl Registry {
    /// Patches an object or its status.
    pub async fn patch(
        &self,
        place: &Place,
        kind: PatchKind,
        patch: Body,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        check_options(kind, options)?;
        if kind == PatchKind::Apply {
            return self.apply(place, patch, options).await;
        }
        drop(self.get(place)?);
        if kind != PatchKind::Json && !patch.value.is_object() {
            let given = super::body::go_type(&patch.value);
            let why = format!(
                "error decoding patch: json: cannot unmarshal {given} into Go value of type map[string]interface {{}}"
            );
            return Err(ApiError::bad_request(why));
        }
        let mut warnings = Vec::new();
        let mut make = |old: &Value| {
            warnings.clear();
            let patched = self.patched(place, kind, old, &patch.value).map_err(|error| match kind {
                PatchKind::Strategic => not_restored(&patch.value, error),
                _ => error,
            })?;
            let shown = match kind {
                PatchKind::Strategic => crate::schema::go_plain(&patch.value),
                _ => patched.to_string(),
            };
            let mut patched = patched;
            if kind == PatchKind::Strategic {
                // The result is put into the type that the object has; what it says of its own is not asked.
                patched["kind"] = old["kind"].clone();
                patched["apiVersion"] = place.resource.api_version.as_str().into();
            }
            let body = Body { value: patched, faults: patch.faults.clone(), text: Bytes::new() };
            let decoded = self.decode(place, body, options.field_validation, &mut warnings);
            decoded.map_err(|error| cannot_be_read(kind, &shown, error))
        };
        let mut written = self.update_with(place, options, &mut make).await?;
        written.warnings.splice(0..0, warnings);
        Ok(written)
    }
}

/// What a JSON or merge patch makes of an object may be no object of its kind.
fn cannot_be_read(kind: PatchKind, patched: &str, error: ApiError) -> ApiError {
    if error.code() != 400 {
        return error;
    }
    // The reason alone, without the kind that a whole body would be refused with.
    let message = error.0.message.as_str();
    let why = message.split_once(" cannot be handled as a ").and_then(|(_, rest)| rest.split_once(": "));
    let why = why.map_or(message, |(_, why)| why);
    let why = if kind == PatchKind::Strategic { restored(why) } else { why.to_owned() };
    let cause = Cause::invalid("patch", &crate::schema::quoted(patched), &why);
    ApiError::invalid("", "", "", vec![cause])
}

/// A strategic patch that does not fit the object's lists and maps.
fn not_restored(patch: &Value, error: ApiError) -> ApiError {
    if error.code() != 400 {
        return error;
    }
    let shown = crate::schema::quoted(&crate::schema::go_plain(patch));
    ApiError::invalid("", "", "", vec![Cause::invalid("patch", &shown, &error.0.message)])
}

/// The result of a strategic patch is no text that is parsed but values that are put into Go's types, which says its
/// own of what does not fit.
fn restored(why: &str) -> String {
    let words = why.strip_prefix("json: cannot unmarshal ").and_then(|rest| rest.split_once(" into Go "));
    let Some((given, rest)) = words else {
        return if why.contains("base64") {
            format!("error decoding from json: {why}")
        } else {
            why.to_owned()
        };
    };
    let wanted = rest.rsplit_once(" of type ").map_or("", |(_, wanted)| wanted);
    let given = match given {
        "object" => "map",
        "array" => "slice",
        "number" => "int64",
        other => other,
    };
    match wanted {
        list if list.starts_with("[]") => format!("cannot restore slice from {given}"),
        map if map.starts_with("map[") => format!("cannot restore map from {given}"),
        "string" if given == "int64" => "cannot convert int64 to string".to_owned(),
        "string" | "bool" | "int32" | "int64" => format!("unrecognized type: {wanted}"),
        _ => format!("cannot restore struct from: {given}"),
    }
}

fn check_options(kind: PatchKind, options: &WriteOptions) -> Result<(), ApiError> {
    let refuse = |cause| Err(ApiError::invalid_options("PatchOptions", cause));
    match kind {
        PatchKind::Apply if options.field_manager.is_empty() => {
            refuse(Cause::required("fieldManager", "is required for apply patch"))
        }
        PatchKind::Apply => Ok(()),
        _ if options.force => refuse(Cause::forbidden("force", "may not be specified for non-apply patch")),
        _ => Ok(()),
    }
}
