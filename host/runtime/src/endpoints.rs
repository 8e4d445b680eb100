//! A small HTTP server for those who look after the host: `/metrics`, `/healthz`, `/readyz`.

use crate::observe::{METRICS_CONTENT_TYPE, Metrics};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// More connections than this wait until one ends.
const CONNECTIONS_MAX: usize = 64;
/// A client that does not send its request in this time is cut off.
const HEADER_READ_MAX: Duration = Duration::from_secs(10);
/// Answers under way when the server stops have so long to be sent.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Whether the host can do its work: what it still waits for; ready when that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// One line each: `watch of apps/v1 Deployment is not in step`.
    pub waiting_for: Vec<String>,
}

impl Readiness {
    /// Ready.
    #[must_use]
    pub fn ready() -> Self {
        Self::default()
    }

    /// Not ready, for one reason.
    #[must_use]
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self { waiting_for: vec![reason.into()] }
    }
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// Another process has the port.
    #[error("port {} for metrics and health is in use on {}; free it, or choose another one with --{flag} (port 0 takes a free one)", .address.port(), .address.ip())]
    InUse {
        /// What was asked for.
        address: SocketAddr,
        /// The command line's flag for it.
        flag: &'static str,
    },
    /// Anything else.
    #[error("metrics and health cannot be served on {address}; choose another address with --{flag}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The command line's flag for it.
        flag: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The running server. Dropping it ends it at once; [`Endpoints::stop`] lets answers finish.
#[derive(Debug)]
pub struct Endpoints {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Endpoints {
    /// Begins to serve. `flag` is told in errors: the option that sets `address`.
    ///
    /// # Errors
    /// The port is in use, or the address is none of this machine's.
    pub async fn start(
        address: SocketAddr,
        flag: &'static str,
        metrics: Arc<Metrics>,
        readiness: watch::Receiver<Readiness>,
    ) -> Result<Self, EndpointsError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => EndpointsError::InUse { address, flag },
            _ => EndpointsError::Bind { address, flag, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let pages = Pages { metrics, readiness };
        Ok(Self { address, stop, serving: tokio::spawn(serve(listener, pages, stopped)) })
    }

    /// Where it listens; the port is the real one also when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets answers under way finish for at most two seconds, then ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_MAX, &mut self.serving).await.is_err() {
            tracing::warn!(target: "windlass::host", "an answer of the metrics server was cut off at the end");
        }
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, pages: Pages, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let for_connections = stopped.clone();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = async {
            let place = room.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            biased;
            _told = stopped.changed() => break,
            Some(_ended) = connections.join_next() => {}
            (accepted, place) = accepted => match accepted {
                Ok((stream, _)) => {
                    let (pages, stopped) = (pages.clone(), for_connections.clone());
                    connections.spawn(async move {
                        connection(stream, pages, stopped).await;
                        drop(place);
                    });
                }
                // Out of file descriptors: wait until some are free again instead of spinning.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, pages: Pages, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let answer = pages.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // How a client's connection ended is the client's business.
        _ended = connection.as_mut() => return,
        _told = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.ok();
}

#[derive(Clone)]
struct Pages {
    metrics: Arc<Metrics>,
    readiness: watch::Receiver<Readiness>,
}

impl Pages {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match request.uri().path() {
            "/metrics" => {
                let mut answer = text(StatusCode::OK, self.metrics.render());
                let content_type = HeaderValue::from_static(METRICS_CONTENT_TYPE);
                answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
                answer
            }
            "/healthz" | "/livez" => text(StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => self.ready(),
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n".to_owned()),
        }
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        let waiting_for = &self.readiness.borrow().waiting_for;
        if waiting_for.is_empty() {
            return text(StatusCode::OK, "ok\n".to_owned());
        }
        let reasons: String = waiting_for.iter().map(|reason| format!("[-] {reason}\n")).collect();
        text(StatusCode::SERVICE_UNAVAILABLE, format!("{reasons}not ready\n"))
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn start() -> (Endpoints, watch::Sender<Readiness>) {
        let (sender, readiness) = watch::channel(Readiness::waiting("modules are not loaded"));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let endpoints = Endpoints::start(any, "metrics-address", Arc::default(), readiness).await.unwrap();
        (endpoints, sender)
    }

    async fn get(endpoints: &Endpoints, request_line: &str) -> String {
        let mut stream = TcpStream::connect(endpoints.address()).await.unwrap();
        let request = format!("{request_line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn each_page_answers() {
        let (endpoints, readiness) = start().await;
        assert!(get(&endpoints, "GET /healthz").await.starts_with("HTTP/1.1 200"));
        let metrics = get(&endpoints, "GET /metrics").await;
        assert!(metrics.contains("openmetrics-text") && metrics.ends_with("# EOF\n"), "{metrics}");
        let waiting = get(&endpoints, "GET /readyz").await;
        assert!(
            waiting.starts_with("HTTP/1.1 503") && waiting.contains("modules are not loaded"),
            "{waiting}"
        );
        readiness.send_replace(Readiness::ready());
        assert!(get(&endpoints, "GET /readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(&endpoints, "GET /other").await.starts_with("HTTP/1.1 404"));
        assert!(get(&endpoints, "POST /metrics").await.starts_with("HTTP/1.1 405"));
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_port_and_flag() {
        let (endpoints, _readiness) = start().await;
        let (_sender, readiness) = watch::channel(Readiness::ready());
        let again = Endpoints::start(endpoints.address(), "metrics-address", Arc::default(), readiness);
        let error = again.await.unwrap_err().to_string();
        let port = format!("port {}", endpoints.address().port());
        assert!(error.contains(&port) && error.contains("--metrics-address"), "{error}");
    }

    #[tokio::test]
    async fn a_stopped_server_ends_idle_connections_and_frees_its_port() {
        let (endpoints, _readiness) = start().await;
        let address = endpoints.address();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        idle.read_exact(&mut start).await.unwrap();
        endpoints.stop().await;
        idle.read_to_end(&mut Vec::new()).await.unwrap();
        TcpListener::bind(address).await.unwrap();
    }
}
