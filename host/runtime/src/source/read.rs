//! Reads the files of one module and says what they are.

use super::{
    DirectoryOptions, FileError, Offer, SourceEvent, complete,
    look::{Files, Stamp},
    track::Told,
};
use crate::manifest::{API_VERSION, Manifest};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use windlass_core::name::{Digest, ModuleName};

/// What the files of a name turned out to be.
pub(super) enum Found {
    /// To be told, if it is news.
    Event(Told, Box<SourceEvent>),
    /// Bytes are missing.
    Incomplete,
    /// They changed while they were read; the next look sees them.
    Changed,
    /// A manifest of something else.
    NotOurs,
}

/// Reads one module. Blocks on the disk.
pub(super) fn read(
    dir: &Path,
    name: &str,
    (files, seen_at, last_call): (Files, Instant, bool),
    options: &DirectoryOptions,
) -> Found {
    let name = ModuleName(name.into());
    let paths = Paths { wasm: dir.join(format!("{name}.wasm")), manifest: dir.join(format!("{name}.yaml")) };
    let found = read_both(&name, &paths, (files, seen_at, last_call), options);
    let unchanged = |path: &Path, stamp: Option<Stamp>| Stamp::read(path).is_ok_and(|now| now == stamp);
    if unchanged(&paths.wasm, files.wasm) && unchanged(&paths.manifest, files.manifest) {
        found
    } else {
        Found::Changed
    }
}

struct Paths {
    wasm: PathBuf,
    manifest: PathBuf,
}

fn read_both(
    name: &ModuleName,
    paths: &Paths,
    (files, seen_at, last_call): (Files, Instant, bool),
    options: &DirectoryOptions,
) -> Found {
    let text = match files.manifest.map(|_| read_bounded(&paths.manifest, options.manifest_bytes_max)) {
        None => None,
        Some(Ok(bytes)) => Some(bytes),
        Some(Err(error)) => return broken(&paths.manifest, name, error),
    };
    if files.wasm.is_none() {
        let ours = text.is_some_and(|text| String::from_utf8_lossy(&text).contains(API_VERSION));
        let expected = format!("{name}.wasm");
        return match broken(&paths.manifest, name, FileError::NoModule { expected }) {
            Found::Event(_, event) if ours => Found::Event(Told::NoModule, event),
            _ => Found::NotOurs,
        };
    }
    let wasm = match read_bounded(&paths.wasm, options.wasm_bytes_max) {
        Ok(bytes) => bytes,
        Err(error) => return broken(&paths.wasm, name, error),
    };
    if let Some(needed) = complete::missing(&wasm) {
        let len = wasm.len() as u64;
        let truncated = FileError::Truncated { len, needed };
        return if last_call { broken(&paths.wasm, name, truncated) } else { Found::Incomplete };
    }
    let manifest_digest = text.as_ref().map(|text| <[u8; 32]>::from(Sha256::digest(text)));
    let parsed = text.map(|text| parse(&paths.manifest, &text, options)).transpose();
    let manifest = match (parsed, manifest_digest) {
        (Ok(manifest), _) => manifest.map(Arc::new),
        (Err(error), digest) => {
            let event = SourceEvent::ManifestBroken { name: name.clone(), error: Arc::new(error) };
            return Found::Event(Told::ManifestBroken(digest.unwrap_or_default()), Box::new(event));
        }
    };
    let digest = Digest(Sha256::digest(&wasm).into());
    let told = Told::Offered(digest.0, manifest_digest);
    let (name, file) = (name.clone(), paths.wasm.clone());
    let offer = Offer { name, file, wasm: Some(wasm.into()), digest, manifest, seen_at };
    Found::Event(told, Box::new(SourceEvent::Offered(offer)))
}

fn parse(
    file: &Path,
    text: &[u8],
    options: &DirectoryOptions,
) -> Result<Manifest, crate::manifest::ManifestError> {
    // A byte that is no UTF-8 becomes a replacement character, at which the error then points.
    Manifest::parse(file, &String::from_utf8_lossy(text), &options.defaults)
}

fn broken(file: &Path, name: &ModuleName, error: FileError) -> Found {
    let event =
        SourceEvent::FileBroken { file: file.to_owned(), name: Some(name.clone()), error: Arc::new(error) };
    Found::Event(Told::FileBroken, Box::new(event))
}

/// Reads a file, but never more than the bound, even if it grows meanwhile.
fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let read = || -> io::Result<(u64, Vec<u8>)> {
        let file = fs::File::open(path)?;
        let len = file.metadata()?.len();
        let mut bytes = Vec::new();
        if len <= bytes_max {
            bytes.reserve_exact(usize::try_from(len).unwrap_or_default());
            file.take(bytes_max + 1).read_to_end(&mut bytes)?;
        }
        Ok((len.max(bytes.len() as u64), bytes))
    };
    match read() {
        Err(error) => Err(FileError::Unreadable(error)),
        Ok((len, _)) if len > bytes_max => Err(FileError::TooLarge { len, max: bytes_max }),
        Ok((_, bytes)) => Ok(bytes),
    }
}
