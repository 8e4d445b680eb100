//! Tells when a module's sources have changed, once per save.
//!
//! Watched are `src/`, `crds/`, `examples/` with all below them and the files of the folder itself that the
//! compiler reads. The target folder is never watched: a build would be its own reason to build.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// So long nothing more must happen until a change counts as finished: editors write in several steps.
const QUIET_MS: u64 = 40;

/// A stream of changes that never stops is told after this long all the same.
const WAIT_MS_MAX: u64 = 400;

/// As many paths are named; more only count.
const PATHS_MAX: usize = 64;

/// Folders whose whole content is watched.
const FOLDERS: [&str; 3] = ["src", "crds", "examples"];

/// Files of the module's folder itself that a build reads.
const FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "build.rs"];

/// Something was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChanged {
    /// What changed, at most 64 paths, in order.
    pub paths: Vec<PathBuf>,
    /// The module is to be built again: code, or a definition that it may contain.
    pub code: bool,
    /// Something under `crds/`.
    pub definitions: bool,
    /// Something under `examples/`.
    pub examples: bool,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be watched for changes", path.display())]
pub struct WatchError {
    /// The folder.
    pub path: PathBuf,
    /// The system's reason.
    #[source]
    pub source: notify::Error,
}

/// Watches one module's folder until it is dropped.
pub struct SourceWatcher {
    root: PathBuf,
    watcher: RecommendedWatcher,
    watched: BTreeSet<&'static str>,
    changed: Arc<Changed>,
}

/// What the system's thread saw since the last answer.
#[derive(Default)]
struct Changed {
    seen: Mutex<Seen>,
    wake: Notify,
}

#[derive(Default)]
struct Seen {
    paths: BTreeSet<PathBuf>,
    /// A folder that is to be watched came, or the system lost count of changes.
    rewatch: bool,
    /// The system lost count: anything may have changed.
    lost: bool,
}

impl SourceWatcher {
    /// Begins to watch; changes from here on are told.
    ///
    /// # Errors
    /// If the folder is not there, or the system has no watches left.
    pub fn new(dir: &Path) -> Result<Self, WatchError> {
        let failed = |source| WatchError { path: dir.to_owned(), source };
        let root = dir.canonicalize().map_err(|error: io::Error| failed(notify::Error::io(error)))?;
        let changed = Arc::new(Changed::default());
        let (seen, seen_root) = (Arc::clone(&changed), root.clone());
        let mut watcher =
            notify::recommended_watcher(move |event| note(&seen, &seen_root, event)).map_err(failed)?;
        watcher.watch(&root, RecursiveMode::NonRecursive).map_err(failed)?;
        let mut this = Self { root, watcher, watched: BTreeSet::new(), changed };
        this.watch_folders().map_err(failed)?;
        Ok(this)
    }

    /// Waits for the next change, and until it is finished. Nothing is lost between two calls, or when the
    /// future is dropped before it answers.
    pub async fn changed(&mut self) -> SourceChanged {
        loop {
            self.changed.wake.notified().await;
            self.settle().await;
            let seen = std::mem::take(&mut *self.seen());
            if seen.rewatch || seen.lost {
                // A folder that is gone again by now tells its own change.
                drop(self.watch_folders());
            }
            if seen.lost || !seen.paths.is_empty() {
                return self.classify(&seen);
            }
        }
    }

    async fn settle(&self) {
        let end = Instant::now() + Duration::from_millis(WAIT_MS_MAX);
        // Between taking the first wake and the answer the future may be dropped; then the next call begins
        // with this wake again.
        let restore = WakeOnDrop(&self.changed.wake);
        loop {
            let quiet = (Instant::now() + Duration::from_millis(QUIET_MS)).min(end);
            if timeout_at(quiet, self.changed.wake.notified()).await.is_err() || Instant::now() >= end {
                break;
            }
        }
        restore.disarm();
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.changed.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch_folders(&mut self) -> notify::Result<()> {
        for folder in FOLDERS {
            let path = self.root.join(folder);
            if !path.is_dir() {
                self.watched.remove(folder);
            } else if self.watched.insert(folder) {
                self.watcher.watch(&path, RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }

    fn classify(&self, seen: &Seen) -> SourceChanged {
        let mut change = SourceChanged {
            code: seen.lost,
            definitions: seen.lost,
            examples: seen.lost,
            ..SourceChanged::default()
        };
        for path in &seen.paths {
            match first_part(&self.root, path) {
                Some("examples") => change.examples = true,
                Some("crds") => (change.definitions, change.code) = (true, true),
                _ => change.code = true,
            }
        }
        change.paths = seen.paths.iter().cloned().collect();
        change
    }
}

/// Gives the wake back unless it was used.
struct WakeOnDrop<'a>(&'a Notify);

impl WakeOnDrop<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn first_part<'a>(root: &Path, path: &'a Path) -> Option<&'a str> {
    path.strip_prefix(root).ok()?.components().next()?.as_os_str().to_str()
}

/// Runs on the watcher's thread.
fn note(changed: &Changed, root: &Path, event: notify::Result<notify::Event>) {
    let mut seen = changed.seen.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
        Ok(event) => {
            seen.lost |= event.need_rescan();
            for path in event.paths {
                let is_folder = path.parent() == Some(root)
                    && first_part(root, &path).is_some_and(|part| FOLDERS.contains(&part));
                seen.rewatch |= is_folder;
                if seen.paths.len() < PATHS_MAX && (is_folder || is_source(root, &path)) {
                    seen.paths.insert(path);
                }
            }
            if seen.paths.is_empty() && !seen.lost {
                return;
            }
        }
        Err(_) => seen.lost = true,
    }
    drop(seen);
    changed.wake.notify_one();
}

/// Not what editors put beside the file for a moment.
fn is_source(root: &Path, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    // `4913` is how vim finds out whether it may write into a folder.
    let passing = name.starts_with('.')
        || name.starts_with('#')
        || name.ends_with('~')
        || name.ends_with(".tmp")
        || name == "4913";
    if passing {
        return false;
    }
    match first_part(root, path) {
        Some(part) if FOLDERS.contains(&part) => true,
        Some(part) => path.parent() == Some(root) && FILES.contains(&part),
        None => false,
    }
}

#[cfg(test)]
mod tests;
