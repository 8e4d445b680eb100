//! Reaching a conversion webhook: one HTTPS request on a connection of its own, within 30 s.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::trust;
use crate::object;
use crate::query::ListOptions;
use crate::registry::{Place, Registry};

/// For the whole of a request, as the real server has it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Answers are read up to this size.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where a webhook is, as `clientConfig` says.
#[derive(Debug)]
pub(crate) struct Target {
    address: Address,
    ca_bundle: Vec<u8>,
}

#[derive(Debug)]
enum Address {
    Url(String),
    Service { namespace: String, name: String, path: String, port: u16 },
}

/// An address that can be connected to.
struct Endpoint {
    /// As errors show it, with the timeout that the webhook is told.
    url: String,
    /// The name that the certificate must be for.
    name: String,
    /// `host:port`.
    dial: String,
    path: String,
}

impl Target {
    pub(crate) fn of(config: &Value) -> Self {
        let text = |path: &str| object::at(config, path).and_then(Value::as_str).unwrap_or_default();
        let address = if config.get("service").is_some_and(Value::is_object) {
            let port = object::at(config, "service.port").and_then(Value::as_u64).unwrap_or(443);
            Address::Service {
                namespace: text("service.namespace").to_owned(),
                name: text("service.name").to_owned(),
                path: text("service.path").to_owned(),
                port: u16::try_from(port).unwrap_or(443),
            }
        } else {
            Address::Url(text("url").to_owned())
        };
        Self { address, ca_bundle: BASE64_STANDARD.decode(text("caBundle")).unwrap_or_default() }
    }

    /// Sends a review and reads the answer.
    ///
    /// # Errors
    /// In the words of the real server's HTTP client.
    pub(super) async fn call(&self, registry: &Registry, review: &Value) -> Result<Value, String> {
        let place = self.place(registry)?;
        let posted = |why: String| format!("Post \"{}\": {why}", place.url);
        let exchange = self.exchange(&place, review);
        let answered = tokio::time::timeout(PATIENCE, exchange).await;
        let (code, body) =
            answered.map_err(|_| posted("context deadline exceeded".to_owned()))?.map_err(&posted)?;
        if !(200..300).contains(&code) {
            return Err(refusal(code, &body));
        }
        serde_json::from_slice(&body).map_err(|error| {
            let shown = String::from_utf8_lossy(&body);
            format!(
                "couldn't get version/kind; json parse error: {error}: {}",
                shown.chars().take(100).collect::<String>()
            )
        })
    }

    fn place(&self, registry: &Registry) -> Result<Endpoint, String> {
        match &self.address {
            Address::Url(url) => {
                let rest = url.strip_prefix("https://").unwrap_or(url);
                let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
                let (host, port) = split_port(authority);
                let query = "timeout=30s";
                Ok(Endpoint {
                    url: format!("{url}?{query}"),
                    name: host.trim_matches(['[', ']']).to_owned(),
                    dial: format!("{host}:{port}"),
                    path: format!("{path}?{query}"),
                })
            }
            Address::Service { namespace, name, path, port } => {
                let host = format!("{name}.{namespace}.svc");
                let path = if path.is_empty() { "/" } else { path };
                let url = format!("https://{host}:{port}{path}?timeout=30s");
                let dial = endpoint(registry, namespace, name, *port)
                    .map_err(|why| format!("Post \"{url}\": {why}"))?;
                Ok(Endpoint { url, name: host, dial, path: format!("{path}?timeout=30s") })
            }
        }
    }

    async fn exchange(&self, place: &Endpoint, review: &Value) -> Result<(u16, Bytes), String> {
        let dialed = tokio::net::TcpStream::connect(&place.dial).await;
        let stream = dialed.map_err(|error| dial_error(&place.dial, &error))?;
        let name = place.name.clone().try_into().map_err(|_| format!("invalid host {:?}", place.name))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.tls()?));
        let stream = connector.connect(name, stream).await.map_err(|error| tls_error(&error, &place.name))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        let driving = tokio::spawn(connection);
        let request = http::Request::post(&place.path)
            .header("host", place.dial.as_str())
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Full::new(Bytes::from(review.to_string())))
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|_| "EOF".to_owned())?;
        let code = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        driving.abort();
        Ok((code, body.map_err(|error| error.to_string())?.to_bytes()))
    }

    fn tls(&self) -> Result<rustls::ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = trust::verifier(&self.ca_bundle, &provider)?;
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

fn split_port(authority: &str) -> (&str, u16) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, port.parse().unwrap_or(443)),
        _ => (authority, 443),
    }
}

