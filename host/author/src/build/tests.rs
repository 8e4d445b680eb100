//! What can be told without a compiler; `tests/samples.rs` builds real modules.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use super::*;

/// Builds a folder with these files and returns the error's text.
fn check_refused(files: &[&str], part: &str) {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(dir.path().join(file), "").unwrap();
    }
    let error = build(&BuildRequest::new(dir.path()), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains(part), "{part:?} is not in {error:?}");
}

#[test]
fn a_folder_that_is_no_module_is_told_from_one_in_another_language() {
    check_refused(&[], "no `Cargo.toml`");
    check_refused(&["README.md"], "no `Cargo.toml`");
    check_refused(&["go.mod", "main.go"], "written in Go");
    check_refused(&["main.c"], "written in C");
    check_refused(&["package.json"], "Supported: Rust");
}

#[test]
fn a_component_is_never_half_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/module.wasm");
    write_whole(&path, b"one").unwrap();
    write_whole(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn builds_of_one_module_at_a_time_do_not_take_each_others_file_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("module.wasm");
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| (0..200).for_each(|_| write_whole(&path, b"whole").unwrap()));
        }
    });
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a half-written file was left");
}
