//! Which notes become writes: series, heartbeats, and each object's share (E1). No I/O and no clock.

use super::{Note, Reference};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use windlass_core::{call::Action, name::ObjectName};

/// A series that goes on writes its count so often.
const HEARTBEAT: Duration = Duration::from_secs(30 * 60);
/// A series without a note for so long is over.
const IDLE: Duration = Duration::from_secs(6 * 60);
/// Series held; notes that would begin another one are dropped.
const SERIES_MAX: usize = 4096;
/// Notes of one controller about one object at once…
const BURST: f64 = 25.0;
/// …and one more in each of these.
const REFILL: Duration = Duration::from_secs(5 * 60);
const WORD_LEN_MAX: usize = 128;
const TEXT_LEN_MAX: usize = 1024;
/// An Event's name is the object's, so far, and a unique part.
const NAME_LEN_MAX: usize = 220;

/// What makes two notes the same event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    warning: bool,
    action: String,
    reason: String,
    controller: Arc<str>,
    regarding: Reference,
    related: Option<Reference>,
}

struct Series {
    name: ObjectName,
    event: Value,
    count: u64,
    written: u64,
    noted: Instant,
    noted_wall: String,
    heartbeat: Instant,
}

struct Share {
    left: f64,
    at: Instant,
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) name: ObjectName,
    /// The whole event.
    pub(super) event: Value,
    /// A merge patch, if the event should be there already.
    pub(super) patch: Option<Value>,
}

/// What becomes of a note.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is written.
    Write(Write),
    /// It is one more of a series.
    Counted,
    /// It is over a bound.
    Dropped,
}

/// Everything noted that may come again.
pub(super) struct Ledger {
    instance: String,
    series: HashMap<Key, Series>,
    shares: HashMap<(Arc<str>, Reference), Share>,
}

impl Ledger {
    pub(super) fn new(instance: &str) -> Self {
        Self { instance: cut(instance, WORD_LEN_MAX), series: HashMap::new(), shares: HashMap::new() }
    }

    /// Decides about one note. `wall` is now, for people.
    pub(super) fn note(&mut self, note: Note, now: Instant, wall: &str) -> Verdict {
        if !self.has_share(&note, now) {
            return Verdict::Dropped;
        }
        let key = Key {
            warning: note.warning,
            action: cut(&note.action, WORD_LEN_MAX),
            reason: cut(&note.reason, WORD_LEN_MAX),
            controller: note.controller.clone(),
            regarding: note.regarding.clone(),
            related: note.related.clone(),
        };
        let full = self.series.len() >= SERIES_MAX;
        match self.series.entry(key) {
            Entry::Occupied(mut held) => {
                let series = held.get_mut();
                series.count += 1;
                series.noted = now;
                wall.clone_into(&mut series.noted_wall);
                // The second is written at once, further ones with the heartbeat.
                if series.count == 2 { Verdict::Write(series.write(now)) } else { Verdict::Counted }
            }
            Entry::Vacant(_) if full => Verdict::Dropped,
            Entry::Vacant(free) => {
                let (name, event) = event(free.key(), &note.text, &self.instance, wall);
                let write = Write { name: name.clone(), event: event.clone(), patch: None };
                let noted_wall = wall.to_owned();
                free.insert(Series {
                    name,
                    event,
                    count: 1,
                    written: 1,
                    noted: now,
                    noted_wall,
                    heartbeat: now,
                });
                Verdict::Write(write)
            }
        }
    }

    /// Writes heartbeats and the last counts of series that are over, and forgets those and full shares.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Write> {
        let mut writes = Vec::new();
        self.series.retain(|_, series| {
            let over = now.duration_since(series.noted) >= IDLE;
            let due = over || now.duration_since(series.heartbeat) >= HEARTBEAT;
            if due && series.count > series.written {
                writes.push(series.write(now));
            }
            !over
        });
        self.shares.retain(|_, share| share.left_at(now) < BURST);
        writes
    }

    /// The last counts of everything.
    pub(super) fn finish(self) -> Vec<Write> {
        let now = Instant::now();
        let open = self.series.into_values().filter(|series| series.count > series.written);
        open.map(|mut series| series.write(now)).collect()
    }

    fn has_share(&mut self, note: &Note, now: Instant) -> bool {
        let key = (note.controller.clone(), note.regarding.clone());
        if self.shares.len() >= SERIES_MAX && !self.shares.contains_key(&key) {
            return false;
        }
        let share = self.shares.entry(key).or_insert(Share { left: BURST, at: now });
        share.left = share.left_at(now);
        share.at = now;
        if share.left < 1.0 {
            return false;
        }
        share.left -= 1.0;
        true
    }
}

impl Share {
    fn left_at(&self, now: Instant) -> f64 {
        let refilled = now.duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64();
        (self.left + refilled).min(BURST)
    }
}

impl Series {
    fn write(&mut self, now: Instant) -> Write {
        self.written = self.count;
        self.heartbeat = now;
        let series = json!({"count": self.count, "lastObservedTime": self.noted_wall});
        self.event["series"] = series.clone();
        Write { name: self.name.clone(), event: self.event.clone(), patch: Some(json!({"series": series})) }
    }
}

/// An `events.k8s.io/v1` Event. One about a cluster-scoped object is in `default`.
fn event(key: &Key, text: &str, instance: &str, wall: &str) -> (ObjectName, Value) {
    let namespace = key.regarding.name.namespace.as_deref().unwrap_or("default");
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("{}.{}", cut(&key.regarding.name.name, NAME_LEN_MAX), &unique[..16]);
    let mut event = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": name},
        "eventTime": wall,
        "type": if key.warning { "Warning" } else { "Normal" },
        "reason": key.reason,
        "action": key.action,
        "note": cut(text, TEXT_LEN_MAX),
        "reportingController": &*key.controller,
        "reportingInstance": instance,
        "regarding": reference(&key.regarding),
    });
    if let Some(related) = &key.related {
        event["related"] = reference(related);
    }
    (ObjectName::namespaced(namespace, &name), event)
}

fn reference(object: &Reference) -> Value {
    let mut out = json!({
        "apiVersion": &*object.kind.api_version,
        "kind": &*object.kind.kind,
        "name": &*object.name.name,
    });
    if let Some(namespace) = &object.name.namespace {
        out["namespace"] = (**namespace).into();
    }
    if !object.uid.is_empty() {
        out["uid"] = object.uid.as_str().into();
    }
    out
}

/// The same creation with the names that the core group's Event has for its fields; patches have the same names.
pub(super) fn for_core(action: Action) -> Action {
    let Action::Create { name, body, write } = action else { return action };
    let Ok(Value::Object(mut event)) = serde_json::from_str(&body) else {
        return Action::Create { name, body, write };
    };
    event.insert("apiVersion".to_owned(), "v1".into());
    for (old, new) in
        [("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent")]
    {
        if let Some(value) = event.remove(old) {
            event.insert(new.to_owned(), value);
        }
    }
    Action::Create { name, body: Value::Object(event).to_string(), write }
}

/// At most so many bytes, in whole characters.
fn cut(text: &str, len_max: usize) -> String {
    text[..text.floor_char_boundary(len_max)].to_owned()
}
