//! What was asked by whom and how it ended: in memory for tests, and as JSON lines for people.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Verb, or method in lower case for what is no resource.
    pub verb: String,
    /// API group.
    pub group: String,
    /// Plural, with the subresource behind a slash.
    pub resource: String,
    /// Namespace.
    pub namespace: String,
    /// Name in the path.
    pub name: String,
    /// User's name.
    pub user: String,
    /// `User-Agent` as sent.
    pub user_agent: String,
    /// Path, without the query.
    pub path: String,
    /// HTTP status code.
    pub code: u16,
}

/// A bounded log of the latest requests; cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    records: VecDeque<AuditRecord>,
    len_max: usize,
    dropped: u64,
}

impl AuditLog {
    /// A log that holds the latest `len_max` requests.
    pub fn new(len_max: usize) -> Self {
        Self { held: Arc::new(Mutex::new(Held { records: VecDeque::new(), len_max, dropped: 0 })) }
    }

    /// The requests held, oldest first.
    pub fn records(&self) -> Vec<AuditRecord> {
        self.held.lock().expect(LOCK).records.iter().cloned().collect()
    }

    /// How many requests were dropped to keep the bound.
    pub fn dropped(&self) -> u64 {
        self.held.lock().expect(LOCK).dropped
    }

    fn push(&self, record: AuditRecord) {
        let mut held = self.held.lock().expect(LOCK);
        held.records.push_back(record);
        if held.records.len() > held.len_max {
            held.records.pop_front();
            held.dropped += 1;
        }
    }
}

/// Where records go.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    log: Option<AuditLog>,
    file: Option<Arc<Mutex<std::fs::File>>>,
}

impl Audit {
    /// Keeps records in memory, in a file, in both or nowhere.
    pub fn new(log: Option<AuditLog>, file: Option<std::fs::File>) -> Self {
        Self { log, file: file.map(|file| Arc::new(Mutex::new(file))) }
    }

    /// Whether nobody reads, so that no record need be made.
    pub(super) fn is_off(&self) -> bool {
        self.log.is_none() && self.file.is_none()
    }

    pub(super) fn record(&self, record: AuditRecord) {
        if let Some(file) = &self.file
            && let Ok(mut line) = serde_json::to_vec(&record)
        {
            line.push(b'\n');
            if let Err(error) = file.lock().expect(LOCK).write_all(&line) {
                tracing::warn!(%error, "the audit file cannot be written; this record is lost");
            }
        }
        if let Some(log) = &self.log {
            log.push(record);
        }
    }
}

const LOCK: &str = "no code panics while it holds the audit log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_latest_and_counts_the_rest() {
        let log = AuditLog::new(2);
        for code in [200, 201, 202] {
            let text = String::new;
            log.push(AuditRecord {
                verb: text(),
                group: text(),
                resource: text(),
                namespace: text(),
                name: text(),
                user: text(),
                user_agent: text(),
                path: text(),
                code,
            });
        }
        let codes: Vec<u16> = log.records().iter().map(|record| record.code).collect();
        assert_eq!((codes, log.dropped()), (vec![201, 202], 1));
    }
}
