//! The server of the models: it carries out writes one after the other and remembers them all.

use super::tests::{deleted, incarnation, written};
use crate::{
    call::{ApiError, Reply},
    name::ObjectName,
    object::Object,
};
use std::collections::BTreeMap;

/// What the server did: the state after it, or the last state of what it deleted.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Happened {
    pub(in crate::cache) version: u64,
    pub(in crate::cache) object: Object,
    pub(in crate::cache) deleted: bool,
}

/// What a watch is told of something that happened.
#[derive(Debug)]
pub(in crate::cache) enum Event {
    Put(Object),
    /// It was deleted, or left the selection, at this version.
    Gone(ObjectName, String),
}

/// ConfigMaps `a/0`, `a/1`, …, and how they came to be what they are. Versions begin after 10.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Server {
    pub(in crate::cache) version: u64,
    pub(in crate::cache) objects: BTreeMap<u8, Object>,
    pub(in crate::cache) history: Vec<Happened>,
}

impl Default for Server {
    fn default() -> Self {
        Self { version: 10, objects: BTreeMap::new(), history: Vec::new() }
    }
}

/// Watch 1 is of everything, all others are of `app=x0`.
pub(in crate::cache) fn selected(watch: u64, object: &Object) -> bool {
    watch == 1 || object.label("app") == Some("x0")
}

impl Server {
    /// Carries out a write, and answers.
    pub(in crate::cache) fn carry_out(
        &mut self,
        which: u8,
        deletes: bool,
        label: u8,
    ) -> Result<Reply, ApiError> {
        let held = self.objects.get(&which).cloned();
        if deletes {
            let Some(object) = held else {
                return Err(ApiError { code: 404, ..ApiError::host("NotFound", "") });
            };
            self.version += 1;
            self.objects.remove(&which);
            let answer = deleted(object.uid());
            self.history.push(Happened { version: self.version, object, deleted: true });
            return answer;
        }
        self.version += 1;
        let uid = held.map_or(format!("u-{}", self.version), |object| object.uid().to_string());
        let object = incarnation(&uid, &which.to_string(), self.version, &format!("x{label}"), "");
        self.objects.insert(which, object.clone());
        self.history.push(Happened { version: self.version, object: object.clone(), deleted: false });
        written(object)
    }

    /// What a watch is told of the history at a place; nothing, where its selection is not concerned.
    pub(in crate::cache) fn event(&self, watch: u64, at: usize) -> Option<Event> {
        let Happened { version, object, deleted } = &self.history[at];
        if !deleted && selected(watch, object) {
            return Some(Event::Put(object.clone()));
        }
        let before = self.history[..at].iter().rev().find(|one| one.object.name() == object.name());
        let was = before.is_some_and(|one| !one.deleted && selected(watch, &one.object));
        was.then(|| Event::Gone(object.name().to_owned(), version.to_string()))
    }

    /// What a watch lists.
    pub(in crate::cache) fn list(&self, watch: u64) -> Vec<Object> {
        self.objects.values().filter(|object| selected(watch, object)).cloned().collect()
    }

    /// The earliest version, not before `floor`, at which an object stood as it was seen. None: it never did, so what
    /// was seen is older than that.
    pub(in crate::cache) fn stood(&self, which: u8, floor: u64, seen: Option<&str>) -> Option<u64> {
        let of_it = |one: &&Happened| *one.object.name().name == *which.to_string();
        let is_it = |one: &Happened| seen == (!one.deleted).then(|| one.object.resource_version());
        let then = self.history.iter().filter(of_it).take_while(|one| one.version <= floor).last();
        if then.map_or(seen.is_none(), is_it) {
            return Some(floor);
        }
        let later = self.history.iter().filter(of_it).filter(|one| one.version > floor);
        later.filter(|one| is_it(one)).map(|one| one.version).next()
    }
}
