//! Malformed requests: none is answered by a fault of the server where kube-apiserver finds fault with the request.
//!
//! `malformed.txt` holds requests that `tests/live/malformed.py` made, and what the real server said: code and reason.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use tower::ServiceExt as _;
use windlass_apiserver::ApiServer;

/// The request, if HTTP knows such requests at all; what it does not know never comes to the server.
fn request(recorded: &Value) -> Option<http::Request<Full<Bytes>>> {
    let body = BASE64_STANDARD.decode(recorded["body"].as_str()?).ok()?;
    let mut request =
        http::Request::builder().method(recorded["method"].as_str()?).uri(recorded["path"].as_str()?);
    for (name, value) in recorded["headers"].as_object()? {
        request = request.header(name, value.as_str()?);
    }
    request.body(Full::new(body.into())).ok()
}

#[tokio::test]
async fn no_malformed_request_is_answered_by_a_fault_of_the_server() {
    let recorded = include_str!("malformed.txt");
    let server = ApiServer::builder().controllers([""; 0]).start().await.unwrap();
    let (mut asked, mut wrong) = (0, Vec::new());
    for line in recorded.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let Some(request) = request(&recorded) else { continue };
        asked += 1;
        // A panic would end this test; a watch is answered before it ends.
        let code = server.service().oneshot(request).await.unwrap().status().as_u16();
        if code >= 500 && !recorded["answer"].as_str().unwrap().starts_with('5') {
            wrong.push(format!("{code} for {line}"));
        }
    }
    assert!(asked > 500, "only {asked} requests could be asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
