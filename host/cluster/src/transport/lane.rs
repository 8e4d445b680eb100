//! One HTTP/2 connection: how it is opened, how full it is, and when it is over.

use super::{RequestBody, stack::Connector};
use crate::connect::Liveness;
use http::Uri;
use hyper::client::conn::{
    TrySendError,
    http2::{self, Connection, SendRequest},
};
use hyper_util::{
    client::legacy::connect::Connection as _,
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tower::{BoxError, Service, ServiceExt};

/// Streams on one connection before another one is opened, however many the server allows: 80 unread ones fit the
/// connection's window.
const STREAMS_MAX: usize = 80;
/// What one unread stream may hold back.
const STREAM_WINDOW: u32 = 512 * 1024;
/// More than all streams of a connection may hold back together, so a watch whose reader is slow never stops its
/// neighbours.
const CONNECTION_WINDOW: u32 = 81 * STREAM_WINDOW;
/// A connection beyond the first that carries nothing for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(90);

type Sender = SendRequest<RequestBody>;

/// One connection.
pub(super) struct Lane {
    sender: Sender,
    streams: Arc<AtomicUsize>,
    /// What the server allows at once.
    allowed: watch::Receiver<usize>,
    idle_since: Option<Instant>,
}

/// Counts as one open stream while it lives.
pub(super) struct StreamGuard(Arc<AtomicUsize>);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    /// Connects, and waits until the server has said how many streams it allows. None: it speaks HTTP/1.1.
    pub(super) async fn open(
        mut connector: Connector,
        uri: Uri,
        liveness: Liveness,
    ) -> Result<Option<Self>, BoxError> {
        let stream = connector.ready().await?.call(uri).await?;
        if !stream.connected().is_negotiated_h2() {
            return Ok(None);
        }
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(liveness.ping_interval)
            .keep_alive_timeout(liveness.ping_timeout)
            // A connection that broke while nothing was asked is found before the next call needs it.
            .keep_alive_while_idle(true)
            .initial_max_send_streams(0)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder.handshake(stream).await?;
        let (tell, mut allowed) = watch::channel(0);
        tokio::spawn(drive(connection, tell));
        if allowed.wait_for(|allowed| *allowed > 0).await.is_err() {
            return Err("the server closed the connection at once".into());
        }
        Ok(Some(Self { sender, streams: Arc::default(), allowed, idle_since: None }))
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Whether it has carried nothing for a while.
    pub(super) fn is_stale(&mut self) -> bool {
        if self.streams.load(Ordering::Relaxed) > 0 {
            self.idle_since = None;
            return false;
        }
        self.idle_since.get_or_insert_with(Instant::now).elapsed() > IDLE_MAX
    }

    /// Whether there is room for one more stream, with a fifth of what the server allows to spare.
    pub(super) fn has_room(&self) -> bool {
        let allowed = *self.allowed.borrow();
        let most = (allowed - allowed / 5).min(STREAMS_MAX);
        self.streams.load(Ordering::Relaxed) < most
    }

    /// One stream.
    pub(super) fn take(&mut self) -> (Sender, StreamGuard) {
        self.idle_since = None;
        self.streams.fetch_add(1, Ordering::Relaxed);
        (self.sender.clone(), StreamGuard(self.streams.clone()))
    }
}

/// Drives a connection to its end. The server's bound comes with its first frame, of which the connection tells
/// nobody, so it is looked at in quick succession until it is there, and then whenever the connection has moved.
async fn drive<T>(mut connection: Connection<T, RequestBody, TokioExecutor>, allowed: watch::Sender<usize>)
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let mut pause = Duration::from_micros(500);
    while *allowed.borrow() == 0 {
        tokio::select! {
            ended = &mut connection => return told(ended),
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_millis(50)),
        }
        allowed.send_replace(connection.current_max_send_streams());
    }
    let ended = poll_fn(|context| {
        let polled = Pin::new(&mut connection).poll(context);
        allowed.send_if_modified(|held| {
            let now = connection.current_max_send_streams();
            std::mem::replace(held, now) != now
        });
        polled
    });
    told(ended.await);
}

fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API server ended");
    }
}

/// Whether no server has worked on the request: it was not sent, or the server said so (RFC 9113, 6.8 and 8.7).
pub(super) fn never_processed<B>(error: &TrySendError<B>) -> bool {
    let refused = |error: &h2::Error| {
        error.is_remote()
            && (error.reason() == Some(h2::Reason::REFUSED_STREAM)
                || error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR))
    };
    let said = std::error::Error::source(error.error()).and_then(|cause| cause.downcast_ref::<h2::Error>());
    error.message().is_some() || said.is_some_and(refused)
}
