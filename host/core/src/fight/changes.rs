//! Which fields two states of an object differ in.
//!
//! Text that is equal is not looked into: only what differs is parsed, level by level, and never into values.

use super::FieldChange;
use foldhash::fast::FixedState;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    hash::BuildHasher as _,
};

/// Changes of one write that are told, first in the order of the paths.
const CHANGES_MAX: usize = 16;
/// Below this a difference is told as one.
const DEPTH_MAX: usize = 12;
/// Bytes of a path; what would be longer is told at its parent.
const PATH_LEN_MAX: usize = 256;
/// What the server changes with every write.
const NOT_WRITTEN: [&str; 3] = ["generation", "managedFields", "resourceVersion"];

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Which fields differ between two states of an object's JSON. Lists of another length differ as a whole.
#[must_use]
pub fn changed_fields(before: &str, after: &str) -> Vec<FieldChange> {
    let mut search = Search { path: String::new(), depth: 0, found: Vec::new() };
    search.compare(before.trim(), after.trim());
    search.found
}

struct Search {
    path: String,
    depth: usize,
    found: Vec<FieldChange>,
}

impl Search {
    fn compare(&mut self, before: &str, after: &str) {
        if before == after || self.found.len() >= CHANGES_MAX {
            return;
        }
        let deep = self.depth >= DEPTH_MAX || self.path.len() >= PATH_LEN_MAX;
        match (before.as_bytes().first(), after.as_bytes().first()) {
            (Some(b'{'), Some(b'{')) if !deep => {
                if let (Some(before), Some(after)) = (parse::<Fields<'_>>(before), parse(after)) {
                    return self.fields(&before, &after);
                }
            }
            (Some(b'['), Some(b'[')) if !deep => {
                if let (Some(before), Some(after)) =
                    (parse::<Vec<&RawValue>>(before), parse::<Vec<&RawValue>>(after))
                    && before.len() == after.len()
                {
                    return self.items(&before, &after);
                }
            }
            _ => {}
        }
        self.tell(hash(before), hash(after));
    }

    fn fields(&mut self, before: &Fields<'_>, after: &Fields<'_>) {
        let of_metadata = self.path == ".metadata";
        let keys: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
        for key in keys.into_iter().filter(|key| !(of_metadata && NOT_WRITTEN.contains(key))) {
            let len = self.path.len();
            let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
            // Writing into a String cannot fail.
            let written = if plain { write!(self.path, ".{key}") } else { write!(self.path, "[{key:?}]") };
            written.unwrap_or_default();
            self.depth += 1;
            match (before.get(key), after.get(key)) {
                (Some(before), Some(after)) => self.compare(before.get(), after.get()),
                (before, after) => {
                    let hash = |side: Option<&&RawValue>| side.map_or(0, |value| hash(value.get()));
                    self.tell(hash(before), hash(after));
                }
            }
            self.depth -= 1;
            self.path.truncate(len);
        }
    }

    fn items(&mut self, before: &[&RawValue], after: &[&RawValue]) {
        for (at, (before, after)) in before.iter().zip(after).enumerate() {
            let len = self.path.len();
            write!(self.path, "[{at}]").unwrap_or_default();
            self.depth += 1;
            self.compare(before.get(), after.get());
            self.depth -= 1;
            self.path.truncate(len);
        }
    }

    fn tell(&mut self, before: u64, after: u64) {
        if self.found.len() < CHANGES_MAX && before != after {
            self.found.push(FieldChange { path: self.path.as_str().into(), before, after });
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Of a value that is there: never 0.
fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text.trim()).max(1)
}
