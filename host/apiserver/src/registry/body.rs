//! From a parsed body to an object of the resource: kind, unknown fields, types, defaults.

use bytes::Bytes;
use serde_json::Value;

use super::{Place, Registry};
use crate::defaults;
use crate::object;
use crate::query::FieldValidation;
use crate::schema::{self, DecodeError};
use crate::status::ApiError;

/// A request's body, parsed from whatever format it came in.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// The object.
    pub value: Value,
    /// What the parser found amiss but could read, such as `duplicate field "a"`.
    pub faults: Vec<String>,
    /// The text for error messages, as far as it was text.
    pub text: Bytes,
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self { value, ..Self::default() }
    }
}

impl Registry {
    /// The object that a body stands for, with defaults; warnings are added to `warnings`.
    pub(super) fn decode(
        &self,
        place: &Place,
        body: Body,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let Body { mut value, faults, text } = body;
        check_kind(place, &mut value, &String::from_utf8_lossy(&text))?;
        if let Some(schema) = place.resource.schema() {
            let custom = place.resource.definition.custom().is_some();
            let decoded = if custom {
                schema::decode_custom(schema, &mut value, validation, faults)
            } else {
                schema::decode(schema, &mut value, validation, faults)
            };
            let kind = &place.resource.definition.kind;
            warnings.extend(decoded.map_err(|why| cannot_be_handled(place, kind, &why))?);
            schema::apply_defaults(schema, &mut value);
            if !custom {
                let definition = &place.resource.definition;
                defaults::apply(&definition.group, &definition.version, &definition.kind, &mut value);
            }
        }
        (place.resource.strategy.default)(&mut value);
        if place.resource.definition.custom().is_none() {
            // Whoever writes an object owns what Go's encoder writes with it, empty as it may be.
            let definition = &place.resource.definition;
            defaults::complete(&definition.group, &definition.version, &definition.kind, &mut value);
            if &*definition.kind == "Event" && value["eventTime"].is_null() {
                // But nobody owns an event's time that is none.
                object::as_map(&mut value).remove("eventTime");
            }
        }
        Ok(value)
    }
}

fn cannot_be_handled(place: &Place, kind: &str, why: &DecodeError) -> ApiError {
    let definition = &place.resource.definition;
    ApiError::bad_request(format!(
        "{kind} in version \"{}\" cannot be handled as a {}: {why}",
        definition.version, definition.kind
    ))
}

/// `kind` and `apiVersion` must be the resource's; built-in resources fill them in where they are left out.
fn check_kind(place: &Place, value: &mut Value, text: &str) -> Result<(), ApiError> {
    let definition = &place.resource.definition;
    if !value.is_object() {
        let why = format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            definition.kind,
            go_type(value)
        );
        return Err(ApiError::bad_request(why));
    }
    let custom = definition.custom().is_some();
    for (field, missing) in [("kind", "Kind"), ("apiVersion", "apiVersion")] {
        let given = value.get(field).and_then(Value::as_str).unwrap_or_default();
        if given.is_empty() {
            if custom {
                let shown: String = text.chars().take(30).collect();
                let why = format!(
                    "the object provided is unrecognized (must be of type {}): Object '{missing}' is missing in '{text}' ({shown} ...)",
                    definition.kind
                );
                return Err(ApiError::bad_request(why));
            }
            let filled: Value = if field == "kind" {
                (&*definition.kind).into()
            } else {
                place.resource.api_version.as_str().into()
            };
            object::as_map(value).insert(field.into(), filled);
        }
    }
    let (kind, api_version) = (object::kind(value), object::api_version(value));
    if kind == definition.kind && api_version == place.resource.api_version {
        return Ok(());
    }
    Err(wrong_kind(place, kind, api_version))
}

fn wrong_kind(place: &Place, kind: &str, api_version: &str) -> ApiError {
    let definition = &place.resource.definition;
    let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
    let known = api_version == place.resource.api_version
        && (schema::builtin(&definition.group, &definition.version, kind).is_some() || kind == "Status");
    if definition.custom().is_some() {
        let (what, given, expected) = if api_version == place.resource.api_version {
            ("kind", kind, &*definition.kind)
        } else {
            ("API version", api_version, &*place.resource.api_version)
        };
        return ApiError::bad_request(format!(
            "the {what} in the data ({given}) does not match the expected {what} ({expected})"
        ));
    }
    let package = if definition.group.is_empty() {
        "core"
    } else {
        definition.group.split('.').next().unwrap_or_default()
    };
    let why = if known {
        format!("converting (v1.{kind}) to ({package}.{}): unknown conversion", definition.kind)
    } else {
        format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"pkg/runtime/scheme.go:111\""
        )
    };
    ApiError::bad_request(format!(
        "{kind} in version \"{version}\" cannot be handled as a {}: {why}",
        definition.kind
    ))
}

pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => "null",
        Value::Object(_) => "object",
    }
}
