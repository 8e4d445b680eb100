//! Rust's standard library for modules: is it there, and if not, get it.

use std::{
    path::Path,
    process::{Command, Output},
};

use super::BuildError;

/// The target that modules are built for: std works, and what it wants of a system goes to our adapter.
pub(super) const TARGET: &str = "wasm32-wasip1";

/// Installs the target by `rustup` unless the toolchain of this folder has it.
pub(super) fn ensure_target(dir: &Path, say: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    // Asked of rustc itself: toolchains that did not come by rustup answer too.
    let answer = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(dir)
        .output()
        .map_err(|source| BuildError::NoCompiler { program: "rustc", source })?;
    if has_target(&answer) {
        return Ok(());
    }
    say(&format!("Rust's target {TARGET} is missing: running `rustup target add {TARGET}`"));
    let missing = |detail: String| BuildError::NoTarget { target: TARGET, detail };
    let added =
        Command::new("rustup").args(["target", "add", TARGET]).current_dir(dir).output().map_err(|_| {
            missing(", or install your distribution's package of it (there is no `rustup` here)".into())
        })?;
    if added.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&added.stderr);
    Err(missing(format!("\n{}", said.trim_end())))
}

fn has_target(answer: &Output) -> bool {
    let folder = String::from_utf8_lossy(&answer.stdout);
    answer.status.success() && Path::new(folder.trim()).is_dir()
}
