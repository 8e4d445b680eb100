//! `windlass run` and what operators ask of it while it runs.

use crate::{
    cluster::Cluster,
    program::{PATIENCE, Program, done, eventually, finish, refused_with, windlass},
    sample,
};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

/// `windlass run` on a cluster, with an empty folder of modules.
pub(crate) struct Host {
    pub(crate) program: Program,
    folder: tempfile::TempDir,
}

impl Host {
    fn start(cluster: &Cluster) -> Self {
        Self::start_with(cluster, &[])
    }

    fn start_with(cluster: &Cluster, more: &[&str]) -> Self {
        Self::start_by(cluster, |mut command| {
            command.args(more);
            command
        })
    }

    /// Starts it by another command that is made of its own.
    pub(crate) fn start_by(cluster: &Cluster, by: impl FnOnce(Command) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join("modules");
        fs::create_dir(&modules).unwrap();
        let mut command = windlass(&["run", "--metrics-address", "127.0.0.1:0"]);
        command.arg("--modules").arg(&modules).arg("--kubeconfig").arg(&cluster.kubeconfig);
        command.arg("--state").arg(folder.path().join("state"));
        let program = Program::start(&mut by(command));
        let mut host = Self { program, folder };
        host.program.wait_for("windlass runs");
        host
    }

    fn module(&self, file: &str) -> PathBuf {
        self.folder.path().join("modules").join(file)
    }

    /// Puts a whole file into the folder, as an operator should: beside it first, then renamed.
    fn put(&self, file: &str, bytes: &[u8]) {
        let beside = self.folder.path().join("half");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, self.module(file)).unwrap();
    }

    /// Puts a module there together with the manifest that `windlass grant` prints for it.
    pub(crate) fn grant(&self, name: &str, bytes: &[u8]) {
        let aside = tempfile::tempdir().unwrap();
        let file = aside.path().join(format!("{name}.wasm"));
        fs::write(&file, bytes).unwrap();
        let manifest = done(&["grant", file.to_str().unwrap()]);
        self.put(&format!("{name}.yaml"), manifest.as_bytes());
        self.put(&format!("{name}.wasm"), bytes);
    }

    fn ask(&self, command: &[&str]) -> Result<String, String> {
        let state = self.folder.path().join("state");
        let ended = finish(windlass(command).arg("--state").arg(state));
        if ended.status.success() { Ok(ended.out) } else { Err(ended.err) }
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"]).unwrap()).unwrap()
    }

    fn until_page(&self, part: &str) -> String {
        eventually(&format!("a status with `{part}`"), || {
            let page = self.ask(&["status"]).unwrap();
            if page.contains(part) { Ok(page) } else { Err(page) }
        })
    }

    fn until_digest_is_not(&self, before: &Value) -> Value {
        eventually("another digest", || {
            let status = self.status();
            let digest = &status["modules"][0]["digest"];
            if digest.is_string() && digest != before { Ok(digest.clone()) } else { Err(status.to_string()) }
        })
    }
}

/// A ConfigMap that the module `hello` wants to greet.
fn greet(cluster: &Cluster, name: &str, whom: &str) {
    cluster.kubectl.done(&format!(
        "kubectl create configmap {name} && kubectl label configmap {name} hello.windlass.dev/name={whom}"
    ));
}

fn until_greeted(cluster: &Cluster, name: &str, greeting: &str) {
    cluster
        .kubectl
        .until(&format!("kubectl get configmap {name} -o jsonpath='{{.data.greeting}}'"), greeting);
}

#[test]
fn a_module_waits_for_its_grant_and_then_serves() {
    let cluster = Cluster::start();
    let host = Host::start(&cluster);
    assert!(host.ask(&["status"]).unwrap().contains("No modules: put a .wasm file into"));
    greet(&cluster, "ada", "Ada");

    host.put("hello.wasm", &sample::component("hello"));
    let page = host.until_page("waiting for a grant");
    assert!(page.contains("windlass grant hello.wasm > hello.yaml"), "{page}");

    let manifest = done(&["grant", host.module("hello.wasm").to_str().unwrap()]);
    // Less than all it asks for is named.
    host.put("hello.yaml", manifest.replace("patch", "delete").as_bytes());
    host.until_page("add ");
    // A mistake in it, too, with its place.
    host.put("hello.yaml", manifest.replace("spec:", "sepc:").as_bytes());
    let page = host.until_page("sepc");
    assert!(page.contains("hello.yaml:"), "{page}");

    host.put("hello.yaml", manifest.as_bytes());
    host.until_page("serving");
    until_greeted(&cluster, "ada", "Hello, Ada");
}

