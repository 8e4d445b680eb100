//! Going back: a version that does worse than the one before is rejected, and that one is loaded again from disk.
//!
//! Rejected bytes are not loaded again, not after a restart either, until `windlass reload` names their module.

use crate::{
    book::Stand,
    control::Answer,
    drive::Driver,
    observe::Observer as _,
    source::{Offer, digest_of},
};
use std::{path::PathBuf, sync::Arc, time::Instant};
use windlass_core::{
    fact::Fact,
    name::{Digest, ModuleName},
    trial::Regression,
};

/// A version that was kept, as it came back from disk; or why it did not.
pub(crate) type Restored = Result<Offer, (ModuleName, String)>;

impl Driver {
    /// The version that serves failed where the one before succeeded.
    pub(crate) fn roll_back(&mut self, module: &ModuleName, regression: &Regression) {
        let Regression { bad, good, requests, message } = regression;
        let reason = format!(
            "{} objects that version {} reconciled failed with it in a row; the last one said: {message}",
            requests,
            good.short()
        );
        if !self.versions.are_kept() {
            tracing::warn!(target: "windlass::module", %module, "version {} does worse than the one before: {reason}; it serves on, as this host keeps no versions", bad.short());
            return;
        }
        self.go_back(module, *bad, *good, reason);
    }

    /// An operator wants the version before.
    pub(crate) fn rollback_asked(&mut self, module: &ModuleName) -> Answer {
        let Some((bad, _)) = self.pipeline.serving(module) else {
            return Answer::failed(format!("nothing of {module} serves; see `windlass status`"));
        };
        match self.versions.before(module, &bad) {
            None => Answer::failed(format!(
                "this host keeps no earlier version of {module}: put its file back into the modules' directory"
            )),
            Some(good) => {
                self.go_back(module, bad, good, "its operator went back from it".to_owned());
                Answer::done(format!(
                    "{module} goes back from version {} to {}; `windlass reload {module}` tries {} again",
                    bad.short(),
                    good.short(),
                    bad.short()
                ))
            }
        }
    }

    fn go_back(&mut self, module: &ModuleName, bad: Digest, good: Digest, reason: String) {
        self.versions.reject(module, bad, reason.clone());
        let newest = self.book.modules.get(module).and_then(|entry| entry.offer.clone());
        if let Some(offer) = newest.filter(|offer| offer.digest == bad) {
            self.book.held_back(&offer, reason.clone());
        }
        self.restore(module, good);
        self.observers.fact(&Fact::ModuleRolledBack { module: module.clone(), bad, good, reason });
    }

    /// Rejected bytes were offered (again): the version before serves on, or is brought back after a restart, under the
    /// manifest that came with them.
    pub(crate) fn hold_back(&mut self, offer: Offer, reason: String) {
        let module = offer.name.clone();
        let good = self.versions.before(&module, &offer.digest);
        self.book.held_back(&offer, reason.clone());
        match good {
            Some(good) => self.restore(&module, good),
            None => self.reject(&module, rejected(&module, &reason)),
        }
    }

    /// What was held back of a module is to be tried after all.
    pub(crate) fn forgive(&mut self, module: &ModuleName) {
        self.versions.forgive(module);
        if let Some(entry) = self.book.modules.get_mut(module)
            && let Some(held_back) = entry.held_back.take()
        {
            entry.offer = Some(held_back.offer);
        }
    }

    /// The newest file of a module does not serve for now. The version that served before does meanwhile, if none is
    /// running: after a restart, or because what ran was rejected while the newest was loaded.
    pub(crate) fn fall_back(&mut self, module: &ModuleName, reason: &str) {
        let Some(offer) = self.book.modules.get(module).and_then(|entry| entry.offer.clone()) else { return };
        let good = match self.pipeline.serving(module) {
            Some((serving, _)) if self.versions.rejected(module, &serving).is_none() => None,
            Some((serving, _)) => self.versions.before(module, &serving),
            None => self.versions.last(module),
        };
        let Some(good) = good.filter(|good| *good != offer.digest) else { return };
        tracing::info!(target: "windlass::module", %module, "version {} serves until {} can", good.short(), offer.digest.short());
        self.book.held_back(&offer, reason.to_owned());
        self.restore(module, good);
    }

    fn restore(&self, module: &ModuleName, digest: Digest) {
        let manifest = self.book.modules.get(module).and_then(|entry| {
            let held_back = entry.held_back.as_ref().map(|held_back| &held_back.offer);
            held_back.or(entry.offer.as_ref())?.manifest.clone()
        });
        let Some(file) = self.versions.file(module, &digest) else { return };
        let (module, restored) = (module.clone(), self.restored.clone());
        tokio::spawn(async move {
            let offer = |wasm: Arc<[u8]>, file: PathBuf| Offer {
                name: module.clone(),
                file,
                wasm: Some(wasm),
                digest,
                manifest,
                seen_at: Instant::now(),
            };
            let read = match tokio::fs::read(&file).await {
                Ok(wasm) if digest_of(&wasm) == digest => Ok(offer(wasm.into(), file)),
                Ok(_) => Err(format!("{} holds other bytes than were kept there", file.display())),
                Err(error) => Err(format!("cannot read {}: {error}", file.display())),
            };
            let read = read.map_err(|error| (module.clone(), error));
            drop(restored.send(read).await);
        });
    }

    /// Whether a file came meanwhile that serves, or will as soon as it is loaded.
    fn is_overtaken(&self, module: &ModuleName) -> bool {
        self.book.modules.get(module).is_none_or(|entry| {
            entry.held_back.is_none() && matches!(entry.stand, Stand::Loading | Stand::Offered)
        })
    }

    /// A kept version came back from disk.
    pub(crate) fn restored(&mut self, restored: Restored) {
        match restored {
            Ok(offer) if self.is_overtaken(&offer.name) => {
                tracing::debug!(target: "windlass::module", module = %offer.name, "a newer file came while {} was read back", offer.digest.short());
            }
            Ok(offer) => self.load(offer),
            Err((module, error)) => {
                let reason = self.book.modules.get(&module).and_then(|entry| entry.held_back.as_ref());
                let reason = reason.map(|held_back| held_back.reason.clone()).unwrap_or_default();
                let text = rejected(&module, &reason);
                self.reject(&module, format!("{text}. The version before cannot be had back: {error}"));
            }
        }
    }
}

fn rejected(module: &ModuleName, reason: &str) -> String {
    format!(
        "these bytes were rejected: {reason}. Replace the file, or try them again with `windlass reload {module}`"
    )
}
