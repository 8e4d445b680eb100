//! Messages to JSON, as Go would print the struct it reads the message into.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{
    ProtobufError,
    wire_type::{Raw, Reader},
};
use crate::wire::{
    time::Moment,
    types::{Field, StructType, Type, TypeId, TypeTable},
};

/// Messages within messages; a schema of schemas is the deepest real thing.
const DEPTH_MAX: usize = 100;

/// Reads a message of the type into a JSON object. Values that Go leaves out when empty are left out.
///
/// # Errors
/// [`ProtobufError`] for what is no such message.
pub fn decode_message(id: TypeId, message: &[u8]) -> Result<Map<String, Value>, ProtobufError> {
    let mut map = Map::new();
    decode_into(TypeTable::get().type_of(id), message, &mut map, 0)?;
    Ok(map)
}

fn decode_into(
    declared: &StructType,
    message: &[u8],
    map: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), ProtobufError> {
    if depth > DEPTH_MAX {
        return Err(ProtobufError::TooDeep);
    }
    let mut reader = Reader::new(message);
    while let Some((number, raw)) = reader.field()? {
        // Fields of a later version are passed over, as generated code does.
        let Some(field) = declared.fields.iter().find(|field| field.number == number) else { continue };
        match &field.value {
            Type::Message(id) if field.is_inline() => {
                decode_into(TypeTable::get().type_of(*id), raw.bytes("inlined")?, map, depth + 1)?;
            }
            _ => decode_field(field, raw, map, depth)?,
        }
    }
    Ok(())
}

