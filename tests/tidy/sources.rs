//! The repository's files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file: its path from the root of the repository, with `/`, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text of one file.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file.
pub(crate) fn rust_sources() -> Vec<Source> {
    let sources = sources(|path| path.ends_with(".rs"));
    assert!(sources.len() > 50, "the walk through the repository has lost its way");
    sources
}

/// Every file that people write.
pub(crate) fn text_sources() -> Vec<Source> {
    let ends = [".rs", ".toml", ".md", ".wit", ".yaml", ".sh"];
    sources(|path| ends.iter().any(|end| path.ends_with(end)) || path.starts_with(".ci/"))
}

fn sources(wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    let (root, mut found, mut folders) = (root(), Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            if entry.file_type().unwrap().is_dir() {
                folders.extend(is_ours(&entry.file_name().to_string_lossy()).then_some(path));
            } else if wanted(&name) {
                found.push(Source { path: name, text: fs::read_to_string(entry.path()).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether people write what is in a folder of this name.
fn is_ours(folder: &str) -> bool {
    folder == ".ci"
        || !(folder.starts_with('.') || ["target", "node_modules", "__pycache__", "dist"].contains(&folder))
}
