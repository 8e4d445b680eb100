//! One line of a watch: an object that changed, a bookmark, or the server's last word.

use super::Delta;
use crate::{client::status_error, shape};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap, sync::Arc};
use windlass_core::{
    call::{ApiError, Shape},
    name::Kind,
    object::FieldPlan,
};

/// What one line says.
#[derive(Debug)]
pub(super) enum Event {
    /// ADDED, MODIFIED, DELETED (R11).
    Changed(Delta),
    /// BOOKMARK.
    Bookmark {
        /// The version that the watch has reached.
        version: String,
        /// Whether the first list over the watch is complete (R16).
        initial_end: bool,
    },
    /// ERROR: the watch ends (R13).
    Error(ApiError),
    /// Not an event, or its object is none: skipped and counted (R15).
    Undecodable(String),
}

/// How objects of a watch are taken in.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    pub(super) plan: Arc<FieldPlan>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    event: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Bookmark<'a> {
    #[serde(borrow)]
    metadata: BookmarkMetadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMetadata<'a> {
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    #[serde(borrow, default)]
    annotations: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
}

impl Intake {
    /// Reads one line.
    pub(super) fn event(&self, line: &[u8]) -> Event {
        self.decode(line).unwrap_or_else(Event::Undecodable)
    }

    /// Takes in one item of a list.
    pub(super) fn item(&self, raw: &[u8]) -> Result<Delta, String> {
        let text = std::str::from_utf8(raw).map_err(|error| error.to_string())?;
        self.object(text).map(Delta::Upsert)
    }

    fn decode(&self, line: &[u8]) -> Result<Event, String> {
        let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        if let Some((event, raw)) = as_servers_write_it(text)
            && let Ok(told) = self.told(event, raw)
        {
            return Ok(told);
        }
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.told(&envelope.event, envelope.object.get())
    }

    fn told(&self, event: &str, raw: &str) -> Result<Event, String> {
        match event {
            "ADDED" | "MODIFIED" => self.object(raw).map(|object| Event::Changed(Delta::Upsert(object))),
            "DELETED" => self.object(raw).map(|object| Event::Changed(Delta::Remove(object))),
            "BOOKMARK" => bookmark(raw),
            "ERROR" => Ok(Event::Error(status_error(raw).unwrap_or_else(|| unknown(raw)))),
            other => Err(format!("an event of the unknown type {other}")),
        }
    }

    fn object(&self, raw: &str) -> Result<windlass_core::object::Object, String> {
        let object = shape::ingest(&self.kind, raw, self.shape).map_err(|error| describe(&error))?;
        Ok(object.projected(&self.plan))
    }
}

/// A change and its object, if the line is written as API servers write it. Whether the object is one is found out
/// when it is taken in; that spares a pass over the line.
fn as_servers_write_it(line: &str) -> Option<(&str, &str)> {
    let (event, rest) = line.strip_prefix(r#"{"type":""#)?.split_once('"')?;
    let object = rest.strip_prefix(r#","object":"#)?.trim_ascii_end().strip_suffix('}')?;
    matches!(event, "ADDED" | "MODIFIED" | "DELETED").then_some((event, object))
}

fn describe(error: &windlass_core::object::IngestError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn bookmark(raw: &str) -> Result<Event, String> {
    let bookmark: Bookmark<'_> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    let annotations = bookmark.metadata.annotations.unwrap_or_default();
    let initial_end = annotations.get("k8s.io/initial-events-end").is_some_and(|value| value == "true");
    Ok(Event::Bookmark { version: bookmark.metadata.resource_version.into_owned(), initial_end })
}

/// An ERROR whose object is no `Status`.
fn unknown(raw: &str) -> ApiError {
    ApiError {
        code: 500,
        reason: "InternalError".to_owned(),
        message: "the watch ended with an ERROR event that holds no Status".to_owned(),
        status: Some(raw.to_owned()),
        retry_after: None,
    }
}
