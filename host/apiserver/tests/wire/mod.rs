//! A client over TLS and HTTP/2, as another process has it.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// Why a request has no answer: the server is gone.
pub(crate) type Gone = Box<dyn std::error::Error + Send + Sync>;

/// A connection of the administrator.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

/// A watch that runs: its lines, as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    body: hyper::body::Incoming,
    held: Vec<u8>,
}

impl Client {
    /// Connects as the kubeconfig says, which holds everything itself.
    pub(crate) async fn connect(kubeconfig: &Path) -> Result<Self, Gone> {
        let text = std::fs::read_to_string(kubeconfig)?;
        let server = field(&text, "server:").ok_or("the kubeconfig names no server")?;
        let authority = server.trim_start_matches("https://").to_owned();
        let embedded = |name: &str| -> Result<Vec<u8>, Gone> {
            Ok(BASE64_STANDARD.decode(field(&text, name).ok_or("a field of the kubeconfig is missing")?)?)
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&embedded("certificate-authority-data:")?)?)?;
        let chain = vec![CertificateDer::from_pem_slice(&embedded("client-certificate-data:")?)?];
        let key = PrivateKeyDer::from_pem_slice(&embedded("client-key-data:")?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = tokio::net::TcpStream::connect(&authority).await?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TokioIo::new(connector.connect("localhost".try_into()?, stream).await?);
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authority })
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<http::Response<hyper::body::Incoming>, Gone> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", self.authority))
            .header("content-type", content_type)
            .body(Full::new(body))?;
        Ok(self.sender.clone().send_request(request).await?)
    }

    /// One request; the whole answer has come when it returns.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<(u16, Value), Gone> {
        let response = self.call(method, path, content_type, body).await?;
        let code = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((code, serde_json::from_slice(&body)?))
    }

    /// A watch; its first event may take as long as it likes.
    pub(crate) async fn watch(&self, path: &str) -> Result<Lines, Gone> {
        let response = self.call("GET", path, "application/json", &Value::Null).await?;
        Ok(Lines { body: response.into_body(), held: Vec::new() })
    }
}

impl Lines {
    /// The next event; `None` at the watch's end, an error if the server is gone.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Gone> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            match self.body.frame().await.transpose()? {
                Some(frame) => self.held.extend(frame.into_data().unwrap_or_default()),
                None => return Ok(None),
            }
        }
    }
}

fn field<'a>(kubeconfig: &'a str, name: &str) -> Option<&'a str> {
    let line = kubeconfig.lines().find_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(name))?;
    Some(line.trim().trim_matches('"'))
}
