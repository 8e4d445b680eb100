//! The client of both servers: HTTP/2 over TLS with a bearer token, JSON bodies.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

/// Why a measurement cannot be made.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connections of one client; a request goes over the one of its number.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: Vec<SendRequest<Full<Bytes>>>,
    authority: String,
}

pub(crate) const CONNECTIONS: usize = 8;

impl Pool {
    /// Connects to a port of this machine; the certificate authority is given in PEM.
    pub(crate) async fn connect(port: u16, ca_pem: &[u8]) -> Result<Self, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let stream = connector.connect("localhost".try_into()?, stream).await?;
            let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(4 << 20)
                .initial_connection_window_size(16 << 20)
                .handshake(TokioIo::new(stream))
                .await?;
            tokio::spawn(connection);
            connections.push(sender);
        }
        Ok(Self { connections, authority: format!("127.0.0.1:{port}") })
    }

    /// One request, answered with its headers; anything but success is a failure.
    pub(crate) async fn open(
        &self,
        number: usize,
        (method, path, content_type): (&str, &str, &str),
        body: Bytes,
    ) -> Result<Incoming, Failure> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", self.authority))
            .header("authorization", "Bearer admin-token")
            .header("user-agent", "figures/1")
            .header("accept", "application/json")
            .header("content-type", content_type)
            .body(Full::new(body))?;
        let mut sender = self.connections[number % self.connections.len()].clone();
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let code = response.status();
        if !code.is_success() {
            let text = response.into_body().collect().await?.to_bytes();
            return Err(format!("{code} to {method} {path}: {}", String::from_utf8_lossy(&text)).into());
        }
        Ok(response.into_body())
    }

    /// One request whose answer is read and thrown away; how many bytes it had.
    pub(crate) async fn send(
        &self,
        number: usize,
        what: (&str, &str, &str),
        body: Bytes,
    ) -> Result<u64, Failure> {
        let mut answer = self.open(number, what, body).await?;
        let mut bytes = 0;
        while let Some(frame) = answer.frame().await.transpose()? {
            bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(bytes)
    }

    /// One request whose answer is JSON.
    pub(crate) async fn json(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.open(0, ("GET", path, "application/json"), Bytes::new()).await?;
        Ok(serde_json::from_slice(&answer.collect().await?.to_bytes())?)
    }
}

/// The certificate authority in a kubeconfig that holds it itself.
pub(crate) fn embedded_ca(kubeconfig: &str) -> Result<Vec<u8>, Failure> {
    let field = "certificate-authority-data:";
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(field));
    Ok(BASE64_STANDARD.decode(line.ok_or("the kubeconfig holds no certificate")?.trim())?)
}
