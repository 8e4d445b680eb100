//! Watches: the lines of a stream, each with what befalls it, and the stream's end.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::unfold;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::Instant;
use tower::BoxError;

use crate::signal::Listener;

use super::body::piece;
use super::plan::{Asked, Ending};
use super::random::Draws;
use super::refuse::{broken, expired, throttled, whole};
use super::service::{Answer, Body, reset};
use super::{Fault, Faults};
use crate::status::ApiError;

/// An event by itself is late by so much at most.
const EVENT_LATE_MAX: Duration = Duration::from_secs(4);

struct Lines {
    faults: Faults,
    asked: Asked,
    draws: Draws,
    inner: Body,
    /// Bytes that are no whole line yet.
    partial: BytesMut,
    /// Lines that have come and wait for their turn.
    lines: VecDeque<Bytes>,
    /// Pieces on their way.
    pieces: VecDeque<Bytes>,
    ending: Option<Ending>,
    /// The next line is to be broken off; whether with an error.
    cut: Option<bool>,
    /// The error after the last piece.
    failed: Option<BoxError>,
    breaks: Listener,
    over: bool,
}

/// How a step of the stream went.
enum Step {
    Piece(Bytes),
    Error(BoxError),
    End,
    Silence,
    Again,
}

/// Whether an answer is a watch whose events are lines of JSON.
pub(super) fn is_lines(head: &http::response::Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    head.status.is_success() && content_type.is_some_and(|value| value.starts_with("application/json"))
}

/// A watch that ends at once.
pub(super) fn empty() -> Answer {
    with_type(whole(Bytes::new()))
}

/// A watch that cannot begin where it asks to: 200, and the refusal as its only event.
pub(super) fn refused(error: &ApiError) -> Answer {
    with_type(whole(error_line(error)))
}

fn with_type(body: Body) -> Answer {
    let mut answer = http::Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn error_line(error: &ApiError) -> Bytes {
    format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", error.0.to_json()).into()
}

/// The stream with what befalls it.
pub(super) fn with_faults(faults: Faults, asked: Asked, mut draws: Draws, inner: Body) -> Body {
    let ending = faults.ending(&mut draws);
    let breaks = faults.inner.breaks.listen();
    let state = Lines {
        faults,
        asked,
        draws,
        inner,
        partial: BytesMut::new(),
        lines: VecDeque::new(),
        pieces: VecDeque::new(),
        ending,
        cut: None,
        failed: None,
        breaks,
        over: false,
    };
    let frames = unfold(state, |mut state| async move {
        let next = state.next().await?;
        Some((next.map(Frame::data), state))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Lines {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(Ok(piece));
            }
            if self.over {
                return self.failed.take().map(Err);
            }
            match self.step().await {
                Step::Piece(piece) => return Some(Ok(piece)),
                Step::Error(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
                Step::End => self.over = true,
                Step::Silence => std::future::pending().await,
                Step::Again => {}
            }
        }
    }

    async fn step(&mut self) -> Step {
        if let Some(line) = self.lines.pop_front() {
            return self.line(line).await;
        }
        let ends_at = self.ending.as_ref().map(|ending| ending.at);
        tokio::select! {
            biased;
            () = self.breaks.raised() => Step::Error(reset()),
            () = due(ends_at) => self.end(),
            frame = self.inner.frame() => match frame {
                None => Step::End,
                Some(Err(error)) => Step::Error(error),
                Some(Ok(frame)) => self.feed(&frame.into_data().unwrap_or_default()),
            },
        }
    }

    fn feed(&mut self, data: &[u8]) -> Step {
        if data.is_empty() {
            // The empty piece with which a watch tells that it stands.
            return Step::Piece(Bytes::new());
        }
        self.partial.extend_from_slice(data);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            self.lines.push_back(self.partial.split_to(end + 1).freeze());
        }
        Step::Again
    }

    /// One line, after all that holds it up.
    async fn line(&mut self, line: Bytes) -> Step {
        let bookmark = line.starts_with(br#"{"type":"BOOKMARK""#);
        let last_initial = bookmark && contains(&line, b"k8s.io/initial-events-end");
        if bookmark && !last_initial {
            let lost = self.faults.strikes(&mut self.draws, Fault::BookmarkLost, &self.asked);
            if lost {
                return Step::Again;
            }
        } else {
            self.maybe_hold();
        }
        let late = self.draws.time(Duration::from_millis(1), EVENT_LATE_MAX);
        if self.faults.strikes(&mut self.draws, Fault::EventLate, &self.asked)
            && let Some(step) = self.wait(Instant::now() + late).await
        {
            return step;
        }
        while let Some(until) = self.faults.held_until(&self.asked.resource) {
            if let Some(step) = self.wait(until).await {
                return step;
            }
        }
        if !bookmark && self.faults.strikes(&mut self.draws, Fault::EventTwice, &self.asked) {
            self.send(line.clone());
        }
        if let Some(with_error) = self.cut.take() {
            return self.break_off(&line, with_error);
        }
        self.send(line);
        Step::Again
    }

    /// Perhaps this event makes its resource wait.
    fn maybe_hold(&mut self) {
        let held = self.draws.time(Duration::from_secs(1), self.faults.profile().longest_delay() * 2);
        if self.faults.strikes(&mut self.draws, Fault::ResourceHeld, &self.asked) {
            self.faults.hold(&self.asked.resource, Instant::now() + held);
        }
    }

    /// Waits; a break or the stream's end comes before.
    async fn wait(&mut self, until: Instant) -> Option<Step> {
        let ends_at = self.ending.as_ref().map(|ending| ending.at);
        tokio::select! {
            biased;
            () = self.breaks.raised() => Some(Step::Error(reset())),
            () = self.faults.delay(until) => None,
            () = due(ends_at) => match self.end() {
                Step::Again => None,
                step => Some(step),
            },
        }
    }

    /// The stream's time has come, unless faults are over.
    fn end(&mut self) -> Step {
        let Some(Ending { fault, with_error, .. }) = self.ending.take() else { return Step::Again };
        if self.faults.is_stopped() {
            return Step::Again;
        }
        self.faults.note(fault, &self.asked);
        let refusal = match fault {
            Fault::WatchLapsed => expired(&self.asked),
            Fault::WatchFailed => broken(),
            Fault::WatchThrottled => throttled(1),
            Fault::WatchSilent => return Step::Silence,
            Fault::WatchCut if self.draws.happens(500) => {
                self.cut = Some(with_error);
                return Step::Again;
            }
            Fault::WatchCut if with_error => return Step::Error(reset()),
            _ => return Step::End,
        };
        self.pieces.push_back(error_line(&refusal));
        Step::End
    }

    /// Sends a part of a line, and that was it.
    fn break_off(&mut self, line: &Bytes, with_error: bool) -> Step {
        let len = piece(&mut self.draws, line.len().saturating_sub(1));
        self.pieces.push_back(line.slice(..len.min(line.len())));
        self.lines.clear();
        if with_error {
            self.failed = Some(reset());
        }
        Step::End
    }

    /// Puts a line on its way, in pieces or whole.
    fn send(&mut self, mut line: Bytes) {
        if self.faults.strikes(&mut self.draws, Fault::Fragmented, &self.asked) {
            for _ in 0..=self.draws.below(3) {
                let len = piece(&mut self.draws, line.len());
                self.pieces.push_back(line.split_to(len.min(line.len())));
            }
        }
        if !line.is_empty() {
            self.pieces.push_back(line);
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    line.windows(text.len()).any(|window| window == text)
}
