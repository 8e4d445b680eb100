//! Reading a request's body: JSON, YAML or protobuf to one parsed form.

use super::Exchange;
use crate::catalog::Resource;
use crate::registry::Body;
use crate::status::ApiError;
use crate::wire::accept::Format;
use crate::wire::body;

/// The object in the body, of the resource's own kind.
pub(super) fn object(exchange: &Exchange, resource: &Resource) -> Result<Body, ApiError> {
    let definition = &resource.definition;
    of_kind(exchange, &resource.api_version, &definition.kind, definition.custom().is_none())
}

/// The object in the body, of another kind than the resource's: what some subresources take.
pub(super) fn of_kind(
    exchange: &Exchange,
    api_version: &str,
    kind: &str,
    protobuf: bool,
) -> Result<Body, ApiError> {
    let format = body::format(Some(exchange.header("content-type")), protobuf)?;
    read(exchange, format, api_version, kind)
}

/// The options in the body of a deletion, if there are any.
pub(super) fn options(exchange: &Exchange) -> Result<Option<Body>, ApiError> {
    if exchange.body.is_empty() {
        return Ok(None);
    }
    of_kind(exchange, "meta.k8s.io/v1", "DeleteOptions", true).map(Some)
}

/// A patch; apply patches may be YAML.
pub(super) fn patch(exchange: &Exchange) -> Result<Body, ApiError> {
    let apply = media_type(exchange) == "application/apply-patch+yaml";
    let format = if apply { Format::Yaml } else { Format::Json };
    read(exchange, format, "", "Patch").map_err(|error| {
        let message =
            error.0.message.replace("the object provided is unrecognized (must be of type Patch): ", "");
        ApiError::bad_request(format!("error decoding patch: {message}"))
    })
}

pub(super) fn media_type(exchange: &Exchange) -> String {
    exchange.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn read(exchange: &Exchange, format: Format, api_version: &str, kind: &str) -> Result<Body, ApiError> {
    let read = body::read(format, &exchange.body, api_version, kind)?;
    Ok(Body { value: read.value, faults: read.strict_errors, text: exchange.body.clone() })
}
