//! The OpenAPI documents of every built-in group version, beside those of a real kube-apiserver 1.36.2.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_apiserver::openapi::{document, paths};
use windlass_apiserver::resource::builtin;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use windlass_apiserver::ApiServer;

#[path = "../examples/openapi_digests/digest.rs"]
mod digest;

/// One line for each path and schema of each document, as `examples/openapi_digests` writes them.
const RECORDED: &str = include_str!("openapi/documents.txt");

#[test]
fn every_document_is_that_of_the_real_server_but_for_its_prose() {
    let mut recorded: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut current = "";
    for line in RECORDED.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            current = name;
        }
        let lines = recorded.entry(current).or_default();
        if !line.starts_with('#') {
            lines.insert(line.to_owned());
        }
    }
    let served: BTreeSet<String> = paths(builtin()).collect();
    assert_eq!(served, recorded.keys().map(|name| (*name).to_owned()).collect());
    let mut different = Vec::new();
    for (name, want) in &recorded {
        let document: Value = serde_json::from_slice(&document(builtin(), name).unwrap()).unwrap();
        let got: BTreeSet<String> = digest::lines(&document).into_iter().collect();
        different.extend(want.symmetric_difference(&got).map(|line| format!("{name}: {line}")));
    }
    let count: usize = recorded.values().map(BTreeSet::len).sum();
    assert!(count > 1_700, "{count} paths and schemas");
    assert!(different.is_empty(), "of {count}, {} differ:\n{}", different.len(), different.join("\n"));
}

#[tokio::test]
async fn version_2_is_served_in_both_forms_and_only_if_it_changed() {
    let server = ApiServer::builder().start().await.unwrap();
    let ask = async |accept: &str, known: &str| {
        let request =
            http::Request::get("/openapi/v2").header("accept", accept).header("if-none-match", known);
        let request = request.body(Full::new(Bytes::new())).unwrap();
        let response = server.service().oneshot(request).await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (code, media, etag) = (response.status().as_u16(), header("content-type"), header("etag"));
        let len = response.into_body().collect().await.unwrap().to_bytes().len();
        (code, media.unwrap_or_default(), etag.unwrap_or_default(), len)
    };
    let (code, media, etag, len) = ask("application/json", "").await;
    assert_eq!((code, &*media), (200, "application/json"));
    assert!(len > 1_000_000, "{len} bytes");
    let kubectl = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let (code, media, same, len) = ask(kubectl, "").await;
    assert_eq!((code, &*media), (200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"));
    assert!(len > 1_000_000, "{len} bytes");
    assert_eq!(same, etag);
    let (code, _, _, len) = ask(kubectl, &etag).await;
    assert_eq!((code, len), (304, 0));
    assert_eq!(ask("text/html", "").await.0, 406);
}
