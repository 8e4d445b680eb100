//! The sample modules: built, or copied to be edited.

use crate::program::{finish, windlass};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// The folder with the sample modules.
pub(crate) fn folder(module: &str) -> PathBuf {
    root().join("sample-modules").join(module)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where the modules' compiler puts its files: kept from run to run, apart from those of the tests' own compiler.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules")
}

/// A command that compiles modules.
pub(crate) fn building(command: &mut Command) -> &mut Command {
    command.env("CARGO_TARGET_DIR", target_dir())
}

/// A sample's component, built by `windlass build`.
pub(crate) fn component(module: &str) -> Vec<u8> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let name = Path::new(module).file_name().unwrap();
    let file = target_dir().join("components").join(name).with_extension("wasm");
    let dir = folder(module);
    let arguments = ["build", dir.to_str().unwrap(), "--output", file.to_str().unwrap()];
    let ended = finish(building(&mut windlass(&arguments)));
    assert!(ended.status.success(), "{}{}", ended.out, ended.err);
    let bytes = fs::read(file).unwrap();
    drop(turn);
    bytes
}

/// The same module as other bytes: a custom section more.
pub(crate) fn marked(component: &[u8], mark: &str) -> Vec<u8> {
    let len = u8::try_from(mark.len()).unwrap();
    assert!(len < 100, "one byte of LEB128 for each length");
    let section = [&[0, len + 1, len], mark.as_bytes()].concat();
    [component, &section].concat()
}

/// A sample in a workspace of its own, to be edited. Its dependencies are those of this checkout.
pub(crate) fn copy(module: &str, into: &Path) -> PathBuf {
    let root = root();
    let theirs = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [\"{module}\"]\n");
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
    fs::write(into.join("Cargo.toml"), workspace).unwrap();
    fs::copy(root.join("Cargo.lock"), into.join("Cargo.lock")).unwrap();
    let copied = into.join(module);
    copy_folder(&folder(module), &copied);
    copied
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            (entry, to)
        };
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
