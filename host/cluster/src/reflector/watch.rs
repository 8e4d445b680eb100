//! WATCH: the open stream, and how each of its ends leads on (R9–R14).

use super::{
    Counters, Delta, Settings, Sink, WatchError,
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
    /// The server was asked to end it by now.
    deadline: Instant,
    /// Events since it began.
    seen: u64,
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
    /// It has not, but discovery may have changed.
    Hint,
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
        let body = self.open("watch", target, &target.watch(version, initial, timeout)).await?;
        Ok(Stream {
            body,
            lines: Lines::new(self.reflector.settings.item_len_max),
            ready: VecDeque::new(),
            opened: Instant::now(),
            deadline: Instant::now() + timeout,
            seen: 0,
            ended: None,
        })
    }

    /// Watches on and on from what is held, with no relist (R14), until that cannot go on.
    /// None: the kind went, or is served elsewhere now.
    pub(super) async fn follow(&mut self, target: &Target, first: Option<Stream>) -> Option<WatchError> {
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
                Err(error) => return Some(error),
            };
            let end = self.pump(&mut stream).await;
            if !matches!(end, End::Hint) {
                let counters = self.counters();
                counters.spreads.watch_time.took(stream.opened.elapsed());
                counters.spreads.watch_items.brought(stream.seen);
            }
            let short = stream.seen == 0 && stream.opened.elapsed() < SHORT;
            match end {
                End::Clean | End::Broken(_) if short => {
                    Counters::up(&self.counters().short_watches);
                    return Some(WatchError::VeryShort);
                }
                // A server that goes down ends all its watches; they do not come back all at once.
                End::Clean if Instant::now() + SHORT < stream.deadline => self.reconnect(None).await,
                End::Clean => {}
                End::Broken(error) => self.reconnect(Some(error)).await,
                End::Hint if self.moved(target).await => return None,
                End::Hint => next = Some(stream),
                End::Idle => Counters::up(&self.counters().idle),
                End::Error(error) => {
                    let error = WatchError::Refused { verb: "watch", error };
                    if !keeps_place(&error) {
                        return Some(error);
                    }
                    self.fail(&error).await;
                }
            }
        }
    }

    /// Whether the kind is not served any more, or elsewhere. While that cannot be known, the watch goes on.
    async fn moved(&mut self, target: &Target) -> bool {
        self.target().await.is_ok_and(|now| now.as_ref() != Some(target))
    }

    async fn reconnect(&mut self, error: Option<TransportError>) {
        Counters::up(&self.counters().reconnects);
        let jitter = self.backoff.jitter(self.reflector.settings.reconnect_jitter_max);
        let error = error.map_or_else(|| "the server ended it early".to_owned(), |error| error.to_string());
        tracing::debug!(kind = %self.spec.kind, error, ?jitter, "a watch ended and is resumed");
        tokio::time::sleep(jitter).await;
    }

    /// Delivers until the stream ends, or discovery may have changed. It never begins at "" or "0", where events come
    /// in no order at first (R12): such watches are first lists, and what comes of those is staged.
    async fn pump(&mut self, stream: &mut Stream) -> End {
        let settings = self.reflector.settings.clone();
        loop {
            let intake = self.intake_now();
            let next = tokio::select! {
                biased;
                next = stream.next(&settings, &intake) => next,
                () = self.hints.changed() => Err(End::Hint),
            };
            if let Err(end) = next {
                return end;
            }
            let mut deltas = Vec::new();
            while let Some(event) = stream.ready.pop_front() {
                stream.seen += 1;
                match event {
                    Event::Changed(delta) => {
                        let counters = self.counters();
                        Counters::up(match &delta {
                            Delta::Upsert(_) => &counters.upserts,
                            Delta::Remove(_) => &counters.deletes,
                        });
                        self.version.clear();
                        self.version.push_str(delta.object().resource_version());
                        deltas.push(delta);
                    }
                    Event::Bookmark { version, .. } => {
                        Counters::up(&self.counters().bookmarks);
                        self.change(std::mem::take(&mut deltas)).await;
                        self.version = version;
                        self.sink.bookmark(&self.version).await;
                    }
                    Event::Undecodable(what) => skip(&intake, &what, &self.counters().skipped),
                    Event::Error(error) => {
                        Counters::up(&self.counters().errors);
                        self.change(deltas).await;
                        return End::Error(error);
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
            let version = slice.last().map(|delta| delta.object().resource_version().to_owned());
            self.sink.change(slice, &version.unwrap_or_default()).await;
        }
    }
}

type FrameResult = Result<http_body::Frame<bytes::Bytes>, tower::BoxError>;

impl Stream {
    /// The next events that are there, up to a batch of chunks; or how the stream ended.
    pub(super) async fn next(&mut self, settings: &Settings, intake: &Intake) -> Result<(), End> {
        if !self.ready.is_empty() {
            return Ok(());
        }
        if let Some(end) = self.ended.take() {
            return Err(end);
        }
        let until = (self.deadline + OVERTIME).min(Instant::now() + settings.idle_max);
        while self.ready.is_empty() {
            match tokio::time::timeout_at(until, self.body.frame()).await {
                Ok(frame) => self.take(frame, intake)?,
                Err(_) => return Err(End::Idle),
            }
        }
        // What has come already goes along, so that the sink gets slices.
        while self.ready.len() < settings.batch_len_max {
            let Some(frame) = self.body.frame().now_or_never() else { break };
            if let Err(end) = self.take(frame, intake) {
                self.ended = Some(end);
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Option<FrameResult>, intake: &Intake) -> Result<(), End> {
        let Some(frame) = frame else { return Err(End::Clean) };
        let frame = frame.map_err(|error| End::Broken(TransportError::classify(error)))?;
        let Ok(data) = frame.into_data() else { return Ok(()) };
        let ready = &mut self.ready;
        self.lines.feed(&data, &mut |line| {
            ready.push_back(match line {
                Line::Whole(bytes) => intake.event(bytes),
                Line::TooLong => Event::Undecodable("it is longer than the bound".to_owned()),
            });
        });
        Ok(())
    }

    /// The next event that has come.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// From now on this is a watch from the version that is held.
    pub(super) fn continues(&mut self) {
        self.seen = 0;
        self.opened = Instant::now();
    }
}

/// R10, R13: no connection and 429 say nothing about the version; the watch goes on where it was.
pub(super) fn keeps_place(error: &WatchError) -> bool {
    matches!(error, WatchError::Transport(_)) || error.code() == Some(429)
}
