//! Kubernetes' protobuf: the envelope, and a codec that follows the table of types instead of generated code.
//!
//! An object is `k8s\0` and an envelope (`runtime.Unknown`) that names its kind and holds its message.
//! Messages are the field numbers of the published types; what is written equals what Go's generated code
//! writes, fields that are not optional included.

mod decode;
mod encode;
mod wire_type;

use serde_json::Value;

pub use decode::decode_message;
pub use encode::encode_message;
use wire_type::{Reader, write_bytes};

use super::types::TypeTable;

/// What every encoded object begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Why a message could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The body does not begin as an encoded object does.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoMagic,
    /// Ends in the middle of a field, or a length reaches beyond the end.
    #[error("unexpected EOF")]
    Truncated,
    /// A field has another wire type than its number is declared with.
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WireType {
        /// As found.
        wire_type: u8,
        /// The field's name.
        field: String,
    },
    /// Text that is not UTF-8, or JSON inside that is not JSON.
    #[error("proto: field {0} holds invalid text")]
    Text(String),
    /// Messages within messages beyond any real object.
    #[error("proto: exceeded max depth")]
    TooDeep,
    /// The kind has no message in the table.
    #[error("no kind \"{kind}\" is registered for version \"{api_version}\"")]
    UnknownKind {
        /// As the envelope names it.
        api_version: String,
        /// As the envelope names it.
        kind: String,
    },
    /// A value does not fit the type of its field.
    #[error("field {0} does not fit its type")]
    Value(String),
}

/// The envelope of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `GROUP/VERSION`, may be empty.
    pub api_version: &'a str,
    /// May be empty.
    pub kind: &'a str,
    /// The object's message.
    pub raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of a whole body.
    ///
    /// # Errors
    /// [`ProtobufError`] if the body is no envelope.
    pub fn read(body: &'a [u8]) -> Result<Self, ProtobufError> {
        let mut outer = Reader::new(body.strip_prefix(MAGIC).ok_or(ProtobufError::NoMagic)?);
        let mut envelope = Self { api_version: "", kind: "", raw: &[] };
        while let Some((number, value)) = outer.field()? {
            match number {
                1 => {
                    let mut inner = Reader::new(value.bytes("typeMeta")?);
                    while let Some((number, value)) = inner.field()? {
                        match number {
                            1 => envelope.api_version = value.text("apiVersion")?,
                            2 => envelope.kind = value.text("kind")?,
                            _ => {}
                        }
                    }
                }
                2 => envelope.raw = value.bytes("raw")?,
                _ => {}
            }
        }
        Ok(envelope)
    }

    /// Writes the magic bytes and the envelope.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut type_meta = Vec::with_capacity(self.api_version.len() + self.kind.len() + 8);
        write_bytes(1, self.api_version.as_bytes(), &mut type_meta);
        write_bytes(2, self.kind.as_bytes(), &mut type_meta);
        out.extend_from_slice(MAGIC);
        write_bytes(1, &type_meta, out);
        write_bytes(2, self.raw, out);
        // Encoding and content type of the message; Go writes them even if empty.
        write_bytes(3, b"", out);
        write_bytes(4, b"", out);
    }
}

/// Reads an object. A body whose envelope names no kind is read as `default`, an (apiVersion, kind).
///
/// # Errors
/// [`ProtobufError`] for what is no object of a kind in the table.
pub fn decode(body: &[u8], default: (&str, &str)) -> Result<Value, ProtobufError> {
    let envelope = Envelope::read(body)?;
    let api_version = if envelope.api_version.is_empty() { default.0 } else { envelope.api_version };
    let kind = if envelope.kind.is_empty() { default.1 } else { envelope.kind };
    let mut object = decode_message(type_of(api_version, kind)?, envelope.raw)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// Writes an object (or a list with its items) that names its `apiVersion` and `kind`.
///
/// # Errors
/// [`ProtobufError`] if the kind is not in the table or a value does not fit its field.
pub fn encode(object: &Value, out: &mut Vec<u8>) -> Result<(), ProtobufError> {
    let api_version = crate::object::api_version(object);
    let kind = crate::object::kind(object);
    let mut raw = Vec::new();
    encode_message(type_of(api_version, kind)?, object, &mut raw)?;
    Envelope { api_version, kind, raw: &raw }.write(out);
    Ok(())
}

/// Writes a watch event as one frame: its length in four bytes, then `meta/v1.WatchEvent` holding the object.
///
/// # Errors
/// As [`encode`].
pub fn encode_watch_event(event: &str, object: &Value, out: &mut Vec<u8>) -> Result<(), ProtobufError> {
    let mut encoded = Vec::new();
    encode(object, &mut encoded)?;
    let mut extension = Vec::with_capacity(encoded.len() + 8);
    write_bytes(1, &encoded, &mut extension);
    let mut frame = Vec::with_capacity(extension.len() + 24);
    write_bytes(1, event.as_bytes(), &mut frame);
    write_bytes(2, &extension, &mut frame);
    let length = u32::try_from(frame.len()).map_err(|_| ProtobufError::Value("object".to_owned()))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&frame);
    Ok(())
}

/// Puts a list's message together from items that are encoded one by one.
#[derive(Debug, Default)]
pub struct ListEncoder {
    raw: Vec<u8>,
}

impl ListEncoder {
    /// Begins with the list's `metadata`, a JSON object.
    ///
    /// # Errors
    /// [`ProtobufError::Value`] if a field of it does not fit.
    pub fn begin(metadata: &Value) -> Result<Self, ProtobufError> {
        let mut message = Vec::new();
        if let Some(id) = TypeTable::get().meta("ListMeta") {
            encode_message(id, metadata, &mut message)?;
        }
        let mut raw = Vec::new();
        write_bytes(1, &message, &mut raw);
        Ok(Self { raw })
    }

    /// Adds an item of the kind.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn item(&mut self, api_version: &str, kind: &str, item: &Value) -> Result<(), ProtobufError> {
        let mut message = Vec::new();
        encode_message(type_of(api_version, kind)?, item, &mut message)?;
        write_bytes(2, &message, &mut self.raw);
        Ok(())
    }

    /// Writes the whole list.
    pub fn end(self, api_version: &str, list_kind: &str, out: &mut Vec<u8>) {
        Envelope { api_version, kind: list_kind, raw: &self.raw }.write(out);
    }
}

fn type_of(api_version: &str, kind: &str) -> Result<super::types::TypeId, ProtobufError> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    TypeTable::get().kind(group, version, kind).ok_or_else(|| ProtobufError::UnknownKind {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
    })
}

#[cfg(test)]
mod tests;
