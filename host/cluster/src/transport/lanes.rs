//! HTTP/2 connections, filled one after the other, and HTTP/1.1 where the server speaks no other.
//!
//! A server allows a connection so many streams at once. A pool that does not look at that bound lets the watch over
//! it wait for ever, so the bound that the server tells is read, and a further connection is opened at four fifths
//! of it, 80 at most. Connecting is one at a time: whoever waited takes its result, be it a failure. A request
//! that the server cannot have seen (the connection was drained by GOAWAY, the stream refused) goes out again over
//! another connection, unseen by the caller.

use super::{
    RequestBody,
    lane::{Lane, StreamGuard, never_processed},
    stack::{Connector, HttpClient},
};
use crate::connect::Liveness;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, Uri, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::{BoxError, Service};

/// For name, TCP, TLS and the server's first word together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A server that took HTTP/1.1 is asked for HTTP/2 again after this.
const HTTP1_FOR: Duration = Duration::from_secs(600);
/// How often a request goes out that no server has seen.
const SENDS_MAX: u32 = 4;

/// Ways to one server.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Inner>);

struct Inner {
    connector: Connector,
    http1: HttpClient,
    liveness: Liveness,
    lanes: Mutex<Vec<Lane>>,
    /// The last failure to connect, while somebody may still wait for it.
    connecting: tokio::sync::Mutex<Option<(Instant, Unconnected)>>,
    http1_since: Mutex<Option<Instant>>,
}

/// No connection. Shared by all who waited for it.
#[derive(Clone, Debug)]
pub(super) struct Unconnected(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Unconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl StdError for Unconnected {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

impl From<BoxError> for Unconnected {
    fn from(error: BoxError) -> Self {
        Self(error.into())
    }
}

type Sender = SendRequest<RequestBody>;

impl Lanes {
    /// No connection is made before the first request. `http1` is for servers without HTTP/2.
    pub(super) fn new(connector: Connector, http1: HttpClient, liveness: Liveness) -> Self {
        Self(Arc::new(Inner {
            connector,
            http1,
            liveness,
            lanes: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            http1_since: Mutex::default(),
        }))
    }

    async fn send(&self, request: Request<RequestBody>) -> Result<Response<Counted>, BoxError> {
        let (head, body) = request.into_parts();
        let mut sends = 1;
        loop {
            let request = Request::from_parts(head.clone(), body.clone());
            let Some((mut sender, guard)) = self.lane(request.uri()).await? else {
                let answer = self.0.http1.request(request).await?;
                return Ok(answer.map(|body| Counted { body, _guard: None }));
            };
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok(answer.map(|body| Counted { body, _guard: Some(guard) })),
                Err(error) if sends < SENDS_MAX && never_processed(&error) => sends += 1,
                Err(error) => return Err(error.into_error().into()),
            }
        }
    }

    /// A stream on some connection; none: the server speaks HTTP/1.1.
    async fn lane(&self, uri: &Uri) -> Result<Option<(Sender, StreamGuard)>, Unconnected> {
        if let Some(taken) = self.take() {
            return Ok(Some(taken));
        }
        if self.speaks_http1(uri) {
            return Ok(None);
        }
        let asked = Instant::now();
        let mut last = self.0.connecting.lock().await;
        if let Some(taken) = self.take() {
            return Ok(Some(taken));
        }
        if self.speaks_http1(uri) {
            return Ok(None);
        }
        if let Some((at, error)) = &*last
            && *at > asked
        {
            return Err(error.clone());
        }
        let opening = Lane::open(self.0.connector.clone(), uri.clone(), self.0.liveness);
        let opened = match tokio::time::timeout(CONNECT_TIMEOUT, opening).await {
            Ok(opened) => opened.map_err(Unconnected::from),
            Err(_) => Err(BoxError::from(format!("no answer within {CONNECT_TIMEOUT:?}")).into()),
        };
        match opened {
            Ok(Some(mut lane)) => {
                let taken = lane.take();
                self.lanes().push(lane);
                Ok(Some(taken))
            }
            Ok(None) => {
                *self.0.http1_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Ok(None)
            }
            Err(error) => {
                *last = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The first connection with room.
    fn take(&self) -> Option<(Sender, StreamGuard)> {
        let mut lanes = self.lanes();
        let mut at = 0;
        lanes.retain_mut(|lane| {
            let first = at == 0;
            let stays = lane.is_open() && (first || !lane.is_stale());
            at += usize::from(stays);
            stays
        });
        lanes.iter_mut().find(|lane| lane.has_room()).map(Lane::take)
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, Vec<Lane>> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without TLS nothing is negotiated: what then listens is a proxy such as `kubectl proxy`, and that takes HTTP/1.1.
    fn speaks_http1(&self, uri: &Uri) -> bool {
        let since = *self.0.http1_since.lock().unwrap_or_else(PoisonError::into_inner);
        uri.scheme() == Some(&Scheme::HTTP) || since.is_some_and(|since| since.elapsed() < HTTP1_FOR)
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
        let lanes = self.clone();
        Box::pin(async move { lanes.send(request).await })
    }
}

/// A body that counts as one open stream while it lives. Dropped before its end, it resets the stream, and what the
/// server sent of it is given back to the connection's window.
pub(super) struct Counted {
    body: Incoming,
    _guard: Option<StreamGuard>,
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
