//! One look at the directory: which files are there, and how each can be told from a changed one.

use super::{SourceError, heard::Scope};
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

impl Misnamed {
    pub(super) fn stem(&self) -> &str {
        match self {
            Self::Stem(stem) | Self::Extension(stem) => stem,
        }
    }
}

/// What one look saw, by file stem. Other files are not Windlass's business.
#[derive(Debug)]
pub(super) struct Look {
    /// What was looked at.
    pub(super) scope: Scope,
    pub(super) files: BTreeMap<String, Files>,
    /// Files whose names are mistakes.
    pub(super) misnamed: BTreeSet<Misnamed>,
    /// Which directory the path meant: another one must be listened to anew.
    pub(super) directory: u64,
}

/// Looks at the directory, or at some names in it.
pub(super) fn look(dir: &Path, scope: Scope) -> Result<Look, SourceError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(dir.to_owned()),
        io::ErrorKind::NotADirectory => SourceError::NotADirectory(dir.to_owned()),
        _ => SourceError::Unreadable { dir: dir.to_owned(), source },
    };
    let directory = fs::metadata(dir).map_err(failed)?.ino();
    let names = match &scope {
        Scope::Whole => stems(dir).map_err(failed)?,
        Scope::Names(names) => names.clone(),
    };
    let (mut files, mut misnamed) = (BTreeMap::new(), BTreeSet::new());
    for stem in &names {
        // A file that vanishes meanwhile, or a link that leads nowhere, is not there.
        let stamp = |extension| Stamp::read(&dir.join(format!("{stem}.{extension}"))).ok().flatten();
        let found = Files { wasm: stamp("wasm"), manifest: stamp("yaml") };
        if !is_dns_label(stem) {
            misnamed.extend(found.wasm.map(|_| Misnamed::Stem(stem.clone())));
            continue;
        }
        // Only beside a module can the short extension be meant as a manifest.
        if found.wasm.is_some() && stamp("yml").is_some() {
            misnamed.insert(Misnamed::Extension(stem.clone()));
        }
        if found != Files::default() {
            files.insert(stem.clone(), found);
        }
    }
    Ok(Look { scope, files, misnamed, directory })
}

/// The stems of all files that could be ours.
fn stems(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut stems = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let stem = name.strip_suffix(".wasm").or_else(|| name.strip_suffix(".yaml"));
        // Names with a dot in front are other programs' temporary files.
        stems.extend(stem.filter(|stem| !stem.starts_with('.')).map(str::to_owned));
    }
    Ok(stems)
}
