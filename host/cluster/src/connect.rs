//! Which API server, with which credentials, over which connections.

mod config;
mod error;

#[cfg(test)]
mod tests;

pub use error::ConnectError;

use crate::transport::{RequestBody, Requests, Stack, Transport};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tower::{BoxError, Service};

/// Whom the host says it is.
pub(crate) const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// How long the first look at a server may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(15);
const CHECK_LEN_MAX: usize = 1 << 20;

/// Where the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// This file; without it KUBECONFIG, then `~/.kube/config`, then the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// This context instead of the file's current one.
    pub context: Option<String>,
}

/// How soon a connection that went silent is given up: the peer is gone, or something between swallows its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// A ping goes out after so long without a byte…
    pub ping_interval: Duration,
    /// …and the connection is over after so long without an answer to it.
    pub ping_timeout: Duration,
}

impl Default for Liveness {
    /// 30 s in all.
    fn default() -> Self {
        Self { ping_interval: Duration::from_secs(20), ping_timeout: Duration::from_secs(10) }
    }
}

/// Ways to one API server: watches, calls and the lease never share a connection, so none can hold up another (L8).
#[derive(Clone, Debug)]
pub struct Connection {
    watches: Transport,
    calls: Transport,
    lease: Transport,
    requests: Arc<Requests>,
    server: Arc<str>,
    namespace: Arc<str>,
}

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerVersion {
    /// `v1.36.0`.
    pub git_version: String,
    /// `linux/amd64`.
    pub platform: String,
}

impl Connection {
    /// Reads the configuration and makes ready to connect; no byte is sent yet (an exec plugin may run).
    ///
    /// # Errors
    /// When the configuration cannot be read or used; each says what, where, and what to do next.
    pub async fn open(options: &ConnectOptions) -> Result<Self, ConnectError> {
        Self::open_with(options, Liveness::default()).await
    }

    /// As [`Connection::open`], with a liveness of one's own.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_with(options: &ConnectOptions, liveness: Liveness) -> Result<Self, ConnectError> {
        let (config, origin) = config::load(options).await?;
        let server = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let stack = Stack::new(config, liveness)?;
            Ok((stack.transport()?, stack.transport()?, stack.transport()?))
        });
        let opened = opened.await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
        let (watches, calls, lease) = opened.map_err(|error| ConnectError::unusable(&origin, error))?;
        let server = server.trim_end_matches('/').into();
        let requests = Arc::default();
        Ok(Self {
            watches: watches.counting(&requests),
            calls: calls.counting(&requests),
            lease: lease.counting(&requests),
            requests,
            server,
            namespace: namespace.into(),
        })
    }

    /// A server in this process, with no socket. Requests have a path and no host.
    pub fn in_process<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let requests = Arc::default();
        let transport = Transport::new(service).counting(&requests);
        Self {
            watches: transport.clone(),
            calls: transport.clone(),
            lease: transport,
            requests,
            server: "in-process".into(),
            namespace: "default".into(),
        }
    }

    /// Asks the server for its version and whether it takes the credentials.
    ///
    /// # Errors
    /// When it cannot be reached, is not trusted, or refuses; each says what, where, and what to do next.
    pub async fn check(&self) -> Result<ServerVersion, ConnectError> {
        let version = self.look("/version").await?;
        self.look("/api").await?;
        serde_json::from_slice(&version)
            .map_err(|source| ConnectError::NoApiServer { server: self.server.to_string(), source })
    }

    async fn look(&self, path: &str) -> Result<Bytes, ConnectError> {
        let request = Request::get(path).header(http::header::USER_AGENT, USER_AGENT);
        let request = request.header(http::header::ACCEPT, "application/json");
        let request = request.body(RequestBody::default()).expect("a constant path makes a request");
        let answer = self.calls.exchange(request, CHECK_TIMEOUT, CHECK_LEN_MAX).await;
        let answer = answer.map_err(|error| ConnectError::unreachable(&self.server, error))?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(ConnectError::refused(&self.server, path, answer.status(), answer.body()))
    }

    /// The server's address, for people; `in-process` without a socket.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace of the context or the pod; `default` if it names none.
    #[must_use]
    pub fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    /// How many requests went out.
    #[must_use]
    pub fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    /// For watches.
    #[must_use]
    pub fn watches(&self) -> &Transport {
        &self.watches
    }

    /// For calls.
    #[must_use]
    pub fn calls(&self) -> &Transport {
        &self.calls
    }

    /// For the lease alone.
    #[must_use]
    pub fn lease(&self) -> &Transport {
        &self.lease
    }
}
