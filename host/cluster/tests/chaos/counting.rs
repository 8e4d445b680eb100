//! How many requests are made and how many watches are open, counted outside of the faults: what the host asks for.

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::Frame;
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::time::Instant;
use tower::{BoxError, Service};
use windlass_apiserver::fault::Body;

/// More requests than this within one second are no backoff any more.
const PER_SECOND_MAX: usize = 300;

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Bodies that are open.
    pub(crate) open: AtomicUsize,
    /// Requests in all.
    pub(crate) requests: AtomicUsize,
    second: Mutex<Option<(Instant, usize)>>,
    /// The most in any second.
    pub(crate) burst: AtomicUsize,
}

impl Counts {
    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (_, count) = match &mut *second {
            Some(known) if now.duration_since(known.0).as_secs() < 1 => known,
            other => other.insert((now, 0)),
        };
        *count += 1;
        self.burst.fetch_max(*count, Ordering::Relaxed);
        // A loop that never waits would never end either: virtual time stands still in it.
        assert!(*count < PER_SECOND_MAX, "more than {PER_SECOND_MAX} requests within a second");
    }
}

/// Counts what passes.
#[derive(Clone)]
pub(crate) struct Counting<S> {
    pub(crate) inner: S,
    pub(crate) counts: Arc<Counts>,
}

impl<S, B> Service<http::Request<B>> for Counting<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Counted>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        self.counts.request();
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let guard = is_watch.then(|| Open::new(self.counts.clone()));
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Counted { body, _open: guard })) })
    }
}

struct Open(Arc<Counts>);

impl Open {
    fn new(counts: Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that counts as open while it lives.
pub(crate) struct Counted {
    body: Body,
    _open: Option<Open>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
}
