//! Each test saves files as an editor does and waits for what is told.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use std::fs;

use super::*;

/// Long enough for a loaded machine; nothing waits that long when all is well.
const LONG: Duration = Duration::from_secs(20);

fn module() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("src/deep")).unwrap();
    fs::create_dir_all(dir.path().join("target")).unwrap();
    fs::write(dir.path().join("src/lib.rs"), "").unwrap();
    dir
}

async fn next(watcher: &mut SourceWatcher) -> SourceChanged {
    tokio::time::timeout(LONG, watcher.changed()).await.expect("a change is told")
}

#[tokio::test]
async fn a_save_is_told_once_with_its_paths() {
    let dir = module();
    let mut watcher = SourceWatcher::new(dir.path()).unwrap();
    // Write beside and rename, with all the steps that some editors take.
    fs::write(dir.path().join("src/.lib.rs.swp"), "x").unwrap();
    fs::write(dir.path().join("src/4913"), "").unwrap();
    fs::write(dir.path().join("src/lib.rs~"), "x").unwrap();
    fs::rename(dir.path().join("src/lib.rs~"), dir.path().join("src/lib.rs")).unwrap();
    fs::write(dir.path().join("src/deep/more.rs"), "x").unwrap();
    let change = next(&mut watcher).await;
    let root = dir.path().canonicalize().unwrap();
    assert_eq!(change.paths, [root.join("src/deep/more.rs"), root.join("src/lib.rs")]);
    assert_eq!((change.code, change.definitions, change.examples), (true, false, false));
    let more = tokio::time::timeout(Duration::from_millis(3 * QUIET_MS), watcher.changed()).await;
    assert!(more.is_err(), "told twice: {more:?}");
}

#[tokio::test]
async fn the_target_folder_and_strange_files_are_nobodys_change() {
    let dir = module();
    let mut watcher = SourceWatcher::new(dir.path()).unwrap();
    fs::write(dir.path().join("target/out.wasm"), "x").unwrap();
    fs::write(dir.path().join("notes.txt"), "x").unwrap();
    fs::write(dir.path().join("Cargo.toml"), "x").unwrap();
    let change = next(&mut watcher).await;
    assert_eq!(change.paths, [dir.path().canonicalize().unwrap().join("Cargo.toml")]);
}

#[tokio::test]
async fn a_folder_that_comes_later_is_watched_too() {
    let dir = module();
    let mut watcher = SourceWatcher::new(dir.path()).unwrap();
    fs::create_dir(dir.path().join("examples")).unwrap();
    assert!(next(&mut watcher).await.examples);
    fs::write(dir.path().join("examples/one.yaml"), "x").unwrap();
    let change = next(&mut watcher).await;
    assert_eq!((change.code, change.examples), (false, true));
}

#[tokio::test]
async fn a_change_survives_a_dropped_wait() {
    let dir = module();
    let mut watcher = SourceWatcher::new(dir.path()).unwrap();
    fs::write(dir.path().join("src/lib.rs"), "x").unwrap();
    // Dropped in the middle of the quiet time, or before the system has told: both must keep the change.
    let early = tokio::time::timeout(Duration::from_millis(QUIET_MS / 2), watcher.changed()).await;
    let change = match early {
        Ok(change) => change,
        Err(_) => next(&mut watcher).await,
    };
    assert!(change.code);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = SourceWatcher::new(Path::new("/nonexistent/module")).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("/nonexistent/module cannot be watched for changes"));
}