fn decode_field(
    field: &Field,
    raw: Raw<'_>,
    map: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), ProtobufError> {
    let name = field.json;
    match &field.value {
        Type::Repeated(inner) => {
            let Value::Array(list) = map.entry(name).or_insert_with(|| Value::Array(Vec::new())) else {
                return Err(ProtobufError::Value(name.to_owned()));
            };
            match (inner.as_ref(), raw) {
                (Type::Int32 | Type::Int64 | Type::Bool, Raw::Bytes(packed)) => {
                    let mut reader = Reader::new(packed);
                    while let Some(value) = reader.packed()? {
                        list.push(decode_value(inner, Raw::Varint(value), name, depth)?);
                    }
                }
                _ => list.push(decode_value(inner, raw, name, depth)?),
            }
        }
        Type::Map(inner) => {
            let (key, value) = decode_entry(inner, raw.bytes(name)?, name, depth)?;
            match map.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(entries) => entries.insert(key, value),
                _ => return Err(ProtobufError::Value(name.to_owned())),
            };
        }
        Type::Optional(inner) => {
            map.insert(name.to_owned(), decode_value(inner, raw, name, depth)?);
        }
        plain => {
            let value = decode_value(plain, raw, name, depth)?;
            // Ports and amounts are structs in Go, which are never empty.
            let is_struct = matches!(plain, Type::IntOrString | Type::Quantity);
            let left_out =
                (field.omit_empty && !is_struct && is_empty(&value)) || (field.omit_zero && value.is_null());
            if left_out {
                map.remove(name);
            } else {
                map.insert(name.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// What `omitempty` leaves out: zero numbers, false, empty texts and lists; never a struct.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Object(_) => false,
    }
}

fn decode_entry(
    inner: &Type,
    entry: &[u8],
    name: &str,
    depth: usize,
) -> Result<(String, Value), ProtobufError> {
    let mut reader = Reader::new(entry);
    let (mut key, mut value) = (String::new(), None);
    while let Some((number, raw)) = reader.field()? {
        match number {
            1 => raw.text(name)?.clone_into(&mut key),
            2 => value = Some(decode_value(inner, raw, name, depth)?),
            _ => {}
        }
    }
    let value = match value {
        Some(value) => value,
        None => decode_value(inner, default_raw(inner), name, depth)?,
    };
    Ok((key, value))
}

/// What stands for a value that an entry leaves out.
fn default_raw(inner: &Type) -> Raw<'static> {
    match inner {
        Type::Bool | Type::Int32 | Type::Int64 => Raw::Varint(0),
        Type::Double => Raw::Fixed64(0),
        _ => Raw::Bytes(&[]),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "int32 is sent as a sign-extended 64-bit varint")]
#[expect(clippy::cast_possible_wrap, reason = "negative numbers are sent as their two's complement")]
fn decode_value(declared: &Type, raw: Raw<'_>, name: &str, depth: usize) -> Result<Value, ProtobufError> {
    Ok(match declared {
        Type::String => raw.text(name)?.into(),
        Type::Bool => Value::Bool(raw.varint(name)? != 0),
        Type::Int32 => (raw.varint(name)? as i32).into(),
        Type::Int64 => (raw.varint(name)? as i64).into(),
        Type::Double => f64::from_bits(raw.fixed64(name)?).into(),
        Type::Bytes => STANDARD.encode(raw.bytes(name)?).into(),
        Type::Optional(inner) => decode_value(inner, raw, name, depth)?,
        Type::Message(id) => {
            let mut map = Map::new();
            decode_into(TypeTable::get().type_of(*id), raw.bytes(name)?, &mut map, depth + 1)?;
            Value::Object(map)
        }
        Type::Time | Type::MicroTime => decode_time(declared, raw.bytes(name)?, name)?,
        Type::FieldsV1 | Type::RawExtension | Type::Json => decode_json(raw.bytes(name)?, name)?,
        _ => decode_special(declared, raw.bytes(name)?, name, depth)?,
    })
}

#[expect(clippy::cast_possible_wrap, reason = "negative numbers are sent as their two's complement")]
fn decode_time(declared: &Type, message: &[u8], name: &str) -> Result<Value, ProtobufError> {
    if message.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader::new(message);
    let mut moment = Moment { seconds: 0, nanos: 0 };
    while let Some((number, raw)) = reader.field()? {
        match number {
            1 => moment.seconds = raw.varint(name)? as i64,
            2 => moment.nanos = u32::try_from(raw.varint(name)?).unwrap_or(0).min(999_999_999),
            _ => {}
        }
    }
    let text = if *declared == Type::Time { moment.to_seconds_text() } else { moment.to_micros_text() };
    text.map(Value::String).ok_or_else(|| ProtobufError::Value(name.to_owned()))
}

/// A message whose only field holds JSON.
fn decode_json(message: &[u8], name: &str) -> Result<Value, ProtobufError> {
    let mut reader = Reader::new(message);
    let mut json: &[u8] = &[];
    while let Some((number, raw)) = reader.field()? {
        if number == 1 {
            json = raw.bytes(name)?;
        }
    }
    if json.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(json).map_err(|_| ProtobufError::Text(name.to_owned()))
}

#[expect(clippy::cast_possible_truncation, reason = "int32 is sent as a sign-extended 64-bit varint")]
fn decode_special(declared: &Type, message: &[u8], name: &str, depth: usize) -> Result<Value, ProtobufError> {
    let mut reader = Reader::new(message);
    let mut found = [None, None, None];
    let mut items = Vec::new();
    let schema = TypeTable::get().extensions("JSONSchemaProps").map(Type::Message);
    let schema = schema.unwrap_or(Type::Json);
    while let Some((number, raw)) = reader.field()? {
        match (declared, number) {
            (Type::Wrapped(inner), 1) => items.push(decode_value(inner, raw, name, depth + 1)?),
            (Type::SchemaOrArray, 2) => items.push(decode_value(&schema, raw, name, depth + 1)?),
            (Type::SchemaOrStrings, 2) => items.push(raw.text(name)?.into()),
            (_, 1..=3) => found[number as usize - 1] = Some(raw),
            _ => {}
        }
    }
    let first_schema = found[0];
    Ok(match declared {
        Type::Quantity => found[0].map_or(Ok("0"), |raw| raw.text(name))?.into(),
        Type::IntOrString => match found[0].map_or(Ok(0), |raw| raw.varint(name))? {
            0 => (found[1].map_or(Ok(0), |raw| raw.varint(name))? as i32).into(),
            _ => found[2].map_or(Ok(""), |raw| raw.text(name))?.into(),
        },
        Type::SchemaOrBool => match found[1] {
            Some(raw) => decode_value(&schema, raw, name, depth + 1)?,
            None => Value::Bool(found[0].map_or(Ok(0), |raw| raw.varint(name))? != 0),
        },
        Type::SchemaOrArray | Type::SchemaOrStrings => match first_schema {
            Some(raw) => decode_value(&schema, raw, name, depth + 1)?,
            None => Value::Array(items),
        },
        _ => Value::Array(items),
    })
}
