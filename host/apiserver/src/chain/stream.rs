//! A watch as an HTTP body: events as they come, bookmarks, an end in time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::unfold;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Exchange;
use super::answer::{self, Response};
use super::render::{self, Form};
use crate::catalog::Resource;
use crate::query::ListOptions;
use crate::registry::{Event, Registry, Watch};
use crate::status::ApiError;

/// How often a quiet watch is told how far it has come.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// Length of a watch that names no timeout, at least; up to twice that, so that they do not all end at once.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);
/// Bytes of events written at once, so that a long list of initial events goes out in pieces.
const CHUNK_BYTES: usize = 64 << 10;

struct Stream {
    form: Form,
    /// Whether an event has been written.
    any: bool,
    watch: Watch,
    registry: Registry,
    resource: Arc<Resource>,
    /// Events not written yet.
    waiting: std::vec::IntoIter<Event>,
    initial: bool,
    bookmarks: bool,
    ends_at: Instant,
    stopping: CancellationToken,
    ticks: tokio::time::Interval,
    over: bool,
    /// Version of the last bookmark.
    marked: u64,
}

/// The answer to a watch.
pub(super) fn respond(
    exchange: &Exchange,
    registry: &Registry,
    (form, resource): (Form, &Arc<Resource>),
    watch: Watch,
    options: &ListOptions,
) -> Response {
    let now = Instant::now();
    let ends_at = now + timeout(options.timeout_seconds);
    let mut ticks = interval_at(now + BOOKMARK_EVERY, BOOKMARK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = Stream {
        form,
        any: false,
        watch,
        registry: registry.clone(),
        resource: Arc::clone(resource),
        waiting: Vec::new().into_iter(),
        initial: true,
        bookmarks: options.bookmarks,
        ends_at,
        stopping: exchange.stopping.clone(),
        ticks,
        over: false,
        marked: 0,
    };
    let frames = unfold(stream, |mut stream| async move {
        let chunk = stream.chunk().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), stream))
    });
    answer::with_body(200, &form.stream_type(), StreamBody::new(frames).boxed_unsync())
}

/// The answer to a watch that cannot begin where it asks to.
pub(super) fn refuse(form: Form, error: &ApiError) -> Response {
    let mut body = Vec::new();
    render::error_event(form, error, &mut body);
    answer::whole(200, &form.stream_type(), body)
}

fn timeout(seconds: u64) -> Duration {
    if seconds > 0 {
        return Duration::from_secs(seconds);
    }
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    DEFAULT_TIMEOUT + DEFAULT_TIMEOUT * u32::try_from(spread).unwrap_or_default() / 256
}

impl Stream {
    /// The next piece of the body; `None` when the watch is over.
    async fn chunk(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        let mut out = Vec::new();
        if self.initial {
            self.initial = false;
            if let Some(events) = self.watch.take_initial() {
                match self.registry.events_in_version(&self.resource, events).await {
                    Ok(events) => self.waiting = events.into_iter(),
                    Err(error) => return Some(self.end_with(&error, out)),
                }
                return Some(self.initial_chunk(out));
            }
            // Headers go out with the first piece; an empty one makes clients see at once that the watch stands.
            return Some(Bytes::new());
        }
        if self.waiting.len() > 0 {
            return Some(self.initial_chunk(out));
        }
        tokio::select! {
            biased;
            events = self.watch.next() => match events {
                Ok(events) => match self.registry.events_in_version(&self.resource, events).await {
                    Ok(events) => self.write(&events, &mut out),
                    Err(error) => return Some(self.end_with(&error, out)),
                },
                Err(error) => return Some(self.end_with(&error, out)),
            },
            () = self.stopping.cancelled() => {
                self.over = true;
                return None;
            }
            () = sleep_until(self.ends_at) => {
                self.over = true;
                self.bookmark(&mut out);
            }
            _ = self.ticks.tick(), if self.bookmarks => self.tick(&mut out).await,
        }
        Some(out.into())
    }

    fn initial_chunk(&mut self, mut out: Vec<u8>) -> Bytes {
        while out.len() < CHUNK_BYTES {
            let Some(event) = self.waiting.next() else { break };
            self.write(std::slice::from_ref(&event), &mut out);
        }
        if self.waiting.len() == 0 && self.watch.marks_initial_end {
            self.watch.marks_initial_end = false;
            if self.bookmarks {
                self.marked = self.watch.version();
                render::bookmark(self.form, &self.resource, self.marked, true, &mut out);
            }
        }
        out.into()
    }

    fn write(&mut self, events: &[Event], out: &mut Vec<u8>) {
        for event in events {
            render::event(self.form, &self.resource, event, !self.any, out);
            self.any = true;
        }
    }

    /// Tells how far the watch has come, if that is further than was told.
    fn bookmark(&mut self, out: &mut Vec<u8>) {
        let version = self.watch.version();
        if self.bookmarks && version > self.marked {
            self.marked = version;
            render::bookmark(self.form, &self.resource, version, false, out);
        }
    }

    /// An error is the last that a watch tells.
    fn end_with(&mut self, error: &ApiError, mut out: Vec<u8>) -> Bytes {
        render::error_event(self.form, error, &mut out);
        self.over = true;
        out.into()
    }

    async fn tick(&mut self, out: &mut Vec<u8>) {
        let polled = self.watch.poll();
        let converted = match polled {
            Ok(events) => self.registry.events_in_version(&self.resource, events).await,
            Err(error) => Err(error),
        };
        match converted {
            Ok(events) => {
                self.write(&events, out);
                self.bookmark(out);
            }
            Err(error) => {
                render::error_event(self.form, &error, out);
                self.over = true;
            }
        }
    }
}
