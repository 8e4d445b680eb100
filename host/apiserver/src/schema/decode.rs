//! Reads an object of a built-in kind as Go's decoder does: unknown fields are dropped and told, values of a wrong
//! type refused with Go's words, and what is kept takes the form in which the encoder would write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::error::{Path, quoted};
use super::node::{Field, Kind, Rest, Schema};
use super::quantity;
use super::time::Moment;

/// What happens to fields that the schema does not know, and to those given twice: `fieldValidation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and the answer warns of them.
    #[default]
    Warn,
    /// The request is refused.
    Strict,
}

/// Why a body is no object of its kind. The server puts `K in version "v" cannot be handled as a K: ` before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A value has another type.
    #[error("{0}")]
    Type(String),
    /// Unknown or repeated fields, and the request is strict.
    #[error("strict decoding error: {}", .0.join(", "))]
    Strict(Vec<String>),
}

/// Decodes an object of a built-in kind in place. `duplicates` are the messages of the JSON reader; the result is
/// what the answer has to warn of.
///
/// # Errors
/// A value has another type, or there is something to warn of and `validation` is strict.
pub fn decode(
    schema: &Schema,
    object: &mut Value,
    validation: FieldValidation,
    duplicates: Vec<String>,
) -> Result<Vec<String>, DecodeError> {
    let mut decoder = Decoder { unknown: Vec::new(), error: None };
    decoder.value(schema, object, &Path::Root, "");
    if let Some(error) = decoder.error {
        return Err(DecodeError::Type(error));
    }
    told(decoder.unknown, duplicates, validation)
}

/// What is to be done about unknown and repeated fields.
pub(crate) fn told(
    mut unknown: Vec<String>,
    mut duplicates: Vec<String>,
    validation: FieldValidation,
) -> Result<Vec<String>, DecodeError> {
    duplicates.append(&mut unknown);
    match validation {
        FieldValidation::Strict if !duplicates.is_empty() => Err(DecodeError::Strict(duplicates)),
        FieldValidation::Ignore => Ok(Vec::new()),
        _ => Ok(duplicates),
    }
}

struct Decoder {
    unknown: Vec<String>,
    /// The first error; Go goes on after it, and so do the unknown fields.
    error: Option<String>,
}

impl Decoder {
    fn value(&mut self, schema: &Schema, value: &mut Value, path: &Path<'_>, outer: &str) {
        match (schema.kind, &mut *value) {
            (_, Value::Null) | (Kind::Any, _) => {}
            (Kind::Object, Value::Object(map)) => self.object(schema, map, path, outer),
            (Kind::Array, Value::Array(items)) => {
                if let Some(item) = schema.items.as_deref() {
                    for (at, entry) in items.iter_mut().enumerate() {
                        self.value(item, entry, &path.index(at), outer);
                        if entry.is_null() && item.kind != Kind::Array {
                            *entry = zero(item);
                        }
                    }
                }
            }
            (Kind::String, Value::String(_))
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::Number, Value::Number(_)) => {}
            (Kind::Integer, Value::Number(number)) => {
                let fits = number
                    .as_i64()
                    .is_some_and(|whole| schema.go_type.as_ref() != "int32" || i32::try_from(whole).is_ok());
                if !fits {
                    self.wrong(schema, &format!("number {number}"), path, outer);
                }
            }
            (Kind::Quantity, Value::String(_) | Value::Number(_)) => self.quantity(value),
            (Kind::IntOrString, Value::String(_)) => {}
            (Kind::IntOrString, Value::Number(number)) => {
                if number.as_i64().and_then(|whole| i32::try_from(whole).ok()).is_none() {
                    self.wrong(schema, &format!("number {number}"), path, outer);
                }
            }
            (Kind::Bytes, Value::String(text)) => {
                if let Some(at) = base64_error(text) {
                    self.error.get_or_insert(format!("illegal base64 data at input byte {at}"));
                }
            }
            (Kind::Time | Kind::MicroTime, Value::String(_)) => self.time(schema.kind, value),
            (_, other) => {
                let name = json_name(other);
                self.wrong(schema, name, path, outer);
            }
        }
    }

    fn object(&mut self, schema: &Schema, map: &mut Map<String, Value>, path: &Path<'_>, outer: &str) {
        if let Rest::Each(each) = &schema.rest {
            for (key, entry) in map.iter_mut() {
                self.value(each, entry, &path.key(key), outer);
                // Lists of resources are kept in thousandths.
                if each.kind == Kind::Quantity
                    && let Some(Ok(rounded)) = entry.as_str().map(quantity::canonical_milli)
                {
                    *entry = Value::String(rounded);
                }
                if entry.is_null() {
                    *entry = zero(each);
                }
            }
            return;
        }
        if matches!(schema.rest, Rest::Open) {
            return;
        }
        let own = struct_name(&schema.go_type);
        map.retain(|name, value| {
            let Some(field) = schema.field(name) else {
                self.unknown.push(format!("unknown field {}", quoted(&path.field(name).to_string())));
                return false;
            };
            self.value(&field.schema, value, &path.field(name), own);
            keeps(field, value)
        });
        for field in &schema.fields {
            if always_written(field) && !map.contains_key(&*field.name) {
                map.insert(field.name.to_string(), zero_field(field));
            }
        }
    }

    fn quantity(&mut self, value: &mut Value) {
        let text = match &*value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match quantity::canonical(text.trim()) {
            Ok(text) => *value = Value::String(text),
            Err(error) => {
                self.error.get_or_insert(error.to_string());
            }
        }
    }

    fn time(&mut self, kind: Kind, value: &mut Value) {
        let Value::String(text) = &mut *value else { return };
        let layout =
            if kind == Kind::Time { "2006-01-02T15:04:05Z07:00" } else { "2006-01-02T15:04:05.000000Z07:00" };
        match Moment::parse(text) {
            Some(moment) if kind == Kind::Time => *text = moment.in_seconds(),
            Some(moment) => *text = moment.in_micros(),
            None => {
                let shown = quoted(text);
                let error = format!("parsing time {shown} as {layout:?}: cannot parse {shown} as \"2006\"");
                self.error.get_or_insert(error);
            }
        }
    }

    /// Go names the innermost struct and the path of fields from the root, without list indexes.
    fn wrong(&mut self, schema: &Schema, found: &str, path: &Path<'_>, outer: &str) {
        if self.error.is_some() {
            return;
        }
        let kind = match schema.kind {
            Kind::Quantity => {
                self.error = Some(quantity::QuantityError::Form.to_string());
                return;
            }
            // Their own decoders fail on what they read, and the outer one adds the field.
            Kind::IntOrString => "int32",
            Kind::Time | Kind::MicroTime => "string",
            _ => &schema.go_type,
        };
        self.error = Some(if outer.is_empty() {
            format!("json: cannot unmarshal {found} into Go value of type {kind}")
        } else {
            format!(
                "json: cannot unmarshal {found} into Go struct field {outer}.{} of type {kind}",
                go_path(path)
            )
        });
    }
}

