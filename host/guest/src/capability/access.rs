//! The one place where a guest's wish is held against its grant, reads of the cache included.

use crate::instance::State;
use std::sync::Arc;
use windlass_core::{
    cache::Namespaces,
    call::ApiError,
    grant::{Access, Refusal, Rights},
    name::{Kind, ObjectName, Resource},
};

/// Bytes of an apiVersion or a kind.
const KIND_BYTES_MAX: usize = 253;

/// An answer of the host for a call that makes no sense; nothing was sent.
pub(super) fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::host("BadRequest", message)
}

impl State {
    /// Where a kind is served. Text that is no kind does not reach discovery, which makes a path of it.
    pub(super) async fn resolve(&self, kind: &Kind) -> Result<Resource, ApiError> {
        if !is_kind(kind) {
            let text = crate::text::plain(&kind.to_string(), 200);
            return Err(bad_request(format!(
                "`{text}` is no kind; write it like `apps/v1` and `Deployment`"
            )));
        }
        self.host.resource(kind).await
    }

    /// Whether the caller may do this to one object.
    pub(super) fn permit(
        &self,
        verb: &str,
        resource: &Resource,
        subresource: Option<&str>,
        name: &ObjectName,
    ) -> Result<(), ApiError> {
        let access = Access { subresource, name: Some(&name.name), ..located(verb, resource, name)? };
        self.check(&access)
    }

    /// Whether the caller may post a new object to a collection. The server asks RBAC before it knows the name, so a
    /// rule with `resourceNames` does not give it. `name` may be the beginning of one.
    pub(super) fn permit_new(&self, resource: &Resource, name: &ObjectName) -> Result<(), ApiError> {
        let access = Access { new_name: Some(&name.name), ..located("create", resource, name)? };
        self.check(&access)
    }

    /// Whether the grant gives something that the caller may do without, so that no refusal is told.
    pub(super) fn may(&self, access: &Access<'_>) -> bool {
        self.by_grant(|rights| rights.check(self.caller.module(), access)).is_ok()
    }

    /// Asks what the grant gives now.
    pub(super) fn by_grant<T>(&self, ask: impl FnOnce(Rights<'_>) -> T) -> T {
        ask(self.caller.terms.grant.now().among(self.host.cache()))
    }

    /// Where the caller may list or watch: the namespace it asks for, or without one exactly those that its grant
    /// covers.
    pub(super) fn permit_many(
        &self,
        verb: &str,
        resource: &Resource,
        namespace: Option<&Arc<str>>,
    ) -> Result<Namespaces, ApiError> {
        let access = Access::of(verb, resource);
        if let Some(namespace) = namespace {
            self.check(&Access { namespace: Some(&**namespace), ..access })?;
            return Ok(Namespaces::These(vec![namespace.clone()]));
        }
        let granted = self.by_grant(|rights| rights.namespaces_for(&access));
        if granted.is_empty() || granted == Namespaces::All {
            self.check(&access)?;
        }
        Ok(granted)
    }

    /// Whether the caller may do this; a refusal is told.
    pub(super) fn check(&self, access: &Access<'_>) -> Result<(), ApiError> {
        let refusal = match self.by_grant(|rights| rights.check(self.caller.module(), access)) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        Err(self.refuse(refusal))
    }

    /// Tells a refusal, and answers what the guest is told.
    pub(super) fn refuse(&self, refusal: Refusal) -> ApiError {
        self.host.refused(&self.caller, &refusal);
        let reason = match refusal {
            Refusal::NotGranted { .. } => "NotGranted",
            Refusal::Malformed { .. } => "BadRequest",
        };
        ApiError::host(reason, refusal.to_string())
    }
}

/// An access to the place of one object.
pub(super) fn located<'a>(
    verb: &'a str,
    resource: &'a Resource,
    name: &'a ObjectName,
) -> Result<Access<'a>, ApiError> {
    if resource.namespaced && name.namespace.is_none() {
        return Err(bad_request(format!("{} lives in namespaces: say in which one", resource.kind)));
    }
    Ok(Access { namespace: name.namespace.as_deref(), ..Access::of(verb, resource) })
}

/// Whether a kind could be one: it goes into paths, logs and Events.
pub(super) fn is_kind(kind: &Kind) -> bool {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
            && text.split('.').all(|label| !label.is_empty())
    };
    let version = |text: &str| word(text) && !text.contains('.');
    let api_version = match kind.api_version.split_once('/') {
        Some((group, rest)) => word(group) && version(rest),
        None => version(&kind.api_version),
    };
    let name = kind.kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    api_version && name && kind.api_version.len() <= KIND_BYTES_MAX && kind.kind.len() <= KIND_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_lead_to_another_path_is_no_kind() {
        for (api_version, kind, want) in [
            ("v1", "ConfigMap", true),
            ("apps/v1", "Deployment", true),
            ("example.com/v1alpha1", "Website", true),
            ("", "ConfigMap", false),
            ("v1/", "ConfigMap", false),
            ("/v1", "ConfigMap", false),
            ("../v1", "ConfigMap", false),
            ("a/b/v1", "ConfigMap", false),
            ("apps/v1?x=1", "Deployment", false),
            ("apps%2fv1", "Deployment", false),
            ("Apps/v1", "Deployment", false),
            ("v1", "", false),
            ("v1", "pods/exec", false),
            ("v1", "configmap", false),
        ] {
            assert_eq!(is_kind(&Kind::new(api_version, kind)), want, "{api_version} {kind}");
        }
    }
}
