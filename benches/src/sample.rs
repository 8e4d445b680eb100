//! The website sample: a copy that can be edited, and components of it.

use crate::program::{finish, windlass};
use anyhow::{Context as _, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A sentence of the module that only some Event shows: another one makes other code.
const SENTENCE: &str = "is being set up";

/// The sample in this checkout.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("sample-modules/website")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A copy of the sample in a workspace of its own.
pub struct Copy {
    /// The module's folder.
    pub module: PathBuf,
    source: String,
}

impl Copy {
    /// Makes it. Its dependencies are those of this checkout.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn make(into: &Path) -> Result<Self> {
        let root = root().canonicalize()?;
        let theirs = fs::read_to_string(root.join("Cargo.toml"))?;
        let mut workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"website\"]\n".to_owned();
        let mut taken = false;
        for line in theirs.lines() {
            if line.starts_with('[') {
                taken = ["[workspace.package]", "[workspace.dependencies]"].contains(&line)
                    || line.starts_with("[workspace.lints");
            }
            if taken {
                workspace.push_str(&line.replace("path = \"", &format!("path = \"{}/", root.display())));
                workspace.push('\n');
            }
        }
        fs::write(into.join("Cargo.toml"), workspace)?;
        fs::copy(root.join("Cargo.lock"), into.join("Cargo.lock"))?;
        let module = into.join("website");
        copy_folder(&folder(), &module)?;
        let source = fs::read_to_string(module.join("src/lib.rs"))?;
        source.find(SENTENCE).with_context(|| format!("the website no longer says `{SENTENCE}`"))?;
        Ok(Self { module, source })
    }

    /// Saves its source with another sentence.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn edit(&self, sentence: &str) -> Result<()> {
        Ok(fs::write(self.module.join("src/lib.rs"), self.source.replace(SENTENCE, sentence))?)
    }

    /// Builds it as it stands, as an author would before giving it away.
    ///
    /// # Errors
    /// It does not compile.
    pub fn build(&self) -> Result<Vec<u8>> {
        let output = self.module.with_extension("wasm");
        finish(windlass(&["build", "--output"])?.arg(&output).arg(&self.module).envs(target_dir()?))?;
        Ok(fs::read(output)?)
    }
}

/// Where modules are compiled, as a setting of Cargo's: kept from run to run, beside the benchmarks' own files.
///
/// # Errors
/// The benchmark does not know where it stands.
pub fn target_dir() -> Result<[(&'static str, PathBuf); 1]> {
    // target/release/deps/benchmark
    let target = env::current_exe()?.ancestors().nth(3).context("no target directory")?.join("bench-modules");
    Ok([("CARGO_TARGET_DIR", target)])
}

/// The same module as other bytes, which no cache knows: a custom section more.
#[must_use]
pub fn marked(component: &[u8], mark: u8) -> Vec<u8> {
    // Section 0, three bytes: a name of one byte, and a byte.
    [component, &[0, 3, 1, b'm', mark]].concat()
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
