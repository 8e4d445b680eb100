//! Connections that fail say what, where and what to do next; one that works speaks HTTP/2. On loopback.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use base64::Engine;
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::convert::Infallible;
use tokio::net::TcpListener;

/// A CA with a server on loopback; both versions of HTTP, as the client asks.
struct Server {
    port: u16,
    ca: String,
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

async fn serve(alpn: &'static [&'static [u8]]) -> Server {
    let (ca, issuer) = authority();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(socket).await else { return };
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(tls), service_fn(answer)).await);
            });
        }
    });
    Server { port, ca }
}

/// Says which version of HTTP was spoken; takes one token.
async fn answer(request: http::Request<Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let allowed = request.headers().get("authorization").is_some_and(|value| value == "Bearer right");
    let body = format!("{{\"gitVersion\":\"v1.36.0\",\"platform\":\"{:?}\"}}", request.version());
    let answer = match (request.uri().path(), allowed) {
        ("/version", _) | (_, true) => http::Response::new(Full::from(body)),
        _ => {
            let status = r#"{"kind":"Status","status":"Failure","code":401,"reason":"Unauthorized","message":"who are you"}"#;
            http::Response::builder().status(401).body(Full::from(status)).unwrap()
        }
    };
    Ok(answer)
}

fn kubeconfig(port: u16, ca: &str, token: &str) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u, namespace: n}}}}]\n\
         clusters: [{{name: k, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}}}}}]\n\
         users: [{{name: u, user: {{token: {token}}}}}]\n"
    )
}

async fn open(text: &str, context: Option<&str>) -> Result<Connection, ConnectError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, text).unwrap();
    let context = context.map(str::to_owned);
    Connection::open(&ConnectOptions { kubeconfig: Some(path), context }).await
}

fn check(error: &ConnectError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_says_what_where_and_what_next() {
    let options = ConnectOptions { kubeconfig: Some("/nowhere/kubeconfig".into()), context: None };
    let error = Connection::open(&options).await.unwrap_err();
    check(&error, &["/nowhere/kubeconfig", "No such file", "check the path"]);
    let good = kubeconfig(1, &authority().0, "t");
    for (text, context, parts) in [
        ("a: [", None, &["kubeconfig", "is no kubeconfig"][..]),
        (
            good.replace("current-context: c", "").as_str(),
            None,
            &["no current context", "contexts are: c", "--context"],
        ),
        (good.as_str(), Some("x"), &["no context `x`", "contexts are: c"]),
        (good.replace("name: k,", "name: other,").as_str(), None, &["a cluster `k`"]),
        (good.replace("server:", "nothing:").as_str(), None, &["no `server`"]),
    ] {
        check(&open(text, context).await.unwrap_err(), parts);
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_says_why_and_one_that_can_speaks_http_2_or_falls_back() {
    let server = serve(&[b"h2", b"http/1.1"]).await;
    let connection = open(&kubeconfig(server.port, &server.ca, "right"), None).await.unwrap();
    let version = connection.check().await.unwrap();
    assert_eq!((version.git_version.as_str(), version.platform.as_str()), ("v1.36.0", "HTTP/2.0"));
    assert_eq!(&**connection.namespace(), "n");
    // More streams at once than one connection would take.
    let requests = (0..120).map(|_| connection.check());
    assert!(futures::future::join_all(requests).await.iter().all(Result::is_ok));

    let old = serve(&[b"http/1.1"]).await;
    let connection = open(&kubeconfig(old.port, &old.ca, "right"), None).await.unwrap();
    assert_eq!(connection.check().await.unwrap().platform, "HTTP/1.1");

    let refused = open(&kubeconfig(server.port, &server.ca, "wrong"), None).await.unwrap();
    check(&refused.check().await.unwrap_err(), &["401", "who are you", "credentials"]);
    let distrusted = open(&kubeconfig(server.port, &authority().0, "right"), None).await.unwrap();
    check(&distrusted.check().await.unwrap_err(), &["certificate is not trusted", "certificate-authority"]);

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = open(&kubeconfig(free, &server.ca, "right"), None).await.unwrap();
    check(
        &nobody.check().await.unwrap_err(),
        &[&format!("127.0.0.1:{free}"), "nothing listens", "is the server running"],
    );
}
