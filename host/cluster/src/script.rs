//! A scripted API server for tests: requests in an expected order, with answers that stream, wait, break or hang.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{connect::Connection, transport::RequestBody};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::{BoxError, Service};

/// A piece of an answer's body.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    Wait(Duration),
    /// The connection breaks here.
    Break,
    /// Nothing more comes, and it does not end.
    Hang,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<Part>,
    },
    /// No answer: the connection breaks.
    Reset,
    /// No answer, ever.
    Silence,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Reply { status, headers: Vec::new(), body: vec![Part::Text(body.into())] }
    }

    pub(crate) fn stream(body: Vec<Part>) -> Self {
        Self::Reply { status: 200, headers: Vec::new(), body }
    }

    /// A `Status`.
    pub(crate) fn status(code: u16, reason: &str) -> Self {
        Self::json(code, status(code, reason, ""))
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// A `Status` as JSON.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> String {
    serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}).to_string()
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    seen: Vec<Seen>,
    /// Requests that are answered always, by the start of their line.
    routes: Vec<(String, Answer)>,
    routed: Vec<String>,
}

/// The server. Clones share their script.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Self::default();
        script.0.lock().unwrap().answers.extend(answers);
        script
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::in_process(self.clone())
    }

    /// Answers every request that begins so, outside of the script; replaces an earlier route.
    pub(crate) fn route(&self, line: &str, answer: Answer) {
        let mut state = self.0.lock().unwrap();
        state.routes.retain(|(known, _)| known != line);
        state.routes.push((line.to_owned(), answer));
    }

    pub(crate) fn push(&self, answer: Answer) {
        self.0.lock().unwrap().answers.push_back(answer);
    }

    /// The scripted requests that came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    /// How many requests came to a route.
    pub(crate) fn routed(&self, line: &str) -> usize {
        self.0.lock().unwrap().routed.iter().filter(|known| *known == line).count()
    }

    /// Serves aggregated discovery of these resources: `group/version plural Kind namespaced`.
    pub(crate) fn serve(&self, resources: &[(&str, &str, &str, bool)]) {
        let one = |(api_version, plural, kind, namespaced): &(&str, &str, &str, bool)| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            serde_json::json!({"metadata": {"name": group}, "versions": [{"version": version, "freshness": "Current",
                "resources": [{"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind},
                    "scope": if *namespaced { "Namespaced" } else { "Cluster" },
                    "subresources": [{"subresource": "status", "responseKind": {"kind": kind}, "verbs": ["patch"]}],
                    "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}]}]})
        };
        let (core, groups): (Vec<_>, Vec<_>) = resources.iter().partition(|one| !one.0.contains('/'));
        for (path, items) in [("GET /api", core), ("GET /apis", groups)] {
            let body = serde_json::json!({"kind": "APIGroupDiscoveryList", "items": items.into_iter().map(one).collect::<Vec<_>>()});
            let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
            self.route(path, Answer::json(200, body.to_string()).with_header("content-type", content_type));
        }
    }

    fn answer(&self, seen: Seen) -> Answer {
        let mut state = self.0.lock().unwrap();
        if let Some((line, answer)) = state.routes.iter().find(|(line, _)| *line == seen.line).cloned() {
            state.routed.push(line);
            return answer;
        }
        state.seen.push(seen);
        state.answers.pop_front().unwrap_or(Answer::Silence)
    }
}

type Body = UnsyncBoxBody<Bytes, BoxError>;

impl Service<Request<RequestBody>> for Script {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let script = self.clone();
        async move {
            let (head, body) = request.into_parts();
            let body: Result<_, Infallible> = body.collect().await;
            let body = String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap();
            let line = format!("{} {}", head.method, head.uri);
            match script.answer(Seen { line, headers: head.headers, body, at: Instant::now() }) {
                Answer::Reply { status, headers, body } => {
                    let mut answer = Response::builder().status(StatusCode::from_u16(status).unwrap());
                    for (name, value) in headers {
                        answer = answer.header(name, value);
                    }
                    Ok(answer.body(stream_of(body)).unwrap())
                }
                Answer::Reset => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                Answer::Silence => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn stream_of(parts: Vec<Part>) -> Body {
    let frames = stream::iter(parts).filter_map(|part| async move {
        match part {
            Part::Text(text) => Some(Ok(Frame::data(Bytes::from(text)))),
            Part::Wait(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Part::Break => Some(Err(BoxError::from(io::Error::from(io::ErrorKind::ConnectionReset)))),
            Part::Hang => std::future::pending().await,
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(frames.boxed()))
}
