//! Converted objects by uid, version and target, as the real server's watch cache holds them: lists and watches do not
//! ask the webhook about what has not changed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::store::Stored;

/// Objects held at most; the oldest go first and are asked for again.
const OBJECTS_MAX: usize = 20_000;
/// Bytes of their JSON held at most.
const BYTES_MAX: usize = 64 << 20;

type Key = (Box<str>, u64, Box<str>);

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    objects: HashMap<Key, Arc<Stored>>,
    order: VecDeque<Key>,
    bytes: usize,
    dropped: u64,
}

impl Memory {
    pub(super) fn get(&self, stored: &Stored, api_version: &str) -> Option<Arc<Stored>> {
        let held = self.0.lock().expect(LOCK);
        held.objects.get(&key(stored, api_version)).cloned()
    }

    pub(super) fn put(&self, stored: &Stored, api_version: &str, converted: &Arc<Stored>) {
        let mut held = self.0.lock().expect(LOCK);
        let key = key(stored, api_version);
        if held.objects.insert(key.clone(), Arc::clone(converted)).is_some() {
            return;
        }
        held.order.push_back(key);
        held.bytes += converted.json().len();
        while held.order.len() > OBJECTS_MAX || held.bytes > BYTES_MAX {
            let Some(oldest) = held.order.pop_front() else { break };
            let Some(gone) = held.objects.remove(&oldest) else { continue };
            held.bytes = held.bytes.saturating_sub(gone.json().len());
            held.dropped += 1;
            if held.dropped.is_power_of_two() {
                tracing::debug!(dropped = held.dropped, "converted objects are dropped to make room");
            }
        }
    }
}

fn key(stored: &Stored, api_version: &str) -> Key {
    (stored.uid.clone(), stored.version, api_version.into())
}

const LOCK: &str = "no code panics while it holds the memory";
