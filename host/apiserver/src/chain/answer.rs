//! Answers of every kind: JSON, text, errors.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use super::Exchange;
use crate::status::{ApiError, Status, reason};
use crate::wire::{compress, protobuf};

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

/// What nothing serves.
pub(super) fn no_such_path() -> Response {
    text(404, "404 page not found\n")
}

/// A failure.
pub(super) fn failure(error: &ApiError) -> Response {
    let status = &error.0;
    let body = if status.reason == reason::NOT_ACCEPTABLE {
        // The real server writes this one by other means, indented and without a newline.
        let pretty = serde_json::to_string_pretty(&**status).unwrap_or_default();
        crate::status::escape_html(&pretty)
    } else {
        status.to_json() + "\n"
    };
    let mut response = whole(status.code, JSON, body);
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if seconds > 0 {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// A failure as a client that takes only protobuf reads it.
pub(super) fn protobuf_failure(error: &ApiError) -> Response {
    let status = serde_json::to_value(&*error.0).unwrap_or_default();
    let mut body = Vec::new();
    match protobuf::encode(&status, &mut body) {
        Ok(()) => whole(error.code(), "application/vnd.kubernetes.protobuf", body),
        Err(_) => failure(error),
    }
}

/// A success that is not an object.
pub(super) fn success(status: &Status) -> Response {
    whole(200, JSON, status.to_json() + "\n")
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
