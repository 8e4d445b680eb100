//! HTTP/2 under kube's authentication and TLS.

use super::{RequestBody, Transport, lanes::Lanes};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, proxy::Tunnel},
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::{
    Config,
    client::{ConfigExt, middleware::AuthLayer},
};
use std::time::Duration;
use tower::{
    BoxError, Layer, Service,
    util::{Either, MapErr},
};

/// A ping goes out after so long without a byte…
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// …and the connection is given up after so long without an answer: 30 s in all for a half-open one.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The same bound for HTTP/1.1, by the kernel: two probes 5 s apart after 20 s of silence.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
const PROBES: u32 = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What one unread stream may hold back.
const STREAM_WINDOW: u32 = 512 * 1024;
/// More than all streams of a connection may hold back together (80), so a watch whose reader is slow never stops
/// its neighbours.
const CONNECTION_WINDOW: u32 = 81 * STREAM_WINDOW;

pub(super) type HttpClient = Client<Connector, RequestBody>;
type Connector = HttpsConnector<Either<Direct, Proxied>>;
type Direct = MapErr<HttpConnector, fn(<HttpConnector as Service<Uri>>::Error) -> BoxError>;
type Proxied = MapErr<Tunnel<HttpConnector>, fn(<Tunnel<HttpConnector> as Service<Uri>>::Error) -> BoxError>;

/// A configuration made ready to open transports.
pub(crate) struct Stack {
    config: Config,
    connector: Connector,
    auth: Option<AuthLayer>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    /// Credentials or certificates.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// A proxy that we do not speak to.
    #[error("a proxy at {0} is not supported; only http:// proxies are")]
    Proxy(Uri),
    /// A TLS server name that is none.
    #[error("tls-server-name `{0}` is no host name")]
    ServerName(String),
}

impl Stack {
    /// Reads keys and certificates and runs the exec plugin: blocking.
    pub(crate) fn new(config: Config) -> Result<Self, StackError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost only to another thread that installed one just now, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let connector = connector(&config)?;
        let auth = config.auth_layer()?;
        Ok(Self { config, connector, auth })
    }

    /// A transport with connections of its own.
    pub(crate) fn transport(&self) -> Result<Transport, StackError> {
        let connector = self.connector.clone();
        let lanes = Lanes::new(move || http_client(connector.clone()));
        let service = self.config.extra_headers_layer()?.layer(lanes);
        let base = self.config.base_uri_layer();
        Ok(match &self.auth {
            Some(auth) => Transport::new(base.layer(auth.layer(service))),
            None => Transport::new(base.layer(service)),
        })
    }
}

fn http_client(connector: Connector) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build(connector)
}

fn connector(config: &Config) -> Result<Connector, StackError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_keepalive(Some(PING_INTERVAL));
    http.set_keepalive_interval(Some(PROBE_INTERVAL));
    http.set_keepalive_retries(Some(PROBES));
    let inner = match proxy(config)? {
        Some(proxy) => Either::Right(MapErr::new(Tunnel::new(proxy, http), Into::into as _)),
        None => Either::Left(MapErr::new(http, Into::into as _)),
    };
    let mut builder =
        HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let parsed = rustls::pki_types::ServerName::try_from(name.clone());
        let parsed = parsed.map_err(|_| StackError::ServerName(name.clone()))?;
        builder = builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(parsed));
    }
    Ok(builder.enable_all_versions().wrap_connector(inner))
}

/// The proxy to go through. Loopback is never proxied, as Go's clients have it.
fn proxy(config: &Config) -> Result<Option<Uri>, StackError> {
    let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match &config.proxy_url {
        Some(_) if loopback => Ok(None),
        Some(proxy) if proxy.scheme_str() == Some("http") => Ok(Some(proxy.clone())),
        Some(proxy) => Err(StackError::Proxy(proxy.clone())),
        None => Ok(None),
    }
}
