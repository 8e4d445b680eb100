//! JSON to messages, byte for byte as Go's generated code writes the same object.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    ProtobufError,
    wire_type::{write_bytes, write_double, write_number},
};
use crate::wire::{
    json::write_sorted,
    time::Moment,
    types::{Field, Type, TypeId, TypeTable},
};

/// Writes a JSON object as a message of the type. Keys that the type does not declare are passed over.
///
/// # Errors
/// [`ProtobufError::Value`] if a value does not fit its field.
pub fn encode_message(id: TypeId, object: &Value, out: &mut Vec<u8>) -> Result<(), ProtobufError> {
    let declared = TypeTable::get().type_of(id);
    for field in declared.by_number() {
        if field.is_inline() {
            let Type::Message(inner) = field.value else { continue };
            let mut message = Vec::new();
            encode_message(inner, object, &mut message)?;
            write_bytes(field.number, &message, out);
        } else {
            encode_field(field, object.get(field.json).unwrap_or(&Value::Null), out)?;
        }
    }
    Ok(())
}

fn encode_field(field: &Field, value: &Value, out: &mut Vec<u8>) -> Result<(), ProtobufError> {
    let number = field.number;
    let misfit = || ProtobufError::Value(field.json.to_owned());
    match (&field.value, value) {
        (
            Type::Optional(_) | Type::Repeated(_) | Type::Map(_) | Type::Bytes | Type::Wrapped(_),
            Value::Null,
        ) => Ok(()),
        (Type::Optional(inner), _) => encode_value(number, inner, value, field.json, out),
        (Type::Repeated(inner), Value::Array(items)) => {
            items.iter().try_for_each(|item| encode_value(number, inner, item, field.json, out))
        }
        (Type::Map(inner), Value::Object(entries)) => {
            for (key, value) in entries {
                let mut entry = Vec::new();
                write_bytes(1, key.as_bytes(), &mut entry);
                encode_value(2, inner, value, field.json, &mut entry)?;
                write_bytes(number, &entry, out);
            }
            Ok(())
        }
        (Type::Repeated(_) | Type::Map(_), _) => Err(misfit()),
        (plain, _) => encode_value(number, plain, value, field.json, out),
    }
}

/// Writes a field that is there; null stands for the zero value, which Go writes too.
#[expect(clippy::cast_sign_loss, reason = "negative numbers are sent as their two's complement")]
fn encode_value(
    number: u32,
    declared: &Type,
    value: &Value,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<(), ProtobufError> {
    let misfit = || ProtobufError::Value(name.to_owned());
    match declared {
        Type::String => write_bytes(number, text(value).ok_or_else(misfit)?.as_bytes(), out),
        Type::Bool => match value {
            Value::Bool(value) => write_number(number, u64::from(*value), out),
            Value::Null => write_number(number, 0, out),
            _ => return Err(misfit()),
        },
        Type::Int32 | Type::Int64 => write_number(number, integer(value).ok_or_else(misfit)? as u64, out),
        Type::Double => write_double(number, value.as_f64().unwrap_or(0.0), out),
        Type::Bytes => {
            let bytes = STANDARD.decode(text(value).ok_or_else(misfit)?).map_err(|_| misfit())?;
            write_bytes(number, &bytes, out);
        }
        Type::Optional(inner) => return encode_value(number, inner, value, name, out),
        Type::Repeated(_) | Type::Map(_) => return Err(misfit()),
        _ => {
            let mut message = Vec::new();
            encode_nested(declared, value, name, &mut message)?;
            write_bytes(number, &message, out);
        }
    }
    Ok(())
}

#[expect(clippy::cast_sign_loss, reason = "negative numbers are sent as their two's complement")]
fn encode_nested(declared: &Type, value: &Value, name: &str, out: &mut Vec<u8>) -> Result<(), ProtobufError> {
    let misfit = || ProtobufError::Value(name.to_owned());
    match declared {
        Type::Message(id) => match value {
            Value::Object(_) | Value::Null => encode_message(*id, value, out)?,
            _ => return Err(misfit()),
        },
        Type::Time | Type::MicroTime => {
            if let Some(text) = value.as_str() {
                let moment = Moment::parse(text).ok_or_else(misfit)?;
                let nanos = if *declared == Type::Time { 0 } else { moment.nanos / 1000 * 1000 };
                write_number(1, moment.seconds as u64, out);
                write_number(2, u64::from(nanos), out);
            }
        }
        Type::FieldsV1 | Type::RawExtension | Type::Json => {
            if !value.is_null() {
                let mut json = Vec::new();
                write_sorted(value, &mut json);
                write_bytes(1, &json, out);
            }
        }
        Type::Quantity => match value {
            Value::Null => write_bytes(1, b"0", out),
            Value::Number(number) => write_bytes(1, number.to_string().as_bytes(), out),
            _ => write_bytes(1, value.as_str().ok_or_else(misfit)?.as_bytes(), out),
        },
        Type::IntOrString => {
            let words = value.as_str();
            let whole = if words.is_some() { 0 } else { integer(value).ok_or_else(misfit)? };
            write_number(1, u64::from(words.is_some()), out);
            write_number(2, whole as u64, out);
            write_bytes(3, words.unwrap_or_default().as_bytes(), out);
        }
        Type::Wrapped(inner) => {
            let items = value.as_array().ok_or_else(misfit)?;
            items.iter().try_for_each(|item| encode_value(1, inner, item, name, out))?;
        }
        _ => encode_schema_or(declared, value, name, out)?,
    }
    Ok(())
}

/// The three choices of a schema or something else.
fn encode_schema_or(
    declared: &Type,
    value: &Value,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<(), ProtobufError> {
    let misfit = || ProtobufError::Value(name.to_owned());
    let schema = Type::Message(TypeTable::get().extensions("JSONSchemaProps").ok_or_else(misfit)?);
    let is_schema = value.is_object();
    match declared {
        Type::SchemaOrBool => {
            write_number(1, u64::from(value.as_bool().unwrap_or(is_schema)), out);
            if is_schema {
                encode_value(2, &schema, value, name, out)?;
            }
        }
        _ if is_schema => encode_value(1, &schema, value, name, out)?,
        _ => {
            let items = value.as_array().ok_or_else(misfit)?;
            let item = if *declared == Type::SchemaOrStrings { &Type::String } else { &schema };
            items.iter().try_for_each(|value| encode_value(2, item, value, name, out))?;
        }
    }
    Ok(())
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Null => Some(""),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are taken")]
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
                .map(|float| float as i64)
        }),
        _ => None,
    }
}
