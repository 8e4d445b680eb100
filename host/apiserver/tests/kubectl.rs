//! kubectl on this server says what it says on a real cluster, as `tests/kubectl record` kept it.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use windlass_apiserver::{ApiServer, User};

/// Those that the recorded cluster ran.
const CONTROLLERS: [&str; 8] = [
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "persistentvolumeclaim-protection-controller",
    "persistentvolume-protection-controller",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_says_what_it_says_to_a_real_cluster() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        tell(
            "SKIPPED: kubectl is not on PATH; `.ci/kubectl DIR` builds one, and `.ci/run` does so by itself",
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let admin = User { uid: "admin-uid".to_owned(), ..User::new("admin", &["system:masters"]) };
    let server =
        ApiServer::builder().controllers(CONTROLLERS).token("admin-token", admin).start().await.unwrap();
    let listening = server.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, with_token(&server.kubeconfig(&listening))).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kubectl");
    let mut command = Command::new(script);
    command.arg("check").arg(&kubeconfig).env("OUTPUT", folder.path().join("output"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("SKIPPED") {
        tell(&said);
    }
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    server.shutdown().await;
}

/// A test that could not look must not look as if it had: this is shown even when the test passes.
fn tell(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// The same user as on the recorded cluster: a token, not a certificate.
fn with_token(kubeconfig: &str) -> String {
    let lines = kubeconfig.lines().filter(|line| !line.contains("client-certificate-data:"));
    let line = |line: &str| match line.split_once("client-key-data:") {
        Some((before, _)) => format!("{before}token: admin-token\n"),
        None => format!("{line}\n"),
    };
    lines.map(line).collect()
}
