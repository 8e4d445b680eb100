//! Schema and field ownership: where the registry meets `schema`, `patch` and `apply`.

use serde_json::{Map, Value};

use super::{Body, PatchKind, Place, Registry, Written};
use crate::query::WriteOptions;
use crate::status::{ApiError, Cause, reason};

impl Registry {
    /// What the kind's schema finds wrong with an object, or with a change of one.
    pub(super) fn faults(
        &self,
        _place: &Place,
        _object: &Value,
        _old: Option<&Value>,
        _warnings: &mut Vec<String>,
    ) -> Vec<Cause> {
        Vec::new()
    }

    /// A new object with its field owners.
    pub(super) fn own_created(
        &self,
        _place: &Place,
        object: Value,
        _options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        Ok(object)
    }

    /// A changed object with its field owners.
    pub(super) fn own_updated(
        &self,
        _place: &Place,
        object: Value,
        _old: &Value,
        _options: &WriteOptions,
    ) -> Result<Value, ApiError> {
        Ok(object)
    }

    /// The object that a patch makes of the current one.
    pub(super) fn patched(
        &self,
        _place: &Place,
        kind: PatchKind,
        old: &Value,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        patched(kind, old, patch)
    }

    /// Server-side apply.
    pub(super) async fn apply(
        &self,
        _place: &Place,
        _patch: Body,
        _options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        Err(not_served())
    }
}

fn not_served() -> ApiError {
    ApiError::new(
        415,
        reason::UNSUPPORTED_MEDIA_TYPE,
        "415: Unsupported Media Type",
        Some(Default::default()),
    )
}

/// A patch of a value that no schema describes, such as a Scale.
pub(super) fn patched(kind: PatchKind, old: &Value, patch: &Value) -> Result<Value, ApiError> {
    match kind {
        PatchKind::Merge => {
            let mut new = old.clone();
            merge(&mut new, patch);
            Ok(new)
        }
        _ => Err(not_served()),
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}
