//! Errors as clients see them: `Status` objects with the reasons, causes and details they branch on.
//!
//! The messages are part of the interface: client-go, kubectl and many controllers match on them.

use serde::{Deserialize, Serialize};

use crate::resource::ResourceDefinition;

/// Machine-readable reasons (`metav1.StatusReason`).
pub mod reason {
    #![allow(missing_docs, reason = "each name is the value itself")]
    pub const ALREADY_EXISTS: &str = "AlreadyExists";
    pub const BAD_REQUEST: &str = "BadRequest";
    pub const CONFLICT: &str = "Conflict";
    pub const EXPIRED: &str = "Expired";
    pub const FORBIDDEN: &str = "Forbidden";
    pub const INTERNAL_ERROR: &str = "InternalError";
    pub const INVALID: &str = "Invalid";
    pub const METHOD_NOT_ALLOWED: &str = "MethodNotAllowed";
    pub const NOT_ACCEPTABLE: &str = "NotAcceptable";
    pub const NOT_FOUND: &str = "NotFound";
    pub const REQUEST_ENTITY_TOO_LARGE: &str = "RequestEntityTooLarge";
    pub const SERVICE_UNAVAILABLE: &str = "ServiceUnavailable";
    pub const TIMEOUT: &str = "Timeout";
    pub const TOO_MANY_REQUESTS: &str = "TooManyRequests";
    pub const UNAUTHORIZED: &str = "Unauthorized";
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "UnsupportedMediaType";
}

/// One cause of an error: what is wrong with which field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldManagerConflict`, `NamespaceTerminating`…
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
    /// Text without the field's path.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub message: String,
    /// Path such as `spec.replicas`.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub field: String,
}

/// `Status.details`; an empty one is written as `{}`, none at all is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// Name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Group of the object; empty for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Plural for NotFound, Conflict, AlreadyExists and Forbidden; Kind for Invalid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// uid of the object that was deleted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Every single cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Seconds after which the client may try again.
    #[serde(rename = "retryAfterSeconds", skip_serializing_if = "is_zero")]
    pub retry_after_seconds: u32,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// `Status.metadata`: only a list continued past a compaction has anything in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StatusMetadata {
    /// A token that goes on with an inconsistent list.
    #[serde(rename = "continue", skip_serializing_if = "String::is_empty")]
    pub continue_token: String,
}

/// A `v1` `Status` with its fields in the order the real server writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    /// See [`StatusMetadata`].
    pub metadata: StatusMetadata,
    /// `Success` or `Failure`.
    pub status: &'static str,
    /// Text for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// One of [`reason`], or empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'static str,
    /// See [`Details`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// HTTP status code; 0 (left out) for `Success`.
    #[serde(skip_serializing_if = "is_zero_code")]
    pub code: u16,
}

fn is_zero_code(value: &u16) -> bool {
    *value == 0
}

impl Status {
    /// The answer to a deletion that is complete.
    pub fn success(details: Details) -> Self {
        Self { status: "Success", code: 0, ..Self::failure(0, "", String::new(), Some(details)) }
    }

    fn failure(code: u16, reason: &'static str, message: String, details: Option<Details>) -> Self {
        Self {
            kind: "Status",
            api_version: "v1",
            metadata: StatusMetadata::default(),
            status: "Failure",
            message,
            reason,
            details,
            code,
        }
    }

    /// JSON with the escapes of Go's encoder and no newline at the end.
    pub fn to_json(&self) -> String {
        escape_html(&serde_json::to_string(self).expect("strings and numbers always serialise"))
    }
}

/// Writes `<`, `>`, `&` and the two Unicode line ends as Go's JSON encoder does. They occur in strings only.
pub fn escape_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// A request's failure: a [`Status`] to send. `Box`ed so that `Result`s on the data path stay small.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ApiError(pub Box<Status>);

/// A resource's name as errors write it: what `details` and messages need of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceName<'a> {
    /// API group, empty for the core group.
    pub group: &'a str,
    /// Plural.
    pub plural: &'a str,
}

impl std::fmt::Display for ResourceName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.group.is_empty() {
            f.write_str(self.plural)
        } else {
            write!(f, "{}.{}", self.plural, self.group)
        }
    }
}

impl<'a> From<&'a ResourceDefinition> for ResourceName<'a> {
    fn from(definition: &'a ResourceDefinition) -> Self {
        Self { group: &definition.group, plural: &definition.plural }
    }
}

impl ApiError {
    /// Any failure; the constructors below cover what clients branch on.
    pub fn new(
        code: u16,
        reason: &'static str,
        message: impl Into<String>,
        details: Option<Details>,
    ) -> Self {
        Self(Box::new(Status::failure(code, reason, message.into(), details)))
    }

    /// HTTP status code.
    pub fn code(&self) -> u16 {
        self.0.code
    }

