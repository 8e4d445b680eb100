//! Refusals with the bodies that real servers and proxies send.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http_body_util::{BodyExt, Full};

use super::plan::Asked;
use super::service::{Answer, Body};
use super::{Fault, random::Draws};
use crate::registry::too_large_version;
use crate::status::{ApiError, Details, reason};

/// The answer that a fault gives instead of the server's.
pub(super) fn answer(fault: Fault, asked: &Asked, draws: &mut Draws) -> Answer {
    match fault {
        Fault::Limited => {
            text(429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n")
        }
        Fault::Unavailable => {
            text(503, "text/html", "<html><body><h1>503 Service Unavailable</h1></body></html>\n")
        }
        Fault::VersionTooLarge => {
            let version = asked.version.unwrap_or_default();
            status(&too_large_version(version, version.saturating_sub(1 + draws.below(5))))
        }
        Fault::Expired => status(&expired(asked)),
        Fault::Forbidden => status(&forbidden(asked)),
        Fault::InternalError => {
            let message = "etcdserver: leader changed";
            status(&ApiError::new(500, reason::INTERNAL_ERROR, message, None))
        }
        _ => status(&throttled(1 + u32::from(draws.happens(300)))),
    }
}

/// 429 as priority and fairness words it.
pub(super) fn throttled(retry_after_seconds: u32) -> ApiError {
    let details = Details { retry_after_seconds, ..Details::default() };
    let message = "too many requests, please try again later";
    ApiError::new(429, reason::TOO_MANY_REQUESTS, message, Some(details))
}

/// 410 for a version or a continue token.
pub(super) fn expired(asked: &Asked) -> ApiError {
    match asked.version {
        Some(version) if asked.is_watch() => {
            ApiError::expired(format!("too old resource version: {version} ({})", version + 1))
        }
        _ => ApiError::expired("The resourceVersion for the provided list is too old."),
    }
}

/// 500 as the watch cache tells it when the watch of etcd ends.
pub(super) fn broken() -> ApiError {
    ApiError::new(500, reason::INTERNAL_ERROR, "an error on the server (\"watch of etcd ended\")", None)
}

fn forbidden(asked: &Asked) -> ApiError {
    let verb = asked.subject.split(' ').next().unwrap_or_default();
    let message = format!("{} is forbidden: User \"test\" cannot {verb} resource \"{0}\"", asked.resource);
    ApiError::new(403, reason::FORBIDDEN, message, None)
}

fn status(error: &ApiError) -> Answer {
    let mut answer = text(error.code(), "application/json", error.0.to_json() + "\n");
    let seconds = error.0.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if seconds > 0 {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

fn text(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = http::Response::new(whole(body));
    *answer.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(super) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}
