//! An API server in this process that both sides ask over the same service: discovery, a list in pages, one watch.

use bytes::Bytes;
use futures::{
    channel::mpsc::{self, UnboundedSender},
    future::{Ready, ready},
    stream::{self, BoxStream, StreamExt},
};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tower::Service;

/// A frame of a body is at most so long, as HTTP/2 has it by default.
const FRAME: usize = 16 * 1024;

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

#[derive(Debug, Default)]
struct State {
    pages: Vec<Bytes>,
    watch: Option<UnboundedSender<Bytes>>,
}

/// The server. Clones are one server.
#[derive(Clone, Debug)]
pub struct Server(Arc<Mutex<State>>);

impl Server {
    /// Serves these pages of Pods.
    #[must_use]
    pub fn new(pages: Vec<Bytes>) -> Self {
        Self(Arc::new(Mutex::new(State { pages, watch: None })))
    }

    /// Whether a watch is open.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.0.lock().expect("nothing panics here").watch.is_some()
    }

    /// Sends lines over the open watch.
    pub fn tell(&self, lines: Bytes) {
        let state = self.0.lock().expect("nothing panics here");
        let watch = state.watch.as_ref().expect("a watch is open");
        watch.unbounded_send(lines).expect("the client reads the watch");
    }

    /// Ends the watch so that the client lists again.
    pub fn expire(&self) {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version","reason":"Expired","code":410}"#;
        self.tell(format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n").into());
        self.0.lock().expect("nothing panics here").watch = None;
    }

    fn answer(&self, path: &str, query: &str) -> (StatusCode, BoxStream<'static, Bytes>) {
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let mut state = self.0.lock().expect("nothing panics here");
        match path {
            "/api" => (StatusCode::OK, whole(DISCOVERY.into())),
            "/apis" => (StatusCode::OK, whole(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.into())),
            "/api/v1/pods" if parameter("sendInitialEvents").is_some() => {
                (StatusCode::UNPROCESSABLE_ENTITY, whole(INVALID.into()))
            }
            "/api/v1/pods" if parameter("watch").is_some() => {
                let (sender, lines) = mpsc::unbounded();
                state.watch = Some(sender);
                (StatusCode::OK, lines.boxed())
            }
            "/api/v1/pods" => {
                let page = parameter("continue").and_then(|token| token.parse().ok()).unwrap_or(0_usize);
                (StatusCode::OK, whole(state.pages[page].clone()))
            }
            other => panic!("nobody should ask for {other}"),
        }
    }
}

fn whole(body: Bytes) -> BoxStream<'static, Bytes> {
    stream::iter([body]).boxed()
}

/// Cut into frames without a copy.
fn frames(body: Bytes) -> impl futures::Stream<Item = Result<Frame<Bytes>, Infallible>> {
    let starts = (0..body.len()).step_by(FRAME);
    let frame = move |start: usize| Ok(Frame::data(body.slice(start..(start + FRAME).min(body.len()))));
    stream::iter(starts.map(frame))
}

impl<B> Service<Request<B>> for Server {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (status, body) = self.answer(request.uri().path(), request.uri().query().unwrap_or_default());
        let discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let kind = if request.uri().path() == "/api/v1/pods" { "application/json" } else { discovery };
        let answer = Response::builder().status(status).header("content-type", kind);
        ready(Ok(answer
            .body(StreamBody::new(body.flat_map(frames).boxed()))
            .expect("constant headers make an answer")))
    }
}

const DISCOVERY: &str = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","freshness":"Current","resources":[{"resource":"pods","responseKind":{"group":"","version":"v1","kind":"Pod"},"scope":"Namespaced","singularResource":"pod","verbs":["get","list","watch"]}]}]}]}"#;
const INVALID: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"sendInitialEvents is forbidden","reason":"Invalid","code":422}"#;
