//! Reads a request's body in the format that its `Content-Type` names.

use serde_json::Value;

use super::{accept::Format, json_reader, protobuf, yaml};
use crate::status::{ApiError, reason};

/// A body as a value, and what strict validation finds in its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// The object.
    pub value: Value,
    /// `duplicate field "…"` for each key that occurs again; `fieldValidation` says what becomes of them.
    pub strict_errors: Vec<String>,
}

/// The format of a body; no `Content-Type` means JSON. Parameters such as `charset` are passed over.
///
/// # Errors
/// 415 for anything but JSON, YAML and protobuf; `protobuf` tells whether the resource takes the last.
pub fn format(content_type: Option<&str>, protobuf: bool) -> Result<Format, ApiError> {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type {
        "" | "application/json" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        "application/vnd.kubernetes.protobuf" if protobuf => Ok(Format::Protobuf),
        _ => Err(unsupported(protobuf)),
    }
}

fn unsupported(protobuf: bool) -> ApiError {
    let last = if protobuf { ", application/vnd.kubernetes.protobuf" } else { "" };
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: \
         application/json, application/yaml{last}"
    );
    ApiError::new(415, reason::UNSUPPORTED_MEDIA_TYPE, message, None)
}

/// Reads a body that should hold an object of the kind; what it says of itself is for the caller to check.
///
/// # Errors
/// 400 with the message of the real server for what cannot be read.
pub fn read(format: Format, bytes: &[u8], api_version: &str, kind: &str) -> Result<Body, ApiError> {
    match format {
        Format::Json => match json_reader::read(bytes) {
            Ok((value, strict_errors)) => Ok(Body { value, strict_errors }),
            Err(error) => Err(unrecognised(kind, &json_problem(bytes, &error), bytes)),
        },
        Format::Yaml => {
            let text = std::str::from_utf8(bytes).map_err(|_| {
                unrecognised(kind, "error converting YAML to JSON: yaml: invalid UTF-8", bytes)
            })?;
            match yaml::read(text) {
                Ok((value, strict_errors)) => Ok(Body { value, strict_errors }),
                Err(error) => Err(unrecognised(kind, &error.to_string(), bytes)),
            }
        }
        Format::Protobuf => match protobuf::decode(bytes, (api_version, kind)) {
            Ok(value) => Ok(Body { value, strict_errors: Vec::new() }),
            Err(error) => Err(ApiError::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {kind}: {error}",
                api_version.rsplit('/').next().unwrap_or_default()
            ))),
        },
    }
}

fn unrecognised(kind: &str, problem: &str, bytes: &[u8]) -> ApiError {
    // The real server shows at most the first 1024 bytes, and quotes what is no text.
    let shown = match std::str::from_utf8(&bytes[..bytes.len().min(1024)]) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().take(1024).map(|byte| format!("{byte:02x}")).collect(),
    };
    ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {problem} ({shown})"
    ))
}

/// Go's words for the commonest mistakes, serde's for the others.
fn json_problem(bytes: &[u8], error: &serde_json::Error) -> String {
    let words = match error.classify() {
        serde_json::error::Category::Eof => "unexpected end of JSON input".to_owned(),
        _ => match byte_at(bytes, error.line(), error.column()) {
            Some(byte) => format!("invalid character {:?} looking for beginning of value", char::from(byte)),
            None => error.to_string(),
        },
    };
    format!("couldn't get version/kind; json parse error: {words}")
}

fn byte_at(bytes: &[u8], line: usize, column: usize) -> Option<u8> {
    bytes.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?.get(column.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::json;

    use super::{format, read};
    use crate::wire::{accept::Format, protobuf};

    #[test]
    fn one_object_reads_the_same_in_all_three_formats() {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
        let mut encoded = Vec::new();
        protobuf::encode(&object, &mut encoded).unwrap();
        let yaml = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  k: v\n";
        for (content_type, bytes) in [
            (None, object.to_string().into_bytes()),
            (Some("application/json; charset=utf-8"), object.to_string().into_bytes()),
            (Some("application/yaml"), yaml.as_bytes().to_vec()),
            (Some("application/vnd.kubernetes.protobuf"), encoded),
        ] {
            let format = format(content_type, true).unwrap();
            let body = read(format, &bytes, "v1", "ConfigMap").unwrap();
            assert_eq!((body.value, body.strict_errors), (object.clone(), vec![]), "{content_type:?}");
        }
    }

    #[test]
    fn unknown_formats_and_broken_bodies_are_refused_in_the_real_servers_words() {
        let refused = format(Some("text/plain"), true).unwrap_err();
        assert_eq!(refused.code(), 415);
        assert_eq!(
            refused.0.message,
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
        );
        assert_eq!(format(Some("application/vnd.kubernetes.protobuf"), false).unwrap_err().code(), 415);
        let broken = read(Format::Json, br#"{"metadata":"#, "v1", "ConfigMap").unwrap_err();
        assert_eq!(
            broken.0.message,
            r#"the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({"metadata":)"#
        );
        for (format, bytes) in [
            (Format::Yaml, &b"a: ["[..]),
            (Format::Yaml, b"\xff"),
            (Format::Protobuf, b"{}"),
            (Format::Json, b"}"),
        ] {
            assert_eq!(read(format, bytes, "v1", "ConfigMap").unwrap_err().code(), 400);
        }
    }
}
