//! Over a socket: HTTP/1.1 and HTTP/2 with the server's own authority.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use windlass_apiserver::{ApiServer, Listening};

/// A value of the kubeconfig, decoded.
fn embedded(kubeconfig: &str, field: &str) -> Vec<u8> {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(field)).unwrap();
    BASE64_STANDARD.decode(line.trim_start_matches(':').trim()).unwrap()
}

async fn ask(listening: &Listening, kubeconfig: &str, http2: bool, certificate: bool) -> (u16, String) {
    let mut roots = rustls::RootCertStore::empty();
    let ca = embedded(kubeconfig, "certificate-authority-data");
    assert_eq!(ca, listening.ca_pem.as_bytes());
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if certificate {
        let chain = CertificateDer::from_pem_slice(&embedded(kubeconfig, "client-certificate-data")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&embedded(kubeconfig, "client-key-data")).unwrap();
        builder.with_client_auth_cert(vec![chain], key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let stream = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let io = TokioIo::new(connector.connect("localhost".try_into().unwrap(), stream).await.unwrap());
    let uri = format!("https://{}/api/v1/namespaces/default", listening.address);
    let request = http::Request::get(uri).header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let response = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn the_kubeconfigs_certificate_opens_the_door_over_both_protocols() {
    let server = ApiServer::builder().start().await.unwrap();
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = server.kubeconfig(&listening);
    for http2 in [false, true] {
        let (code, body) = ask(&listening, &kubeconfig, http2, true).await;
        assert_eq!(code, 200, "{body}");
        assert!(body.starts_with(r#"{"kind":"Namespace","apiVersion":"v1""#), "{body}");
        let (code, body) = ask(&listening, &kubeconfig, http2, false).await;
        assert_eq!(code, 403, "{body}");
        assert!(body.contains("User \\\"system:anonymous\\\" cannot get resource"), "{body}");
    }
    server.shutdown().await;
    assert!(tokio::net::TcpStream::connect(listening.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let server = ApiServer::builder().start().await.unwrap();
    let error = server.listen(address).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()), "{error}");
}
