//! From an HTTP answer to a reply or an error.

use crate::shape;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc, time::Duration};
use windlass_core::{
    call::{Action, Answered, ApiError, Call, Page, Reply, Shape},
    name::Kind,
};

/// Warnings kept of one answer; a server sends far fewer.
const WARNINGS_MAX: usize = 32;

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow, default)]
    metadata: ListMetadata<'a>,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata<'a> {
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    #[serde(borrow, rename = "continue")]
    continue_token: Option<Cow<'a, str>>,
}

/// The parts of `meta/v1 Status` that are used.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    code: Option<u16>,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    retry_after_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Deleted<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    metadata: DeletedMetadata<'a>,
    /// An object may have a field of that name too.
    #[serde(borrow, default)]
    details: Option<&'a RawValue>,
}

/// Of the `Status` that tells of a deletion.
#[derive(Deserialize)]
struct DeletedDetails<'a> {
    #[serde(borrow, default)]
    uid: Option<Cow<'a, str>>,
}

/// What an answer says of its own kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed<'a> {
    #[serde(borrow, default)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DeletedMetadata<'a> {
    #[serde(borrow)]
    deletion_timestamp: Option<Cow<'a, str>>,
}

/// What an answer means for a call.
pub(super) fn reply(call: &Call, answer: &Response<Bytes>) -> Result<Reply, ApiError> {
    let reads_one = matches!(call.action, Action::Get { .. });
    if reads_one && answer.status() == StatusCode::NOT_FOUND && says_not_found(answer.body()) {
        return Ok(Reply::Object(None));
    }
    if !answer.status().is_success() {
        return Err(api_error(answer.status(), answer.headers(), answer.body()));
    }
    let text = std::str::from_utf8(answer.body()).map_err(|_| nonsense(call, "it is not UTF-8"))?;
    match &call.action {
        Action::Get { shape, .. } => Ok(Reply::Object(Some(normalised(&call.kind, text, *shape)))),
        Action::List { shape, .. } => page(call, text, *shape),
        Action::Delete { .. } => {
            let deleted: Deleted<'_> =
                serde_json::from_str(text).map_err(|error| nonsense(call, &error.to_string()))?;
            let gone = deleted.kind == "Status" || deleted.metadata.deletion_timestamp.is_none();
            let details = deleted.details.filter(|_| deleted.kind == "Status");
            let details = details.and_then(|raw| serde_json::from_str::<DeletedDetails<'_>>(raw.get()).ok());
            let uid = details.and_then(|details| details.uid).map(Box::from);
            let left = match answered(&call.kind, text) {
                Answered::Object(object) => Some(object),
                Answered::Other(_) => None,
            };
            Ok(Reply::Deleted { gone, uid, left })
        }
        _ => Ok(Reply::Written { object: answered(&call.kind, text), warnings: warnings(answer.headers()) }),
    }
}

/// The object that was written, or what a subresource answers instead.
fn answered(kind: &Kind, text: &str) -> Answered {
    let typed: Option<Typed<'_>> = serde_json::from_str(text).ok();
    let is_of_kind = typed.is_some_and(|typed| {
        typed.api_version.as_deref().is_none_or(|version| version == &*kind.api_version)
            && typed.kind.as_deref().is_none_or(|name| name == &*kind.kind)
    });
    match shape::ingest(kind, text, Shape::Whole) {
        Ok(object) if is_of_kind => Answered::Object(Arc::new(object)),
        Ok(object) => Answered::Other(object.json().to_owned()),
        Err(_) => Answered::Other(text.to_owned()),
    }
}

/// A 404 of the object, and not of the path: that one has no `Status`, or a `Status` without details of a name.
pub(super) fn says_not_found(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct NotFound {
        details: Named,
    }
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        name: String,
    }
    serde_json::from_slice::<NotFound>(body).is_ok_and(|status| !status.details.name.is_empty())
}

fn page(call: &Call, text: &str, shape: Shape) -> Result<Reply, ApiError> {
    let list: List<'_> = serde_json::from_str(text).map_err(|error| nonsense(call, &error.to_string()))?;
    let items = list.items.unwrap_or_default();
    let continue_token = list.metadata.continue_token.filter(|token| !token.is_empty());
    Ok(Reply::Page(Page {
        items: items.into_iter().map(|item| normalised(&call.kind, item.get(), shape)).collect(),
        continue_token: continue_token.map(Cow::into_owned),
        resource_version: list.metadata.resource_version.into_owned(),
    }))
}

/// As the cache holds objects; what is no object (a `TokenRequest`, a `Status`) stays as it came.
fn normalised(kind: &Kind, raw: &str, shape: Shape) -> String {
    shape::ingest(kind, raw, shape).map_or_else(|_| raw.to_owned(), |object| object.json().to_owned())
}

fn nonsense(call: &Call, what: &str) -> ApiError {
    let verb = call.action.verb();
    // A write that is answered with success was carried out, whatever the answer says.
    let reason = if call.action.is_write() { "OutcomeUnknown" } else { "Unavailable" };
    ApiError::host(reason, format!("the answer to {verb} {} makes no sense: {what}", call.kind))
}

/// The error that an answer is.
pub(crate) fn api_error(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
    let mut error = std::str::from_utf8(body).ok().and_then(status_error).unwrap_or_else(|| ApiError {
        code: code.as_u16(),
        reason: reason(code).to_owned(),
        message: plain(body, code),
        status: None,
        retry_after: None,
    });
    if error.code == 0 {
        error.code = code.as_u16();
    }
    error.retry_after = retry_after(headers).or(error.retry_after);
    error
}

/// The error that a `Status` object is; none if the text is no failed `Status`.
pub(crate) fn status_error(text: &str) -> Option<ApiError> {
    let status: Status<'_> = serde_json::from_str(text).ok()?;
    if status.kind != "Status" || status.status == "Success" {
        return None;
    }
    let code = status.code.unwrap_or(0);
    let known = StatusCode::from_u16(code).map_or("Unknown", reason);
    Some(ApiError {
        code,
        reason: status.reason.map_or_else(|| known.to_owned(), Cow::into_owned),
        message: status.message.unwrap_or_default().into_owned(),
        status: Some(text.to_owned()),
        retry_after: status.details.and_then(|details| details.retry_after_seconds).map(Duration::from_secs),
    })
}

/// The message of a `Status`.
pub(crate) fn status_message(body: &[u8]) -> Option<String> {
    let error = status_error(std::str::from_utf8(body).ok()?)?;
    Some(error.message).filter(|message| !message.is_empty())
}

/// Retry-After in seconds; the form with a date is not used by API servers.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn reason(code: StatusCode) -> &'static str {
    match code.as_u16() {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    }
}

/// What a server that sends no `Status` said, in one short line.
fn plain(body: &[u8], code: StatusCode) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() { code.to_string() } else { line.to_owned() }
}

/// The texts of `Warning: 299 - "text"` headers (RFC 7234 §5.5).
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let values = headers
        .get_all(header::WARNING)
        .iter()
        .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    values.filter_map(warning).take(WARNINGS_MAX).collect()
}

fn warning(value: &str) -> Option<String> {
    let quoted = value.strip_prefix("299 ")?.split_once(' ')?.1.trim().strip_prefix('"')?;
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(chars.next()),
            '"' => return Some(text),
            plain => text.push(plain),
        }
    }
    None
}
