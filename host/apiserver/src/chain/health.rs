//! Health, version and metrics.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::answer::{self, JSON, Response};
use super::{Exchange, Handler};
use crate::registry::Registry;

/// What this server claims to be: the release that it is held against.
const VERSION: &str = r#"{"major":"1","minor":"36","emulationMajor":"1","emulationMinor":"36","minCompatibilityMajor":"1","minCompatibilityMinor":"35","gitVersion":"v1.36.2+windlass","gitCommit":"","gitTreeState":"","buildDate":"1970-01-01T00:00:00Z","goVersion":"","compiler":"rustc","platform":"linux/amd64"}"#;

#[derive(Debug)]
pub(super) struct Health {
    registry: Registry,
}

impl Health {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone() }
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
        let response = match exchange.path.trim_end_matches('/') {
            "/healthz" | "/livez" | "/readyz" => Some(answer::text(200, "ok")),
            "/version" => Some(answer::whole(200, JSON, pretty_version())),
            "/metrics" => {
                Some(answer::whole(200, "text/plain; version=0.0.4; charset=utf-8", self.metrics()))
            }
            _ => None,
        };
        async move { response }.boxed()
    }
}

fn pretty_version() -> String {
    VERSION
        .replace("{\"", "{\n  \"")
        .replace("\",\"", "\",\n  \"")
        .replace("\":\"", "\": \"")
        .replace("\"}", "\"\n}")
}
