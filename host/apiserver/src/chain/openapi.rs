//! `/openapi/v3`: the index and the documents it names; `/openapi/v2`: all in one.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CACHE_CONTROL, ETAG, HeaderValue, LOCATION, VARY};

use super::answer::{self, JSON, Response};
use super::{Exchange, Handler, discover};
use crate::discovery;
use crate::openapi;
use crate::registry::Registry;
use crate::wire::accept;

#[derive(Debug)]
pub(super) struct OpenApi {
    registry: Registry,
}

impl OpenApi {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
    }

    fn answer(&self, exchange: &Exchange) -> Option<Response> {
        if exchange.path == "/openapi/v2" {
            return Some(self.version_2(exchange));
        }
        let rest = exchange.path.strip_prefix("/openapi/v3")?;
        let definitions = discover::definitions(&self.registry.resources());
        if matches!(rest, "" | "/") {
            let body = openapi::index(&definitions);
            return Some(tagged(exchange, openapi::INDEX_CONTENT_TYPE, &discovery::etag(&body), || body));
        }
        let path = rest.strip_prefix('/')?;
        let Some(hash) = openapi::hash(&definitions, path) else {
            return Some(answer::empty(404));
        };
        let asked = exchange.query.get("hash");
        if !asked.is_empty() && asked != hash {
            return Some(moved(path, &hash));
        }
        let document = || openapi::document(&definitions, path).unwrap_or_default();
        let mut response = tagged(exchange, JSON, &format!("\"{hash}\""), document);
        if !asked.is_empty() {
            // The hash is part of the address, so what is there never changes.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        }
        Some(response)
    }

    fn version_2(&self, exchange: &Exchange) -> Response {
        let definitions = discover::definitions(&self.registry.resources());
        let accept = exchange.header_list("accept").unwrap_or_default();
        let wants = |clause: &accept::Clause<'_>| match (clause.main, clause.sub) {
            ("application", sub) if PROTOBUF.contains(&sub) => Some(true),
            ("application", "json" | "*") | ("*", "*") => Some(false),
            _ => None,
        };
        let Some(protobuf) = (match accept.trim() {
            "" => Some(false),
            accept => accept::clauses(accept).iter().find_map(wants),
        }) else {
            return answer::empty(406);
        };
        let etag = format!("\"{}\"", openapi::hash_v2(&definitions));
        let content_type = if protobuf { PROTOBUF_TYPE } else { JSON };
        let mut response =
            tagged(exchange, content_type, &etag, || openapi::document_v2(&definitions, protobuf));
        response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
        response
    }
}

/// The names that clients have for the protobuf form: with an `@` before the version, and, later, without.
const PROTOBUF: [&str; 2] =
    ["com.github.proto-openapi.spec.v2@v1.0+protobuf", "com.github.proto-openapi.spec.v2.v1.0+protobuf"];
const PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

impl Handler for OpenApi {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>> {
        async move { self.answer(exchange) }.boxed()
    }
}

/// The document with its `ETag`, or 304 if the client has it.
fn tagged(exchange: &Exchange, content_type: &str, etag: &str, body: impl FnOnce() -> Vec<u8>) -> Response {
    let mut response = if discovery::is_unchanged(Some(exchange.header("if-none-match")), etag) {
        answer::whole(304, content_type, Vec::new())
    } else {
        answer::compressed(exchange, 200, content_type, body())
    };
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// The document has changed since the index was read: where it is now.
fn moved(path: &str, hash: &str) -> Response {
    let mut response = answer::text(301, Vec::new());
    if let Ok(location) = HeaderValue::from_str(&format!("/openapi/v3/{path}?hash={hash}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
