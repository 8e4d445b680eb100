//! Whole objects or their metadata only: what to ask for, and taking in what came.

use std::sync::LazyLock;
use windlass_core::{
    call::Shape,
    name::Kind,
    object::{IngestError, Object},
};

/// The kind of every object that is metadata only.
static PARTIAL: LazyLock<Kind> = LazyLock::new(|| Kind::new("meta.k8s.io/v1", "PartialObjectMetadata"));

/// What `Accept` says for one object, and for events of a watch.
pub(crate) fn accept(shape: Shape) -> &'static str {
    match shape {
        Shape::Whole => "application/json",
        Shape::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    }
}

/// What `Accept` says for a list.
pub(crate) fn accept_list(shape: Shape) -> &'static str {
    match shape {
        Shape::Whole => "application/json",
        Shape::Metadata => {
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
        }
    }
}

/// Takes in one object. A server that does not know `PartialObjectMetadata` sends whole objects; they are cut here.
pub(crate) fn ingest(kind: &Kind, raw: &str, shape: Shape) -> Result<Object, IngestError> {
    match shape {
        Shape::Whole => Object::ingest(kind, raw),
        Shape::Metadata => Object::ingest_metadata(&PARTIAL, raw),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn metadata_only_is_cut_here_when_the_server_sends_whole_objects() {
        let want =
            r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}"#;
        for raw in [
            r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","managedFields":[1]},"data":{"k":"v"}}"#,
            r#"{"metadata":{"name":"a"}}"#,
            r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}"#,
        ] {
            let object = ingest(&Kind::new("v1", "Secret"), raw, Shape::Metadata).unwrap();
            let json: serde_json::Value = serde_json::from_str(object.json()).unwrap();
            assert_eq!(json, serde_json::from_str::<serde_json::Value>(want).unwrap(), "{raw}");
        }
    }
}
