//! Where modules come from. So far: a directory, in which each `NAME.wasm` is a module and `NAME.yaml` its manifest.
//!
//! *Flow.* Every change of the directory, and a slow clock as a net, cause a look; what is new and
//! has stopped changing is read, and told if its content is new. *Guarantees.* What is offered was complete and
//! unchanged for the settle time, or its writer was done and it was unchanged for a shorter time since; a module's events come in order; the same content is not offered twice in a row;
//! one broken file holds up no other. *Assumptions.* Nobody writes a file in place in pauses longer than the settle
//! time, except that a Wasm file whose sections end beyond its end is waited for. *Caveats.* A file cut exactly
//! between two sections looks complete; the version that follows replaces it.

mod complete;
mod heard;
mod look;
mod read;
mod track;
mod watch;

#[cfg(test)]
mod tests;

use crate::manifest::{Defaults, Manifest, ManifestError};
use futures::Stream;
use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::AbortHandle};
use windlass_core::name::{Digest, ModuleName};

/// Offers that wait to be taken. Each holds a module's bytes, and looking at the directory stops while it is full.
const EVENTS_WAITING_MAX: usize = 4;

/// How a directory is watched.
#[derive(Clone, Debug)]
pub struct DirectoryOptions {
    /// A file that has not changed for so long is complete.
    pub settle: Duration,
    /// The same when the system told that its writer closed it, or that it was renamed into place: only so long that a
    /// module and its manifest, copied by one command, are read together.
    pub settle_written: Duration,
    /// A Wasm file that ends in the middle of a section is reported when it has not grown for so long.
    pub truncated_after: Duration,
    /// The directory is looked at so often even if no change is heard of: a net under the system's notices.
    pub rescan: Duration,
    /// The same where the system tells no changes, or while the directory is lost.
    pub rescan_unheard: Duration,
    /// A larger `.wasm` file is refused unread.
    pub wasm_bytes_max: u64,
    /// A larger manifest is refused unread.
    pub manifest_bytes_max: u64,
    /// What holds where a manifest says nothing.
    pub defaults: Defaults,
}

impl Default for DirectoryOptions {
    /// 25 ms, 10 ms, 2 s, 10 s, 1 s, 256 MiB, 1 MiB.
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(25),
            settle_written: Duration::from_millis(10),
            truncated_after: Duration::from_secs(2),
            rescan: Duration::from_secs(10),
            rescan_unheard: Duration::from_secs(1),
            wasm_bytes_max: 256 << 20,
            manifest_bytes_max: 1 << 20,
            defaults: Defaults::default(),
        }
    }
}

/// What a source tells.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    /// A module is there, or its bytes or manifest are others than before.
    Offered(Offer),
    /// A module's manifest cannot be used; what served before goes on.
    ManifestBroken {
        /// Which module.
        name: ModuleName,
        /// Each problem with its place.
        error: Arc<ManifestError>,
    },
    /// A file cannot be used; what served before goes on.
    FileBroken {
        /// The file.
        file: PathBuf,
        /// The module it is for; none if its name can be no module's.
        name: Option<ModuleName>,
        /// Why.
        error: Arc<FileError>,
    },
    /// A module's file is gone.
    Withdrawn {
        /// Which module.
        name: ModuleName,
    },
    /// The directory can no longer be read. Nothing is withdrawn; it is looked for again.
    DirectoryLost {
        /// Why.
        error: Arc<SourceError>,
    },
    /// The directory can be read again.
    DirectoryBack,
    /// The system tells no changes; they are found by looking again and again.
    ChangesUnheard {
        /// Why, and how long a change may now stay unseen.
        reason: String,
    },
}

/// A module's bytes and manifest.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Which module.
    pub name: ModuleName,
    /// The file, for messages.
    pub file: PathBuf,
    /// Its bytes, until they were used; none: they stand in the file. Whether they are a module is not judged here.
    pub wasm: Option<Arc<[u8]>>,
    /// Of the bytes.
    pub digest: Digest,
    /// None: there is no manifest, and so no grant.
    pub manifest: Option<Arc<Manifest>>,
    /// When the files were first seen as they are: from here the way to serving is measured.
    pub seen_at: Instant,
}

impl Offer {
    /// The same, to be remembered: without its bytes, which can be read again.
    #[must_use]
    pub fn noted(&self) -> Self {
        Self { wasm: None, ..self.clone() }
    }
}

/// The SHA-256 of a module's bytes.
#[must_use]
pub fn digest_of(wasm: &[u8]) -> Digest {
    windlass_guest::module::digest_of(wasm)
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not a DNS-1123 label.
    #[error(
        "{0:?} cannot be a module's name: rename the file to at most 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit"
    )]
    Name(String),
    /// It stayed shorter than its own sections say.
    #[error(
        "the file is truncated: it has {len} bytes, and a section of it reaches to byte {needed}; copy it again (best under another name, then rename it)"
    )]
    Truncated {
        /// Bytes that are there.
        len: u64,
        /// Bytes that must be there at least.
        needed: u64,
    },
    /// Larger than the bound.
    #[error("the file has {len} bytes, more than the {max} that are read")]
    TooLarge {
        /// Bytes that are there.
        len: u64,
        /// The bound.
        max: u64,
    },
    /// A manifest that nobody would read.
    #[error("a manifest is called {expected}: rename it, or it grants nothing")]
    Extension {
        /// As it should be called.
        expected: String,
    },
    /// A manifest that has no module.
    #[error(
        "there is no {expected} beside this manifest: put it there, or rename the manifest after its module"
    )]
    NoModule {
        /// The file name that was looked for.
        expected: String,
    },
    /// It cannot be read.
    #[error("the file cannot be read; check its owner and mode")]
    Unreadable(#[source] io::Error),
}

/// Why a directory is no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such directory.
    #[error("there is no directory {}: make it, or name another one with --modules", .0.display())]
    Missing(PathBuf),
    /// It is a file.
    #[error("{} is no directory: --modules takes the directory that holds the .wasm files", .0.display())]
    NotADirectory(PathBuf),
    /// It cannot be read.
    #[error("the directory {} cannot be read; check its owner and mode", .dir.display())]
    Unreadable {
        /// Which directory.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A watched directory: a stream of what happens in it, until it is dropped.
#[derive(Debug)]
pub struct Directory {
    events: mpsc::Receiver<SourceEvent>,
    heard: Arc<heard::Heard>,
    watching: AbortHandle,
}

impl Directory {
    /// Begins to watch. Whatever is there already is told first.
    ///
    /// # Errors
    /// The directory is missing, is a file, or cannot be read.
    pub async fn open(dir: &Path, options: DirectoryOptions) -> Result<Self, SourceError> {
        let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let heard = Arc::default();
        let watch = watch::Watch::begin(dir.to_owned(), options, sender, Arc::clone(&heard)).await?;
        Ok(Self { events, heard, watching: tokio::spawn(watch.run()).abort_handle() })
    }

    /// Reads a module's files and tells what they are, news or not; all modules without a name. The events come in
    /// the stream; none comes for a module that is not there.
    pub fn tell_again(&self, module: Option<&ModuleName>) {
        self.heard.ask(module);
    }

    /// The next event; none only when the host's tasks are being ended.
    pub async fn next(&mut self) -> Option<SourceEvent> {
        self.events.recv().await
    }
}

impl Stream for Directory {
    type Item = SourceEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SourceEvent>> {
        self.events.poll_recv(context)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
