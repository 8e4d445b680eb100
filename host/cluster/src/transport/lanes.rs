//! More HTTP/2 connections before one is full.
//!
//! A server allows a connection so many streams at once (100 by default). The pool of the HTTP client would let the
//! 101st watch wait for ever, so a further connection is opened at 80.

use super::{RequestBody, stack::HttpClient};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tower::{BoxError, Service};

/// Streams on one connection before another one is opened.
const STREAMS_PER_LANE_MAX: usize = 80;

/// HTTP clients, each with its own pool, filled one after the other.
#[derive(Clone)]
pub(super) struct Lanes {
    lanes: Arc<Mutex<Vec<Lane>>>,
    open: Arc<dyn Fn() -> HttpClient + Send + Sync>,
}

struct Lane {
    client: HttpClient,
    streams: Arc<AtomicUsize>,
}

impl Lanes {
    pub(super) fn new(open: impl Fn() -> HttpClient + Send + Sync + 'static) -> Self {
        Self { lanes: Arc::default(), open: Arc::new(open) }
    }

    /// The first lane with room, counted one stream up until the guard is dropped.
    fn take(&self) -> (HttpClient, StreamGuard) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let free = lanes.iter().position(|lane| lane.streams.load(Ordering::Relaxed) < STREAMS_PER_LANE_MAX);
        let at = free.unwrap_or_else(|| {
            lanes.push(Lane { client: (self.open)(), streams: Arc::default() });
            lanes.len() - 1
        });
        let lane = &lanes[at];
        lane.streams.fetch_add(1, Ordering::Relaxed);
        (lane.client.clone(), StreamGuard(lane.streams.clone()))
    }
}

impl Service<Request<RequestBody>> for Lanes {
    type Response = Response<Counted>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (client, guard) = self.take();
        Box::pin(async move {
            let answer = client.request(request).await?;
            Ok(answer.map(|body| Counted { body, _guard: guard }))
        })
    }
}

struct StreamGuard(Arc<AtomicUsize>);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that counts as one open stream while it lives.
pub(super) struct Counted {
    body: Incoming,
    _guard: StreamGuard,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
