//! The errors that the server answers with.

use crate::{ApiError, Kind, ObjectName};

pub(super) fn refused(code: u16, reason: &str, message: &str) -> ApiError {
    ApiError { code, reason: reason.into(), message: message.into(), status: None, retry_after_ms: None }
}

/// The host's own, before anything is sent.
pub(super) fn bad_request(message: &str) -> ApiError {
    refused(0, "BadRequest", message)
}

pub(super) fn not_found(kind: &Kind, name: &ObjectName) -> ApiError {
    refused(404, "NotFound", &format!("{} {name} not found", kind.kind))
}

pub(super) fn conflict(kind: &Kind, name: &ObjectName, why: &str) -> ApiError {
    refused(409, "Conflict", &format!("Operation cannot be fulfilled on {} {name}: {why}", kind.kind))
}

pub(super) fn invalid(kind: &Kind, name: &ObjectName, why: &str) -> ApiError {
    refused(422, "Invalid", &format!("{} {name} is invalid: {why}", kind.kind))
}
