//! Each folder in `scenarios/` is a test: its module runs in a whole host against the embedded API server, over TLS.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use libtest_mimic::{Arguments, Trial};
use std::path::{Path, PathBuf};
use windlass_tests::scenario::Scenario;

fn main() {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, folders().into_iter().map(trial).collect()).exit();
}

fn folders() -> Vec<PathBuf> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(scenarios).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The folder's name is the test's.
fn trial(folder: PathBuf) -> Trial {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    Trial::test(name, move || {
        let scenario = Scenario::read(&folder)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(scenario.run());
        Ok(())
    })
}
