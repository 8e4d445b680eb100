//! Writes that go in circles: what the pipeline is told of each write, and the Kubernetes Event when it finds some.

use crate::observe::Observer;
use std::sync::Arc;
use windlass_cluster::events::{Note, Recorder, Reference};
use windlass_core::{
    cache::{Cache, Found},
    call::{Answered, ApiError, Call, Reply, Shape},
    fact::Fact,
    fight::{FieldChange, Fight, FightStage, Wrote, changed_fields},
    input::RunId,
};
use windlass_guest::text::visible;

/// Objects larger than this are not compared: it would cost more than their fights do.
const JSON_LEN_MAX: usize = 256 * 1024;

/// What a write changed, seen from what the cache held before it. None where nothing is known to have changed: it
/// failed, the server kept the version, the kind is not watched, or the answer is not the object.
pub(crate) fn wrote(
    run: RunId,
    call: &Call,
    held: &Found,
    answer: &Result<Reply, ApiError>,
) -> Option<Wrote> {
    let name = call.action.name().filter(|name| !name.name.is_empty())?;
    if call.subresource.as_deref().is_some_and(|part| part != "status") {
        return None;
    }
    let itself = |before, after| vec![FieldChange { path: Box::default(), before, after }];
    let (from_version, version, changes) = match (held, answer.as_ref().ok()?) {
        (Found::Object(before), Reply::Deleted { gone: true, .. }) => {
            (Some(before.resource_version().into()), None, itself(1, 0))
        }
        (Found::Absent, Reply::Written { object: Answered::Object(object), .. }) => {
            (None, Some(object.resource_version().into()), itself(0, 1))
        }
        (Found::Object(before), Reply::Written { object: Answered::Object(object), .. }) => {
            let (known, version) = (before.resource_version(), object.resource_version());
            if known == version || object.json().len().max(before.json().len()) > JSON_LEN_MAX {
                return None;
            }
            (Some(known.into()), Some(version.into()), changed_fields(before.json(), object.json()))
        }
        _ => return None,
    };
    Some(Wrote { run, kind: call.kind.clone(), name: name.clone(), from_version, version, changes })
}

/// What a write begins from, as far as the cache knows. A watch that selects objects cannot say that one is absent, but
/// what it shows is there.
pub(crate) fn held(cache: &Cache, call: &Call) -> Found {
    let Some(name) = call.action.name() else { return Found::Unknown };
    match cache.find(&call.kind, name, Shape::Whole) {
        Found::Unknown => cache.shown(&call.kind, name).map_or(Found::Unknown, Found::Object),
        found => found,
    }
}

/// Tells fights as Kubernetes Events on the objects that they are about.
pub(crate) struct FightEvents {
    recorder: Recorder,
    cache: Arc<Cache>,
}

impl FightEvents {
    pub(crate) fn new(recorder: Recorder, cache: Arc<Cache>) -> Self {
        Self { recorder, cache }
    }

    fn note(&self, fight: &Fight) {
        let held = self.cache.get(&fight.kind, &fight.name);
        let uid = held.map(|held| held.uid().to_string()).unwrap_or_default();
        let writer = fight.writers.first().map_or("host", |writer| &*writer.controller.module.0);
        self.recorder.note(Note {
            regarding: Reference { kind: fight.kind.clone(), name: fight.name.clone(), uid },
            related: None,
            warning: fight.stage != FightStage::Over,
            reason: if fight.stage == FightStage::Over { "FightOver" } else { "Fighting" }.to_owned(),
            action: "HoldBack".to_owned(),
            text: visible(&fight.to_string()).into_owned(),
            controller: format!("windlass.dev/{writer}").into(),
        });
    }
}

impl Observer for FightEvents {
    fn fact(&self, fact: &Fact) {
        if let Fact::Fight(fight) = fact {
            self.note(fight);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use windlass_core::{
        call::{Action, WriteOptions},
        description::Selection,
        input::{WatchId, WatchSpec},
        name::{Kind, ObjectName},
        object::Object,
        selector::Selector,
    };

    fn map(version: u32, value: &str) -> String {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","namespace":"n","resourceVersion":"{version}"}},"data":{{"x":"{value}"}}}}"#
        )
    }

    fn held(version: u32, value: &str) -> Found {
        Found::Object(Arc::new(Object::ingest(&Kind::new("v1", "ConfigMap"), &map(version, value)).unwrap()))
    }

    fn written(version: u32, value: &str) -> Result<Reply, ApiError> {
        let Found::Object(object) = held(version, value) else { panic!() };
        Ok(Reply::Written { object: Answered::Object(object), warnings: Vec::new() })
    }

    #[test]
    fn what_a_write_begins_from_is_seen_however_it_is_watched() {
        let kind = Kind::new("v1", "ConfigMap");
        let call = Call {
            kind: kind.clone(),
            subresource: None,
            action: Action::Update {
                name: ObjectName::namespaced("n", "a"),
                body: String::new(),
                write: WriteOptions::default(),
            },
        };
        for (labels, fields) in [(None, None), (Some("app=x"), None), (None, Some("status.phase=Running"))] {
            let selection = Selection {
                namespaces: Vec::new(),
                labels: labels.map(|text| Selector::parse(text).unwrap()),
                fields: fields.map(Into::into),
            };
            let plan = Arc::default();
            let spec = WatchSpec { kind: kind.clone(), selection, metadata_only: false, plan };
            let cache = Cache::new();
            cache.open(WatchId(1), &spec);
            let object = Object::ingest(&kind, &map(7, "p")).unwrap();
            cache.replace(WatchId(1), vec![object], "7");
            let found = super::held(&cache, &call);
            assert!(
                matches!(&found, Found::Object(one) if one.resource_version() == "7"),
                "{spec:?}: {found:?}"
            );
        }
    }

    #[test]
    fn what_a_write_changed_is_told_and_what_changed_nothing_is_not() {
        let deleted = || Ok(Reply::Deleted { gone: true, uid: None, left: None });
        let update = |subresource: Option<&str>| Call {
            kind: Kind::new("v1", "ConfigMap"),
            subresource: subresource.map(str::to_owned),
            action: Action::Update {
                name: ObjectName::namespaced("n", "a"),
                body: String::new(),
                write: WriteOptions::default(),
            },
        };
        for (what, subresource, before, answer, want) in [
            ("another value", None, held(7, "p"), written(8, "q"), Some(vec![".data.x"])),
            ("of the status too", Some("status"), held(7, "p"), written(8, "q"), Some(vec![".data.x"])),
            ("an answer of another kind", Some("scale"), held(7, "p"), written(8, "q"), None),
            ("the version stayed", None, held(7, "p"), written(7, "p"), None),
            ("new", None, Found::Absent, written(8, "q"), Some(vec![""])),
            ("not watched", None, Found::Unknown, written(8, "q"), None),
            ("gone", None, held(7, "p"), deleted(), Some(vec![""])),
            ("failed", None, held(7, "p"), Err(ApiError::host("Unavailable", "away")), None),
        ] {
            let told = wrote(RunId(1), &update(subresource), &before, &answer);
            let paths =
                told.map(|told| told.changes.iter().map(|one| one.path.to_string()).collect::<Vec<_>>());
            assert_eq!(paths, want.map(|want| want.into_iter().map(str::to_owned).collect()), "{what}");
        }
    }
}
