//! A disk without room: what cannot be kept is refused by name, what is held is still served, and with room it goes on.
//!
//! A bound on the size of files stands in for the disk: the kernel refuses the same writes, and no privilege is needed.

use crate::{
    cluster::Cluster,
    kubectl::Kubectl,
    operate::Host,
    program::{PATIENCE, Program, windlass},
    sample,
};
use std::process::Command;

/// The program with a disk that takes files of so many bytes.
fn with_room(command: &Command, bytes: usize) -> Command {
    // The signal is ignored, so that the write fails and not the program; the bound is soft, so that it can be raised.
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--fsize={bytes}:")).args(["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

impl Program {
    /// Takes the bound away.
    fn give_room(&self) {
        let process = format!("--pid={}", self.id());
        assert!(Command::new("prlimit").args([&process, "--fsize=unlimited:"]).status().unwrap().success());
    }
}

#[test]
fn a_full_data_folder_refuses_writes_by_name_and_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["server", "--data", data.to_str().unwrap(), "--secure-port", "0"];
    let mut server = Program::start(&mut with_room(&windlass(&arguments), 4 << 20));
    let kubectl = Kubectl::new(server.kubeconfig());
    let half_a_megabyte = folder.path().join("content");
    std::fs::write(&half_a_megabyte, "x".repeat(500_000)).unwrap();
    let fill = |name: usize| {
        let file = half_a_megabyte.display();
        kubectl.shell(&format!("kubectl create configmap full-{name} --from-file={file}"))
    };
    let (kept, refused) = (0..100)
        .map(|name| (name, fill(name)))
        .find(|(_, ended)| !ended.status.success())
        .expect("a disk without bounds");
    assert!(kept > 0, "{}", refused.out);
    for part in ["objects.redb", "File too large", "Nothing of this request was kept", "make room"] {
        assert!(refused.out.contains(part), "no `{part}` in:\n{}", refused.out);
    }
    let held = kubectl.done("kubectl get configmaps -o name");
    assert_eq!(held.matches("full-").count(), kept, "{held}");

    server.give_room();
    let ended = fill(kept);
    assert!(ended.status.success(), "{}", ended.out);
    server.signal("KILL");
    server.end(PATIENCE);
    let mut server = Program::start(&mut windlass(&arguments));
    let kubectl = Kubectl::new(server.kubeconfig());
    let held = kubectl.done("kubectl get configmaps -o name");
    assert_eq!(held.matches("full-").count(), kept + 1, "{held}");
}

#[test]
fn a_full_state_directory_costs_the_next_start_some_time_and_nothing_else() {
    let cluster = Cluster::start();
    let mut host = Host::start_by(&cluster, |command| with_room(&command, 64 << 10));
    host.grant("hello", &sample::component("hello"));
    let told = host.program.wait_for("compiled code is not kept");
    assert!(told.contains("File too large") && told.contains(".cwasm"), "{told}");
    cluster
        .kubectl
        .done("kubectl create configmap ada && kubectl label configmap ada hello.windlass.dev/name=Ada");
    cluster.kubectl.until("kubectl get configmap ada -o jsonpath='{.data.greeting}'", "Hello, Ada");
}
