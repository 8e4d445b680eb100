//! Sequences of requests whose answers a real kube-apiserver gave: ours gives the same, but for what no two servers have
//! in common (`tests/live/masks.json`). They are what is left of differences that tests/live found and shrank.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bench::{Bench, Events};
use regex::Regex;
use serde_json::{Map, Value, json};

/// What to replace by what in every text.
struct Masks(Vec<(Regex, String)>);

impl Masks {
    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/masks.json");
        let rows: Vec<(String, String)> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        Self(rows.into_iter().map(|(pattern, by)| (Regex::new(&pattern).unwrap(), by)).collect())
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (pattern, by) in &self.0 {
            text = pattern.replace_all(&text, by).into_owned();
        }
        text
    }
}

/// Versions by the order in which they are first seen.
#[derive(Default)]
struct Versions(HashMap<String, usize>);

impl Versions {
    fn of(&mut self, version: &str) -> String {
        let next = self.0.len();
        format!("v{}", self.0.entry(version.to_owned()).or_insert(next))
    }
}

fn masked(value: &Value, under: &str, masks: &Masks, versions: &mut Versions) -> Value {
    match value {
        Value::Object(map) => Value::Object(masked_map(map, under, masks, versions)),
        Value::Array(items) => items.iter().map(|item| masked(item, under, masks, versions)).collect(),
        Value::String(text) => masks.text(text).into(),
        other => other.clone(),
    }
}

fn masked_map(
    map: &Map<String, Value>,
    under: &str,
    masks: &Masks,
    versions: &mut Versions,
) -> Map<String, Value> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_list = text("kind").ends_with("List") && map.contains_key("items");
    let mut out = Map::new();
    for (name, held) in map {
        let value = match (name.as_str(), held) {
            ("resourceVersion", Value::String(version)) if under == "metadata" => versions.of(version).into(),
            ("metadata", Value::Object(meta)) if is_list => {
                let own = |inner: &str| inner == "resourceVersion" || inner == "continue";
                let fields = meta
                    .iter()
                    .map(|(inner, what)| (inner.clone(), if own(inner) { "V".into() } else { what.clone() }));
                Value::Object(fields.collect())
            }
            ("object", Value::Object(mark)) if text("type") == "BOOKMARK" => {
                json!({"bookmark": mark.get("kind"), "annotations": mark.get("metadata").map(|meta| &meta["annotations"])})
            }
            ("nodePort" | "healthCheckNodePort", Value::Number(port))
                if port.as_u64().is_some_and(|port| (30_000..32_768).contains(&port)) =>
            {
                1.into()
            }
            _ => masked(held, name, masks, versions),
        };
        out.insert(masks.text(name), value);
    }
    out
}

/// Causes about one map come in Go's random order, and its message with them.
fn in_order(body: &mut Value) {
    if body["kind"] != "Status" || body["reason"] != "Invalid" {
        return;
    }
    let Some(causes) = body["details"]["causes"].as_array_mut() else { return };
    let mut fields: Vec<String> = causes
        .iter()
        .map(|cause| {
            cause["field"].as_str().unwrap_or_default().split('[').next().unwrap_or_default().to_owned()
        })
        .collect();
    let all = fields.len();
    fields.sort();
    fields.dedup();
    if fields.len() < all {
        causes.sort_by_key(Value::to_string);
        body["message"] = Value::Null;
    }
}

/// Owners of fields stand in the order of their times, which are whole seconds: whether two writes fell into the same one
/// is chance. The order itself is held against the real library elsewhere.
fn owners_in_order(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(owners)) = map.get_mut("managedFields") {
                owners.sort_by_key(Value::to_string);
            }
            map.values_mut().for_each(owners_in_order);
        }
        Value::Array(items) => items.iter_mut().for_each(owners_in_order),
        _ => {}
    }
}

fn look<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

fn fill(text: &str, answers: &BTreeMap<u64, Value>) -> String {
    let hole = Regex::new(r"\$\{(\d+)(/[^}]*)\}").unwrap();
    let found = hole.replace_all(text, |found: &regex::Captures<'_>| {
        let answer = answers.get(&found[1].parse::<u64>().unwrap());
        match answer.map_or(&Value::Null, |answer| look(answer, &found[2])) {
            Value::Null => "1".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    });
    found.into_owned()
}