#[test]
fn operators_pause_resume_reconcile_and_reload() {
    let cluster = Cluster::start();
    let host = Host::start(&cluster);
    host.grant("hello", &sample::component("hello"));
    host.until_page("serving");

    assert!(host.ask(&["pause", "hello"]).unwrap().contains("paused"));
    greet(&cluster, "ada", "Ada");
    eventually("the change is kept", || {
        let status = host.status();
        let module = &status["modules"][0];
        let kept = module["state"] == "paused" && module["controllers"][0]["ready"] == 1;
        if kept { Ok(()) } else { Err(status.to_string()) }
    });
    assert_eq!(cluster.kubectl.done("kubectl get configmap ada -o jsonpath='{.data}'"), "");
    assert!(host.ask(&["resume", "hello"]).unwrap().contains("runs again"));
    until_greeted(&cluster, "ada", "Hello, Ada");

    assert_eq!(host.ask(&["reconcile", "hello", "default/ada"]).unwrap(), "hello reconciles default/ada\n");
    assert_eq!(host.ask(&["reconcile", "hello"]).unwrap(), "hello reconciles everything\n");
    assert!(host.ask(&["reload", "hello"]).unwrap().contains("loaded again"));
    assert!(host.ask(&["reload"]).unwrap().contains("1 module"));
    host.until_page("serving");

    let unknown = host.ask(&["pause", "helo"]).unwrap_err();
    assert!(unknown.contains("`helo`") && unknown.contains("there are: hello"), "{unknown}");
    let no_object = host.ask(&["reconcile", "hello", "a/b/c"]).unwrap_err();
    assert!(no_object.contains("NAMESPACE/NAME"), "{no_object}");
}

#[test]
fn files_take_effect_as_they_come_change_and_go() {
    let cluster = Cluster::start();
    let host = Host::start(&cluster);
    let hello = sample::component("hello");
    host.grant("hello", &hello);
    host.until_page("serving");
    let first = host.status()["modules"][0]["digest"].clone();

    host.put("hello.wasm", &sample::marked(&hello, "another"));
    let second = host.until_digest_is_not(&first);

    // What is no module never takes the place of one.
    host.put("hello.wasm", b"\0asm\x01\0\0\0");
    let page = host.until_page("a newer version was rejected");
    assert!(page.contains("core module") && page.contains("windlass build"), "{page}");
    assert_eq!(host.status()["modules"][0]["digest"], second);
    greet(&cluster, "ada", "Ada");
    until_greeted(&cluster, "ada", "Hello, Ada");

    host.put("hello.wasm", &hello);
    assert_eq!(host.until_digest_is_not(&second), first);

    // Beside it, one that is none, and one that goes.
    host.put("other.wasm", b"not wasm");
    host.until_page("rejected");
    fs::remove_file(host.module("other.wasm")).unwrap();
    eventually("the other one goes", || {
        let page = host.ask(&["status"]).unwrap();
        if page.contains("other") { Err(page) } else { Ok(()) }
    });
    fs::remove_file(host.module("hello.wasm")).unwrap();
    host.until_page("No modules");
}

