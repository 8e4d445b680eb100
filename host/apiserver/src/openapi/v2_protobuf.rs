//! OpenAPI v2 in protobuf: the messages of gnostic's `OpenAPIv2.proto`, as client-go and kubectl read them.
//!
//! Only what [`super::v2`] writes has to be written here. Extensions are texts in YAML, which JSON is too.

use serde_json::{Map, Value};

/// The bytes of a document.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    text(1, &document["swagger"], &mut out);
    message(2, &mut out, |info| {
        text(1, &document["info"]["title"], info);
        text(2, &document["info"]["version"], info);
    });
    message(8, &mut out, |paths| {
        for (path, item) in members(&document["paths"]) {
            named(2, path, paths, |out| path_item(item, out));
        }
    });
    message(9, &mut out, |definitions| schemas(&document["definitions"], definitions));
    for requirement in items(&document["security"]) {
        message(12, &mut out, |out| {
            for (name, scopes) in members(requirement) {
                named(1, name, out, |out| texts(1, scopes, out));
            }
        });
    }
    message(13, &mut out, |out| {
        for (name, scheme) in members(&document["securityDefinitions"]) {
            named(1, name, out, |out| message(2, out, |out| api_key(scheme, out)));
        }
    });
    out
}

fn api_key(scheme: &Value, out: &mut Vec<u8>) {
    for (number, key) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
        text(number, &scheme[key], out);
    }
}

fn path_item(item: &Value, out: &mut Vec<u8>) {
    let methods = ["get", "put", "post", "delete", "options", "head", "patch"];
    for (number, method) in (2..).zip(methods) {
        if let Some(held) = item.get(method) {
            message(number, out, |out| operation(held, out));
        }
    }
    items(&item["parameters"]).for_each(|held| message(9, out, |out| parameter(held, out)));
}

fn operation(operation: &Value, out: &mut Vec<u8>) {
    texts(1, &operation["tags"], out);
    text(3, &operation["description"], out);
    text(5, &operation["operationId"], out);
    texts(6, &operation["produces"], out);
    texts(7, &operation["consumes"], out);
    items(&operation["parameters"]).for_each(|held| message(8, out, |out| parameter(held, out)));
    message(9, out, |out| {
        for (code, response) in members(&operation["responses"]) {
            named(1, code, out, |out| message(1, out, |out| answer(response, out)));
        }
    });
    texts(10, &operation["schemes"], out);
    extensions(13, operation, out);
}

fn answer(response: &Value, out: &mut Vec<u8>) {
    text(1, &response["description"], out);
    if let Some(held) = response.get("schema") {
        message(2, out, |out| message(1, out, |out| schema(held, out)));
    }
}

/// A `ParametersItem` with a `Parameter` of one of the three kinds that there are here.
fn parameter(parameter: &Value, out: &mut Vec<u8>) {
    message(1, out, |out| match parameter["in"].as_str() {
        Some("body") => message(1, out, |out| {
            text(2, &parameter["name"], out);
            text(3, &parameter["in"], out);
            flag(4, &parameter["required"], out);
            message(5, out, |out| schema(&parameter["schema"], out));
        }),
        place => {
            let (kind, type_at, unique_at) = if place == Some("path") { (4, 5, 19) } else { (3, 6, 20) };
            message(2, out, |out| {
                message(kind, out, |out| {
                    flag(1, &parameter["required"], out);
                    text(2, &parameter["in"], out);
                    text(4, &parameter["name"], out);
                    text(type_at, &parameter["type"], out);
                    flag(unique_at, &parameter["uniqueItems"], out);
                });
            });
        }
    });
}

fn schemas(named_schemas: &Value, out: &mut Vec<u8>) {
    for (name, held) in members(named_schemas) {
        named(1, name, out, |out| schema(held, out));
    }
}

fn schema(schema_value: &Value, out: &mut Vec<u8>) {
    let held = |key: &str| schema_value.get(key);
    for (number, key) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        held(key).into_iter().for_each(|value| text(number, value, out));
    }
    for (number, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        if let Some(value) = held(key).and_then(Value::as_f64) {
            tag(number, 1, out);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    for (number, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        held(key).into_iter().for_each(|value| flag(number, value, out));
    }
    let counts = ["maxLength", "minLength"].into_iter().zip(11..);
    let counts = counts.chain(["maxItems", "minItems"].into_iter().zip(14..));
    for (key, number) in counts.chain(["maxProperties", "minProperties"].into_iter().zip(17..)) {
        if let Some(value) = held(key).and_then(Value::as_u64) {
            tag(number, 0, out);
            varint(value, out);
        }
    }
    held("required").into_iter().for_each(|value| texts(19, value, out));
    held("enum").into_iter().flat_map(items).for_each(|value| message(20, out, |out| any(value, out)));
    match held("additionalProperties") {
        Some(Value::Bool(allowed)) => message(21, out, |out| flag(2, &Value::Bool(*allowed), out)),
        Some(inner) => message(21, out, |out| message(1, out, |out| schema(inner, out))),
        None => {}
    }
    if let Some(kind) = held("type") {
        message(22, out, |out| text(1, kind, out));
    }
    if let Some(inner) = held("items") {
        message(23, out, |out| message(1, out, |out| schema(inner, out)));
    }
    if let Some(fields) = held("properties") {
        message(25, out, |out| schemas(fields, out));
    }
    extensions(31, schema_value, out);
}

fn extensions(number: u32, value: &Value, out: &mut Vec<u8>) {
    for (key, value) in members(value).filter(|(key, _)| key.starts_with("x-")) {
        named(number, key, out, |out| any(value, out));
    }
}

fn any(value: &Value, out: &mut Vec<u8>) {
    bytes(2, value.to_string().as_bytes(), out);
}

/// A member of a map: a message of a name and a value.
fn named(number: u32, name: &str, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    message(number, out, |out| {
        bytes(1, name.as_bytes(), out);
        message(2, out, value);
    });
}

fn message(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    bytes(number, &inner, out);
}

fn texts(number: u32, list: &Value, out: &mut Vec<u8>) {
    items(list).for_each(|item| text(number, item, out));
}

fn text(number: u32, value: &Value, out: &mut Vec<u8>) {
    if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
        bytes(number, text.as_bytes(), out);
    }
}

fn flag(number: u32, value: &Value, out: &mut Vec<u8>) {
    if value == &Value::Bool(true) {
        tag(number, 0, out);
        out.push(1);
    }
}

fn bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    tag(number, 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn tag(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | wire_type), out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
