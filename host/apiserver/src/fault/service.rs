//! The tower layer and service.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};

use super::plan::Asked;
use super::random::Draws;
use super::{Fault, Faults, body, refuse, stale, stream};

/// The body of an answer, which may break off.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;
/// An answer.
pub(super) type Answer = http::Response<Body>;

/// Puts faults between a client and a service that answers HTTP; see [`Faults::layer`].
#[derive(Debug, Clone)]
pub struct FaultLayer {
    faults: Faults,
}

impl FaultLayer {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults }
    }
}

impl<S> tower::Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FaultService { inner, faults: self.faults.clone() }
    }
}

/// A service with faults. Its errors are those of a client's connection: refused, reset.
#[derive(Debug, Clone)]
pub struct FaultService<S> {
    inner: S,
    faults: Faults,
}

impl<S, B, R> tower::Service<http::Request<B>> for FaultService<S>
where
    S: tower::Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Default + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<http::Response<Body>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        // The one that is ready serves, as tower wants it.
        let ready = std::mem::replace(&mut self.inner, clone);
        serve(self.faults.clone(), ready, request).boxed()
    }
}

/// A reset connection, as the HTTP client reports it.
pub(super) fn reset() -> BoxError {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer (injected)").into()
}

fn refused() -> BoxError {
    io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused (injected)").into()
}

async fn serve<S, B, R>(faults: Faults, inner: S, request: http::Request<B>) -> Result<Answer, BoxError>
where
    S: tower::Service<http::Request<B>, Response = http::Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Default,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let asked = Asked::of(&request);
    let mut draws = faults.draws(&asked);
    match faults.instead(&asked, &mut draws) {
        Some(Fault::Unreachable) => return Err(refused()),
        Some(Fault::WatchEndsAtOnce) => return Ok(stream::empty()),
        Some(Fault::WatchExpired) => return Ok(stream::refused(&refuse::expired(&asked))),
        Some(fault) => return Ok(refuse::answer(fault, &asked, &mut draws)),
        None => {}
    }
    let older = 1 + draws.below(stale::DEPTH_MAX);
    let is_stale = asked.may_be_stale(&crate::query::Query::parse(request.uri().query()));
    let answer = if is_stale && draws.happens(faults.profile().rate(Fault::Stale)) && !faults.is_stopped() {
        stale::answer(&faults, &asked, inner, request, older).await?
    } else {
        open(inner.oneshot(request).await.map_err(Into::into)?)
    };
    carry(&faults, asked, draws, answer).await
}

/// What happens to an answer on its way, and to its body.
async fn carry(faults: &Faults, asked: Asked, mut draws: Draws, answer: Answer) -> Result<Answer, BoxError> {
    if faults.strikes(&mut draws, Fault::AnswerNever, &asked) {
        return std::future::pending().await;
    }
    if faults.strikes(&mut draws, Fault::AnswerLost, &asked) {
        return Err(reset());
    }
    let late = draws.time(Duration::from_millis(1), faults.profile().longest_delay());
    if faults.strikes(&mut draws, Fault::AnswerLate, &asked) {
        let mut breaks = faults.inner.breaks.listen();
        tokio::select! {
            biased;
            () = breaks.raised() => return Err(reset()),
            () = faults.delay(Instant::now() + late) => {}
        }
    }
    let (head, inner) = answer.into_parts();
    let body = if asked.is_watch() && stream::is_lines(&head) {
        stream::with_faults(faults.clone(), asked, draws, inner)
    } else {
        body::with_faults(faults.clone(), asked, draws, inner)
    };
    Ok(http::Response::from_parts(head, body))
}

pub(super) fn open<R>(answer: http::Response<R>) -> Answer
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    answer.map(|body| body.map_err(Into::into).boxed_unsync())
}
