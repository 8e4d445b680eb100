//! Bad files in a host's folder, beside a module that serves.

use super::says;
use std::{io::Write as _, sync::Arc, time::Duration};
use windlass_runtime::{core::fact::Fact, source::DirectoryOptions};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, manifest_with, module, numbered, stillborn},
};

/// A cluster, and a host in which `hello` serves.
async fn with_hello() -> (Cluster, Host, Arc<[u8]>) {
    let hello = module("hello");
    let cluster = Cluster::start(&[]).await;
    let truncated_after = Duration::from_millis(300);
    let directory = DirectoryOptions { truncated_after, ..DirectoryOptions::default() };
    let hosting = Hosting { directory, ..Hosting::default() };
    let manifest = manifest("hello");
    let files = [("hello.yaml", manifest.as_bytes()), ("hello.wasm", &*hello)];
    let host = Host::start_with(&cluster, hosting, &files).await;
    host.serving("hello").await;
    (cluster, host, hello)
}

/// A newcomer is greeted: hello goes on.
async fn hello_goes_on(cluster: &Cluster, newcomer: &str) {
    cluster.ask_hello(newcomer, "X").await;
    cluster.until_greeted(newcomer, "X").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_module_is_refused_with_what_it_is() {
    let (cluster, host, _) = with_hello().await;
    let component = |text: &str| wat::parse_str(text).unwrap();
    let wasi = r#"(component (import "wasi:cli/run@0.2.0" (instance (export "run" (func)))))"#;
    let foreign = r#"(component (import "acme:thing/wish" (instance (export "come-true" (func)))))"#;
    let other = r#"(component
        (core module $m (func (export "run")))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        ("script", b"#!/bin/sh\necho hi\n".to_vec(), &["not WebAssembly", "text file", "windlass build"]),
        ("empty", Vec::new(), &["truncated", "0 bytes", "copy it again"]),
        ("archive", b"PK\x03\x04rest".to_vec(), &["not WebAssembly", "archive", "unpack"]),
        ("core", component("(module)"), &["core module", "not a component", "windlass build"]),
        (
            "other",
            component(other),
            &["no controller", "windlass:controller/reconciler", "it exports run", "windlass build"],
        ),
        ("wasi", component(wasi), &["wasi:cli/run@0.2.0", "no WASI", "windlass build"]),
        ("foreign", component(foreign), &["acme:thing/wish", "windlass:controller only"]),
        ("stillborn", stillborn(), &["died while describing itself", "unreachable"]),
    ];
    for (name, bytes, parts) in cases {
        let mark = host.facts.mark();
        let file = host.put(&format!("{name}.wasm"), &bytes);
        let reason = host.rejected_since(mark, name).await;
        says(&reason, parts);
        says(&reason, &[&file.display().to_string()]);
        hello_goes_on(&cluster, name).await;
    }
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_still_being_copied_is_waited_for_and_a_truncated_one_is_told() {
    let (cluster, host, hello) = with_hello().await;
    let whole = numbered(&hello, 1);
    let (first, rest) = whole.split_at(whole.len() / 2);
    host.put("copied.yaml", manifest_with("copied", "  paused: true\n").as_bytes());
    let file = host.folder().join("copied.wasm");
    let mark = host.facts.mark();
    std::fs::write(&file, first).unwrap();
    let reason = host.rejected_since(mark, "copied").await;
    says(&reason, &["copied.wasm", "truncated", &first.len().to_string(), "copy it again"]);
    hello_goes_on(&cluster, "meanwhile").await;

    let mark = host.facts.mark();
    std::fs::OpenOptions::new().append(true).open(&file).and_then(|mut file| file.write_all(rest)).unwrap();
    host.serving_since(mark, "copied").await;
    hello_goes_on(&cluster, "afterwards").await;
    host.stop().await;
    cluster.stop().await;
}

/// The manifest's rules, in the place of `RULES`.
const WITH_RULES: &str = "apiVersion: windlass.dev/v1alpha1
kind: Module
metadata: {name: other}
spec:
  grant:
    rules:
    - RULES
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_is_refused_with_line_and_remedy() {
    let (cluster, host, hello) = with_hello().await;
    let with = |rules: &str| WITH_RULES.replace("RULES", rules);
    let good = manifest_with("other", "  fieldManager: another\n");
    let cases: [(&str, String, &[&str]); 6] = [
        (
            "unknown-field",
            good.replace("fieldManager", "fieldManger"),
            &[":9:3", "unknown field `fieldManger`", "did you mean `fieldManager`?"],
        ),
        (
            "no-kind",
            with("{apiGroups: [apps], resources: [], verbs: [get], namespaces: ['*']}"),
            &[":7:", "`resources` is empty"],
        ),
        ("no-resources", with("{apiGroups: [apps], verbs: [get]}"), &[":7:8", "no `resources`"]),
        (
            "kind-for-resource",
            with("{apiGroups: [apps], resources: [Deployment], verbs: [get]}"),
            &[":7:", "Deployment", "deployments"],
        ),
        (
            "other-name",
            good.replace("name: other", "name: somebody"),
            &[":3:", "somebody", "other", "rename"],
        ),
        (
            "shared-manager",
            good.replace("another", "windlass/hello"),
            &["`windlass/hello`", "module hello", "spec.fieldManager in other.yaml"],
        ),
    ];
    for (newcomer, text, parts) in cases {
        let mark = host.facts.mark();
        host.put("other.yaml", text.as_bytes());
        host.put("other.wasm", &numbered(&hello, 1));
        let reason = host.rejected_since(mark, "other").await;
        says(&reason, parts);
        says(&reason, &["other.yaml"]);
        hello_goes_on(&cluster, newcomer).await;
        host.take("other.wasm");
        host.take("other.yaml");
    }
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_without_a_manifest_waits_and_is_told_how_it_gets_one() {
    let (cluster, host, hello) = with_hello().await;
    let mark = host.facts.mark();
    host.put("bare.wasm", &numbered(&hello, 2));
    let reason = host.waiting_since(mark, "bare").await;
    says(&reason, &["nothing is granted", "windlass grant bare.wasm > bare.yaml"]);
    let mark = host.facts.mark();
    host.put("bare.yaml", manifest("bare").as_bytes());
    host.serving_since(mark, "bare").await;
    hello_goes_on(&cluster, "somebody").await;
    host.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_version_is_told_in_the_status_while_the_good_one_serves() {
    let (cluster, host, hello) = with_hello().await;
    let (digest, generation) = host.serving("hello").await;
    let mark = host.facts.mark();
    host.put("hello.wasm", b"garbage");
    host.rejected_since(mark, "hello").await;
    let report = host.status().await;
    let status = report.modules.iter().find(|module| module.name == "hello").unwrap();
    assert_eq!(status.digest, Some(digest.to_string()));
    says(&status.rejected.as_ref().unwrap().reason, &["not WebAssembly"]);
    hello_goes_on(&cluster, "still").await;
    let mark = host.facts.mark();
    host.put("hello.wasm", &numbered(&hello, 3));
    let (_, next) = host.serving_since(mark, "hello").await;
    assert!(next > generation);
    let report = host.status().await;
    assert_eq!(report.modules[0].rejected, None, "a good version ends what was told of the bad one");
    let serves = |fact: &Fact| matches!(fact, Fact::ModuleServing { .. }).then_some(());
    assert_eq!(host.facts.all(serves).len(), 2, "each swap is told once");
    host.stop().await;
    cluster.stop().await;
}
