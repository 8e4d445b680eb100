//! The rules that a custom resource's schema states in CEL: `x-kubernetes-validations`.

use std::sync::OnceLock;

use kube_cel::{CompiledSchema, RootContext, ValidationError, Validator};
use serde_json::Value;

use super::error::{FieldError, Reason};

/// The rules of one schema, compiled when the first object is held against them.
pub struct Rules {
    schema: Value,
    context: RootContext,
    compiled: OnceLock<CompiledSchema>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Rules").finish_non_exhaustive()
    }
}

impl Rules {
    /// The rules of an `openAPIV3Schema`; `None` if it states none.
    #[must_use]
    pub fn of(schema: &Value, group: &str, version: &str, kind: &str) -> Option<Self> {
        let context = RootContext {
            api_version: format!("{group}/{version}"),
            api_group: group.into(),
            kind: kind.into(),
        };
        has_rules(schema).then(|| Self { schema: schema.clone(), context, compiled: OnceLock::new() })
    }

    /// What `new` breaks. Rules that compare with the old object are held only on update.
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let compiled = self.compiled.get_or_init(|| kube_cel::compile_schema(&self.schema));
        let validator = Validator::new();
        match validator.validate_compiled_with_context(compiled, new, old, Some(&self.context)) {
            Ok(()) => Vec::new(),
            Err(errors) => errors.into_vec().into_iter().map(told).collect(),
        }
    }
}

fn told(error: ValidationError) -> FieldError {
    let reason = match error.reason.as_deref() {
        Some("FieldValueRequired") => Reason::Required,
        Some("FieldValueForbidden") => Reason::Forbidden,
        Some("FieldValueDuplicate") => Reason::Duplicate,
        _ => Reason::Invalid,
    };
    let field = if error.field_path.is_empty() { "<nil>" } else { &error.field_path };
    FieldError::without_value(reason, field, error.message)
}

fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.get("x-kubernetes-validations").is_some_and(Value::is_array)
                || map.iter().any(|(name, inner)| name != "default" && name != "enum" && has_rules(inner))
        }
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}
