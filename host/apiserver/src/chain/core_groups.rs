//! The built-in groups: `/api`, and `/apis/GROUP/VERSION` where Kubernetes itself defines it.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::answer::{self, Response};
use super::{Exchange, Handler, IssuedTokens, discover, resource, subresource};
use crate::registry::Registry;
use crate::status::ApiError;

#[derive(Debug)]
pub(super) struct CoreGroups {
    registry: Registry,
    tokens: IssuedTokens,
}

impl CoreGroups {
    pub(super) fn new(registry: &Registry, tokens: &IssuedTokens) -> Self {
        Self { registry: registry.clone(), tokens: tokens.clone() }
    }

    async fn answer(&self, exchange: &Exchange) -> Option<Response> {
        let resources = self.registry.resources();
        let info = &exchange.info;
        if matches!(exchange.path.trim_end_matches('/'), "/api") {
            return Some(discover::root(exchange, &resources, true));
        }
        let core = exchange.path.starts_with("/api/");
        if info.version.is_empty() || core != info.group.is_empty() {
            return None;
        }
        if !resources.is_built_in(&info.group, &info.version) {
            // A version that a group of Kubernetes does not have is a missing resource, not a missing path.
            let built_in = resources.is_built_in_group(&info.group);
            return built_in.then(|| answer::failure(&ApiError::no_such_resource()));
        }
        if !info.is_resource {
            return discover::resource_list(&resources, &info.group, &info.version);
        }
        let found = resources.find(&info.group, &info.version, &info.resource);
        let Some(found) = found else {
            return Some(answer::failure(&ApiError::no_such_resource()));
        };
        if let Some(response) = subresource::serve(&self.registry, &self.tokens, exchange, found).await {
            return Some(response);
        }
        Some(resource::serve(&self.registry, exchange, found).await)
    }
}

impl Handler for CoreGroups {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>> {
        self.answer(exchange).boxed()
    }
}
