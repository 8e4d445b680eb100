//! WATCH: the open stream, and how each of its ends leads on (R9–R14).

use super::{
    Counters, Delta, Sink, WatchError,
    drive::Drive,
    event::{Event, Intake},
    lines::{Line, Lines},
    list::skip,
    target::Target,
};
use crate::transport::{ResponseBody, TransportError};
use futures::FutureExt;
use http_body_util::BodyExt;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;
use windlass_core::call::ApiError;

/// The server ends a watch by its `timeoutSeconds`; so long after it, we do.
const OVERTIME: Duration = Duration::from_secs(15);
/// A watch that ends sooner and without an event is too short (R14).
const SHORT: Duration = Duration::from_secs(1);

/// An open watch.
pub(super) struct Stream {
    body: ResponseBody,
    lines: Lines,
    ready: VecDeque<Event>,
    opened: Instant,
    deadline: Instant,
    /// Where it began; events of a watch from "" or "0" are not in order at first (R12).
    from: String,
    ended: Option<End>,
}

/// How a watch ended.
#[derive(Debug)]
pub(super) enum End {
    /// The server closed it.
    Clean,
    /// The connection broke.
    Broken(TransportError),
    /// Nothing came for too long.
    Idle,
    /// The server's ERROR event.
    Error(ApiError),
}

impl<S: Sink> Drive<S> {
    /// Opens a watch at this version.
    pub(super) async fn open_watch(
        &mut self,
        target: &Target,
        version: &str,
        initial: bool,
    ) -> Result<Stream, WatchError> {
        let counters = self.counters();
        Counters::up(if initial { &counters.watch_lists } else { &counters.watches });
        let least = self.reflector.settings.watch_timeout_min;
        let timeout = least + self.backoff.jitter(least);
        let body = self.open("watch", &target.watch(version, initial, timeout)).await?;
        Ok(Stream {
            body,
            lines: Lines::new(self.reflector.settings.item_len_max),
            ready: VecDeque::new(),
            opened: Instant::now(),
            deadline: Instant::now() + timeout + OVERTIME,
            from: version.to_owned(),
            ended: None,
        })
    }

    /// The next events that are there, up to a batch of chunks; or how the stream ended.
    pub(super) async fn next(&mut self, stream: &mut Stream, intake: &Intake) -> Result<(), End> {
        if !stream.ready.is_empty() {
            return Ok(());
        }
        if let Some(end) = stream.ended.take() {
            return Err(end);
        }
        let until = stream.deadline.min(Instant::now() + self.reflector.settings.idle_max);
        while stream.ready.is_empty() {
            match tokio::time::timeout_at(until, stream.body.frame()).await {
                Ok(frame) => self.take(stream, frame, intake)?,
                Err(_) => return Err(End::Idle),
            }
        }
        // What has come already goes along, so that the sink gets slices.
        while stream.ready.len() < self.reflector.settings.batch_len_max {
            let Some(frame) = stream.body.frame().now_or_never() else { break };
            if let Err(end) = self.take(stream, frame, intake) {
                stream.ended = Some(end);
                break;
            }
        }
        Ok(())
    }

    fn take(&self, stream: &mut Stream, frame: Option<FrameResult>, intake: &Intake) -> Result<(), End> {
        let Some(frame) = frame else { return Err(End::Clean) };
        let frame = frame.map_err(|error| End::Broken(TransportError::classify(error)))?;
        let Ok(data) = frame.into_data() else { return Ok(()) };
        let ready = &mut stream.ready;
        stream.lines.feed(&data, &mut |line| {
            ready.push_back(match line {
                Line::Whole(bytes) => intake.event(bytes),
                Line::TooLong => Event::Undecodable("it is longer than the bound".to_owned()),
            });
        });
        Ok(())
    }

    /// Watches on and on from what is held, with no relist (R14), until that cannot go on.
    pub(super) async fn follow(&mut self, target: &Target, first: Option<Stream>) -> WatchError {
        let mut next = first;
        loop {
            let version = self.version.clone();
            let opened = match next.take() {
                Some(stream) => Ok(stream),
                None => self.open_watch(target, &version, false).await,
            };
            let mut stream = match opened {
                Ok(stream) => stream,
                Err(error) if keeps_place(&error) => {
                    self.fail(&error).await;
                    continue;
                }
                Err(error) => return error,
            };
            let (end, seen) = self.pump(&mut stream).await;
            let short = seen == 0 && stream.opened.elapsed() < SHORT;
            match end {
                End::Clean | End::Broken(_) if short => return WatchError::VeryShort,
                End::Clean => {}
                End::Broken(error) => self.reconnect(&error).await,
                End::Idle => Counters::up(&self.counters().idle),
                End::Error(error) => {
                    let error = WatchError::Refused { verb: "watch", error };
                    if !keeps_place(&error) {
                        return error;
                    }
                    self.fail(&error).await;
                }
            }
        }
    }

    async fn reconnect(&mut self, error: &TransportError) {
        let jitter = self.backoff.jitter(self.reflector.settings.reconnect_jitter_max);
        tracing::debug!(kind = %self.spec.kind, %error, ?jitter, "a watch broke and is resumed");
        tokio::time::sleep(jitter).await;
    }

    /// Delivers until the stream ends. How it ended, and how many events there were.
    async fn pump(&mut self, stream: &mut Stream) -> (End, u64) {
        let mut seen = 0;
        let mut ordered = !matches!(stream.from.as_str(), "" | "0");
        loop {
            let intake = self.intake_now();
            if let Err(end) = self.next(stream, &intake).await {
                return (end, seen);
            }
            let mut deltas = Vec::new();
            while let Some(event) = stream.ready.pop_front() {
                seen += 1;
                match event {
                    Event::Changed { delta, added } => {
                        ordered |= !added;
                        if ordered {
                            self.version.clear();
                            self.version.push_str(&delta.object().header().resource_version);
                        }
                        deltas.push(delta);
                    }
                    Event::Bookmark { version, .. } => {
                        ordered = true;
                        self.change(std::mem::take(&mut deltas)).await;
                        self.version = version;
                        self.sink.bookmark(&self.version).await;
                    }
                    Event::Undecodable(what) => skip(&intake, &what, &self.counters().skipped),
                    Event::Error(error) => {
                        self.change(deltas).await;
                        return (End::Error(error), seen);
                    }
                }
            }
            self.change(deltas).await;
        }
    }

    /// Hands changes on, in slices.
    async fn change(&mut self, deltas: Vec<Delta>) {
        if !deltas.is_empty() {
            self.streak.end();
        }
        let batch_len_max = self.reflector.settings.batch_len_max;
        let mut rest = deltas.into_iter().peekable();
        while rest.peek().is_some() {
            let slice: Vec<Delta> = rest.by_ref().take(batch_len_max).collect();
            let version = slice.last().map(|delta| delta.object().header().resource_version.clone());
            self.sink.change(slice, &version.unwrap_or_default()).await;
        }
    }
}

type FrameResult = Result<http_body::Frame<bytes::Bytes>, tower::BoxError>;

impl Stream {
    /// The next event that has come.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// From now on this is a watch from a version that is held.
    pub(super) fn continues(&mut self, version: &str) {
        version.clone_into(&mut self.from);
        self.opened = Instant::now();
    }
}

/// R10, R13: no connection and 429 say nothing about the version; the watch goes on where it was.
pub(super) fn keeps_place(error: &WatchError) -> bool {
    matches!(error, WatchError::Transport(_)) || error.code() == Some(429)
}
