//! Reading a request's body: JSON, YAML or protobuf to one parsed form.

use super::Exchange;
use crate::catalog::Resource;
use crate::registry::Body;
use crate::status::{ApiError, reason};
use crate::wire::accept::Format;
use crate::wire::{body, json_reader, yaml};

const PROTOBUF: &str = Format::Protobuf.media_type();

/// The object in the body.
pub(super) fn object(exchange: &Exchange, resource: &Resource) -> Result<Body, ApiError> {
    let media_type = media_type(exchange);
    let kind = &resource.definition.kind;
    match &*media_type {
        "" | "application/json" => json(exchange).map_err(|(text, why)| {
            ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({})",
                shortened(&text)
            ))
        }),
        "application/yaml" => yaml_body(exchange),
        PROTOBUF if resource.definition.custom().is_none() => {
            protobuf_body(exchange, &resource.api_version, kind)
        }
        _ => Err(unsupported(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// The options in the body of a deletion, if there are any.
pub(super) fn options(exchange: &Exchange) -> Result<Option<Body>, ApiError> {
    if exchange.body.is_empty() {
        return Ok(None);
    }
    match &*media_type(exchange) {
        "application/yaml" => yaml_body(exchange).map(Some),
        PROTOBUF => protobuf_body(exchange, "v1", "DeleteOptions").map(Some),
        _ => json(exchange).map(Some).map_err(|(_, why)| {
            ApiError::bad_request(format!("couldn't get version/kind; json parse error: {why}"))
        }),
    }
}

/// A patch; apply patches may be YAML.
pub(super) fn patch(exchange: &Exchange) -> Result<Body, ApiError> {
    if media_type(exchange) == "application/apply-patch+yaml" {
        return yaml_body(exchange);
    }
    json(exchange).map_err(|(_, why)| ApiError::bad_request(format!("error decoding patch: {why}")))
}

pub(super) fn media_type(exchange: &Exchange) -> String {
    exchange.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn json(exchange: &Exchange) -> Result<Body, (String, String)> {
    let text = String::from_utf8_lossy(&exchange.body).into_owned();
    match json_reader::read(&exchange.body) {
        Ok((value, faults)) => Ok(Body { value, faults, text }),
        Err(error) => Err((text, go_error(&error))),
    }
}

fn yaml_body(exchange: &Exchange) -> Result<Body, ApiError> {
    let text = String::from_utf8_lossy(&exchange.body).into_owned();
    let (value, faults) =
        yaml::read(&text).map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))?;
    Ok(Body { value, faults, text })
}

/// An object of the kind; its envelope may name another one, which is for the registry to refuse.
fn protobuf_body(exchange: &Exchange, api_version: &str, kind: &str) -> Result<Body, ApiError> {
    let read = body::read(Format::Protobuf, &exchange.body, api_version, kind)?;
    Ok(Body { value: read.value, faults: read.strict_errors, text: String::new() })
}

fn go_error(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}

fn shortened(text: &str) -> String {
    const SHOWN_LEN: usize = 120;
    if text.chars().count() <= SHOWN_LEN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN_LEN).collect::<String>() + " ..."
    }
}

fn unsupported(message: &str) -> ApiError {
    ApiError::new(415, reason::UNSUPPORTED_MEDIA_TYPE, message, None)
}
