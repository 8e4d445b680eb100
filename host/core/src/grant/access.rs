//! An access in words, and what is no access at all.

use super::Access;
use crate::name::Resource;
use std::fmt;

/// What a call of a module can be. RBAC knows more verbs (`impersonate`, `bind`, `escalate`, `deletecollection`, …); no
/// call has them, so no rule gives them.
pub const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

/// A part of an access that could lead to another path of the server than it seems, or that no server has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} `{value}` is none: it must be {must}")]
pub struct AccessError {
    /// `name`, `namespace`, `resource`, ….
    pub part: &'static str,
    /// What it was; escaped.
    pub value: String,
    /// What it should be.
    pub must: &'static str,
}

impl<'a> Access<'a> {
    /// An access to no particular object or namespace.
    #[must_use]
    pub fn of(verb: &'a str, resource: &'a Resource) -> Self {
        Self {
            verb,
            group: resource.kind.group(),
            resource: &resource.plural,
            subresource: None,
            namespace: None,
            namespaced: resource.namespaced,
            name: None,
            new_name: None,
        }
    }

    /// Whether every part is what its name says. Parts end up as path segments, so `..`, `/` and `%2f` in one of them
    /// would ask for something else than was checked.
    ///
    /// # Errors
    /// Names the first part that is wrong.
    pub fn validate(&self) -> Result<(), AccessError> {
        const WORD: &str = "lower-case letters, digits and dashes";
        const DOMAIN: &str = "a DNS name in lower case";
        const SEGMENT: &str =
            "1 to 253 visible characters without `/`, `%`, `?`, `#` and `\\`, and not `.` or `..`";
        check(
            "verb",
            self.verb,
            "get, list, watch, create, update, patch or delete",
            VERBS.contains(&self.verb),
        )?;
        check("API group", self.group, DOMAIN, self.group.is_empty() || is_domain(self.group))?;
        check("resource", self.resource, WORD, is_word(self.resource))?;
        if let Some(subresource) = self.subresource {
            check("subresource", subresource, WORD, is_word(subresource))?;
        }
        if let Some(namespace) = self.namespace {
            check("namespace", namespace, WORD, is_word(namespace))?;
        }
        for name in [self.name, self.new_name].into_iter().flatten() {
            check("name", name, SEGMENT, is_segment(name))?;
        }
        if self.namespace.is_some() && !self.namespaced {
            let value = self.namespace.unwrap_or_default().to_owned();
            return Err(AccessError {
                part: "namespace",
                value,
                must: "absent for a cluster-scoped resource",
            });
        }
        Ok(())
    }

    /// `deployments` or `deployments/status`.
    pub(super) fn full_resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.resource),
            None => self.resource.to_owned(),
        }
    }
}

fn check(part: &'static str, value: &str, must: &'static str, holds: bool) -> Result<(), AccessError> {
    let short = || value.chars().take(80).flat_map(char::escape_debug).collect();
    if holds { Ok(()) } else { Err(AccessError { part, value: short(), must }) }
}

fn is_word(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_word)
}

fn is_segment(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/%?#\\".contains(&byte))
}

impl fmt::Display for Access<'_> {
    /// `patch apps deployments/status web in namespace prod`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb)?;
        if !self.group.is_empty() {
            write!(f, " {}", self.group)?;
        }
        write!(f, " {}", self.full_resource())?;
        if let Some(name) = self.name {
            write!(f, " {name}")?;
        }
        match (self.namespaced, self.namespace) {
            (true, Some(namespace)) => write!(f, " in namespace {namespace}"),
            (true, None) => f.write_str(" in all namespaces"),
            (false, _) => Ok(()),
        }
    }
}
