//! One look at the directory: which files are there, and how each can be told from a changed one.

use super::SourceError;
use crate::manifest::is_dns_label;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Tells a file from a changed one. The change time is used, not the modification time: tools set the latter back,
/// and it does not show a changed mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) len: u64,
    inode: u64,
    changed_nanos: i128,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        let changed_nanos = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        Self { len: metadata.len(), inode: metadata.ino(), changed_nanos }
    }

    /// None if there is no such file.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(metadata.is_file().then(|| Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether it has not changed for so long, by the system's clock.
    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i128::try_from(now.as_nanos())
            .is_ok_and(|now| i128::try_from(age.as_nanos()).is_ok_and(|age| now - self.changed_nanos >= age))
    }
}

/// The files of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) wasm: Option<Stamp>,
    pub(super) manifest: Option<Stamp>,
}

/// A file whose name is a mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Misnamed {
    /// A stem that can name no module, with `.wasm` behind it.
    Stem(String),
    /// A stem with `.yml` behind it.
    Extension(String),
}

/// What one look saw, by file stem. Other files are not Windlass's business.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) files: BTreeMap<String, Files>,
    /// Files whose names are mistakes.
    pub(super) misnamed: BTreeSet<Misnamed>,
    /// Which directory the path meant: another one must be listened to anew.
    pub(super) directory: u64,
}

/// Looks at the whole directory.
pub(super) fn look(dir: &Path) -> Result<Look, SourceError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(dir.to_owned()),
        io::ErrorKind::NotADirectory => SourceError::NotADirectory(dir.to_owned()),
        _ => SourceError::Unreadable { dir: dir.to_owned(), source },
    };
    let mut seen = Look { directory: fs::metadata(dir).map_err(failed)?.ino(), ..Look::default() };
    let mut short_extensions = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) else { continue };
        let stem = stem.to_string_lossy();
        let is_wasm = extension == "wasm";
        // Names with a dot in front are other programs' temporary files.
        if stem.starts_with('.') || !(is_wasm || extension == "yaml" || extension == "yml") {
            continue;
        }
        if extension == "yml" {
            short_extensions.push(stem.into_owned());
            continue;
        }
        // A file that vanishes between the two calls, or a link that leads nowhere, is not there.
        let Ok(Some(stamp)) = Stamp::read(&path) else { continue };
        if !is_dns_label(&stem) {
            seen.misnamed.extend(is_wasm.then(|| Misnamed::Stem(stem.into_owned())));
            continue;
        }
        let files = seen.files.entry(stem.into_owned()).or_default();
        *(if is_wasm { &mut files.wasm } else { &mut files.manifest }) = Some(stamp);
    }
    // Only beside a module can it be meant as a manifest.
    short_extensions.retain(|stem| seen.files.get(stem).is_some_and(|files| files.wasm.is_some()));
    seen.misnamed.extend(short_extensions.into_iter().map(Misnamed::Extension));
    Ok(seen)
}
