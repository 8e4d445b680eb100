//! An API server in this process that both sides ask over the same service: discovery, and for each kind a list in
//! pages and one watch.

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
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};
use tower::Service;

/// A frame of a body is at most so long, as HTTP/2 has it by default.
const FRAME: usize = 16 * 1024;

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// The group of every kind but Pods.
pub const GROUP: &str = "load.windlass.dev";

/// One kind of namespaced objects.
#[derive(Debug)]
struct Served {
    kind: &'static str,
    plural: &'static str,
    pages: Vec<Bytes>,
    watch: Option<UnboundedSender<Bytes>>,
}

/// The server. Clones are one server.
#[derive(Clone, Debug)]
pub struct Server(Arc<Mutex<Vec<Served>>>);

impl Server {
    /// Serves these pages of Pods.
    #[must_use]
    pub fn new(pages: Vec<Bytes>) -> Self {
        let pods = Served { kind: "Pod", plural: "pods", pages, watch: None };
        Self(Arc::new(Mutex::new(vec![pods])))
    }

    /// Serves this kind of [`GROUP`] as well, in version v1.
    #[must_use]
    pub fn and(self, kind: &'static str, plural: &'static str, pages: Vec<Bytes>) -> Self {
        self.served().push(Served { kind, plural, pages, watch: None });
        self
    }

    fn served(&self) -> MutexGuard<'_, Vec<Served>> {
        self.0.lock().expect("nothing panics here")
    }

    /// Whether a watch of this plural is open.
    #[must_use]
    pub fn is_watched(&self, plural: &str) -> bool {
        self.served().iter().any(|served| served.plural == plural && served.watch.is_some())
    }

    /// Sends lines over the open watch of this plural.
    pub fn tell(&self, plural: &str, lines: Bytes) {
        let served = self.served();
        let watch =
            served.iter().find(|served| served.plural == plural).and_then(|served| served.watch.as_ref());
        watch.expect("a watch is open").unbounded_send(lines).expect("the client reads the watch");
    }

    /// Ends the watch so that the client lists again.
    pub fn expire(&self, plural: &str) {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version","reason":"Expired","code":410}"#;
        self.tell(plural, format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n").into());
        self.served()
            .iter_mut()
            .filter(|served| served.plural == plural)
            .for_each(|served| served.watch = None);
    }

    fn answer(&self, path: &str, query: &str) -> (StatusCode, BoxStream<'static, Bytes>) {
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let mut all = self.served();
        match path {
            "/api" => return (StatusCode::OK, whole(discovery("", &all[..1]))),
            "/apis" => return (StatusCode::OK, whole(discovery(GROUP, &all[1..]))),
            _ => {}
        }
        let plural = path.rsplit('/').next().unwrap_or_default();
        let served = all.iter_mut().find(|served| served.plural == plural);
        let served = served.unwrap_or_else(|| panic!("nobody should ask for {path}"));
        if parameter("sendInitialEvents").is_some() {
            return (StatusCode::UNPROCESSABLE_ENTITY, whole(INVALID.into()));
        }
        if parameter("watch").is_some() {
            let (sender, lines) = mpsc::unbounded();
            served.watch = Some(sender);
            return (StatusCode::OK, lines.boxed());
        }
        let page = parameter("continue").and_then(|token| token.parse().ok()).unwrap_or(0_usize);
        (StatusCode::OK, whole(served.pages[page].clone()))
    }
}

/// The aggregated discovery of one group, or of none if it serves nothing.
fn discovery(group: &str, served: &[Served]) -> Bytes {
    let mut resources = String::new();
    for Served { kind, plural, .. } in served {
        let comma = if resources.is_empty() { "" } else { "," };
        write!(
            resources,
            r#"{comma}{{"resource":"{plural}","responseKind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"scope":"Namespaced","singularResource":"","verbs":["get","list","watch"]}}"#
        )
        .expect("writing to a String does not fail");
    }
    let items = if resources.is_empty() {
        String::new()
    } else {
        format!(
            r#"{{"metadata":{{"name":"{group}"}},"versions":[{{"version":"v1","freshness":"Current","resources":[{resources}]}}]}}"#
        )
    };
    format!(r#"{{"kind":"APIGroupDiscoveryList","items":[{items}]}}"#).into()
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
        let kind =
            if request.uri().path().starts_with("/api/v1/") || request.uri().path().starts_with("/apis/") {
                "application/json"
            } else {
                discovery
            };
        let answer = Response::builder().status(status).header("content-type", kind);
        ready(Ok(answer
            .body(StreamBody::new(body.flat_map(frames).boxed()))
            .expect("constant headers make an answer")))
    }
}

const INVALID: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"sendInitialEvents is forbidden","reason":"Invalid","code":422}"#;
