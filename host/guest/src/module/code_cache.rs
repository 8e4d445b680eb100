//! Compiled code on disk, by digest and compiler, authenticated.
//!
//! Mapping a compiled file runs whatever machine code stands in it, and the engine accepts a file with a flipped byte.
//! So each file ends with a tag, made with a key that only this host's user can read, over the code and all that it
//! is for: a file of another module, another compiler or another host is not taken either. What does not verify is
//! compiled again.
//!
//! *Guarantee.* What is mapped is what was verified: a file is opened once, and its owner, mode and tag are those of
//! the open file, which is then mapped. *Assumption.* Nobody but this user can write to it, and this user's processes
//! replace files by rename, never in place; a process of this user that wants to do harm can as well read the key.

mod private;

use crate::{
    compile::ENGINE_VERSION,
    engine::{COMPILER_SETTINGS, Engine},
};
use private::PrivateDirectory;
use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use wasmtime::component::Component;
use windlass_core::name::Digest;

const KEY: &str = "key";
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;

/// How a file is laid out and authenticated; files of another format are not looked for.
const FORMAT: &str = "windlass compiled code 3, keyed BLAKE3";

/// A directory of compiled code and the key that authenticates it.
#[derive(Debug)]
pub struct CodeCache {
    directory: PrivateDirectory,
    key: [u8; KEY_BYTES],
    bytes_max: u64,
    /// What the files hold, all together.
    bytes: Mutex<u64>,
}

/// The directory cannot serve as a cache.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {what} {path}; the directory for compiled code must be a directory of this user, writable by nobody else"
)]
pub struct CodeCacheError {
    what: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

impl CodeCache {
    /// Opens or makes the directory (0700) and its key (0600). A key that others can read is replaced, and with it
    /// everything that was cached becomes void. At most `bytes_max` are kept; what was not used for longest goes first.
    ///
    /// # Errors
    /// When the directory or the key cannot be made or read, or is another user's.
    pub fn open(directory: impl Into<PathBuf>, bytes_max: u64) -> Result<Self, CodeCacheError> {
        let path = directory.into();
        let fail = |what, path: &Path| {
            let path = path.display().to_string();
            move |source| CodeCacheError { what, path, source }
        };
        let directory = PrivateDirectory::open(&path).map_err(fail("make or open", &path))?;
        let key = key(&directory).map_err(fail("read or write", &path.join(KEY)))?;
        let kept = directory.clean("cwasm").map_err(fail("list", &path))?;
        let bytes = Mutex::new(kept.iter().map(|file| file.bytes).sum());
        Ok(Self { directory, key, bytes_max, bytes })
    }