#[test]
fn manifests_that_cannot_be_are_told_and_the_other_modules_go_on() {
    let cluster = Cluster::start();
    let host = Host::start(&cluster);
    let hello = sample::component("hello");
    host.grant("hello", &hello);
    host.until_page("serving");
    let manifest = fs::read_to_string(host.module("hello.yaml")).unwrap();

    // The same module under another name, with a manifest that is still the first one's.
    host.put("other.wasm", &hello);
    host.put("other.yaml", manifest.as_bytes());
    let page = host.until_page("other.yaml:");
    assert!(page.contains("the manifest's name is `hello`, its file's is `other`"), "{page}");

    // One writer's name for two modules: neither would know what is its own.
    let twin = manifest.replace("name: hello", "name: other").replace("hello.wasm", "other.wasm");
    host.put("other.yaml", format!("{twin}  fieldManager: windlass/hello\n").as_bytes());
    let page = host.until_page("field manager");
    assert!(page.contains("windlass/hello"), "{page}");

    greet(&cluster, "ada", "Ada");
    until_greeted(&cluster, "ada", "Hello, Ada");
    host.put("other.yaml", twin.as_bytes());
    eventually("the other one serves, too", || {
        let status = host.status();
        if status["modules"][1]["state"] == "serving" { Ok(()) } else { Err(status.to_string()) }
    });
}

#[test]
fn a_second_host_waits_and_says_who_holds_the_lease() {
    let cluster = Cluster::start();
    let first = Host::start(&cluster);
    first.until_page("runs the modules");
    let mut second = Host::start(&cluster);
    second.grant("hello", &sample::component("hello"));
    let page = second.until_page("holds the lease");
    let holder = cluster
        .kubectl
        .done("kubectl -n kube-system get lease windlass -o jsonpath='{.spec.holderIdentity}'");
    assert!(page.contains(&holder), "{holder} is not in:\n{page}");
    second.program.wait_for(&holder);

    // It goes in order: the lease is free at once, and the other takes over.
    first.program.signal("TERM");
    let ended = first.program.end(PATIENCE);
    assert!(ended.status.success(), "{}", ended.err);
    second.until_page("runs the modules");
    greet(&cluster, "ada", "Ada");
    until_greeted(&cluster, "ada", "Hello, Ada");
}

#[test]
fn a_lease_that_cannot_be_had_is_told_with_the_reason() {
    let cluster = Cluster::start();
    let mut host = Host::start_with(&cluster, &["--lease-namespace", "absent"]);
    host.program.wait_for("the lease cannot be had");
    let page = host.until_page("the last attempt failed");
    assert!(page.contains("waits for the lease") && page.contains("absent"), "{page}");
    // The reason goes with its cause.
    cluster.kubectl.done("kubectl create namespace absent");
    let page = host.until_page("runs the modules");
    assert!(!page.contains("failed"), "{page}");
}

#[test]
fn a_state_directory_is_one_hosts() {
    let cluster = Cluster::start();
    let host = Host::start(&cluster);
    let (modules, state) = (host.folder.path().join("modules"), host.folder.path().join("state"));
    let kubeconfig = cluster.kubeconfig.to_str().unwrap();
    let arguments = [
        "run",
        "--modules",
        modules.to_str().unwrap(),
        "--kubeconfig",
        kubeconfig,
        "--state",
        state.to_str().unwrap(),
    ];
    refused_with(&arguments, &["another host", state.to_str().unwrap(), "--state"]);
}

#[test]
fn what_leads_nowhere_is_named_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |modules: &str, kubeconfig: &str, parts: &[&str]| {
        let (modules, kubeconfig, state) = (at(modules), at(kubeconfig), at("state"));
        let mut arguments =
            vec!["run", "--modules", &modules, "--kubeconfig", &kubeconfig, "--state", &state];
        arguments.extend(["--metrics-address", "127.0.0.1:0"]);
        refused_with(&arguments, parts);
    };
    fs::create_dir(at("modules")).unwrap();
    run("absent", "absent", &["absent", "--modules"]);
    run("modules", "absent", &["/absent cannot be read", "No such file", "check the path"]);
    fs::write(at("broken"), "no: [kubeconfig").unwrap();
    run("modules", "broken", &["broken"]);
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: \"https://127.0.0.1:{port}\"}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    fs::write(at("nowhere"), text).unwrap();
    run("modules", "nowhere", &[&format!("127.0.0.1:{port}"), "refused"]);
}

#[test]
fn without_a_host_a_command_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for command in [&["status"][..], &["pause", "hello"], &["reload"], &["reconcile", "hello"]] {
        let arguments = [command, &["--state", state]].concat();
        refused_with(&arguments, &["no host runs", state, "windlass run", "--state"]);
    }
}
