//! Health, version, metrics, the list of paths, and who issues tokens.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::answer::{self, JSON, Response};
use super::{Exchange, Handler, discover};
use crate::openapi;
use crate::registry::Registry;
use crate::status::{ApiError, Details, reason};
use crate::wire::pretty;

/// What this server claims to be: the release that it is held against.
const VERSION: &str = r#"{"major":"1","minor":"36","emulationMajor":"1","emulationMinor":"36","minCompatibilityMajor":"1","minCompatibilityMinor":"35","gitVersion":"v1.36.2+windlass","gitCommit":"","gitTreeState":"","buildDate":"1970-01-01T00:00:00Z","goVersion":"","compiler":"rustc","platform":"linux/amd64"}"#;
/// The name in service accounts' tokens, as a cluster's is by default.
const ISSUER: &str = "https://kubernetes.default.svc";
const KEY_SET: &str = "application/jwk-set+json";

#[derive(Debug)]
pub(super) struct Health {
    registry: Registry,
}

impl Health {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
    }

    fn answer(&self, exchange: &Exchange) -> Option<Response> {
        let path = &*exchange.path;
        if let Some(response) = checks(exchange) {
            return Some(response);
        }
        Some(match path {
            "/" => self.paths(),
            "/version" | "/version/" => answer::whole(200, JSON, pretty::indent(VERSION.as_bytes())),
            "/metrics" => answer::whole(200, "text/plain; version=0.0.4; charset=utf-8", self.metrics()),
            "/.well-known/openid-configuration" => answer::whole(200, JSON, issuer(exchange.header("host"))),
            "/openid/v1/jwks" => keys(exchange),
            _ => return None,
        })
    }

    /// Every path below which something is served.
    fn paths(&self) -> Response {
        let definitions = discover::definitions(&self.registry.resources());
        let mut paths: Vec<String> = openapi::paths(&definitions).map(|path| format!("/{path}")).collect();
        for root in ["healthz", "livez", "readyz"] {
            paths.push(format!("/{root}"));
            paths.extend(parts(root).iter().map(|part| format!("/{root}/{part}")));
        }
        let others = ["/apis/", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/"];
        paths.extend(others.map(str::to_owned));
        // Groups that only custom resources make have no document of their own.
        paths.extend(
            definitions
                .iter()
                .filter(|definition| !definition.group.is_empty())
                .map(|definition| format!("/apis/{}", definition.group)),
        );
        paths.sort_unstable();
        paths.dedup();
        let json = json!({"paths": paths}).to_string();
        answer::whole(200, JSON, pretty::indent(json.as_bytes()))
    }

    fn metrics(&self) -> String {
        let mut text = String::from(
            "# HELP apiserver_storage_objects Number of stored objects.\n# TYPE apiserver_storage_objects gauge\n",
        );
        for resource in self.registry.resources().stored() {
            let count = self.registry.store().count(&resource.store_name);
            text += &format!("apiserver_storage_objects{{resource=\"{}\"}} {count}\n", resource.store_name);
        }
        let version = self.registry.store().version();
        text += "# HELP windlass_apiserver_resource_version Version of the last write.\n";
        text += "# TYPE windlass_apiserver_resource_version counter\n";
        text + &format!("windlass_apiserver_resource_version {version}\n")
    }
}

impl Handler for Health {
    fn serve<'a>(&'a self, exchange: &'a Exchange) -> BoxFuture<'a, Option<Response>> {
        async move { self.answer(exchange) }.boxed()
    }
}

/// What is looked at; whoever is answered at all finds all of it well, for nothing here starts late.
fn parts(root: &str) -> &'static [&'static str] {
    match root {
        "readyz" => &["ping", "log", "etcd", "shutdown"],
        _ => &["ping", "log", "etcd"],
    }
}

/// `/healthz`, `/livez`, `/readyz` and their parts.
fn checks(exchange: &Exchange) -> Option<Response> {
    let (root, part) = match exchange.path.strip_prefix('/')?.split_once('/') {
        Some((root, part)) => (root, Some(part)),
        None => (&exchange.path[1..], None),
    };
    if !matches!(root, "healthz" | "livez" | "readyz") {
        return None;
    }
    match part {
        Some(part) if parts(root).contains(&part) => Some(answer::text(200, "ok")),
        Some(_) => Some(answer::no_such_path()),
        None if exchange.query.has("verbose") => {
            let excluded: Vec<&str> = exchange.query.all("exclude").collect();
            let mut text = String::new();
            for part in parts(root) {
                let word = if excluded.contains(part) { "excluded: ok" } else { "ok" };
                text += &format!("[+]{part} {word}\n");
            }
            Some(answer::text(200, text + &format!("{root} check passed\n")))
        }
        None => Some(answer::text(200, "ok")),
    }
}

/// Who issues tokens, in the form in which others look for it.
fn issuer(host: &str) -> String {
    let uri = json!(format!("https://{host}/openid/v1/jwks"));
    format!(
        r#"{{"issuer":"{ISSUER}","jwks_uri":{uri},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}}"#
    )
}

/// The keys that tokens are signed with: none, for this server's tokens say nothing to others.
fn keys(exchange: &Exchange) -> Response {
    let accept = exchange.header("accept");
    if accept.is_empty() || accept.contains("*/*") || accept.contains(KEY_SET) {
        return answer::whole(200, KEY_SET, r#"{"keys":[]}"#);
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {KEY_SET}");
    answer::failure(&ApiError::new(406, reason::NOT_ACCEPTABLE, message, Some(Details::default())))
}
