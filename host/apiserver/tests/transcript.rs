//! Every answer of a real kube-apiserver 1.36.2 to some 250 requests, beside ours.
//!
//! `transcript/exchanges.jsonl` holds requests and recorded answers, one exchange a line; `transcript/record.py` records
//! them anew. What differs between any two servers (uids, times, versions, tokens, hashes) is masked on both sides;
//! answers that differ on purpose stand in `DIFFERENT`, each with its reason.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use regex::Regex;
use serde_json::{Map, Value};
use tower::ServiceExt;
use windlass_apiserver::ApiServer;

const EXCHANGES: &str = include_str!("transcript/exchanges.jsonl");

/// Answers that differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("table of a namespace", PROSE),
    ("text /healthz?verbose", PARTS),
    ("text /readyz?verbose", PARTS),
    ("root", PARTS),
    ("autoscaler v2 patch", OWNERS),
    ("autoscaler v1 read", OWNERS),
    ("autoscalers v1", OWNERS),
    ("autoscalers v2", OWNERS),
];

const PROSE: &str = "a column that shows no one field is not described";
const PARTS: &str = "the real server's parts and paths for debugging are not here";
const OWNERS: &str = "owned fields are not converted to the version that another manager writes in";

/// Longest wait for an answer that comes later.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time stands still while anything can be done, so that watches of some seconds take none.
#[tokio::test(start_paused = true)]
async fn every_answer_is_that_of_the_real_server() {
    let server = ApiServer::builder().start().await.unwrap();
    let mut replay = Replay { server, kept: HashMap::new() };
    let (mut different, mut report, mut count) = (Vec::new(), String::new(), 0);
    for line in EXCHANGES.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let title = exchange["title"].as_str().unwrap().to_owned();
        let (want, got) = (masked(&recorded(&exchange)), masked(&replay.answer(&exchange).await));
        count += 1;
        if want != got {
            let at = want.bytes().zip(got.bytes()).take_while(|(want, got)| want == got).count();
            writeln!(
                report,
                "## {title}\n{}\nwant …{}\ngot  …{}\n",
                exchange["path"],
                from(&want, at),
                from(&got, at)
            )
            .unwrap();
            different.push(title);
        }
    }
    different.sort_unstable();
    let mut listed: Vec<String> = DIFFERENT.iter().map(|(title, _)| (*title).to_owned()).collect();
    listed.sort_unstable();
    assert!(count > 200, "{count} exchanges");
    assert_eq!(different, listed, "of {count} answers\n{report}");
}

/// The text around the first difference.
fn from(text: &str, at: usize) -> String {
    let bytes = &text.as_bytes()[at.saturating_sub(60).min(text.len())..];
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}

fn recorded(exchange: &Value) -> String {
    let answer = &exchange["answer"];
    let headers = answer["headers"].as_object().unwrap();
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    text_of(answer["status"].as_u64().unwrap(), headers.collect(), answer["body"].as_str().unwrap())
}

fn text_of(status: u64, mut headers: Vec<(String, String)>, body: &str) -> String {
    headers.sort_unstable();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{status}\n{headers}\n{body}")
}

struct Replay {
    server: ApiServer,
    kept: HashMap<String, Value>,
}

impl Replay {
    async fn answer(&mut self, exchange: &Value) -> String {
        let reads = exchange["method"] == "GET";
        let started = tokio::time::Instant::now();
        loop {
            let (status, headers, body) = self.ask(exchange).await;
            if exchange.get("until").is_some() && (status < 400) != reads && started.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            if let Some(name) = exchange["keep"].as_str() {
                let mut object: Value = serde_json::from_str(&body).unwrap();
                object["metadata"].as_object_mut().unwrap().remove("managedFields");
                self.kept.insert(name.to_owned(), object);
            }
            return text_of(status, headers, &body);
        }
    }

