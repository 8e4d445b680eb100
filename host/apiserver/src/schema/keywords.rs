//! What a CRD's schema may not say at all, wherever it says it: keywords of OpenAPI that the server does not take, and
//! defaults where they could mean two things.

use serde_json::Value;

use super::error::{FieldError, Path};

/// Where a schema stands, as far as it forbids defaults.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Why a default may not be given here.
    no_default: Option<&'static str>,
    /// Inside of the metadata of an object of its own.
    metadata: bool,
}

/// Adds what is forbidden in `source` and below.
pub(super) fn validate(source: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    Keywords { errors }.schema(source, Place::default(), true, path);
}

/// Whether the structure of a schema can be judged: no keyword stands in the way.
pub(super) fn is_supported(schema: &Value) -> bool {
    let says = |name: &str| match &schema[name] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !map.is_empty() || name == "additionalItems",
        _ => true,
    };
    let own = ["id", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"];
    !own.into_iter().any(says)
        && schema["x-kubernetes-preserve-unknown-fields"] != false
        && !schema["items"].is_array()
        && inner(schema).all(|(_, _, one)| is_supported(one))
}

/// The schemas directly below one, by keyword and name.
fn inner(schema: &Value) -> impl Iterator<Item = (&'static str, Option<&String>, &Value)> {
    let of_object = |name: &'static str| {
        schema[name].as_object().into_iter().flatten().map(move |(key, one)| (name, Some(key), one))
    };
    let of_list =
        |name: &'static str| schema[name].as_array().into_iter().flatten().map(move |one| (name, None, one));
    let single = ["additionalProperties", "not", "items"].into_iter();
    of_object("properties")
        .chain(single.filter_map(|name| Some((name, None, schema.get(name).filter(|one| one.is_object())?))))
        .chain(["allOf", "oneOf", "anyOf"].into_iter().flat_map(of_list))
        .chain(of_object("definitions"))
        .chain(of_object("dependencies").filter(|(_, _, one)| one.is_object()))
}

struct Keywords<'e> {
    errors: &'e mut Vec<FieldError>,
}

impl Keywords<'_> {
    fn schema(&mut self, schema: &Value, place: Place, root: bool, path: &Path<'_>) {
        self.own(schema, place, path);
        let mut junctors = std::collections::BTreeMap::new();
        for (keyword, name, one) in inner(schema) {
            let outer = path.field(keyword);
            match name {
                Some(name) => {
                    let meta = (root || schema["x-kubernetes-embedded-resource"] == true)
                        && keyword == "properties"
                        && ["apiVersion", "kind", "metadata"].contains(&name.as_str());
                    let mut place = place;
                    if meta {
                        place.metadata = true;
                        place.no_default = if root { in_root(name) } else { place.no_default };
                    }
                    self.schema(one, place, false, &outer.key(name));
                }
                None if ["allOf", "oneOf", "anyOf"].contains(&keyword) => {
                    let at = junctors.entry(keyword).or_insert(0_usize);
                    self.schema(one, place, false, &outer.index(*at));
                    *at += 1;
                }
                None => {
                    let mut place = place;
                    if keyword == "additionalProperties" && place.metadata {
                        place.no_default = Some("inside additionalProperties applying to object metadata");
                    }
                    self.schema(one, place, false, &outer);
                }
            }
        }
    }

    fn own(&mut self, schema: &Value, place: Place, path: &Path<'_>) {
        let kind = schema["type"].as_str().unwrap_or_default();
        if !["", "object", "array", "string", "integer", "number", "boolean"].contains(&kind) {
            let allowed = ["array", "boolean", "integer", "number", "object", "string"];
            self.errors.push(FieldError::not_supported(path.field("type"), &schema["type"], allowed));
        }
        let mut forbid = |name: &str, detail: &str| {
            self.errors.push(FieldError::forbidden(path.field(name), detail));
        };
        if let Some(reason) = place.no_default.filter(|_| !schema["default"].is_null()) {
            forbid("default", &format!("must not be set {reason}"));
        }
        for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
            let empty = schema[name].as_object().is_some_and(|map| map.is_empty() && name != "dependencies");
            if !schema[name].is_null() && !empty {
                forbid(name, &format!("{name} is not supported"));
            }
        }
        if kind == "null" {
            forbid("type", "type cannot be set to null, use nullable as an alternative");
        }
        if schema["items"].is_array() {
            forbid("items", "items must be a schema object and not an array");
        }
        if place.metadata && schema["x-kubernetes-embedded-resource"] == true {
            forbid("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
        }
        if schema["uniqueItems"] == true {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            forbid("uniqueItems", detail);
        }
        let rest = &schema["additionalProperties"];
        let declares = schema["properties"].as_object().is_some_and(|fields| !fields.is_empty());
        if declares && (*rest == false || rest.is_object()) {
            forbid("additionalProperties", "additionalProperties and properties are mutual exclusive");
        }
        let preserve = &schema["x-kubernetes-preserve-unknown-fields"];
        if *preserve == false {
            let path = path.field("x-kubernetes-preserve-unknown-fields");
            self.errors.push(FieldError::invalid(path, preserve, "must be true or undefined"));
        }
    }
}

fn in_root(name: &str) -> Option<&'static str> {
    Some(match name {
        "metadata" => "in top-level metadata",
        "kind" => "in top-level kind",
        _ => "in top-level apiVersion",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schema_may_not_say_is_named_wherever_it_says_it() {
        let schema = json!({"type": "object", "properties": {
            "metadata": {"type": "object", "default": {}},
            "a": {"type": "array", "uniqueItems": true, "items": {"$ref": "#/x"}},
            "b": {"type": "object", "properties": {"c": {"type": "null"}}, "additionalProperties": {"type": "string"}},
            "d": {"x-kubernetes-preserve-unknown-fields": false, "oneOf": [{}, {"definitions": {"e": {}}}]},
        }});
        let mut errors = Vec::new();
        validate(&schema, &Path::Root.field("s"), &mut errors);
        let mut found: Vec<String> = errors.iter().map(|error| error.field.clone()).collect();
        found.sort();
        let expected = [
            "s.properties[a].items.$ref",
            "s.properties[a].uniqueItems",
            "s.properties[b].additionalProperties",
            "s.properties[b].properties[c].type",
            "s.properties[b].properties[c].type",
            "s.properties[d].oneOf[1].definitions",
            "s.properties[d].x-kubernetes-preserve-unknown-fields",
            "s.properties[metadata].default",
        ];
        assert_eq!(found, expected);
        assert!(!is_supported(&schema));
        assert!(is_supported(&json!({"type": "object", "not": {"required": ["a"]}})));
    }
}
