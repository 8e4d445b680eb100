//! HTTP/2 under kube's authentication and TLS.

use super::{RequestBody, Transport, lanes::Lanes};
use crate::connect::Liveness;
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

/// For TCP alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Over HTTP/1.1 the kernel asks whether the peer lives; so many times.
const PROBES: u32 = 2;

pub(super) type HttpClient = Client<Connector, RequestBody>;
pub(super) type Connector = HttpsConnector<Either<Direct, Proxied>>;
type Direct = MapErr<HttpConnector, fn(<HttpConnector as Service<Uri>>::Error) -> BoxError>;
type Proxied = MapErr<Tunnel<HttpConnector>, fn(<Tunnel<HttpConnector> as Service<Uri>>::Error) -> BoxError>;

/// A configuration made ready to open transports.
pub(crate) struct Stack {
    config: Config,
    connector: Connector,
    http1: HttpClient,
    liveness: Liveness,
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
    pub(crate) fn new(config: Config, liveness: Liveness) -> Result<Self, StackError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost only to another thread that installed one just now, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let connector = connector(&config, liveness, true)?;
        let http1 = http1(self::connector(&config, liveness, false)?);
        let auth = config.auth_layer()?;
        Ok(Self { config, connector, http1, liveness, auth })
    }

    /// A transport with connections of its own.
    pub(crate) fn transport(&self) -> Result<Transport, StackError> {
        let lanes = Lanes::new(self.connector.clone(), self.http1.clone(), self.liveness);
        let service = self.config.extra_headers_layer()?.layer(lanes);
        let base = self.config.base_uri_layer();
        Ok(match &self.auth {
            Some(auth) => Transport::new(base.layer(auth.layer(service))),
            None => Transport::new(base.layer(service)),
        })
    }
}

/// Its pool has a connection for each watch and for each call under way.
fn http1(connector: Connector) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
}

fn connector(config: &Config, liveness: Liveness, http2: bool) -> Result<Connector, StackError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.set_keepalive(Some(liveness.ping_interval));
    http.set_keepalive_interval(Some(liveness.ping_timeout / PROBES));
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
    let builder = builder.enable_http1();
    Ok(if http2 { builder.enable_http2().wrap_connector(inner) } else { builder.wrap_connector(inner) })
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
