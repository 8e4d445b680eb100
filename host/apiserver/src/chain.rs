//! The way of a request, from filters to the handler that serves it.
//!
//! ```text
//! filters:  panic → 500 · request info · authentication · audit · authorization · body limit · timeout
//! handlers: health → OpenAPI → aggregator (/apis) → core groups → custom resources → 404
//! ```
//!
//! Each handler serves the request or delegates to the next one, as in kube-apiserver. A new
//! CustomResourceDefinition changes what the last serves, not the chain.

mod aggregator;
mod answer;
mod audit;
mod authenticate;
mod authorize;
mod core_groups;
mod custom_resources;
mod discover;
mod exchange;
mod filter;
mod health;
mod openapi;
mod read_body;
mod render;
mod request_info;
mod resource;
mod reviews;
mod stream;
mod subresource;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use self::answer::{Body, Response};
pub use self::audit::{Audit, AuditLog, AuditRecord};
pub use self::authenticate::{Authenticator, Identity, MASTERS, User};
pub use self::authorize::Authorization;
pub use self::exchange::Exchange;
pub use self::request_info::RequestInfo;

pub(crate) use self::authenticate::IssuedTokens;
pub(crate) use self::filter::Filters;

use crate::registry::Registry;

/// Serves a request, or gives `None` to delegate it to the next handler.
pub(crate) trait Handler: std::fmt::Debug + Send + Sync {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>>;
}

/// The handlers in their order.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    handlers: Arc<[Box<dyn Handler>]>,
}

impl Chain {
    pub(crate) fn new(registry: &Registry, tokens: &IssuedTokens) -> Self {
        let handlers: Vec<Box<dyn Handler>> = vec![
            Box::new(health::Health::new(registry)),
            Box::new(openapi::OpenApi::new(registry)),
            Box::new(aggregator::Aggregator::new(registry)),
            Box::new(core_groups::CoreGroups::new(registry, tokens)),
            Box::new(custom_resources::CustomResources::new(registry)),
        ];
        Self { handlers: handlers.into() }
    }

    pub(crate) async fn serve(&self, exchange: &Exchange) -> Response {
        for handler in &*self.handlers {
            if let Some(response) = handler.serve(exchange).await {
                return response;
            }
        }
        answer::no_such_path()
    }
}
