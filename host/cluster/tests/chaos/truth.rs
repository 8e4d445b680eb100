//! What the server really holds and held, asked past the faults.

use crate::{
    model::name_of,
    modules::{KINDS, kind},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use windlass_apiserver::{
    controllers::Client,
    query::ListOptions,
    store::{Change, ChangeKind, Watcher},
};
use windlass_core::{
    description::Selection,
    name::{Kind, ObjectName},
};

/// The last change of an object.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) version: u64,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

pub(crate) struct Truth {
    client: Client,
    watchers: Vec<Watcher>,
    last: Vec<BTreeMap<Box<str>, Arc<Change>>>,
}

impl Truth {
    pub(crate) fn new(client: Client) -> Self {
        let watcher = |(_, _, plural): &(&str, &str, &str)| {
            client.registry().store().watch(&Arc::from(*plural), 0).expect("nothing is compacted yet")
        };
        let watchers = KINDS.iter().map(watcher).collect();
        Self { client, watchers, last: KINDS.iter().map(|_| BTreeMap::new()).collect() }
    }

    /// Takes in what changed; at the latest before history is dropped.
    pub(crate) fn poll(&mut self) {
        for (watcher, last) in self.watchers.iter_mut().zip(&mut self.last) {
            loop {
                let batch = watcher.poll().expect("polled before each compaction");
                if batch.changes.is_empty() {
                    break;
                }
                last.extend(batch.changes.into_iter().map(|change| (change.object.key.clone(), change)));
            }
        }
    }

    /// The last change of every object of a kind that there ever was.
    pub(crate) fn last(&self, of: &Kind) -> BTreeMap<ObjectName, Last> {
        let at = (0..KINDS.len()).find(|at| kind(*at) == *of);
        let changes = at.map(|at| self.last[at].values()).into_iter().flatten();
        changes
            .map(|change| {
                let object = change.object.value();
                let before = change.previous.as_ref().map(|previous| previous.value());
                let after = (change.kind != ChangeKind::Deleted).then(|| object.clone());
                (name_of(&object), Last { version: change.version(), before, after })
            })
            .collect()
    }

    /// When an object of a kind changed last.
    pub(crate) fn last_version(&self, of: &Kind) -> u64 {
        let at = (0..KINDS.len()).find(|at| kind(*at) == *of);
        let changes = at.map(|at| self.last[at].values()).into_iter().flatten();
        changes.map(|change| change.version()).max().unwrap_or_default()
    }

    /// A list, at one version or now. None if that version is not held any more. A kind that is not served has no
    /// objects now; what it had is not told.
    pub(crate) fn list(
        &self,
        of: &Kind,
        selection: &Selection,
        version: Option<&str>,
    ) -> Option<BTreeMap<ObjectName, Value>> {
        let plural = KINDS
            .iter()
            .find(|(api_version, kind, _)| **api_version == *of.api_version && **kind == *of.kind);
        let plural = plural?.2.split('.').next().unwrap_or_default();
        let namespace = selection.namespaces.first().map_or("", |namespace| namespace);
        let Ok(place) = self.client.place((of.group(), of.version(), plural), namespace, "") else {
            return version.is_none().then(BTreeMap::new);
        };
        let options = ListOptions {
            label_selector: selection.labels.as_ref().map_or("", |labels| labels.as_str()).to_owned(),
            field_selector: selection.fields.as_deref().unwrap_or_default().to_owned(),
            resource_version: version.unwrap_or_default().to_owned(),
            version_match: version.map_or("", |_| "Exact").to_owned(),
            ..ListOptions::default()
        };
        let list = self.client.list(&place, &options).ok()?;
        let objects = list.items.iter().map(|item| {
            let mut object = place.resource.read(item);
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("managedFields");
            }
            (name_of(&object), object)
        });
        Some(objects.collect())
    }
}
