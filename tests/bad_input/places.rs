//! Bad places: addresses, folders, clusters. And objects that a cluster refuses.

use super::{says, told};
use serde_json::json;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};
use tokio::sync::watch;
use windlass_apiserver::ApiServer;
use windlass_runtime::{
    ConnectOptions, Connection,
    control::ControlServer,
    core::fact::Fact,
    endpoints::{Endpoints, Readiness},
    observe::Metrics,
    settings::METRICS_ADDRESS_FLAG,
    source::{Directory, DirectoryOptions},
};
use windlass_tests::{
    Cluster, Host, Hosting,
    modules::{manifest, module},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_custom_resource_that_breaks_its_schema_is_refused_field_by_field() {
    let cluster = Cluster::start(&[]).await;
    cluster.define("website").await;
    let site = json!({
        "apiVersion": "example.windlass.dev/v1", "kind": "Website",
        "metadata": {"name": "bad", "namespace": "default"},
        "spec": {"hostname": "No Host!", "replicas": 101},
    });
    let error = cluster.create(&site).await.unwrap_err();
    assert_eq!((error.code, error.reason.as_str()), (422, "Invalid"));
    says(
        &error.message,
        &[
            "Website.example.windlass.dev \"bad\" is invalid",
            "spec.content: Required value",
            "spec.hostname: Invalid value",
            "spec.replicas: Invalid value: 101: spec.replicas in body should be less than or equal to 100",
        ],
    );
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_host_waits_says_for_whom_and_takes_over() {
    let hello = module("hello");
    let cluster = Cluster::start(&[]).await;
    let manifest = manifest("hello");
    let files = [("hello.yaml", manifest.as_bytes()), ("hello.wasm", &*hello)];
    let as_host = |name: &str| Hosting { identity: Some(name.to_owned()), ..Hosting::default() };
    let leads = |fact: &Fact| matches!(fact, Fact::Leadership { leading: true, .. }).then_some(());

    let first = Host::start_with(&cluster, as_host("first"), &files).await;
    first.fact(leads).await;
    let second = Host::start_with(&cluster, as_host("second"), &files).await;
    let waits_for = |fact: &Fact| match fact {
        Fact::Leadership { leading: false, holder } => holder.clone(),
        _ => None,
    };
    assert_eq!(&*second.fact(waits_for).await, "first");
    let leadership = second.status().await.leadership;
    assert_eq!((leadership.leading, leadership.holder.as_deref()), (false, Some("first")));
    second.serving("hello").await;

    let greet = async |name: &str| {
        cluster.ask_hello(name, "X").await;
        cluster.until_greeted(name, "X").await;
    };
    greet("one").await;
    assert!(second.runs().is_empty(), "the one that waits runs nothing");
    first.stop().await;
    second.fact(leads).await;
    greet("two").await;
    assert!(!second.runs().is_empty());
    second.stop().await;
    cluster.stop().await;
}

async fn connect_error(kubeconfig: &std::path::Path) -> String {
    let options = ConnectOptions { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    match Connection::open(&options).await {
        Err(error) => told(&error),
        Ok(connection) => told(&connection.check().await.unwrap_err()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_that_leads_nowhere_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let place = file.display().to_string();
    says(&connect_error(&file).await, &[&place, "No such file", "check the path"]);
    std::fs::write(&file, "clusters: [").unwrap();
    says(&connect_error(&file).await, &[&place, "is no kubeconfig"]);

    // A server that was there and is no more.
    let cluster = Cluster::start(&[]).await;
    std::fs::copy(cluster.kubeconfig(), &file).unwrap();
    let server = format!("https://{}", cluster.address);
    cluster.stop().await;
    says(&connect_error(&file).await, &[&server, "nothing listens", "is the server running"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_with_its_number_and_another_choice() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let server = ApiServer::builder().start().await.unwrap();
    let error = told(&server.listen(address).await.unwrap_err());
    says(&error, &[&address.to_string(), "choose another port", "Address already in use"]);
    server.shutdown().await;

    let (_told, ready) = watch::channel(Readiness::waiting("the test"));
    let started = Endpoints::start(address, METRICS_ADDRESS_FLAG, Arc::new(Metrics::default()), ready).await;
    let error = told(&started.err().unwrap());
    let (port, host) = (format!("port {}", address.port()), address.ip().to_string());
    says(&error, &[&port, &host, "in use", "--metrics-address"]);
}

/// Tests run as root too, for whom nothing is read-only: so a file stands where the folder would be made, and `/proc`
/// refuses everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for place in [file.as_path(), &file.join("below"), std::path::Path::new("/proc/windlass")] {
        let path = place.display().to_string();
        let error = ApiServer::builder().data_dir(place).start().await.err().unwrap();
        says(&told(&error), &[&path]);
        let error = ControlServer::start(place).await.err().unwrap();
        says(&told(&error), &[&path, "cannot be written", "--state"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modules_folder_that_is_none_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let (file, missing) = (folder.path().join("file"), folder.path().join("missing"));
    std::fs::write(&file, "").unwrap();
    for (place, parts) in
        [(&file, ["is no directory", "--modules"]), (&missing, ["no directory", "--modules"])]
    {
        let error = Directory::open(place, DirectoryOptions::default()).await.unwrap_err();
        says(&told(&error), &parts);
        says(&told(&error), &[&place.display().to_string()]);
    }
}
