//! URL paths and queries: checked, percent-encoded, from discovery's names only (M6).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use windlass_core::{
    call::ApiError,
    name::{ObjectName, Resource},
};

/// What stays as it is in a path segment or a query value: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the server takes for the start of a namespaced path, of whatever group.
const NAMESPACES: &str = "namespaces";
/// What may follow a namespace's name without being a kind in it.
const NAMESPACE_PARTS: [&str; 2] = ["status", "finalize"];
/// What the server takes for a verb of old where a kind stands.
const VERBS: [&str; 2] = ["watch", "proxy"];

/// The path of one object or of a subresource of it.
pub(crate) fn object_path(
    resource: &Resource,
    name: &ObjectName,
    subresource: Option<&str>,
) -> Result<String, ApiError> {
    let mut path = collection_path(resource, name.namespace.as_deref(), true)?;
    push(&mut path, "name", &name.name)?;
    let first = subresource.map(|subresource| subresource.split('/').next().unwrap_or_default());
    if *resource.plural == *NAMESPACES && first.is_some_and(|first| !NAMESPACE_PARTS.contains(&first)) {
        let part = first.unwrap_or_default();
        return Err(bad(format!(
            "a namespace has no `{part}`: its path would be that of a kind in the namespace"
        )));
    }
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
    let misread = VERBS.contains(&&*resource.plural)
        || (resource.namespaced && NAMESPACE_PARTS.contains(&&*resource.plural))
        || (resource.namespaced && namespace.is_none() && *resource.plural == *NAMESPACES);
    if misread {
        let plural = &resource.plural;
        return Err(bad(format!(
            "{kind} is served as `{plural}`, which the server reads as something else in a path; its definition needs another plural"
        )));
    }
    if kind.api_version.split('/').count() > 2 {
        return Err(bad(format!("`{}` is no apiVersion: it has more than one `/`", kind.api_version)));
    }
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
