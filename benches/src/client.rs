//! A plain HTTPS client of an API server, one connection each: what it adds to a figure is little and always the same.

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use std::{fs, path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a server is and how it is reached; read from a kubeconfig once, so that it costs no measured time.
#[derive(Clone)]
pub struct Access {
    address: String,
    tls: TlsConnector,
}

impl Access {
    /// Reads the first cluster and user of a kubeconfig.
    ///
    /// # Errors
    /// It is no kubeconfig with certificates in it.
    pub fn read(kubeconfig: &Path) -> Result<Self> {
        Self::of(&fs::read_to_string(kubeconfig)?).with_context(|| kubeconfig.display().to_string())
    }

    /// The same of a kubeconfig's text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(kubeconfig: &str) -> Result<Self> {
        let file: Value = serde_yaml_ng::from_str(kubeconfig)?;
        let text = |pointer: &str| {
            let found = file.pointer(pointer).and_then(Value::as_str);
            found.with_context(|| format!("the kubeconfig has no {pointer}"))
        };
        let pem = |pointer: &str| Ok::<_, anyhow::Error>(STANDARD.decode(text(pointer)?)?);
        let server = text("/clusters/0/cluster/server")?;
        let address = server.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(&pem("/clusters/0/cluster/certificate-authority-data")?)?)?;
        let certificate = pem("/users/0/user/client-certificate-data")?;
        let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&pem("/users/0/user/client-key-data")?)?;
        let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// The server cannot be reached or trusted.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let host = self.address.rsplit_once(':').context("the server has no port")?.0;
        let stream = self.tls.connect(ServerName::try_from(host.to_owned())?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end shows at the next request.
        tokio::spawn(connection);
        Ok(Connection { sender, host: self.address.clone() })
    }
}

/// One connection; requests go over it one after the other.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Reads an object or list.
    ///
    /// # Errors
    /// The server does not answer, or not with 2xx.
    pub async fn get(&mut self, path: &str) -> Result<Value> {
        self.exchange(Method::GET, path, "application/json", String::new()).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&mut self, path: &str) -> Result<Value> {
        self.exchange(Method::DELETE, path, "application/json", String::new()).await
    }

    /// Changes an object by a merge patch, as somebody with an editor.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn merge(&mut self, path: &str, patch: &str) -> Result<Value> {
        self.exchange(Method::PATCH, path, "application/merge-patch+json", patch.to_owned()).await
    }

    /// Applies an object, YAML or JSON.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn apply(&mut self, path: &str, object: &str) -> Result<Value> {
        let path = format!("{path}?fieldManager=bench&force=true");
        self.exchange(Method::PATCH, &path, "application/apply-patch+yaml", object.to_owned()).await
    }

    /// Begins to watch what is under a path, from a version on; the connection serves nothing else.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn watch(mut self, path: &str, version: &str) -> Result<Watch> {
        let path = format!("{path}?watch=true&resourceVersion={version}");
        let answer = self.send(Method::GET, &path, "application/json", String::new()).await?;
        Ok(Watch { body: answer.into_body(), rest: Vec::new(), _connection: self })
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        content: &'static str,
        body: String,
    ) -> Result<Value> {
        let answer = self.send(method, path, content, body).await?;
        Ok(serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        content: &'static str,
        body: String,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder().method(method.clone()).uri(path).header(header::HOST, &self.host);
        let request = request.header(header::CONTENT_TYPE, content).body(Full::from(body))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.into_body().collect().await?.to_bytes();
        bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&text));
    }
}

/// A watch under way.
pub struct Watch {
    body: Incoming,
    rest: Vec<u8>,
    _connection: Connection,
}

impl Watch {
    /// The next event.
    ///
    /// # Errors
    /// The server ended the watch.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(serde_json::from_slice(&line)?);
            }
            let frame = self.body.frame().await.context("the watch ended")??;
            self.rest.extend_from_slice(frame.data_ref().context("no data in the watch")?);
        }
    }
}
