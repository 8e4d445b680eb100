//! What the README promises: its session with kubectl, and what happens to a module whose source is edited.

use crate::{
    kubectl::Kubectl,
    program::{PATIENCE, Program, eventually, windlass},
    sample,
    transcript::{Exchange, agrees, exchanges},
};
use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const README: &str = include_str!("../../../../README.md");

/// `windlass dev` on a copy of the website sample.
struct Dev {
    program: Program,
    kubectl: Kubectl,
    _folder: tempfile::TempDir,
    source: std::path::PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// The copies share the compiler's folder, and in it the file that the last build made: one at a time.
static TURN: Mutex<()> = Mutex::new(());

impl Dev {
    fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let module = sample::copy("website", folder.path());
        let mut command = windlass(&["dev", module.to_str().unwrap()]);
        let mut program = Program::start(sample::building(&mut command));
        let line = program.wait_for("export KUBECONFIG=");
        let kubeconfig = line.trim().strip_prefix("export KUBECONFIG=").unwrap();
        let kubectl = Kubectl::new(kubeconfig);
        program.wait_for("website serves:");
        Self { program, kubectl, _folder: folder, source: module.join("src/lib.rs"), _turn: turn }
    }

    fn edit(&self, from: &str, to: &str) {
        let source = fs::read_to_string(&self.source).unwrap();
        let edited = source.replace(from, to);
        assert_ne!(source, edited, "the sample no longer says `{from}`");
        fs::write(&self.source, edited).unwrap();
    }
}

#[test]
fn the_readmes_session_goes_as_it_is_written() {
    let dev = Dev::start();
    let session = exchanges(README);
    assert!(session.len() >= 8, "the README's session has shrunk to {}", session.len());
    for exchange in &session {
        hold(&dev.kubectl, exchange);
    }
}

/// A question is asked until its answer is the written one; anything else happens once.
fn hold(kubectl: &Kubectl, exchange: &Exchange) {
    let Exchange { command, answer } = exchange;
    let check = || {
        let seen = kubectl.shell(command).out;
        if agrees(answer, &seen) {
            Ok(())
        } else {
            Err(format!("{seen}\nThe README says:\n{}", answer.join("\n")))
        }
    };
    let questions = ["kubectl get ", "kubectl wait ", "kubectl events "];
    if questions.iter().any(|question| command.starts_with(question)) {
        eventually(command, check);
    } else if let Err(seen) = check() {
        panic!("{command}\n{seen}");
    }
}

#[test]
fn an_edited_source_serves_and_a_broken_one_does_not() {
    let mut dev = Dev::start();
    let reason = "kubectl get website home -o jsonpath='{.status.conditions[0].reason}'";
    dev.kubectl.until(reason, "AllReplicasReady");

    dev.edit("\"AllReplicasReady\"", "\"EveryoneIsHere\"");
    dev.program.wait_for("website serves:");
    dev.kubectl.until(reason, "EveryoneIsHere");

    dev.edit("let up = ready >= wanted;", "let up = reddy >= wanted;");
    dev.program.wait_for("cannot find value `reddy`");
    dev.program.wait_for("the version before goes on");
    // The old version still mends.
    let uid = "kubectl get service home -o jsonpath='{.metadata.uid}'";
    let before = dev.kubectl.done(uid);
    dev.kubectl.done("kubectl delete service home");
    eventually("the service comes back", || {
        let now = dev.kubectl.shell(uid);
        if now.status.success() && now.out != before { Ok(()) } else { Err(now.out) }
    });

    dev.edit("reddy", "ready");
    dev.program.wait_for("website serves:");
}

#[test]
fn an_example_that_breaks_its_schema_is_told_once_with_its_file() {
    let mut dev = Dev::start();
    let hostname = "kubectl get website home -o jsonpath='{.spec.hostname}'";
    dev.kubectl.until(hostname, "home.example.com");
    let example = dev.source.parent().unwrap().parent().unwrap().join("examples/home.yaml");
    let text = fs::read_to_string(&example).unwrap();
    fs::write(&example, text.replace("home.example.com", "Home!")).unwrap();
    let line = dev.program.wait_for("was refused");
    assert!(line.contains("examples/home.yaml") && line.contains("Website default/home"), "{line}");
    assert_eq!(line.matches("spec.hostname: Invalid value").count(), 1, "{line}");
    fs::write(&example, text.replace("home.example.com", "mended.example.com")).unwrap();
    dev.program.wait_for("applied Website default/home");
    dev.kubectl.until(hostname, "mended.example.com");
}

#[test]
fn an_interrupt_ends_dev_cleanly_and_leaves_nothing() {
    let dev = Dev::start();
    let line = dev.program.printed();
    let kubeconfig = line.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG=")).unwrap();
    assert!(Path::new(kubeconfig).exists());
    let since = Instant::now();
    dev.program.signal("INT");
    let ended = dev.program.end(PATIENCE);
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.err);
    // Runs under way may finish; nothing here takes long.
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert!(!Path::new(kubeconfig).exists(), "the temporary kubeconfig is still there");
}

#[test]
fn dev_without_a_module_says_what_a_module_is() {
    let folder = tempfile::tempdir().unwrap();
    crate::program::refused_with(&["dev", folder.path().to_str().unwrap()], &["Cargo.toml"]);
    crate::program::refused_with(&["dev", "/nowhere/at/all"], &["/nowhere/at/all"]);
}

#[test]
fn the_readme_shows_the_sample_as_it_is() {
    let source = fs::read_to_string(sample::folder("hello").join("src/lib.rs")).unwrap();
    let shown = source.split("#[cfg(test)]").next().unwrap().trim_end();
    assert!(README.contains(shown), "copy sample-modules/hello/src/lib.rs into README.md");
}
