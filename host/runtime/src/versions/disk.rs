//! The files of the versions.

use super::{VersionsError, record::Record};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;
use windlass_core::name::{Digest, ModuleName};

const INDEX: &str = "index.json";

/// One module's record as it is to be on disk, with the bytes of a version that may not be there yet.
pub(super) struct Job {
    pub(super) directory: PathBuf,
    pub(super) record: Record,
    pub(super) wasm: Option<(Digest, Arc<[u8]>)>,
}

pub(super) fn wasm_file(directory: &Path, digest: &Digest) -> PathBuf {
    directory.join(format!("{digest}.wasm"))
}

/// Every module's record. What is no module's directory is left alone.
pub(super) fn read_all(directory: &Path) -> Result<BTreeMap<ModuleName, Record>, VersionsError> {
    let fail = |what| move |source| VersionsError { what, path: directory.display().to_string(), source };
    fs::create_dir_all(directory).map_err(fail("make"))?;
    #[cfg(unix)]
    fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .map_err(fail("make private"))?;
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(fail("list"))? {
        let entry = entry.map_err(fail("list"))?;
        let index = entry.path().join(INDEX);
        let text = match fs::read(&index) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::warn!(file = %index.display(), %error, "cannot read which versions were kept; they count as none");
                continue;
            }
        };
        match (serde_json::from_slice(&text), entry.file_name().to_str()) {
            (Ok(record), Some(name)) => drop(records.insert(ModuleName(name.into()), record)),
            (Err(error), _) => {
                tracing::warn!(file = %index.display(), %error, "does not tell which versions were kept; they count as none");
            }
            (_, None) => {}
        }
    }
    Ok(records)
}

/// Writes what comes, in order, until nothing can come any more.
pub(super) async fn write_all(mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        let directory = job.directory.clone();
        let written = tokio::task::spawn_blocking(move || write(&job)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(directory = %directory.display(), %error, "a module's versions are not kept; it cannot go back after a restart");
        }
    }
}

/// The bytes first: an index never names what is not there.
fn write(job: &Job) -> io::Result<()> {
    if job.record == Record::default() {
        return fs::remove_dir_all(&job.directory);
    }
    fs::create_dir_all(&job.directory)?;
    if let Some((digest, wasm)) = &job.wasm {
        let file = wasm_file(&job.directory, digest);
        // Bytes of another length under this digest are not these.
        let there = fs::metadata(&file).is_ok_and(|known| known.len() == wasm.len() as u64);
        if !there {
            write_whole(&file, wasm)?;
        }
    }
    write_whole(&job.directory.join(INDEX), &serde_json::to_vec_pretty(&job.record)?)?;
    prune(job)
}

fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = file.with_extension("part");
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, file));
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

fn prune(job: &Job) -> io::Result<()> {
    let kept: Vec<_> = job.record.kept().map(|digest| wasm_file(&job.directory, &digest)).collect();
    for entry in fs::read_dir(&job.directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "wasm") && !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