/// Where a Service leads: to a ready endpoint of it, or to the name that it stands for.
fn endpoint(registry: &Registry, namespace: &str, name: &str, port: u16) -> Result<String, String> {
    let find = |group: &str, plural: &str| registry.resources().find(group, "v1", plural).cloned();
    let missing = || format!("service {name:?} not found");
    let services = find("", "services").ok_or_else(missing)?;
    let service = registry.get(&Place::new(&services, namespace, name)).map_err(|_| missing())?.value();
    if service["spec"]["type"] == "ExternalName" {
        let host = service["spec"]["externalName"].as_str().unwrap_or_default();
        return Ok(format!("{host}:{port}"));
    }
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let declared = ports.into_iter().find(|declared| declared["port"] == port);
    let declared = declared.ok_or_else(|| format!("no service port {port} found for service {name:?}"))?;
    let port_name = declared["name"].as_str().unwrap_or_default();
    let slices = find("discovery.k8s.io", "endpointslices").ok_or_else(missing)?;
    let options = ListOptions {
        label_selector: format!("kubernetes.io/service-name={name}"),
        ..ListOptions::default()
    };
    let listed = registry.list(&Place::new(&slices, namespace, ""), &options);
    let slices = listed.map(|list| list.items).unwrap_or_default();
    let found = slices.iter().find_map(|slice| ready_address(&slice.value(), port_name));
    found.ok_or_else(|| format!("no endpoints available for service {name:?}"))
}

/// The first ready address of a slice, with the port of the name.
fn ready_address(slice: &Value, port_name: &str) -> Option<String> {
    let named = |port: &&Value| port["name"].as_str().unwrap_or_default() == port_name;
    let port = slice["ports"].as_array()?.iter().find(named)?["port"].as_u64()?;
    let ready = |endpoint: &&Value| endpoint["conditions"]["ready"] != Value::Bool(false);
    let endpoint = slice["endpoints"].as_array()?.iter().find(ready)?;
    let address = endpoint["addresses"].as_array()?.first()?.as_str()?;
    Some(if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") })
}

fn dial_error(dial: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => format!("dial tcp {dial}: connect: connection refused"),
        std::io::ErrorKind::ConnectionReset => format!("dial tcp {dial}: connect: connection reset by peer"),
        _ => format!("dial tcp {dial}: {error}"),
    }
}

fn tls_error(error: &std::io::Error, name: &str) -> String {
    use rustls::CertificateError as Certificate;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let why = match inner {
        Some(rustls::Error::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature)) => {
            "x509: certificate signed by unknown authority".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        )) => format!("x509: certificate is not valid for {name}"),
        Some(rustls::Error::InvalidCertificate(
            Certificate::Expired | Certificate::ExpiredContext { .. },
        )) => "x509: certificate has expired or is not yet valid".to_owned(),
        _ => return error.to_string(),
    };
    format!("tls: failed to verify certificate: {why}")
}

/// What the real server's client says of a code; a Status in the body says it itself.
fn refusal(code: u16, body: &[u8]) -> String {
    if let Ok(status) = serde_json::from_slice::<Value>(body)
        && status["kind"] == "Status"
        && let Some(message) = status["message"].as_str()
    {
        return message.to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match code {
        400 => "the server rejected our request for an unknown reason".to_owned(),
        401 => "the server has asked for the client to provide credentials".to_owned(),
        403 => text.to_owned(),
        404 => "the server could not find the requested resource".to_owned(),
        405 => "the server does not allow this method on the requested resource".to_owned(),
        409 => "the server reported a conflict".to_owned(),
        422 => "the server rejected our request due to an error in our request".to_owned(),
        429 => "the server has received too many requests and has asked us to try again later".to_owned(),
        503 => "the server is currently unable to handle the request".to_owned(),
        504 => "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
        500..=599 => format!("an error on the server ({text:?}) has prevented the request from succeeding"),
        _ => format!("the server responded with the status code {code} but did not return more information"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slice_leads_to_its_first_ready_address() {
        let slice = json!({"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}], "endpoints": [
            {"addresses": ["10.1.1.1"], "conditions": {"ready": false}},
            {"addresses": ["10.1.1.2"], "conditions": {"ready": true}},
        ]});
        assert_eq!(ready_address(&slice, "b").as_deref(), Some("10.1.1.2:2"));
        assert_eq!(ready_address(&slice, "c"), None);
    }

    #[test]
    fn a_url_names_host_and_port() {
        assert_eq!(split_port("example.com"), ("example.com", 443));
        assert_eq!(split_port("127.0.0.1:18443"), ("127.0.0.1", 18443));
        assert_eq!(split_port("[::1]:9443"), ("[::1]", 9443));
        assert_eq!(split_port("[::1]"), ("[::1]", 443));
    }
}
