//! Fills in what a schema gives as defaults.

use serde_json::{Map, Value};

use super::node::{Rest, Schema, SchemaRef};

/// Applies the defaults of a custom resource's schema, on write and on read alike. Nulls where null is no value are
/// dropped, or become the default.
pub fn apply_defaults(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => object(schema, map),
        Value::Array(items) => {
            let Some(item) = &schema.items else { return };
            for entry in items {
                if entry.is_null()
                    && !item.nullable
                    && let Some(default) = &item.default
                {
                    *entry = default.clone();
                }
                apply_defaults(item, entry);
            }
        }
        _ => {}
    }
}

fn object(schema: &Schema, map: &mut Map<String, Value>) {
    map.retain(|name, entry| {
        let null = entry.is_null();
        !null || schema.entry(name).is_none_or(|inner| inner.nullable || inner.default.is_some())
    });
    for field in &schema.fields {
        if let Some(default) = &field.schema.default {
            let missing = match map.get(&*field.name) {
                None => true,
                Some(present) => present.is_null() && !field.schema.nullable,
            };
            if missing {
                map.insert(field.name.to_string(), default.clone());
            }
        }
    }
    for (name, entry) in map {
        if let Some(field) = schema.field(name) {
            apply_defaults(&field.schema, entry);
        } else if let Rest::Each(each) = &schema.rest {
            rest(each, entry);
        }
    }
}

fn rest(each: &SchemaRef, entry: &mut Value) {
    if entry.is_null()
        && !each.nullable
        && let Some(default) = &each.default
    {
        *entry = default.clone();
    }
    apply_defaults(each, entry);
}

/// Whether the schema has a default anywhere, so that reads can skip the walk.
#[must_use]
pub fn has_defaults(schema: &Schema) -> bool {
    schema.default.is_some()
        || schema.fields.iter().any(|field| has_defaults(&field.schema))
        || schema.items.as_deref().is_some_and(has_defaults)
        || matches!(&schema.rest, Rest::Each(each) if has_defaults(each))
}
