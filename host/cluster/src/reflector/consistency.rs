//! Whether what is held is what the server had at that version (R18): the opt-in check of client-go's WatchList, for
//! tests and for whoever doubts a cache. It lists everything, so it is not for every day.

use super::{Delta, Reflector, Sink, WatchError, drive::Drive};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch as latest;
use windlass_core::{cache::Staging, input::WatchSpec, name::ObjectName, object::Object};

/// Name → version.
pub type Versions = BTreeMap<ObjectName, Box<str>>;

impl Reflector {
    /// What was there at exactly this version, as the selection of a watch shows it.
    ///
    /// # Errors
    /// As a watch's own list, and 410 when the server no longer has that version. None: the kind is not served.
    pub async fn list_at(&self, spec: &WatchSpec, version: &str) -> Result<Option<Versions>, WatchError> {
        let (_plan, plans) = latest::channel(Arc::default());
        let mut drive = Drive::new(self.clone(), spec.clone(), plans, Collected::default());
        let Some(target) = drive.target().await? else { return Ok(None) };
        let mut wire = target.list_exactly(version, None);
        loop {
            let shell = drive.page(&target, &wire, false).await?;
            let token = shell.metadata.continue_token;
            if token.is_empty() {
                break;
            }
            wire = target.list_exactly(version, Some(&token));
        }
        let version = |object: Arc<Object>| (object.name().to_owned(), Box::from(object.resource_version()));
        Ok(Some(drive.sink.0.take().into_iter().map(version).collect()))
    }

    /// Every difference between what a watch holds at a version and what the server had then, in words.
    ///
    /// # Errors
    /// As [`Reflector::list_at`].
    pub async fn differences(
        &self,
        spec: &WatchSpec,
        version: &str,
        held: &Versions,
    ) -> Result<Vec<String>, WatchError> {
        let listed = self.list_at(spec, version).await?.unwrap_or_default();
        let lacking = listed.iter().filter_map(|(name, version)| match held.get(name) {
            None => Some(format!("{name}@{version} is not held")),
            Some(held) if held != version => Some(format!("{name}@{version} is held as @{held}")),
            Some(_) => None,
        });
        let surplus = held.iter().filter(|(name, _)| !listed.contains_key(*name));
        let surplus = surplus.map(|(name, version)| format!("{name}@{version} is held and was not there"));
        Ok(lacking.chain(surplus).collect())
    }
}

/// Keeps what is staged.
#[derive(Default)]
struct Collected(Staging);

impl Sink for Collected {
    async fn begin(&mut self) {}
    async fn stage(&mut self, deltas: Vec<Delta>) {
        deltas.into_iter().for_each(|delta| delta.stage(&mut self.0, Arc::new));
    }
    async fn commit(&mut self, _: &str) {}
    async fn change(&mut self, _: Vec<Delta>, _: &str) {}
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, _: &WatchError, _: Duration) {}
    async fn absent(&mut self) {}
}
