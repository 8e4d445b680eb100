//! From a module's folder to its component: the language's own compiler, then [`componentize`](fn@componentize).

mod cargo;
mod language;
mod toolchain;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::componentize::{ComponentizeError, componentize};
pub use language::Language;

/// What to build and how.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The module's folder; for Rust the one with its `Cargo.toml`.
    pub dir: PathBuf,
    /// Where the compiler puts its files. None: where it would by itself.
    pub target_dir: Option<PathBuf>,
    /// Small and fast, or soon ready.
    pub profile: Profile,
    /// The component's file. None: `windlass/NAME.wasm` in the target folder.
    pub output: Option<PathBuf>,
    /// Whether the compiler's messages carry terminal colours.
    pub color: bool,
}

impl BuildRequest {
    /// A release build of a folder with all else by default.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), target_dir: None, profile: Profile::Release, output: None, color: false }
    }
}

/// How the code is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What is shipped: small, optimised over all crates. The same source gives the same bytes.
    Release,
    /// What is edited: compiled in pieces, so that a change is ready soon. Larger and slower to run.
    Dev,
}

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The module's name: its package's, with dashes.
    pub name: String,
    /// The component's file.
    pub path: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
    /// From the call to the file.
    pub took: Duration,
    /// How large the compiler's own output was.
    pub core_bytes: usize,
}

/// Why there is no component. What the compiler said went to the callback before.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing in the folder says what language it is.
    #[error("{} is no module's folder: it has no `Cargo.toml`. Give the folder of the module's package", .0.display())]
    NoModule(PathBuf),
    /// A language that cannot be built yet.
    #[error("{} is written in {language}, which this version cannot build. Supported: Rust", dir.display())]
    Unsupported {
        /// The folder.
        dir: PathBuf,
        /// What it is written in.
        language: Language,
    },
    /// The compiler is not installed.
    #[error("`{program}` cannot be started: install Rust as https://rustup.rs says, then try again")]
    NoCompiler {
        /// What was called.
        program: &'static str,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Rust is there, its standard library for modules is not, and it could not be installed.
    #[error("Rust's target for modules is not installed: run `rustup target add {target}`{detail}")]
    NoTarget {
        /// The target's name.
        target: &'static str,
        /// What `rustup` said; empty or beginning on a new line.
        detail: String,
    },
    /// The source has mistakes.
    #[error("{name} does not compile; see the compiler's messages above")]
    Compile {
        /// The module's folder name.
        name: String,
    },
    /// The package is no `cdylib`.
    #[error("{} makes no module: add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`", .0.display())]
    NoLibrary(PathBuf),
    /// The compiler's output is no module of our world.
    #[error("{} cannot become a component", path.display())]
    Componentize {
        /// The core module.
        path: PathBuf,
        /// Why.
        #[source]
        source: ComponentizeError,
    },
    /// A file could not be read or written.
    #[error("{} cannot be {action}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Builds a module. What the compiler and its installer say goes to `say`, line by line, while they run.
///
/// Blocks until the compiler ends; call it from a thread that may.
///
/// # Errors
/// See [`BuildError`].
pub fn build(request: &BuildRequest, say: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let start = Instant::now();
    match Language::of(&request.dir) {
        Some(Language::Rust) => {}
        Some(language) => return Err(BuildError::Unsupported { dir: request.dir.clone(), language }),
        None => return Err(BuildError::NoModule(request.dir.clone())),
    }
    toolchain::ensure_target(&request.dir, say)?;
    let artifact = cargo::run(request, say)?;
    let core = fs::read(&artifact.path).map_err(|source| file_error(&artifact.path, "read", source))?;
    let name = artifact.package.replace('_', "-");
    let bytes = componentize(&core, &name)
        .map_err(|source| BuildError::Componentize { path: artifact.path.clone(), source })?;
    let path = match &request.output {
        Some(path) => path.clone(),
        None => artifact.target_dir().join("windlass").join(format!("{name}.wasm")),
    };
    write_whole(&path, &bytes).map_err(|source| file_error(&path, "written", source))?;
    Ok(Built { name, path, bytes, took: start.elapsed(), core_bytes: core.len() })
}

fn file_error(path: &Path, action: &'static str, source: io::Error) -> BuildError {
    BuildError::File { path: path.to_owned(), action, source }
}

/// Writes beside the file and renames, so that a host that watches it never sees half of it. Two builds of one module
/// may write at a time, in two processes or in one: each has a name of its own until the rename.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut half = path.as_os_str().to_owned();
    half.push(format!(".{}-{}.part", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    fs::write(&half, bytes)?;
    fs::rename(&half, path)
}

#[cfg(test)]
mod tests;
