//! A conversion webhook over TLS, in this process: v1 has `spec.host` and `spec.port`, v2 has `spec.address`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// What the webhook does with a review.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Converts, and says so in a label.
    Convert,
    /// Answers that it failed, with this message.
    Fail(&'static str),
    /// Answers with a code and a text.
    Code(u16, &'static str),
    /// Gives each object another name.
    Rename,
    /// Answers with one object less than it was asked about.
    Drop,
}

/// A webhook that runs until the test ends.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) address: SocketAddr,
    /// The certificate that it serves with, in PEM and base64, as `caBundle` wants it.
    pub(crate) ca_bundle: String,
    mode: Arc<Mutex<Mode>>,
    objects: Arc<AtomicUsize>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        Self::start_as(rcgen::IsCa::NoCa).await
    }

    /// Serves with a certificate that says that it is an authority's, as many webhooks do.
    pub(crate) async fn start_as(is_ca: rcgen::IsCa) -> Self {
        let names = vec!["127.0.0.1".to_owned(), "hook.default.svc".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.is_ca = is_ca;
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        let ca_bundle = BASE64_STANDARD.encode(cert.pem());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let webhook =
            Self { address, ca_bundle, mode: Arc::new(Mutex::new(Mode::Convert)), objects: Arc::default() };
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let serving = webhook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, webhook) = (acceptor.clone(), serving.clone());
                tokio::spawn(async move {
                    // A client that refuses the certificate is one of the tests.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper::service::service_fn(move |request| webhook.clone().answer(request));
                    let io = TokioIo::new(stream);
                    drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).await);
                });
            }
        });
        webhook
    }

    /// What it does from now on.
    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Objects that it was asked about so far.
    pub(crate) fn objects(&self) -> usize {
        self.objects.load(Ordering::Relaxed)
    }

    async fn answer(
        self,
        request: http::Request<Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, hyper::Error> {
        assert_eq!(request.uri().query(), Some("timeout=30s"));
        let body = request.into_body().collect().await?.to_bytes();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let objects = asked["request"]["objects"].as_array().unwrap();
        self.objects.fetch_add(objects.len(), Ordering::Relaxed);
        let to = asked["request"]["desiredAPIVersion"].as_str().unwrap();
        let mut converted: Vec<Value> = objects.iter().map(|object| convert(object, to)).collect();
        let mode = *self.mode.lock().unwrap();
        let mut result = json!({"status": "Success"});
        match mode {
            Mode::Convert => {}
            Mode::Fail(message) => result = json!({"status": "Failed", "message": message}),
            Mode::Rename => converted.iter_mut().for_each(|object| object["metadata"]["name"] = "x".into()),
            Mode::Drop => drop(converted.pop()),
            Mode::Code(code, text) => {
                return Ok(http::Response::builder().status(code).body(Full::from(text)).unwrap());
            }
        }
        let review = json!({
            "apiVersion": asked["apiVersion"],
            "kind": "ConversionReview",
            "response": {"uid": asked["request"]["uid"], "result": result, "convertedObjects": converted},
        });
        Ok(http::Response::new(Full::from(review.to_string())))
    }
}

fn convert(object: &Value, to: &str) -> Value {
    let mut converted = object.clone();
    converted["apiVersion"] = to.into();
    converted["metadata"]["labels"]["converted-to"] = to.rsplit('/').next().unwrap().into();
    let text = |field: &str| object["spec"][field].as_str().unwrap_or_default();
    converted["spec"] = if to.ends_with("/v2") {
        json!({"address": format!("{}:{}", text("host"), text("port"))})
    } else {
        let (host, port) = text("address").split_once(':').unwrap_or_default();
        json!({"host": host, "port": port})
    };
    converted
}
