//! The reflector against a scripted server in virtual time. Test names cite client-go's rules.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod absent;
mod first_sync;
mod resume;
mod settling;
mod stopping;

use super::*;
use crate::script::{Answer, Part, Script, status};
use std::sync::{Mutex, atomic::Ordering};
use tokio::time::Instant;
use windlass_core::{description::Selection, name::Kind};

/// What a sink was told, one line each.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: String) {
        self.0.lock().unwrap().push(note);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn line(deltas: &[Delta]) -> String {
    let one = |delta: &Delta| {
        let sign = if matches!(delta, Delta::Upsert(_)) { '+' } else { '-' };
        let object = delta.object();
        format!("{sign}{}@{}", object.name().name, object.resource_version())
    };
    deltas.iter().map(one).collect::<Vec<_>>().join(" ")
}

impl Sink for Notes {
    async fn begin(&mut self) {
        self.add("begin".to_owned());
    }
    async fn stage(&mut self, deltas: Vec<Delta>) {
        self.add(format!("stage {}", line(&deltas)));
    }
    async fn commit(&mut self, version: &str) {
        self.add(format!("commit {version}"));
    }
    async fn change(&mut self, deltas: Vec<Delta>, version: &str) {
        self.add(format!("change {} = {version}", line(&deltas)));
    }
    async fn bookmark(&mut self, version: &str) {
        self.add(format!("bookmark {version}"));
    }
    async fn failed(&mut self, error: &WatchError, _: Duration) {
        self.add(format!("failed {}", error.word()));
    }
    async fn absent(&mut self) {
        self.add("absent".to_owned());
    }
}

/// What happened in a run.
struct Run {
    notes: Vec<String>,
    /// Since the start, one for each scripted request.
    times: Vec<Duration>,
    counters: Arc<Counters>,
}

fn spec() -> WatchSpec {
    WatchSpec {
        kind: Kind::new("v1", "ConfigMap"),
        selection: Selection::default(),
        metadata_only: false,
        plan: Arc::default(),
    }
}

/// Runs a watch of config maps through a script of (expected request, answer) until all of it is used.
async fn run(settings: Settings, spec: WatchSpec, script: Vec<(&str, Answer)>) -> Run {
    let (wanted, answers): (Vec<&str>, Vec<Answer>) = script.into_iter().unzip();
    let server = Script::new(answers);
    server.serve(&[("v1", "configmaps", "ConfigMap", true)]);
    let connection = server.connection();
    let reflector = Reflector::new(connection.clone(), Discovery::new(&connection), settings);
    let (notes, counters) = (Notes::default(), reflector.measures().of(&spec.kind));
    let start = Instant::now();
    let running = reflector.start(spec, notes.clone());
    while server.seen().len() < wanted.len() && start.elapsed() < Duration::from_secs(7200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What the last answer leads to comes without waiting.
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop();
    let seen = server.seen();
    let got: Vec<String> = seen.iter().map(|seen| short(&seen.line)).collect();
    assert_eq!(&got[..wanted.len().min(got.len())], wanted, "notes: {:#?}", notes.all());
    let times = seen.iter().map(|seen| seen.at - start).collect();
    Run { notes: notes.all(), times, counters }
}

async fn check(script: Vec<(&str, Answer)>, want: &[&str]) -> Run {
    let run = run(Settings::default(), spec(), script).await;
    assert_eq!(run.notes, want);
    run
}

/// LISTs first, for rules that are about them.
async fn check_list(script: Vec<(&str, Answer)>, want: &[&str]) -> Run {
    let run = run(Settings { watch_list: false, ..Settings::default() }, spec(), script).await;
    assert_eq!(run.notes, want);
    run
}

/// `LIST rv=0 limit=500`, `WATCH rv=5`, `WATCHLIST rv=`.
fn short(line: &str) -> String {
    let (_, query) = line.split_once('?').unwrap_or((line, ""));
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let verb = match (value("watch"), value("sendInitialEvents")) {
        (Some(_), Some(_)) => "WATCHLIST",
        (Some(_), None) => "WATCH",
        _ => "LIST",
    };
    let mut short = format!("{verb} rv={}", value("resourceVersion").unwrap_or_default());
    for name in ["limit", "continue"] {
        if let Some(value) = value(name) {
            short.push_str(&format!(" {name}={value}"));
        }
    }
    short
}

fn object(name: &str, version: u32) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"d","uid":"u","resourceVersion":"{version}"}}}}"#)
}

fn event(event: &str, name: &str, version: u32) -> Part {
    Part::Text(format!("{{\"type\":\"{event}\",\"object\":{}}}\n", object(name, version)))
}

fn added(name: &str, version: u32) -> Part {
    event("ADDED", name, version)
}

fn modified(name: &str, version: u32) -> Part {
    event("MODIFIED", name, version)
}

fn deleted(name: &str, version: u32) -> Part {
    event("DELETED", name, version)
}

fn bookmark(version: u32) -> Part {
    Part::Text(format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"ConfigMap\",\"metadata\":{{\"resourceVersion\":\"{version}\"}}}}}}\n"
    ))
}

fn initial_end(version: u32) -> Part {
    Part::Text(format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{\"metadata\":{{\"resourceVersion\":\"{version}\",\"annotations\":{{\"k8s.io/initial-events-end\":\"true\"}}}}}}}}\n"
    ))
}

fn error(code: u16, reason: &str) -> Part {
    Part::Text(format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", status(code, reason, "")))
}

fn wait(seconds: u64) -> Part {
    Part::Wait(Duration::from_secs(seconds))
}

/// A list of config maps.
fn list(items: &[(&str, u32)], version: u32, continue_token: &str) -> Answer {
    let items = items.iter().map(|(name, version)| object(name, *version)).collect::<Vec<_>>().join(",");
    Answer::json(
        200,
        format!(
            r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}","continue":"{continue_token}"}},"items":[{items}]}}"#
        ),
    )
}

fn stream(parts: impl IntoIterator<Item = Part>) -> Answer {
    Answer::stream(parts.into_iter().collect())
}

/// A stream that stays open.
fn open(parts: impl IntoIterator<Item = Part>) -> Answer {
    Answer::stream(parts.into_iter().chain([Part::Hang]).collect())
}
