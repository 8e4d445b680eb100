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
        if kind != PatchKind::Json && !patch.value.is_object() {
            return Err(ApiError::bad_request("error decoding patch: the patch is not a JSON object"));
        }
        let mut warnings = Vec::new();
        let mut make = |old: &Value| {
            warnings.clear();
            let patched = self.patched(place, kind, old, &patch.value)?;
            let body = Body { value: patched, faults: patch.faults.clone(), text: Bytes::new() };
            self.decode(place, body, options.field_validation, &mut warnings)
        };
        let mut written = self.update_with(place, options, &mut make).await?;
        written.warnings.splice(0..0, warnings);
        Ok(written)
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