    /// Maps compiled code, if there is any that this host wrote.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let name = name(engine, digest);
        let void = |why: &str| {
            tracing::warn!(%digest, file = %self.directory.path(&name).display(), "compiled code {why}: compiling again");
            self.remove(&name);
        };
        let file = match self.directory.file(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                void(&format!("cannot be trusted ({error})"));
                return None;
            }
        };
        match self.verified(engine, digest, &file) {
            Ok(true) => {}
            Ok(false) => {
                void("does not match its tag");
                return None;
            }
            Err(error) => {
                void(&format!("cannot be read ({error})"));
                return None;
            }
        }
        private::used_now(&file);
        map(engine, &file).inspect_err(|error| void(&format!("cannot be mapped ({error:#})"))).ok()
    }

    /// Keeps compiled code, and maps it. A failure (a full disk) costs memory now and time at the next start, so it is
    /// told and not returned.
    pub(crate) fn keep(&self, engine: &Engine, digest: &Digest, code: &[u8]) -> Option<Component> {
        let name = name(engine, digest);
        let kept = self.directory.write(&name, |file| {
            file.write_all(code)?;
            let mut mac = self.mac(engine, digest);
            mac.update(code);
            // Not synchronized: what a power cut tears does not verify.
            file.write_all(mac.finalize().as_bytes())
        });
        let kept = kept.and_then(|file| {
            self.prune(&name, file.metadata()?.len())?;
            map(engine, &file).map_err(io::Error::other)
        });
        kept.inspect_err(|error| {
            let file = self.directory.path(&name);
            tracing::warn!(%digest, file = %file.display(), %error, "compiled code is not kept");
        })
        .ok()
    }

    /// BLAKE3, as a sleeper waits for it: a quarter of a millisecond less for each half megabyte than HMAC-SHA-256.
    fn mac(&self, engine: &Engine, digest: &Digest) -> blake3::Hasher {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(FORMAT.as_bytes());
        mac.update(&compatibility(engine).to_le_bytes());
        mac.update(&digest.0);
        mac
    }

    /// Whether the tag at its end is that of what stands before it.
    fn verified(&self, engine: &Engine, digest: &Digest, mut file: &File) -> io::Result<bool> {
        let Some(mut rest) = file.metadata()?.len().checked_sub(TAG_BYTES as u64) else { return Ok(false) };
        let mut mac = self.mac(engine, digest);
        let mut buffer = vec![0; 64 << 10];
        while rest > 0 {
            let part = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
            file.read_exact(&mut buffer[..part])?;
            mac.update(&buffer[..part]);
            rest -= part as u64;
        }
        let mut tag = [0; TAG_BYTES];
        file.read_exact(&mut tag)?;
        // This comparison takes as long whatever differs.
        Ok(mac.finalize() == tag)
    }

    fn remove(&self, name: &str) {
        match self.directory.remove(name) {
            Ok(bytes) => {
                let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
                *all = all.saturating_sub(bytes);
            }
            Err(error) => {
                let file = self.directory.path(name);
                tracing::warn!(file = %file.display(), %error, "cannot remove void compiled code");
            }
        }
    }

    /// Counts what came, and removes what was not used for longest until all fits, never what just came.
    fn prune(&self, keep: &str, came: u64) -> io::Result<()> {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *all += came;
        if *all <= self.bytes_max {
            return Ok(());
        }
        let mut files = self.directory.list("cwasm")?;
        files.sort_by_key(|file| file.used_at);
        *all = files.iter().map(|file| file.bytes).sum();
        for file in files.iter().filter(|file| file.name != keep) {
            if *all <= self.bytes_max {
                break;
            }
            *all = all.saturating_sub(self.directory.remove(&file.name)?);
        }
        Ok(())
    }
}

fn name(engine: &Engine, digest: &Digest) -> String {
    format!("{digest}-{:016x}.cwasm", compatibility(engine))
}

/// Tells compilers apart, and settings of which the code depends. Processors are told apart by the engine itself.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (FORMAT, ENGINE_VERSION, COMPILER_SETTINGS, std::env::consts::ARCH, std::env::consts::OS)
        .hash(&mut hasher);
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Code that the compiler has just made.
#[allow(unsafe_code, reason = "loading compiled code is what this file is for")]
pub(super) fn take(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the engine asks for what `precompile_component` made. That is what the compiler's answer is: it runs the
    // same program, and its answer came over a pipe that nobody else has.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}

#[allow(unsafe_code, reason = "mapping compiled code is what this file is for")]
fn map(engine: &Engine, file: &File) -> wasmtime::Result<Component> {
    // The file that is open, whatever its name means by now.
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: the engine asks that the file holds what the compiler wrote and is not changed while it is mapped. It
    // was written here a moment ago, or its tag has been verified, which only this host's key makes; no other user
    // can write to it, and files of the directory are replaced by rename or removed, never written in place.
    unsafe { Component::deserialize_file(engine.wasmtime(), opened) }
}

/// The key, if there is one that nobody else could read; else a new one.
fn key(directory: &PrivateDirectory) -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = Vec::new();
    match directory.file(KEY) {
        Ok(file) => drop(file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let file = directory.path(KEY);
            tracing::warn!(file = %file.display(), %error, "the key of the compiled code cannot be trusted: making a new one");
        }
    }
    if let Ok(key) = bytes.try_into() {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let file = directory.write(KEY, |file| file.write_all(&key))?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests;
