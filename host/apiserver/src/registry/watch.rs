//! Watches: the store's history as a client sees it through its selectors.

use std::sync::Arc;

use super::list::{parse_version, prefix, too_large_version};
use super::{Place, Registry};
use crate::query::ListOptions;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::{Change, ChangeKind, Listing, StoreError, Stored, Watcher};

/// What happened, from the point of view of one watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The object is new, or new to the selector.
    Added,
    /// The object changed.
    Modified,
    /// The object is gone, or out of the selector.
    Deleted,
}

impl EventKind {
    /// As the wire has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One event. The object is in its storage version.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The object; for a deletion its last state that matched, under the version of the deletion.
    pub object: Arc<Stored>,
}

/// A running watch.
#[derive(Debug)]
pub struct Watch {
    watcher: Watcher,
    selector: Selector,
    prefix: String,
    /// What was there at the start, to be told first.
    initial: Option<Vec<Event>>,
    /// Everything up to this version has been told.
    version: u64,
    /// Whether the end of the initial events is to be marked.
    pub marks_initial_end: bool,
}

impl Registry {
    /// Starts a watch.
    ///
    /// # Errors
    /// Bad options and selectors. A version that history no longer holds is told by the first [`Watch::next`], as
    /// the real server tells it: inside the stream.
    pub fn watch(&self, place: &Place, options: &ListOptions) -> Result<Watch, ApiError> {
        let definition = &place.resource.definition;
        let selector = Selector::parse(definition, &options.label_selector, &options.field_selector)?;
        let prefix = prefix(place);
        let asked = parse_version(&options.resource_version)?;
        let initial_events = options.initial_events.unwrap_or(false);
        let from_state = matches!(asked, None | Some(0)) || initial_events;
        let with_initial = from_state && options.initial_events != Some(false);
        let current = self.store().version();
        if let Some(asked) = asked.filter(|asked| initial_events && *asked > current) {
            return Err(too_large_version(asked, current));
        }
        let mut initial = None;
        let mut version = asked.unwrap_or_default();
        if from_state {
            let listing = Listing { prefix: &prefix, ..Listing::default() };
            let page = self.store().list(&place.resource.store_name, listing);
            let page = page.map_err(|error| super::store_error(place, error))?;
            version = page.version;
            let matching = page.items.into_iter().filter(|object| selector.matches(object));
            let events = matching.map(|object| Event { kind: EventKind::Added, object }).collect();
            initial = with_initial.then_some(events);
        }
        let watcher =
            self.store().watch(&place.resource.store_name, version).map_err(|error| gone(&error))?;
        Ok(Watch { watcher, selector, prefix, initial, version, marks_initial_end: initial_events })
    }
}

/// 410 in the words of the watch cache.
pub(crate) fn gone(error: &StoreError) -> ApiError {
    match error {
        StoreError::Expired { asked, oldest } => {
            ApiError::expired(format!("too old resource version: {asked} ({oldest})"))
        }
        other => ApiError::internal(other),
    }
}

impl Watch {
    /// What was there at the start; once, and only if the watch began with a state.
    pub fn take_initial(&mut self) -> Option<Vec<Event>> {
        self.initial.take()
    }

    /// Everything up to this version has been told.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Waits for the next events; never empty. Safe to drop while waiting.
    pub async fn next(&mut self) -> Result<Vec<Event>, ApiError> {
        loop {
            let batch = self.watcher.next().await.map_err(|error| gone(&error))?;
            self.version = batch.version;
            let events: Vec<_> = batch.changes.iter().filter_map(|change| self.event(change)).collect();
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Catches up without waiting, so that [`Watch::version`] is as new as it can be.
    pub fn poll(&mut self) -> Result<Vec<Event>, ApiError> {
        let batch = self.watcher.poll().map_err(|error| gone(&error))?;
        self.version = self.version.max(batch.version);
        Ok(batch.changes.iter().filter_map(|change| self.event(change)).collect())
    }

    fn event(&self, change: &Change) -> Option<Event> {
        if !change.object.key.starts_with(&self.prefix) {
            return None;
        }
        let gone = change.kind == ChangeKind::Deleted;
        let matches = !gone && self.selector.matches(&change.object);
        let previous = change.previous.as_ref().filter(|previous| self.selector.matches(previous));
        let event = |kind, object: &Arc<Stored>| Some(Event { kind, object: Arc::clone(object) });
        match (previous, matches) {
            (None, true) => event(EventKind::Added, &change.object),
            (Some(_), true) => event(EventKind::Modified, &change.object),
            (Some(_), false) if gone => event(EventKind::Deleted, &change.object),
            (Some(previous), false) => {
                Some(Event { kind: EventKind::Deleted, object: previous.at_version(change.version()) })
            }
            (None, false) => None,
        }
    }
}
