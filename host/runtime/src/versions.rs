//! The versions of each module that are kept on disk, so that a module can go back: what serves, what served well before
//! it, and which bytes were rejected for what they did. `STATE/versions/NAME/` has an `index.json` and each version's bytes
//! under their digest.
//!
//! *Flow.* What the driver says is noted at once in memory; one task writes it, in order. *Guarantees.* Files appear whole
//! or not at all; bytes are held against their digest when they are read. *Caveats.* What cannot be written (a full disk) is
//! told and costs the way back after a restart, nothing else.

mod disk;
mod record;

use disk::Job;
use record::Record;
pub(crate) use record::Rejected;
use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};
use tokio::{sync::mpsc, task::JoinHandle};
use windlass_core::name::{Digest, ModuleName};

/// Writes that wait. Each holds a module's bytes.
const JOBS_MAX: usize = 64;

/// What is kept of all modules.
pub(crate) struct Versions {
    /// None: nothing is kept, and no module goes back.
    kept: Option<Kept>,
    records: BTreeMap<ModuleName, Record>,
}

struct Kept {
    directory: PathBuf,
    jobs: mpsc::Sender<Job>,
}

/// The directory of versions cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}; the state directory must be writable by this user")]
pub struct VersionsError {
    what: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

impl Versions {
    /// Keeps nothing.
    pub(crate) fn none() -> Self {
        Self { kept: None, records: BTreeMap::new() }
    }

    /// Opens or makes a directory. A record that cannot be read is as if nothing had been kept of that module, and is
    /// told. The task ends, with everything written, when the versions are dropped.
    ///
    /// # Errors
    /// When the directory cannot be made or listed.
    pub(crate) fn open(directory: PathBuf) -> Result<(Self, JoinHandle<()>), VersionsError> {
        let records = disk::read_all(&directory)?;
        let (jobs, waiting) = mpsc::channel(JOBS_MAX);
        let writer = tokio::spawn(disk::write_all(waiting));
        Ok((Self { kept: Some(Kept { directory, jobs }), records }, writer))
    }

    /// Whether modules can go back.
    pub(crate) fn are_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Why these bytes of a module are not wanted, if so.
    pub(crate) fn rejected(&self, module: &ModuleName, digest: &Digest) -> Option<&Rejected> {
        self.records.get(module)?.rejected(digest)
    }

    /// The version to which a module can go back from this one.
    pub(crate) fn before(&self, module: &ModuleName, digest: &Digest) -> Option<Digest> {
        self.records.get(module)?.before(digest)
    }

    /// The version that served last, unless it was rejected since.
    pub(crate) fn last(&self, module: &ModuleName) -> Option<Digest> {
        self.records.get(module)?.last()
    }

    /// Whether a version's bytes are wanted when it begins to serve: it is to be kept, and is not yet.
    pub(crate) fn want(&self, module: &ModuleName, digest: &Digest) -> bool {
        let has = |record: &Record| record.kept().any(|kept| kept == *digest);
        self.kept.is_some() && !self.records.get(module).is_some_and(has)
    }

    /// A version began to serve; with its bytes, unless they are kept already. `good` is the one against which it is on
    /// trial: kept as long as that lasts.
    pub(crate) fn serves(
        &mut self,
        module: &ModuleName,
        (digest, wasm): (Digest, Option<Arc<[u8]>>),
        good: Option<Digest>,
    ) {
        if self.kept.is_none() {
            return;
        }
        // They were kept when it was loaded, and another version took their place meanwhile.
        if wasm.is_none() && self.want(module, &digest) {
            tracing::warn!(target: "windlass::module", %module, "version {} is not kept: its bytes are gone already; it cannot come back once it is replaced", digest.short());
            return;
        }
        let record = self.records.entry(module.clone()).or_default();
        if record.serves(digest, good) {
            self.write(module, wasm.map(|wasm| (digest, wasm)));
        }
    }

    /// These bytes did worse than those before, or an operator does not want them.
    pub(crate) fn reject(&mut self, module: &ModuleName, digest: Digest, reason: String) {
        self.records.entry(module.clone()).or_default().reject(digest, reason);
        self.write(module, None);
    }

    /// An operator wants whatever was rejected of a module tried again.
    pub(crate) fn forgive(&mut self, module: &ModuleName) {
        if self.records.get_mut(module).is_some_and(Record::forgive) {
            self.write(module, None);
        }
    }

    /// The module was taken out: its bytes need not be kept; what was rejected stays rejected.
    pub(crate) fn withdrawn(&mut self, module: &ModuleName) {
        if self.records.get_mut(module).is_some_and(Record::withdrawn) {
            self.write(module, None);
        }
    }

    /// Where a version's bytes are kept; none where nothing is.
    pub(crate) fn file(&self, module: &ModuleName, digest: &Digest) -> Option<PathBuf> {
        let kept = self.kept.as_ref()?;
        Some(disk::wasm_file(&kept.directory.join(&*module.0), digest))
    }

    fn write(&self, module: &ModuleName, wasm: Option<(Digest, Arc<[u8]>)>) {
        let (Some(kept), Some(record)) = (&self.kept, self.records.get(module)) else { return };
        let job = Job { directory: kept.directory.join(&*module.0), record: record.clone(), wasm };
        if kept.jobs.try_send(job).is_err() {
            tracing::warn!(target: "windlass::module", %module, "its version is not kept: too many wait to be written; it cannot go back after a restart");
        }
    }
}

#[cfg(test)]
mod tests;
