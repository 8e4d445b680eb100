//! `windlass server`: where it serves, what it keeps, and what it says to settings that cannot be.

use crate::{
    cluster::Cluster,
    kubectl::Kubectl,
    program::{PATIENCE, Program, refused_with, windlass},
};
use std::{fs, net::TcpListener, path::PathBuf, process::Command};

impl Program {
    /// Waits until a server serves and gives the kubeconfig that it names.
    pub(crate) fn kubeconfig(&mut self) -> PathBuf {
        let line = self.wait_for("export KUBECONFIG=");
        PathBuf::from(line.strip_prefix("export KUBECONFIG=").unwrap())
    }
}

#[test]
fn an_ephemeral_server_is_ready_when_it_prints_its_kubeconfig() {
    let cluster = Cluster::start();
    let names = cluster.kubectl.done("kubectl get namespaces -o name");
    assert!(names.contains("namespace/kube-system"), "{names}");
    // With all controllers: what is gone takes along what it owns.
    cluster.kubectl.done("kubectl create deployment web --image nginx --replicas 2");
    cluster.kubectl.done("kubectl wait deployment web --for jsonpath='{.status.readyReplicas}'=2");
    cluster.kubectl.done("kubectl delete deployment web");
    cluster.kubectl.until("kubectl get pods,replicasets -o name", "");
}

#[test]
fn as_many_files_are_open_as_the_system_lets() {
    let server = windlass(&["server", "--ephemeral"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n 256 && exec \"$0\" \"$@\""]).arg(server.get_program());
    let mut server = Program::start(command.args(server.get_args()));
    server.first_line();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let [soft, hard] = [0, 1].map(|nth| files.split_whitespace().nth(nth).unwrap());
    assert_eq!(soft, hard, "{files}");
}

#[test]
fn what_was_written_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["server", "--data", data.to_str().unwrap(), "--secure-port", "0"];
    let mut server = Program::start(&mut windlass(&arguments));
    let kubectl = Kubectl::new(server.kubeconfig());
    kubectl.done("kubectl create configmap kept --from-literal at=first");
    let uid = kubectl.done("kubectl get configmap kept -o jsonpath='{.metadata.uid}'");
    server.signal("KILL");
    server.end(PATIENCE);

    let mut server = Program::start(&mut windlass(&arguments));
    let kubectl = Kubectl::new(server.kubeconfig());
    assert_eq!(kubectl.done("kubectl get configmap kept -o jsonpath='{.metadata.uid}'"), uid);
    assert_eq!(kubectl.done("kubectl get configmap kept -o jsonpath='{.data.at}'"), "first");
    kubectl.done("kubectl patch configmap kept --type merge -p '{\"data\":{\"at\":\"second\"}}'");

    // The folder is one server's at a time.
    refused_with(&arguments, &["data", "another"]);
    server.signal("TERM");
    let ended = server.end(PATIENCE);
    assert!(ended.status.success(), "{}", ended.err);
}

#[test]
fn a_token_stands_for_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    fs::write(&tokens, "secret-of-ada,ada,uid-1,\"dev,ops\"\n").unwrap();
    let arguments = ["server", "--ephemeral", "--token-auth-file", tokens.to_str().unwrap()];
    let mut server = Program::start(&mut windlass(&arguments));
    let kubectl = Kubectl::new(server.first_line());
    let by_token = "kubectl config view --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d > \"$HOME/ca\"
        kubectl --kubeconfig /dev/null --certificate-authority \"$HOME/ca\" --server \"$(kubectl config view -o jsonpath='{.clusters[0].cluster.server}')\"";
    let who = kubectl
        .done(&format!("{by_token} --token secret-of-ada auth whoami -o jsonpath='{{.status.userInfo}}'"));
    assert!(who.contains("\"username\":\"ada\"") && who.contains("\"ops\""), "{who}");
    let stranger = kubectl.shell(&format!("{by_token} --token guessed get namespaces"));
    assert!(!stranger.status.success() && stranger.out.contains("must be logged in"), "{}", stranger.out);

    fs::write(&tokens, "only-a-token\n").unwrap();
    refused_with(&arguments, &["tokens.csv", "line 1"]);
    refused_with(&["server", "--ephemeral", "--token-auth-file", "/nowhere"], &["/nowhere", "No such file"]);
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused_with(
        &["server", "--secure-port", &port],
        &[&format!("127.0.0.1:{port}"), "--secure-port", "in use"],
    );
    let dev = crate::sample::folder("hello");
    refused_with(
        &["dev", dev.to_str().unwrap(), "--secure-port", &port],
        &[&port, "--secure-port", "in use"],
    );
}

#[test]
fn flags_that_cannot_be_are_refused_with_what_can() {
    refused_with(&["server", "--secure-prot", "1"], &["--secure-prot", "--secure-port"]);
    refused_with(&["server", "--ephemeral", "--data", "x"], &["--ephemeral", "--data"]);
    let known = ["deployment-controler", "deployment-controller", "garbage-collector-controller"];
    refused_with(&["server", "--ephemeral", "--controllers", "deployment-controler"], &known);
    refused_with(&["server", "--secure-port", "99999"], &["--secure-port", "99999"]);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    refused_with(
        &["server", "--secure-port", "0", "--data", file.to_str().unwrap()],
        &[file.to_str().unwrap(), "--data"],
    );
    // /proc takes no files, whoever asks: modes do not hold root back.
    refused_with(
        &["server", "--secure-port", "0", "--data", "/proc/windlass"],
        &["/proc/windlass", "--data"],
    );
}

#[test]
fn a_server_without_controllers_leaves_deployments_as_they_are() {
    let mut server = Program::start(&mut windlass(&["server", "--secure-port", "0"]));
    let path = server.kubeconfig();
    let mode = Command::new("stat").args(["-c", "%a"]).arg(&path).output().unwrap();
    assert_eq!(String::from_utf8(mode.stdout).unwrap().trim(), "600", "it holds a private key");
    let kubectl = Kubectl::new(&path);
    kubectl.done("kubectl create deployment web --image nginx");
    kubectl.done("kubectl create configmap later");
    assert_eq!(kubectl.done("kubectl get replicasets -o name"), "");
    server.signal("TERM");
    assert!(server.end(PATIENCE).status.success());
    assert!(!path.exists(), "the temporary kubeconfig is still there");
}