    /// Reason, one of [`reason`] or empty.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// 400 with a message.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, reason::BAD_REQUEST, message, None)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, reason::UNAUTHORIZED, "Unauthorized", None)
    }

    /// 404 of an object.
    pub fn not_found(resource: ResourceName<'_>, name: &str) -> Self {
        let message = format!("{resource} \"{name}\" not found");
        Self::new(404, reason::NOT_FOUND, message, Some(named(resource, name)))
    }

    /// 404 of a path in a group that exists.
    pub fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(404, reason::NOT_FOUND, message, Some(Details::default()))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, reason::METHOD_NOT_ALLOWED, message, Some(Details::default()))
    }

    /// 409 on create.
    pub fn already_exists(resource: ResourceName<'_>, name: &str) -> Self {
        let message = format!("{resource} \"{name}\" already exists");
        Self::new(409, reason::ALREADY_EXISTS, message, Some(named(resource, name)))
    }

    /// 409 with the reason it cannot be fulfilled.
    pub fn conflict(resource: ResourceName<'_>, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Self::new(409, reason::CONFLICT, message, Some(named(resource, name)))
    }

    /// 409 because another write came first.
    pub fn modified(resource: ResourceName<'_>, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 403 by admission or a rule of the kind (not by authorization, see [`ApiError::denied`]).
    pub fn forbidden(resource: ResourceName<'_>, name: &str, why: &str) -> Self {
        let message = match name {
            "" => format!("{resource} is forbidden: {why}"),
            name => format!("{resource} \"{name}\" is forbidden: {why}"),
        };
        Self::new(403, reason::FORBIDDEN, message, Some(named(resource, name)))
    }

    /// 403 because the user lacks the right.
    pub fn denied(message: impl Into<String>, details: Details) -> Self {
        Self::new(403, reason::FORBIDDEN, message, Some(details))
    }

    /// 410: the version asked for is no longer held.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, reason::EXPIRED, message, None)
    }

    /// 413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, reason::REQUEST_ENTITY_TOO_LARGE, message, Some(Details::default()))
    }

    /// 422 of an object: `kind` and `group` as in the path, one cause per field.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let subject = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut texts: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        // What two checks find is told as two causes, but said once.
        let mut said = std::collections::HashSet::new();
        texts.retain(|text| said.insert(text.clone()));
        let list = if let [one] = &texts[..] { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let details = Details {
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
            causes,
            ..Details::default()
        };
        Self::new(422, reason::INVALID, format!("{subject} \"{name}\" is invalid: {list}"), Some(details))
    }

    /// 422 of query options such as `PatchOptions` (group `meta.k8s.io`), with a single cause.
    pub fn invalid_options(kind: &str, cause: Cause) -> Self {
        Self::invalid("meta.k8s.io", kind, "", vec![cause])
    }

    /// 422 of a patch that cannot be carried out; the real server says no more than this.
    pub fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, reason::INVALID, message, Some(Details::default()))
    }

    /// 500 with a reason.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        let text = format!("Internal error occurred: {message}");
        let cause = Cause { reason: String::new(), message: message.to_string(), field: String::new() };
        let details = Details { causes: vec![cause], ..Details::default() };
        Self::new(500, reason::INTERNAL_ERROR, text, Some(details))
    }

    /// 500 with the bare message and no reason, which some old checks of the real server give.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(500, "", message, None)
    }
}

fn named(resource: ResourceName<'_>, name: &str) -> Details {
    Details {
        name: name.into(),
        group: resource.group.into(),
        kind: resource.plural.into(),
        ..Details::default()
    }
}

impl Cause {
    /// `FieldValueInvalid`; `shown` is the value as Go prints it (strings quoted).
    pub fn invalid(field: impl Into<String>, shown: &str, why: &str) -> Self {
        Self::of("FieldValueInvalid", format!("Invalid value: {shown}: {why}"), field)
    }

    /// `FieldValueRequired`.
    pub fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".into() } else { format!("Required value: {why}") };
        Self::of("FieldValueRequired", message, field)
    }

    /// `FieldValueForbidden`.
    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self::of("FieldValueForbidden", format!("Forbidden: {why}"), field)
    }

    /// `FieldValueNotSupported`; `shown` is the value as Go prints it.
    pub fn not_supported(field: impl Into<String>, shown: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let message = format!("Unsupported value: {shown}: supported values: {}", list.join(", "));
        Self::of("FieldValueNotSupported", message, field)
    }

    /// Any cause.
    pub fn of(reason: &str, message: impl Into<String>, field: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into(), field: field.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG_MAPS: ResourceName<'_> = ResourceName { group: "", plural: "configmaps" };

    #[test]
    fn a_missing_object_reads_as_the_real_server_writes_it() {
        let expected = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"configmaps \"nope\" not found","reason":"NotFound","details":{"name":"nope","kind":"configmaps"},"code":404}"#;
        assert_eq!(ApiError::not_found(CONFIG_MAPS, "nope").0.to_json(), expected);
    }

    #[test]
    fn a_finished_deletion_has_no_code_and_no_message() {
        let details =
            Details { name: "ym".into(), kind: "configmaps".into(), uid: "u".into(), ..Details::default() };
        let expected = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"ym","kind":"configmaps","uid":"u"}}"#;
        assert_eq!(Status::success(details).to_json(), expected);
    }

    #[test]
    fn several_causes_are_put_in_brackets_and_one_is_not() {
        let cause = || Cause::required("spec.size", "");
        let one = ApiError::invalid("demo.example.com", "Widget", "w2", vec![cause()]);
        assert_eq!(one.0.message, "Widget.demo.example.com \"w2\" is invalid: spec.size: Required value");
        let two =
            ApiError::invalid("", "Widget", "w2", vec![cause(), Cause::required("spec.x", ""), cause()]);
        assert_eq!(two.0.details.as_ref().map(|details| details.causes.len()), Some(3));
        assert_eq!(
            two.0.message,
            "Widget \"w2\" is invalid: [spec.size: Required value, spec.x: Required value]"
        );
    }

    #[test]
    fn angle_brackets_are_escaped_as_in_go() {
        assert_eq!(escape_html(r#"{"a":"<nil> & b"}"#), r#"{"a":"\u003cnil\u003e \u0026 b"}"#);
    }
}
