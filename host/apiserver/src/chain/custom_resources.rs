//! What CustomResourceDefinitions define.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::answer::Response;
use super::{Exchange, Handler, discover, resource};
use crate::registry::Registry;

#[derive(Debug)]
pub(super) struct CustomResources {
    registry: Registry,
}

impl CustomResources {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
    }

    async fn answer(&self, exchange: &Exchange) -> Option<Response> {
        let resources = self.registry.resources();
        let info = &exchange.info;
        if info.group.is_empty() {
            return None;
        }
        if !info.is_resource {
            return discover::resource_list(&resources, &info.group, &info.version);
        }
        let found = resources.find(&info.group, &info.version, &info.resource)?;
        Some(resource::serve(&self.registry, exchange, found).await)
    }
}

impl Handler for CustomResources {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>> {
        self.answer(exchange).boxed()
    }
}