    async fn ask(&self, exchange: &Value) -> (u64, Vec<(String, String)>, String) {
        let mut request = http::Request::builder()
            .method(exchange["method"].as_str().unwrap())
            .uri(self.filled(exchange["path"].as_str().unwrap()))
            .header("host", "127.0.0.1:18100")
            .header("accept", exchange["accept"].as_str().unwrap_or("application/json"));
        if let Some(content_type) = exchange["content-type"].as_str() {
            request = request.header("content-type", content_type);
        }
        let body = Full::new(Bytes::from(self.body(exchange)));
        let response = self.server.service().oneshot(request.body(body).unwrap()).await.unwrap();
        let kept = ["content-type", "warning", "retry-after", "allow"];
        let headers = response.headers().iter().filter(|(name, _)| kept.contains(&name.as_str()));
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let status = u64::from(response.status().as_u16());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, headers, readable(&bytes))
    }

    fn body(&self, exchange: &Value) -> String {
        match &exchange["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Object(patch) if patch.contains_key("$from") => {
                let mut whole = self.kept[patch["$from"].as_str().unwrap()].clone();
                let mut patch = patch.clone();
                patch.remove("$from");
                merge(&mut whole, &patch);
                whole.to_string()
            }
            body => self.filled(&body.to_string()),
        }
    }

    /// `{name.path.to.field}` replaced by what an earlier answer holds there.
    fn filled(&self, text: &str) -> String {
        static FIELD: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\{([a-z]+)((?:\.[A-Za-z]+)+)\}").unwrap());
        let replace = |found: &regex::Captures<'_>| {
            let value = self.kept[&found[1]].pointer(&found[2].replace('.', "/")).unwrap();
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        };
        FIELD.replace_all(text, replace).into_owned()
    }
}

fn merge(into: &mut Value, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(into.as_object_mut().unwrap().remove(key)),
            Value::Object(inner) => merge(&mut into[key], inner),
            other => into[key] = other.clone(),
        }
    }
}

/// Bytes as text; what is none as the recorder writes it.
fn readable(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| write!(out, "\\x{byte:02x}").unwrap());
    }
    out
}

/// The text without what differs between any two servers.
fn masked(text: &str) -> String {
    static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r#"(resourceVersion"?: ?")\d+"#, "${1}VERSION"),
            (r"(in record|current:|too old resource version: \d+) \(?\d+\)?", "$1 VERSION"),
            (r#"("continue": ?")[^"]+"#, "${1}TOKEN"),
            (r"hash=[0-9A-F]+", "hash=HASH"),
            (r"(127\.0\.0\.1|192\.0\.2\.\d+):\d+", "ADDRESS"),
            (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-SUFFIX"),
            (r#""\d+[smh]"#, "\"AGE"),
            (
                r#"("(?:gitVersion|gitCommit|gitTreeState|buildDate|goVersion|compiler|platform)": ")[^"]*"#,
                "${1}X",
            ),
        ]
        .map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask))
        .into()
    });
    let mut text = text.to_owned();
    for (pattern, mask) in MASKS.iter() {
        text = pattern.replace_all(&text, *mask).into_owned();
    }
    // The real server walks Go's maps when it validates, so that lists of errors have no order.
    static MESSAGES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"is invalid: \[(.*?)\]""#).unwrap());
    static CAUSES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""causes":\[(.*?)\]\}"#).unwrap());
    let sorted = |list: &str, separator: &str| {
        let mut parts: Vec<&str> = list.split(separator).collect();
        parts.sort_unstable();
        parts.join(separator)
    };
    let text = MESSAGES.replace_all(&text, |found: &regex::Captures<'_>| {
        format!("is invalid: [{}]\"", sorted(&found[1], ", "))
    });
    let causes = |found: &regex::Captures<'_>| {
        format!("\"causes\":[{}]}}", sorted(&found[1].replace("},", "}}"), "}"))
    };
    CAUSES.replace_all(&text, causes).into_owned()
}
