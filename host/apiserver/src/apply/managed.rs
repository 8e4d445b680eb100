//! The record of who owns which fields: `metadata.managedFields`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

use super::set::Set;
use crate::schema::time::Moment;

/// How a writer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By create, update or any other patch.
    Update,
}

/// Who writes. Two entries of one writer are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writer {
    /// The field manager's name.
    pub manager: String,
    /// How it writes.
    pub operation: Operation,
    /// The version it writes in; empty for those that apply, which are one writer whatever the version.
    pub api_version: String,
    /// The subresource it writes to, or empty.
    pub subresource: String,
}

/// What a writer owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The fields.
    pub fields: Set,
    /// The version that the fields are of.
    pub api_version: String,
    /// When it last wrote, RFC 3339.
    pub time: Option<String>,
}

/// All writers of an object and what they own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    /// By writer.
    pub entries: BTreeMap<Writer, Owned>,
}

/// `managedFields` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadManaged {
    /// The operation is neither of both.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// No version.
    #[error("apiVersion must not be empty")]
    ApiVersion,
    /// Another type of fields, of the entry at this place.
    #[error("{}", match kind.as_str() {
        "" => format!("missing fieldsType in managed fields entry {at}"),
        other => format!("invalid fieldsType {other:?} in managed fields entry {at}"),
    })]
    FieldsType {
        /// What is given.
        kind: String,
        /// The entry's place.
        at: usize,
    },
    /// Fields that are none.
    #[error("error decoding versioned set: error decoding set")]
    Fields(#[source] super::set::BadFields),
}

impl Managed {
    /// Reads the value of `metadata.managedFields`.
    ///
    /// # Errors
    /// An entry is not of the form.
    pub fn decode(list: Option<&Value>) -> Result<Self, BadManaged> {
        let mut managed = Self::default();
        for (at, entry) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let operation = match entry["operation"].as_str() {
                Some("Apply") => Operation::Apply,
                Some("Update") => Operation::Update,
                _ => return Err(BadManaged::Operation),
            };
            let api_version = text("apiVersion");
            if api_version.is_empty() {
                return Err(BadManaged::ApiVersion);
            }
            if text("fieldsType") != "FieldsV1" {
                return Err(BadManaged::FieldsType { kind: text("fieldsType"), at });
            }
            let fields = Set::decode(&entry["fieldsV1"]).map_err(BadManaged::Fields)?;
            let writer = Writer::new(&text("manager"), operation, &api_version, &text("subresource"));
            let time = entry["time"].as_str().map(str::to_owned);
            managed.entries.insert(writer, Owned { fields, api_version, time });
        }
        Ok(managed)
    }

    /// The value of `metadata.managedFields`; `None` if nobody owns anything.
    #[must_use]
    pub fn encode(&self) -> Option<Value> {
        if self.entries.is_empty() {
            return None;
        }
        let mut sorted: Vec<_> = self.entries.iter().collect();
        sorted.sort_by_key(|(writer, owned)| {
            (writer.operation, owned.seconds(), &writer.manager, &owned.api_version, &writer.subresource)
        });
        Some(Value::Array(sorted.into_iter().map(|(writer, owned)| entry(writer, owned)).collect()))
    }
}

impl Owned {
    /// The time in seconds; without one it is the beginning of time.
    pub(super) fn seconds(&self) -> i64 {
        self.time.as_deref().and_then(Moment::parse).map_or(0, |moment| moment.seconds)
    }
}

fn entry(writer: &Writer, owned: &Owned) -> Value {
    let mut entry = Map::new();
    let operation = if writer.operation == Operation::Apply { "Apply" } else { "Update" };
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            entry.insert(name.to_owned(), Value::from(value));
        }
    };
    put("manager", &writer.manager);
    put("operation", operation);
    put("apiVersion", &owned.api_version);
    put("time", owned.time.as_deref().unwrap_or_default());
    put("fieldsType", "FieldsV1");
    put("subresource", &writer.subresource);
    entry.insert("fieldsV1".to_owned(), owned.fields.encode());
    Value::Object(entry)
}

impl Writer {
    /// The writer of an entry.
    #[must_use]
    pub fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let api_version = if operation == Operation::Apply { "" } else { api_version };
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }
}

/// As conflicts name a writer.
impl Display for Writer {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}", crate::schema::quoted(&self.manager))?;
        if !self.subresource.is_empty() {
            write!(out, " with subresource {}", crate::schema::quoted(&self.subresource))?;
        }
        if self.operation == Operation::Update {
            write!(out, " using {}", self.api_version)?;
        }
        Ok(())
    }
}
