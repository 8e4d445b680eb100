//! The book of modules: what was offered of each, what became of it, and under which terms it runs.

use crate::{
    kinds::{Kinds, Named},
    loader::Ready,
    manifest::Manifest,
    source::Offer,
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use windlass_core::{
    grant::Grant,
    name::{Digest, ModuleName},
};
use windlass_guest::host::Terms;

/// How a module's newest offer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Being compiled and described.
    #[default]
    Loading,
    /// Good, but its operator must act first.
    Waiting(String),
    /// Not usable.
    Rejected(String),
    /// Given to the pipeline, which lets it serve when its watches are synced.
    Offered,
}

/// Bytes that are in the modules' directory and were rejected for what they did.
#[derive(Clone)]
pub(crate) struct HeldBack {
    pub(crate) offer: Offer,
    pub(crate) reason: String,
}

/// One module.
#[derive(Default)]
pub(crate) struct Entry {
    /// Without its bytes.
    pub(crate) offer: Option<Offer>,
    /// The bytes of a version that is to be kept once it serves.
    to_keep: Option<(Digest, Arc<[u8]>)>,
    pub(crate) manifest: Option<Arc<Manifest>>,
    pub(crate) stand: Stand,
    /// What would serve, had it not been rejected; an older version may.
    pub(crate) held_back: Option<HeldBack>,
    pub(crate) paused: bool,
    pub(crate) title: String,
    pub(crate) version: String,
    kinds: Kinds,
    /// Of the last version that was given to the pipeline: who writes under this name.
    pub(crate) field_manager: Option<Arc<str>>,
    /// The versions that were given to the pipeline, one or two.
    given: Vec<Given>,
}

/// A version that was given to the pipeline.
struct Given {
    digest: Digest,
    /// When its files were first seen.
    seen_at: Instant,
    terms: Arc<Terms>,
}

impl Entry {
    fn given(&self, digest: &Digest) -> Option<&Given> {
        self.given.iter().find(|given| given.digest == *digest)
    }
}

/// All modules by name.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) modules: BTreeMap<ModuleName, Entry>,
}

impl Book {
    /// A new offer of a module.
    pub(crate) fn offered(&mut self, offer: &Offer, manifest: &Arc<Manifest>) {
        let entry = self.modules.entry(offer.name.clone()).or_default();
        entry.offer = Some(offer.noted());
        entry.to_keep = None;
        entry.manifest = Some(manifest.clone());
        entry.stand = Stand::Loading;
        entry.paused = manifest.paused;
    }

    /// Rejected bytes were offered.
    pub(crate) fn held_back(&mut self, offer: &Offer, reason: String) {
        let entry = self.modules.entry(offer.name.clone()).or_default();
        entry.held_back = Some(HeldBack { offer: offer.noted(), reason });
    }

    /// Whether a version is the one that was loaded last.
    pub(crate) fn is_offered(&self, module: &ModuleName, digest: &Digest) -> bool {
        let offer = self.modules.get(module).and_then(|entry| entry.offer.as_ref());
        offer.is_some_and(|offer| offer.digest == *digest)
    }

    /// The bytes of a version that is to be kept, once.
    pub(crate) fn take_to_keep(&mut self, module: &ModuleName, digest: &Digest) -> Option<Arc<[u8]>> {
        let (of, wasm) = self.modules.get_mut(module)?.to_keep.take()?;
        (of == *digest).then_some(wasm)
    }

    /// Whether a load that ended is still of the newest offer.
    pub(crate) fn is_current(&self, offer: &Offer, manifest: &Arc<Manifest>) -> bool {
        self.modules.get(&offer.name).is_some_and(|entry| {
            let same_manifest = entry.manifest.as_ref().is_some_and(|known| Arc::ptr_eq(known, manifest));
            same_manifest && entry.offer.as_ref().is_some_and(|known| known.digest == offer.digest)
        })
    }

    /// A version goes to the pipeline.
    pub(crate) fn ready(&mut self, offer: &Offer, ready: &Ready) {
        let Some(entry) = self.modules.get_mut(&offer.name) else { return };
        let description = &ready.version.description;
        (entry.title, entry.version) = (description.title.clone(), description.version.clone());
        entry.stand = Stand::Offered;
        entry.to_keep = ready.to_keep.clone().map(|wasm| (offer.digest, wasm));
        entry.kinds = ready.kinds.clone();
        entry.field_manager = Some(ready.terms.field_manager.clone());
        entry.given.retain(|given| given.digest != offer.digest);
        entry.given.reserve_exact(1);
        entry.given.push(Given { digest: offer.digest, seen_at: offer.seen_at, terms: ready.terms.clone() });
    }

    /// A module may do this from now on, in runs under way as well.
    pub(crate) fn regrant(&self, module: &ModuleName, grant: &Arc<Grant>) {
        for given in self.modules.get(module).iter().flat_map(|entry| &entry.given) {
            given.terms.grant.set(grant.clone());
        }
    }

    /// What a run of this version may use.
    pub(crate) fn terms(&self, module: &ModuleName, digest: &Digest) -> Option<Arc<Terms>> {
        Some(self.modules.get(module)?.given(digest)?.terms.clone())
    }

    /// When the files of a version were first seen.
    pub(crate) fn seen_at(&self, module: &ModuleName, digest: &Digest) -> Option<Instant> {
        Some(self.modules.get(module)?.given(digest)?.seen_at)
    }

    /// No run of a version will come.
    pub(crate) fn freed(&mut self, module: &ModuleName, digest: &Digest) {
        if let Some(entry) = self.modules.get_mut(module) {
            entry.given.retain(|given| given.digest != *digest);
        }
    }

    /// Who writes under which field manager.
    pub(crate) fn field_managers(&self) -> impl Iterator<Item = (&ModuleName, &str)> {
        self.modules.iter().filter_map(|(name, entry)| Some((name, entry.field_manager.as_deref()?)))
    }

    /// Every kind that some module names, with what was known of it when the last of them was loaded.
    pub(crate) fn kinds(&self) -> Named {
        self.modules.values().flat_map(|entry| entry.kinds.iter().cloned()).collect()
    }
}
