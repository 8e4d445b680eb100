//! Answers of every kind: JSON, text, errors.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use super::Exchange;
use crate::status::{ApiError, Status};
use crate::wire::accept::Format;
use crate::wire::{compress, pretty, protobuf, yaml};

/// Body of an answer: whole, or a stream of events.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;
/// An answer.
pub type Response = http::Response<Body>;

pub(super) const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// An answer with a whole body.
pub(super) fn whole(code: u16, content_type: &str, body: impl Into<Bytes>) -> Response {
    with_body(code, content_type, Full::new(body.into()).boxed_unsync())
}

pub(super) fn with_body(code: u16, content_type: &str, body: Body) -> Response {
    let mut response = http::Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// A large body compressed, if the client takes that.
pub(super) fn compressed(exchange: &Exchange, code: u16, content_type: &str, body: Vec<u8>) -> Response {
    let accepts = compress::accepts_gzip(Some(exchange.header("accept-encoding")));
    if !accepts || body.len() < compress::THRESHOLD_BYTES {
        return whole(code, content_type, body);
    }
    let mut response = whole(code, content_type, compress::gzip(&body));
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Text, as health checks answer.
pub(super) fn text(code: u16, body: impl Into<Bytes>) -> Response {
    whole(code, PLAIN, body)
}

/// A code and nothing else.
pub(super) fn empty(code: u16) -> Response {
    let mut response = text(code, Vec::new());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// What nothing serves.
pub(super) fn no_such_path() -> Response {
    text(404, "404 page not found\n")
}

/// A failure, as JSON.
pub(super) fn failure(error: &ApiError) -> Response {
    failure_as(error, Format::Json, false)
}

/// A failure in the format of the answer that it takes the place of.
pub(super) fn failure_as(error: &ApiError, format: Format, pretty: bool) -> Response {
    let mut response = status_as(&error.0, error.code(), format, pretty);
    let seconds = error.0.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if seconds > 0 {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Why no form of the answer fits: the real server writes this by other means, indented and without a newline.
pub(super) fn refusal(error: &ApiError) -> Response {
    whole(error.code(), JSON, pretty::indent(error.0.to_json().as_bytes()))
}

/// What became of a request that does not answer with an object.
pub(super) fn status_as(status: &Status, code: u16, format: Format, pretty: bool) -> Response {
    let json = status.to_json();
    let body = match format {
        Format::Json if pretty => pretty::indent(json.as_bytes()),
        Format::Json => (json + "\n").into_bytes(),
        Format::Yaml => {
            let mut text = String::new();
            yaml::write(&serde_json::from_str(&json).unwrap_or_default(), &mut text);
            text.into_bytes()
        }
        Format::Protobuf => {
            let mut body = Vec::new();
            let status = serde_json::from_str(&json).unwrap_or_default();
            if protobuf::encode(&status, &mut body).is_err() {
                return whole(code, JSON, json);
            }
            body
        }
    };
    whole(code, format.media_type(), body)
}

/// Adds `Warning` headers.
pub(super) fn warn(response: &mut Response, warnings: &[String]) {
    for warning in warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        let clean: String = text.chars().filter(|character| !character.is_control()).collect();
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{clean}\"")) {
            response.headers_mut().append(http::header::WARNING, value);
        }
    }
}
