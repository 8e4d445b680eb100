//! Builds a schema from a CRD version's `openAPIV3Schema`, and tells what the server refuses in one.

use serde_json::{Map, Value};

use super::check::{Checks, Pattern};
use super::format::is_known_format;
use super::node::{Field, GoShape, Kind, ListType, PatchMeta, Rest, Schema, SchemaRef};

/// The schema of a custom resource, from a valid `openAPIV3Schema`. Its `metadata` is the server's own.
#[must_use]
pub fn structural(source: &Value) -> SchemaRef {
    let mut schema = node(source);
    schema.embedded_resource = true;
    schema.into()
}

/// One level of a schema.
pub(crate) fn node(source: &Value) -> Schema {
    let flag = |name: &str| source[name].as_bool() == Some(true);
    let int_or_string = flag("x-kubernetes-int-or-string");
    Schema {
        kind: kind(source["type"].as_str(), int_or_string),
        fields: fields(source["properties"].as_object()),
        rest: match source.get("additionalProperties") {
            Some(Value::Bool(true)) => Rest::Open,
            Some(each @ Value::Object(_)) => Rest::Each(node(each).into()),
            _ => Rest::Closed,
        },
        items: source.get("items").filter(|items| items.is_object()).map(|items| node(items).into()),
        list_type: match source["x-kubernetes-list-type"].as_str() {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts(&source["x-kubernetes-list-map-keys"])),
            _ => ListType::Atomic,
        },
        atomic: source["x-kubernetes-map-type"] == "atomic",
        required: texts(&source["required"]),
        nullable: flag("nullable"),
        preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        embedded_resource: flag("x-kubernetes-embedded-resource"),
        default: source.get("default").filter(|default| !default.is_null()).cloned(),
        checks: checks(source),
        ..Schema::default()
    }
}

fn kind(name: Option<&str>, int_or_string: bool) -> Kind {
    match name {
        _ if int_or_string => Kind::IntOrString,
        Some("object") => Kind::Object,
        Some("array") => Kind::Array,
        Some("string") => Kind::String,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        _ => Kind::Any,
    }
}

fn fields(properties: Option<&Map<String, Value>>) -> Box<[Field]> {
    let Some(properties) = properties else { return Box::default() };
    let mut fields: Vec<Field> = properties
        .iter()
        .map(|(name, source)| {
            let schema = node(source);
            Field {
                name: name.as_str().into(),
                default: schema.default.clone(),
                schema: schema.into(),
                patch: PatchMeta::default(),
                shape: GoShape::default(),
            }
        })
        .collect();
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    fields.into()
}

fn texts(list: &Value) -> Box<[Box<str>]> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

/// Whether the server looks at a format of that name for the type.
fn is_known(source: &Value, format: &str) -> bool {
    match source["type"].as_str().unwrap_or_default() {
        "integer" => ["int32", "int64"].contains(&format),
        "number" => ["float", "double"].contains(&format),
        "" | "string" => is_known_format(format),
        _ => false,
    }
}

fn checks(source: &Value) -> Option<Box<Checks>> {
    let number = |name: &str| source[name].as_f64();
    let count = |name: &str| source[name].as_u64();
    let flag = |name: &str| source[name].as_bool() == Some(true);
    let several =
        |name: &str| -> Box<[Schema]> { source[name].as_array().into_iter().flatten().map(node).collect() };
    let checks = Checks {
        format: source["format"].as_str().filter(|name| is_known(source, name)).map(Into::into),
        maximum: number("maximum"),
        exclusive_maximum: flag("exclusiveMaximum"),
        minimum: number("minimum"),
        exclusive_minimum: flag("exclusiveMinimum"),
        multiple_of: number("multipleOf"),
        length_max: count("maxLength"),
        length_min: count("minLength"),
        pattern: source["pattern"].as_str().filter(|text| !text.is_empty()).map(Pattern::new),
        items_max: count("maxItems"),
        items_min: count("minItems"),
        unique_items: flag("uniqueItems"),
        properties_max: count("maxProperties"),
        properties_min: count("minProperties"),
        allowed: source["enum"].as_array().filter(|list| !list.is_empty()).map(|list| list.clone().into()),
        all_of: several("allOf"),
        any_of: several("anyOf"),
        one_of: several("oneOf"),
        not: source.get("not").filter(|not| not.is_object()).map(|not| Box::new(node(not))),
    };
    checks.says_something().then(|| Box::new(checks))
}
