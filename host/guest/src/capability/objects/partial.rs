//! Objects in the shape that a guest asks for.

use serde::Deserialize;
use serde_json::value::RawValue;
use windlass_core::{
    call::{ApiError, Shape},
    object::Object,
};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// A cached object as JSON text: one copy of what is held, or of its metadata.
pub(crate) fn shaped(object: &Object, shape: Shape) -> Result<String, ApiError> {
    match shape {
        Shape::Whole => Ok(object.json().to_owned()),
        Shape::Metadata => {
            let envelope: Envelope<'_> = serde_json::from_str(object.json()).map_err(|error| {
                ApiError::host("InternalError", format!("a cached object is not JSON: {error}"))
            })?;
            let metadata = envelope.metadata.get();
            Ok(format!(
                r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{metadata}}}"#
            ))
        }
    }
}
