//! Answers of discovery: documents made from the definitions served, with their `ETag`.

use std::sync::Arc;

use http::header::{ETAG, HeaderValue, VARY};

use super::answer::{self, JSON, Response};
use super::{Exchange, render};
use crate::catalog::Resources;
use crate::discovery::{self, AGGREGATED_CONTENT_TYPE, Form};
use crate::resource::ResourceDefinition;

/// All definitions in the order discovery shows them: built-in ones as recorded, then custom ones.
pub(super) fn definitions(resources: &Resources) -> Vec<Arc<ResourceDefinition>> {
    let custom = resources.custom().iter().map(|resource| match resource.terminating {
        false => Arc::clone(&resource.definition),
        true => ending(&resource.definition),
    });
    crate::resource::builtin().iter().cloned().chain(custom).collect()
}

/// A definition that is being removed: nothing of it can be made or changed any more.
fn ending(definition: &ResourceDefinition) -> Arc<ResourceDefinition> {
    let mut definition = definition.clone();
    definition.verbs.retain(|verb| !matches!(&**verb, "create" | "patch" | "update"));
    Arc::new(definition)
}

/// `/api` (core) or `/apis`, in the form asked for.
pub(super) fn root(exchange: &Exchange, resources: &Resources, core: bool) -> Response {
    let definitions = definitions(resources);
    let accept = exchange.header_list("accept");
    let form = match discovery::negotiate(accept.as_deref()) {
        Ok(form) => form,
        Err(refusal) => return answer::refusal(&render::not_acceptable(refusal)),
    };
    let mut response = match form {
        Form::Aggregated => tagged(exchange, discovery::aggregated(&definitions, core)),
        Form::Legacy(_) if core => answer::whole(200, JSON, discovery::api_versions(exchange.header("host"))),
        Form::Legacy(_) => answer::whole(200, JSON, discovery::group_list(&definitions)),
    };
    let vary = HeaderValue::from_static("Accept");
    response.headers_mut().insert(VARY, vary.clone());
    response.headers_mut().insert("x-varied-accept", vary);
    response
}

fn tagged(exchange: &Exchange, body: Vec<u8>) -> Response {
    let etag = discovery::etag(&body);
    let unchanged = discovery::is_unchanged(Some(exchange.header("if-none-match")), &etag);
    let mut response = if unchanged {
        answer::whole(304, AGGREGATED_CONTENT_TYPE, Vec::new())
    } else {
        answer::whole(200, AGGREGATED_CONTENT_TYPE, body)
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// `/apis/GROUP`, if the group is served.
pub(super) fn group(resources: &Resources, group: &str) -> Option<Response> {
    discovery::group(&definitions(resources), group).map(|body| answer::whole(200, JSON, body))
}

/// `/api/v1` or `/apis/GROUP/VERSION`, if the version is served.
pub(super) fn resource_list(resources: &Resources, group: &str, version: &str) -> Option<Response> {
    let body = discovery::resource_list(&definitions(resources), group, version)?;
    Some(answer::whole(200, JSON, body))
}
