//! The server as a tower service in this process.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::Body as HttpBody;

use crate::chain::{Filters, Response};

/// Serves requests with no socket between; cheap to clone. Answers to every request, so its error never happens.
#[derive(Debug, Clone)]
pub struct Service {
    filters: Filters,
}

impl Service {
    pub(super) fn new(filters: Filters) -> Self {
        Self { filters }
    }
}

impl<B> tower::Service<http::Request<B>> for Service
where
    B: HttpBody<Data: Send> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let filters = self.filters.clone();
        async move { Ok(filters.serve(request).await) }.boxed()
    }
}