fn go_path(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Index(outer, _) | Path::Key(outer, _) => go_path(outer),
        // Both are in a struct of their own.
        Path::Field(Path::Root, name @ ("kind" | "apiVersion")) => format!("TypeMeta.{name}"),
        Path::Field(Path::Root, name) => (*name).to_owned(),
        Path::Field(outer, name) => format!("{}.{name}", go_path(outer)),
    }
}

fn struct_name(go_type: &str) -> &str {
    go_type.rsplit('.').next().unwrap_or(go_type)
}

fn json_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether the encoder writes this value of the field.
fn keeps(field: &Field, value: &mut Value) -> bool {
    if value.is_null() {
        if always_written(field) {
            *value = zero_field(field);
        }
        return always_written(field);
    }
    // An empty record of ownership is a request to clear it.
    if &*field.name == "managedFields" {
        return true;
    }
    let omits = field.shape.omit_empty && !field.shape.pointer;
    let empty = match &*value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        // An empty map is left out, an empty struct is not; free-form data has methods of its own.
        Value::Object(map) => map.is_empty() && matches!(field.schema.rest, Rest::Each(_)),
        Value::Null => true,
    };
    // Amounts, times and the like are structs in Go, which are never empty.
    let is_struct = matches!(
        field.schema.kind,
        Kind::Quantity | Kind::IntOrString | Kind::Time | Kind::MicroTime | Kind::Any
    );
    let zero = field.shape.omit_zero && value.as_object().is_some_and(Map::is_empty);
    !(omits && empty && !is_struct || zero)
}

/// Whether the encoder writes the field even if nobody set it.
fn always_written(field: &Field) -> bool {
    if field.shape.omit_zero || field.shape.pointer && field.shape.omit_empty {
        return false;
    }
    if !field.shape.omit_empty {
        return true;
    }
    // `omitempty` does nothing for structs.
    match field.schema.kind {
        Kind::Object => {
            let declared = matches!(field.schema.rest, Rest::Closed) && !field.schema.fields.is_empty();
            declared || &*field.schema.go_type == "runtime.RawExtension"
        }
        Kind::Time | Kind::MicroTime | Kind::Quantity | Kind::IntOrString => true,
        _ => false,
    }
}

/// An object of a built-in kind that nobody has written to yet, as Go encodes it.
#[must_use]
pub fn zero_object(schema: &Schema) -> Value {
    zero(schema)
}

/// What Go's zero value of a type looks like in JSON.
fn zero(schema: &Schema) -> Value {
    match schema.kind {
        Kind::Object if matches!(schema.rest, Rest::Closed) => {
            let written = schema.fields.iter().filter(|field| always_written(field));
            Value::Object(written.map(|field| (field.name.to_string(), zero_field(field))).collect())
        }
        Kind::String => Value::from(""),
        Kind::Integer | Kind::Number | Kind::IntOrString => Value::from(0),
        Kind::Boolean => Value::from(false),
        Kind::Quantity => Value::from("0"),
        Kind::Object | Kind::Array | Kind::Bytes | Kind::Time | Kind::MicroTime | Kind::Any => Value::Null,
    }
}

fn zero_field(field: &Field) -> Value {
    if field.shape.pointer { Value::Null } else { zero(&field.schema) }
}

/// Where a text stops being base64, counted as Go counts it: the wrong byte, or the start of an unfinished group.
fn base64_error(text: &str) -> Option<usize> {
    let cleaned: String = text.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    match STANDARD.decode(&cleaned) {
        Ok(_) => None,
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => {
            Some(at)
        }
        Err(_) => Some(cleaned.len() / 4 * 4),
    }
}
