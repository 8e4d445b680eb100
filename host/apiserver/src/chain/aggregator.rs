//! The aggregator: `/apis` over all groups. Every API service is local here, so the rest is delegated.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::answer::{self, Response};
use super::{Exchange, Handler, discover};
use crate::registry::Registry;
use crate::status::ApiError;

#[derive(Debug)]
pub(super) struct Aggregator {
    registry: Registry,
}

impl Aggregator {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
    }

    fn answer(&self, exchange: &Exchange) -> Option<Response> {
        let parts: Vec<&str> = exchange.path.split('/').filter(|part| !part.is_empty()).collect();
        let resources = self.registry.resources();
        let response = match parts[..] {
            ["apis"] => discover::root(exchange, &resources, false),
            ["apis", group] => discover::group(&resources, group)?,
            _ => return None,
        };
        if exchange.method == http::Method::GET || exchange.method == http::Method::HEAD {
            Some(response)
        } else {
            Some(answer::failure(&ApiError::method_not_allowed()))
        }
    }
}

impl Handler for Aggregator {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>> {
        async move { self.answer(exchange) }.boxed()
    }
}
