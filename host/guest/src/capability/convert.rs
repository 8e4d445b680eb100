//! Between the contract's words and core's.

use crate::bindings::windlass::controller::{objects, types};
use std::sync::Arc;
use windlass_core::{
    call::{ApiError, Page, PatchType, Propagation, Shape},
    name::{Kind, ObjectName},
};

impl From<types::Kind> for Kind {
    fn from(said: types::Kind) -> Self {
        Self::new(&said.api_version, &said.kind)
    }
}

impl From<types::ObjectName> for ObjectName {
    /// Some languages know no absent text: an empty namespace is none.
    fn from(said: types::ObjectName) -> Self {
        let namespace = said.namespace.filter(|namespace| !namespace.is_empty());
        Self { namespace: namespace.map(Arc::from), name: said.name.into() }
    }
}

impl From<ApiError> for types::ApiError {
    fn from(error: ApiError) -> Self {
        Self {
            code: error.code,
            reason: error.reason,
            message: error.message,
            status: error.status,
            retry_after_ms: error.retry_after.map(|after| after.as_secs_f64() * 1_000.0),
        }
    }
}

impl From<objects::Shape> for Shape {
    fn from(said: objects::Shape) -> Self {
        match said {
            objects::Shape::Whole => Self::Whole,
            objects::Shape::Metadata => Self::Metadata,
        }
    }
}

impl From<objects::PatchType> for PatchType {
    fn from(said: objects::PatchType) -> Self {
        match said {
            objects::PatchType::Apply => Self::Apply,
            objects::PatchType::Merge => Self::Merge,
            objects::PatchType::Json => Self::Json,
            objects::PatchType::Strategic => Self::Strategic,
        }
    }
}

impl From<objects::Propagation> for Propagation {
    fn from(said: objects::Propagation) -> Self {
        match said {
            objects::Propagation::Background => Self::Background,
            objects::Propagation::Foreground => Self::Foreground,
            objects::Propagation::Orphan => Self::Orphan,
        }
    }
}

impl From<Page> for objects::Page {
    fn from(page: Page) -> Self {
        Self {
            items: page.items,
            continue_token: page.continue_token,
            resource_version: page.resource_version,
        }
    }
}

/// A text that is there and not empty.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
