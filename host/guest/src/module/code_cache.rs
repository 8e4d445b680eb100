//! Compiled code on disk, by digest and engine, authenticated.
//!
//! Mapping a compiled file runs whatever machine code stands in it, and the engine accepts a file with a flipped byte.
//! So each file has a tag beside it, made with a key that only this host's user can read, and no file is
//! mapped before its tag is verified. What does not verify is compiled again.

use crate::engine::Engine;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};
use wasmtime::component::Component;
use windlass_core::name::Digest;

/// Which engine wrote a file; the engine itself looks too, but only against mistakes.
const ENGINE_VERSION: &str = "wasmtime 48.0.8";
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;

/// A directory of compiled code and the key that authenticates it.
#[derive(Debug)]
pub struct CodeCache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
    bytes_max: u64,
}

/// The directory cannot serve as a cache.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}; the directory for compiled code must be writable by this user only")]
pub struct CodeCacheError {
    what: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

impl CodeCache {
    /// Opens or makes the directory (0700) and its key (0600). A key that others can read is replaced, and with it
    /// everything that was cached becomes void. At most `bytes_max` are kept; the oldest files go first.
    ///
    /// # Errors
    /// When the directory or the key cannot be made or read.
    pub fn open(directory: impl Into<PathBuf>, bytes_max: u64) -> Result<Self, CodeCacheError> {
        let directory = directory.into();
        let fail = |what, path: &Path| {
            let path = path.display().to_string();
            move |source| CodeCacheError { what, path, source }
        };
        make_private_directory(&directory).map_err(fail("make", &directory))?;
        let path = directory.join("key");
        let key = match read_key(&path).map_err(fail("read", &path))? {
            Some(key) => key,
            None => write_key(&directory, &path).map_err(fail("write", &path))?,
        };
        Ok(Self { directory, key, bytes_max })
    }

    /// Maps compiled code, if there is any that this host wrote.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(engine, digest);
        let tag = fs::read(path.with_extension("tag")).ok()?;
        let verified = fs::File::open(&path).and_then(|file| self.verify(engine, digest, file, &tag));
        match verified {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(%digest, file = %path.display(), "compiled code does not match its tag: compiling again");
                self.remove(&path);
                return None;
            }
            Err(error) => {
                tracing::warn!(%digest, file = %path.display(), %error, "compiled code cannot be read: compiling again");
                return None;
            }
        }
        map(engine, &path)
            .inspect_err(|error| {
                tracing::warn!(%digest, error = format!("{error:#}"), "compiled code cannot be mapped: compiling again");
                self.remove(&path);
            })
            .ok()
    }

    /// Keeps compiled code. A failure (a full disk) costs time at the next start and nothing else, so it is told and
    /// not returned.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, component: &Component) {
        let path = self.path(engine, digest);
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| {
            // The code first: a tag without code is nothing, code without a tag is compiled again.
            write_whole(&self.directory, &path, &code)?;
            let mut mac = self.mac(engine, digest);
            mac.update(&code);
            write_whole(&self.directory, &path.with_extension("tag"), &mac.finalize().into_bytes())?;
            self.prune(&path)
        });
        if let Err(error) = kept {
            tracing::warn!(%digest, file = %path.display(), %error, "compiled code is not kept");
        }
    }

    fn path(&self, engine: &Engine, digest: &Digest) -> PathBuf {
        let hash = compatibility(engine);
        self.directory.join(format!("{digest}-{hash:016x}.cwasm"))
    }

    fn mac(&self, engine: &Engine, digest: &Digest) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(b"windlass compiled code 1\0");
        mac.update(ENGINE_VERSION.as_bytes());
        mac.update(&compatibility(engine).to_le_bytes());
        mac.update(&digest.0);
        mac
    }

    fn verify(&self, engine: &Engine, digest: &Digest, mut file: fs::File, tag: &[u8]) -> io::Result<bool> {
        if tag.len() != TAG_BYTES {
            return Ok(false);
        }
        let mut mac = self.mac(engine, digest);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(mac.verify_slice(tag).is_ok());
            }
            mac.update(&buffer[..read]);
        }
    }

    fn remove(&self, path: &Path) {
        for path in [path.with_extension("tag"), path.to_owned()] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = %path.display(), %error, "cannot remove void compiled code");
            }
        }
    }

    /// Removes the oldest files until the rest fits, never the one just written.
    fn prune(&self, keep: &Path) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "cwasm") && path != keep {
                let metadata = entry.metadata()?;
                files.push((metadata.modified()?, metadata.len(), path));
            }
        }
        files.sort();
        let mut total = fs::metadata(keep)?.len() + files.iter().map(|(_, length, _)| length).sum::<u64>();
        for (_, length, path) in files {
            if total <= self.bytes_max {
                break;
            }
            self.remove(&path);
            total -= length;
        }
        Ok(())
    }
}

#[allow(unsafe_code, reason = "mapping compiled code is what this file is for")]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the engine asks that the file holds what `Component::serialize` wrote and is not changed while it is
    // mapped. `load` has just verified the tag, which only this host's key makes; the directory is writable by this
    // user only, and files in it are replaced by rename or removed, never written in place.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn make_private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// The key, if there is one that nobody else could read.
fn read_key(path: &Path) -> io::Result<Option<[u8; KEY_BYTES]>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    let private = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 == 0;
    #[cfg(not(unix))]
    let private = true;
    if !private {
        tracing::warn!(file = %path.display(), "others could read the key of the compiled code: making a new one");
    }
    Ok(bytes.try_into().ok().filter(|_| private))
}

fn write_key(directory: &Path, path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    write_whole(directory, path, &key)?;
    Ok(key)
}

/// Writes a file (0600) so that it is there whole or not at all.
fn write_whole(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let part = directory.join(format!("{:016x}.part", u64::from_le_bytes(random)));
    let written = private_file(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&part, path)
    });
    if written.is_err()
        && let Err(error) = fs::remove_file(&part)
    {
        tracing::debug!(file = %part.display(), %error, "a part stays behind; it is never read");
    }
    written
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
