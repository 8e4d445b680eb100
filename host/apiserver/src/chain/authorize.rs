//! Who may do what: everything for those who are known, little for those who are not.

use super::{Exchange, User};
use crate::status::{ApiError, Details};

/// How requests are authorized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Every authenticated user may do everything; anonymous ones may ask for health and version.
    #[default]
    AuthenticatedOnly,
    /// Everybody may do everything, as kube-apiserver's `AlwaysAllow`.
    AlwaysAllow,
}

/// Paths that everybody may read.
const PUBLIC: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];

impl Authorization {
    pub(super) fn check(self, exchange: &Exchange) -> Result<(), ApiError> {
        let known = exchange.user != User::anonymous();
        let public = PUBLIC.contains(&exchange.path.trim_end_matches('/'));
        if known || public || self == Self::AlwaysAllow { Ok(()) } else { Err(denied(exchange)) }
    }
}

fn denied(exchange: &Exchange) -> ApiError {
    let (info, user) = (&exchange.info, &exchange.user.name);
    if !info.is_resource {
        let path = &exchange.path;
        let message = format!("forbidden: User \"{user}\" cannot {} path \"{path}\"", info.verb);
        return ApiError::denied(message, Details::default());
    }
    let resource = if info.subresource.is_empty() {
        info.resource.clone()
    } else {
        format!("{}/{}", info.resource, info.subresource)
    };
    let subject = match (&*info.group, &*info.name) {
        ("", "") => info.resource.clone(),
        ("", name) => format!("{} \"{name}\"", info.resource),
        (group, "") => format!("{}.{group}", info.resource),
        (group, name) => format!("{}.{group} \"{name}\"", info.resource),
    };
    let scope = match &*info.namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let message = format!(
        "{subject} is forbidden: User \"{user}\" cannot {} resource \"{resource}\" in API group \"{}\" {scope}",
        info.verb, info.group
    );
    let details = Details {
        name: info.name.clone(),
        group: info.group.clone(),
        kind: info.resource.clone(),
        ..Details::default()
    };
    ApiError::denied(message, details)
}
