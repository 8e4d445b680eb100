//! URL paths and queries: checked, percent-encoded, from discovery's names only (M6).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use windlass_core::{
    call::ApiError,
    name::{ObjectName, Resource},
};

/// What stays as it is in a path segment or a query value: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of one object or of a subresource of it.
pub(crate) fn object_path(
    resource: &Resource,
    name: &ObjectName,
    subresource: Option<&str>,
) -> Result<String, ApiError> {
    let mut path = collection_path(resource, name.namespace.as_deref(), true)?;
    push(&mut path, "name", &name.name)?;
    for part in subresource.into_iter().flat_map(|subresource| subresource.split('/')) {
        push(&mut path, "subresource", part)?;
    }
    Ok(path)
}

/// The path of a collection. `one_namespace`: all namespaces at once will not do.
pub(crate) fn collection_path(
    resource: &Resource,
    namespace: Option<&str>,
    one_namespace: bool,
) -> Result<String, ApiError> {
    let kind = &resource.kind;
    let mut path = String::with_capacity(96);
    path.push_str(if kind.group().is_empty() { "/api" } else { "/apis" });
    for part in kind.api_version.split('/') {
        push(&mut path, "apiVersion", part)?;
    }
    match (namespace, resource.namespaced) {
        (Some(namespace), true) => {
            path.push_str("/namespaces");
            push(&mut path, "namespace", namespace)?;
        }
        (None, true) if one_namespace => {
            return Err(bad(format!("{kind} lives in namespaces, and no namespace was given")));
        }
        (Some(namespace), false) => {
            return Err(bad(format!(
                "{kind} does not live in namespaces, and the namespace `{namespace}` was given"
            )));
        }
        (None, _) => {}
    }
    push(&mut path, "resource", &resource.plural)?;
    Ok(path)
}

/// Appends a segment; the server's own rule for names (`ValidatePathSegmentName`) with the empty name.
fn push(path: &mut String, what: &str, segment: &str) -> Result<(), ApiError> {
    if segment.is_empty() || matches!(segment, "." | "..") || segment.contains(['/', '%']) {
        return Err(bad(format!(
            "`{segment}` is no {what}: it must not be empty, `.` or `..`, nor hold `/` or `%`"
        )));
    }
    path.push('/');
    path.extend(utf8_percent_encode(segment, ENCODED));
    Ok(())
}

fn bad(message: String) -> ApiError {
    ApiError::host("BadRequest", message)
}

/// Query parameters.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    /// A parameter, if it has a value.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(value, ENCODED));
        }
        self
    }

    /// A parameter that is `true` or absent.
    pub(crate) fn flag(self, name: &str, set: bool) -> Self {
        self.with(name, set.then_some("true"))
    }

    /// The path with these parameters.
    pub(crate) fn onto(self, mut path: String) -> String {
        path.push_str(&self.0);
        path
    }
}
