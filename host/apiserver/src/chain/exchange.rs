//! A request with all that the filters have found out about it.

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio_util::sync::CancellationToken;

use super::{RequestInfo, User};
use crate::query::Query;

/// One request on its way through the chain.
#[derive(Debug)]
pub struct Exchange {
    /// Method.
    pub method: Method,
    /// Path, not decoded.
    pub path: String,
    /// Query, decoded.
    pub query: Query,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What the request is about.
    pub info: RequestInfo,
    /// Who asks.
    pub user: User,
    /// Cancelled when the server ends: watches then end too.
    pub stopping: CancellationToken,
}

impl Exchange {
    /// A header as text; empty if it is missing or not text.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// All lines of a header joined by commas, as lists such as `Accept` may be sent.
    pub fn header_list(&self, name: &str) -> Option<String> {
        let lines: Vec<&str> =
            self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(","))
    }

    /// Whether JSON is to be indented: if the query says so, or, where it says nothing, for the programs with which
    /// people look at answers.
    pub fn wants_pretty(&self) -> bool {
        if self.query.has("pretty") {
            return matches!(self.query.get("pretty"), "1" | "t" | "T" | "TRUE" | "true" | "True");
        }
        let agent = self.header("user-agent");
        ["curl", "Wget", "Mozilla/5.0"].iter().any(|program| agent.starts_with(program))
    }

    /// The manager of fields that a write without `fieldManager` is filed under: the program's name in `User-Agent`.
    pub fn default_manager(&self) -> String {
        let agent = self.header("user-agent");
        let name: String = agent.split('/').next().unwrap_or_default().chars().take(128).collect();
        if name.is_empty() { "unknown".to_owned() } else { name }
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
