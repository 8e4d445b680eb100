//! One object as the store holds it: its JSON as sent to clients, and the little that selecting needs.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::object;

/// Labels, sorted by key as JSON maps are here.
type Labels = Box<[(Box<str>, Box<str>)]>;

/// An object ready to be written, still without its version.
#[derive(Debug, Clone)]
pub struct Draft {
    json: Vec<u8>,
    version_at: usize,
    uid: Box<str>,
    labels: Labels,
}

/// An object in one version. The JSON is complete: a read copies or slices it and parses nothing.
#[derive(Debug)]
pub struct Stored {
    /// `namespace/name` or `name`.
    pub key: Box<str>,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// `metadata.uid`.
    pub uid: Box<str>,
    labels: Labels,
    json: Bytes,
    version_at: usize,
}

impl Draft {
    /// Takes the object's JSON as clients are to see it, in which `metadata.resourceVersion` is the text
    /// `mark`; the mark's place is where the version will stand. `None` if the mark is missing.
    pub fn new(object: &Value, mut json: Vec<u8>, mark: &str) -> Option<Self> {
        let at = json.windows(mark.len()).position(|window| window == mark.as_bytes())?;
        json.drain(at..at + mark.len());
        Some(Self { json, version_at: at, uid: object::uid(object).into(), labels: labels_of(object) })
    }

    /// Without a version, as a dry run or a comparison looks at it.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn finish(self, key: Box<str>, version: u64) -> Stored {
        let Self { json, version_at, uid, labels } = self;
        Stored { key, version, uid, labels, json: splice(&json, version_at, 0, version), version_at }
    }
}

impl Stored {
    /// The whole object as JSON, in the field order of its kind and with no newline.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The object parsed anew.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.json).unwrap_or_default()
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.key.rsplit_once('/').map_or(&*self.key, |(_, name)| name)
    }

    /// `metadata.namespace`, empty if the resource has none.
    pub fn namespace(&self) -> &str {
        self.key.rsplit_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.binary_search_by(|(held, _)| (**held).cmp(key)).ok()?;
        Some(&self.labels[found].1)
    }

    /// Whether the stored JSON differs from the draft's in more than the version.
    pub fn differs_from(&self, draft: &Draft) -> bool {
        let version_len = decimal_len(self.version);
        self.version_at != draft.version_at
            || self.json[..self.version_at] != draft.json[..draft.version_at]
            || self.json[self.version_at + version_len..] != draft.json[draft.version_at..]
    }

    /// The same content under another version: what a deletion's event carries. For stored objects only.
    pub fn at_version(&self, version: u64) -> Arc<Self> {
        Arc::new(Self {
            key: self.key.clone(),
            version,
            uid: self.uid.clone(),
            labels: self.labels.clone(),
            json: splice(&self.json, self.version_at, decimal_len(self.version), version),
            version_at: self.version_at,
        })
    }

    /// An object that is not in the store: the answer of a dry run, or the last state of one that is gone.
    pub fn detached(key: Box<str>, object: &Value, json: Vec<u8>) -> Self {
        let version = object::resource_version(object).parse().unwrap_or_default();
        Self {
            key,
            version,
            uid: object::uid(object).into(),
            labels: labels_of(object),
            json: json.into(),
            version_at: 0,
        }
    }

    pub(super) fn version_at(&self) -> usize {
        self.version_at
    }

    pub(super) fn restore(key: Box<str>, version: u64, version_at: usize, json: Bytes) -> Option<Self> {
        let value: Value = serde_json::from_slice(&json).ok()?;
        Some(Self {
            key,
            version,
            uid: object::uid(&value).into(),
            labels: labels_of(&value),
            json,
            version_at,
        })
    }
}

fn splice(json: &[u8], at: usize, cut: usize, version: u64) -> Bytes {
    let digits = version.to_string();
    let mut whole = Vec::with_capacity(json.len() - cut + digits.len());
    whole.extend_from_slice(&json[..at]);
    whole.extend_from_slice(digits.as_bytes());
    whole.extend_from_slice(&json[at + cut..]);
    whole.into()
}

fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

fn labels_of(object: &Value) -> Labels {
    let labels = object::labels(object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into()))).collect()
}
