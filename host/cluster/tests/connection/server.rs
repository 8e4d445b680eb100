//! A small API server of config maps over TLS on loopback, whose every connection is in the test's hand.

use base64::Engine as _;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;
use windlass_cluster::connect::{ConnectOptions, Connection, Liveness};

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Counted from 0, in the order in which they were made.
    pub(crate) connection: usize,
    /// `WATCH rv=5 pods`, `GET /apis`.
    pub(crate) line: String,
    pub(crate) version: http::Version,
}

/// How a server is made.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) alpn: &'static [&'static [u8]],
    pub(crate) streams_max: u32,
    /// The connection is drained after so many requests.
    pub(crate) drain_after: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { alpn: &[b"h2", b"http/1.1"], streams_max: 100, drain_after: usize::MAX }
    }
}

type Line = Result<Frame<Bytes>, Infallible>;
type Body = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    connections: Vec<(CancellationToken, AbortHandle)>,
    /// Open watches with their connection.
    watches: Vec<(usize, mpsc::UnboundedSender<Line>)>,
}

/// The server. Ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    ca: Arc<str>,
    options: Options,
    state: Arc<Mutex<State>>,
    /// Bodies of `/big` that the client gave up.
    pub(crate) resets: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(options: Options) -> Self {
        let (ca, config) = certificates(options.alpn);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, ca: ca.into(), options, state: Arc::default(), resets: Arc::default() };
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        tokio::spawn(server.clone().accept(listener, acceptor));
        server
    }

    async fn accept(self, listener: TcpListener, acceptor: tokio_rustls::TlsAcceptor) {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(tls) = acceptor.accept(socket).await else { continue };
            let drain = CancellationToken::new();
            let mut state = self.state.lock().unwrap();
            let id = state.connections.len();
            let task = tokio::spawn(self.clone().connection(id, tls, drain.clone()));
            state.connections.push((drain, task.abort_handle()));
        }
    }

    async fn connection(
        self,
        id: usize,
        tls: tokio_rustls::server::TlsStream<TcpStream>,
        drain: CancellationToken,
    ) {
        let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        builder.http2().max_concurrent_streams(self.options.streams_max);
        let requests = Arc::new(AtomicUsize::new(0));
        let of_this = drain.clone();
        let service = service_fn(move |request| {
            if requests.fetch_add(1, Ordering::Relaxed) + 1 == self.options.drain_after {
                of_this.cancel();
            }
            let answer = self.answer(id, &request);
            async move { Ok::<_, Infallible>(answer) }
        });
        let serving = builder.serve_connection(TokioIo::new(tls), service);
        tokio::pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            () = drain.cancelled() => serving.as_mut().graceful_shutdown(),
        }
        drop(serving.await);
    }

    fn answer(&self, connection: usize, request: &Request<Incoming>) -> Response<Body> {
        let line = short(request);
        let version = request.version();
        let mut state = self.state.lock().unwrap();
        state.seen.push(Seen { connection, line: line.clone(), version });
        if line.starts_with("WATCH") {
            let (sender, receiver) = mpsc::unbounded_channel();
            if line.starts_with("WATCHLIST") {
                drop(sender.send(Ok(Frame::data(INITIAL_END.into()))));
            }
            state.watches.retain(|(_, watch)| !watch.is_closed());
            state.watches.push((connection, sender));
            return Response::new(streamed(receiver));
        }
        match request.uri().path() {
            "/api" => aggregated(CORE),
            "/apis" => aggregated(r#"{"kind":"APIGroupDiscoveryList","items":[]}"#),
            "/api/v1/configmaps" => whole(NONE_LISTED),
            "/big" => self.big(),
            _ => whole("{}"),
        }
    }

    /// A body of 64 MiB, if anybody reads it.
    fn big(&self) -> Response<Body> {
        let (sender, receiver) = mpsc::channel(1);
        let resets = self.resets.clone();
        tokio::spawn(async move {
            for _ in 0..4096 {
                if sender.send(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 * 1024])))).await.is_err() {
                    resets.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        });
        let frames = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|frame: Line| (frame, receiver))
        });
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    /// An event of every open watch.
    pub(crate) fn event(&self, name: &str, version: u32) {
        let line = format!(
            "{{\"type\":\"ADDED\",\"object\":{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"d\",\"uid\":\"u\",\"resourceVersion\":\"{version}\"}}}}}}\n"
        );
        for (_, watch) in &self.state.lock().unwrap().watches {
            drop(watch.send(Ok(Frame::data(line.clone().into()))));
        }
    }

    /// Ends the open watches of a connection, as a server does at their `timeoutSeconds`.
    pub(crate) fn end_watches(&self, connection: usize) {
        self.state.lock().unwrap().watches.retain(|(of, _)| *of != connection);
    }

    /// GOAWAY: no new request on this connection.
    pub(crate) fn drain(&self, connection: usize) {
        self.state.lock().unwrap().connections[connection].0.cancel();
    }

    /// Every connection breaks.
    pub(crate) fn break_all(&self) {
        self.state.lock().unwrap().connections.iter().for_each(|(_, task)| task.abort());
    }

    /// The requests that came, those for discovery left out.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|seen| !matches!(&*seen.line, "GET /api" | "GET /apis")).cloned().collect()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn until_seen(&self, count: usize) -> Vec<Seen> {
        until(|| self.seen().len() >= count, || format!("{count} requests; there were {:?}", self.seen()))
            .await;
        self.seen()
    }

    /// What a client needs to connect to this port, which may be a proxy's.
    pub(crate) fn kubeconfig(&self, port: u16) -> String {
        let ca = base64::engine::general_purpose::STANDARD.encode(self.ca.as_bytes());
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
             clusters: [{{name: k, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\n"
        )
    }

    /// A connection to this port, which may be a proxy's.
    pub(crate) async fn connect(&self, port: u16, liveness: Liveness) -> Connection {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, self.kubeconfig(port)).unwrap();
        let options = ConnectOptions { kubeconfig: Some(path), context: None };
        Connection::open_with(&options, liveness).await.unwrap()
    }
}

/// Waits, at most 20 s.
pub(crate) async fn until(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    for _ in 0..4000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not reached: {}", what());
}

const NONE_LISTED: &str =
    r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[]}"#;

const INITIAL_END: &str = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"5\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";

const CORE: &str = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","freshness":"Current",
    "resources":[{"resource":"configmaps","responseKind":{"group":"","version":"","kind":"ConfigMap"},"scope":"Namespaced","verbs":["get","list","watch","create"]}]}]}]}"#;

fn aggregated(text: &'static str) -> Response<Body> {
    let mut answer = whole(text);
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    answer.headers_mut().insert("content-type", content_type.parse().unwrap());
    answer
}

fn whole(text: &'static str) -> Response<Body> {
    Response::new(Full::from(text).boxed_unsync())
}

fn streamed(receiver: mpsc::UnboundedReceiver<Line>) -> Body {
    let frames = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (line, receiver))
    });
    StreamBody::new(frames.boxed()).boxed_unsync()
}

fn short(request: &Request<Incoming>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let value =
        |name: &str| query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    let version = value("resourceVersion").map_or("", |(_, value)| value);
    match (value("watch"), value("sendInitialEvents")) {
        (Some(_), Some(_)) => format!("WATCHLIST rv={version}"),
        (Some(_), None) => format!("WATCH rv={version}"),
        _ => format!("{} {}", request.method(), request.uri().path()),
    }
}

fn certificates(alpn: &[&[u8]]) -> (String, rustls::ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    (pem, config)
}
