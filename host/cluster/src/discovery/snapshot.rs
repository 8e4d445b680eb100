//! What was served at one time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use windlass_core::name::{Kind, Resource};

/// One served resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Kind, plural name, scope.
    pub resource: Resource,
    /// `deployment`; may be empty.
    pub singular: String,
    /// `deploy`.
    pub short_names: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
    /// `get`, `list`, ….
    pub verbs: Vec<String>,
    /// `status`, `scale`, ….
    pub subresources: Vec<Subresource>,
}

impl Served {
    /// Whether the resource answers to this verb.
    #[must_use]
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// A subresource by its name.
    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

/// A subresource of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// `scale`.
    pub name: String,
    /// What it takes and answers: `autoscaling/v1 Scale`.
    pub kind: Kind,
    /// `get`, `patch`, ….
    pub verbs: Vec<String>,
}

/// Everything that was served at one time.
#[derive(Debug, Default)]
pub struct Snapshot {
    kinds: HashMap<Kind, Arc<Served>>,
    /// By group and plural, the preferred version first.
    resources: HashMap<(String, String), Vec<Arc<Served>>>,
    down: HashSet<String>,
    pub(super) answers: u64,
    taken: Option<Instant>,
}

impl Snapshot {
    /// By kind.
    #[must_use]
    pub fn kind(&self, kind: &Kind) -> Option<&Arc<Served>> {
        self.kinds.get(kind)
    }

    /// By group and plural name, in the preferred version (M2).
    #[must_use]
    pub fn resource(&self, group: &str, plural: &str) -> Option<&Arc<Served>> {
        self.resources.get(&(group.to_owned(), plural.to_owned()))?.first()
    }

    /// Every served resource, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.kinds.values()
    }

    /// Group versions whose server is down (M2).
    pub fn down(&self) -> impl Iterator<Item = &str> {
        self.down.iter().map(String::as_str)
    }

    /// Whether a group version, or any version of a group, is down.
    pub(super) fn is_down(&self, group_version: &str) -> bool {
        let group = |known: &str| known.split_once('/').is_some_and(|(group, _)| group == group_version);
        self.down.iter().any(|known| known == group_version || group(known))
    }

    pub(super) fn age(&self) -> Duration {
        self.taken.map_or(Duration::MAX, |taken| taken.elapsed())
    }

    pub(super) fn seal(mut self, answers: u64) -> Self {
        self.answers = answers;
        self.taken = Some(Instant::now());
        self
    }

    /// Adds a resource. Versions of a group are added in the order of the server's preference.
    pub(super) fn add(&mut self, served: Served) {
        let served = Arc::new(served);
        let resource = &served.resource;
        let group = (resource.kind.group().to_owned(), resource.plural.as_ref().to_owned());
        self.resources.entry(group).or_default().push(served.clone());
        self.kinds.entry(resource.kind.clone()).or_insert_with(|| served.clone());
    }

    pub(super) fn add_down(&mut self, group_version: String) {
        self.down.insert(group_version);
    }
}

/// `v1` for the core group, else `group/version`.
pub(super) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