fn edit(document: &mut Value, change: &Value) {
    let pointer = change[0].as_str().unwrap();
    let keys: Vec<String> =
        pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let mut at = document;
    let (last, way) = keys.split_last().unwrap();
    for key in way {
        at = match at {
            Value::Array(items) => match key.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                Some(item) => item,
                None => return,
            },
            Value::Object(map) => {
                let held = map.entry(key.clone()).or_insert_with(|| json!({}));
                if !held.is_object() && !held.is_array() {
                    *held = json!({});
                }
                held
            }
            _ => return,
        };
    }
    match (at, change.get(1)) {
        (Value::Object(map), Some(value)) => drop(map.insert(last.clone(), value.clone())),
        (Value::Object(map), None) => drop(map.remove(last)),
        (Value::Array(items), value) => {
            if let Some(item) = last.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                *item = value.cloned().unwrap_or_default();
            }
        }
        _ => {}
    }
}

fn body_of(step: &Value, answers: &BTreeMap<u64, Value>) -> String {
    if let Some(text) = step["text"].as_str() {
        return text.to_owned();
    }
    let Some(of) = step["of"].as_u64() else {
        return step.get("body").map(|body| fill(&body.to_string(), answers)).unwrap_or_default();
    };
    let mut base = answers.get(&of).cloned().unwrap_or_default();
    if base["kind"] == "Status" || base.is_null() {
        let path = step["path"].as_str().unwrap();
        let parts: Vec<&str> =
            path.split('/').filter(|part| !["status", "scale", "finalize"].contains(part)).collect();
        base = json!({"metadata": {"name": parts.last().unwrap()}});
    }
    for change in step["edits"].as_array().into_iter().flatten() {
        edit(&mut base, change);
    }
    base.to_string()
}

async fn replay(recorded: &Value, masks: &Masks) -> Result<(), String> {
    let bench = Bench::new().await;
    let mut documents = BTreeMap::new();
    let mut watches: Vec<(u64, Events)> = Vec::new();
    let mut got: BTreeMap<u64, (u16, Value)> = BTreeMap::new();
    for step in recorded["steps"].as_array().unwrap() {
        let (id, method) = (step["id"].as_u64().unwrap(), step["method"].as_str().unwrap());
        let query = step["query"].as_str().map(|query| format!("?{}", fill(query, &documents)));
        let path = format!("{}{}", step["path"].as_str().unwrap(), query.unwrap_or_default());
        match method {
            "WATCH" if recorded["answers"][id.to_string()]["code"] == 200 => {
                watches.push((id, bench.watch(&path).await));
                continue;
            }
            "AWAIT" => {
                drop(bench.until(&path, 200).await);
                continue;
            }
            _ => {}
        }
        let method = if method == "WATCH" { "GET" } else { method };
        let text = |name: &str, other: &'static str| step[name].as_str().unwrap_or(other).to_owned();
        let (content, accept) = (text("type", ""), text("accept", "application/json"));
        let headers = [("content-type", &*content), ("accept", &*accept), ("user-agent", "live/1")];
        let answer = bench.send_with(method, &path, &headers, body_of(step, &documents)).await;
        documents.insert(id, serde_json::from_str(&answer.text).unwrap_or_default());
        let body = serde_json::from_str(&answer.text).unwrap_or_else(|_| answer.text.clone().into());
        got.insert(id, (answer.code, if step["only"] == "code" { Value::Null } else { body }));
    }
    for (id, mut events) in watches {
        let wanted = recorded["answers"][id.to_string()]["body"].as_array().map_or(0, Vec::len);
        let mut told = Vec::new();
        for _ in 0..wanted {
            let Some(event) = events.next().await else { break };
            told.push(event);
        }
        got.insert(id, (200, told.into()));
    }
    let mut versions = Versions::default();
    for (id, (code, body)) in got {
        let mut body = masked(&body, "", masks, &mut versions);
        let want = &recorded["answers"][id.to_string()];
        let mut wanted = want["body"].clone();
        for side in [&mut body, &mut wanted] {
            in_order(side);
            owners_in_order(side);
        }
        if (Some(u64::from(code)), &body) != (want["code"].as_u64(), &wanted) {
            return Err(format!("step {id}:\n  want {} {wanted}\n  got  {code} {body}", want["code"]));
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_recorded_sequence_is_answered_as_the_real_server_answered_it() {
    let masks = Masks::read();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the recorded sequences are gone");
    let mut wrong = Vec::new();
    for file in files {
        let recorded: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        if let Err(why) = replay(&recorded, &masks).await {
            wrong.push(format!(
                "{} ({}): {why}",
                file.file_name().unwrap().to_string_lossy(),
                recorded["title"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
