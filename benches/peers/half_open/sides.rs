//! Who follows the config maps, each as its users do by default.

use crate::server::Server;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config, config::Kubeconfig, runtime::watcher};
use std::{any::Any, path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use tokio::process::Command;
use windlass_cluster::{
    connect::Liveness,
    discovery::Discovery,
    reflector::{self, Delta, Reflector, Sink, WatchError},
};
use windlass_core::{description::Selection, input::WatchSpec, name::Kind};
use windlass_peers::table::{KUBE_RS, OURS};

/// A side.
pub(crate) enum Side {
    Ours,
    KubeRs,
    /// The built program.
    ClientGo(PathBuf),
}

struct Nothing;

impl Sink for Nothing {
    async fn begin(&mut self) {}
    async fn stage(&mut self, _: Vec<Delta>) {}
    async fn commit(&mut self, _: &str) {}
    async fn change(&mut self, _: Vec<Delta>, _: &str) {}
    async fn bookmark(&mut self, _: &str) {}
    async fn failed(&mut self, _: &WatchError, _: Duration) {}
    async fn absent(&mut self) {}
}

impl Side {
    /// As in the comparison.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ours => OURS,
            Self::KubeRs => KUBE_RS,
            Self::ClientGo(_) => "client-go",
        }
    }

    /// Follows the config maps of this server behind a port, until what is returned is dropped.
    pub(crate) async fn follow(&self, server: &Server, port: u16) -> Box<dyn Any + Send> {
        match self {
            Self::Ours => ours(server, port).await,
            Self::KubeRs => kube_rs(&server.kubeconfig(port)).await,
            Self::ClientGo(program) => client_go(program, &server.kubeconfig(port)),
        }
    }
}

async fn ours(server: &Server, port: u16) -> Box<dyn Any + Send> {
    let connection = server.connect(port, Liveness::default()).await;
    let discovery = Discovery::new(&connection);
    let reflector = Reflector::new(connection, discovery, reflector::Settings::default());
    let spec = WatchSpec {
        kind: Kind::new("v1", "ConfigMap"),
        selection: Selection::default(),
        metadata_only: false,
        plan: Arc::default(),
    };
    Box::new(reflector.start(spec, Nothing))
}

async fn kube_rs(kubeconfig: &str) -> Box<dyn Any + Send> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
    let api = Api::<ConfigMap>::all(Client::try_from(config).unwrap());
    // Errors are its way to tell that it goes on; its users have a backoff on it.
    let events = watcher::watcher(api, watcher::Config::default());
    let events = kube::runtime::WatchStreamExt::default_backoff(events);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(events.for_each(|_| std::future::ready(())));
    Box::new(tasks)
}

fn client_go(program: &PathBuf, kubeconfig: &str) -> Box<dyn Any + Send> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    let mut command = Command::new(program);
    command.arg("follow").arg(path).stdin(Stdio::null()).kill_on_drop(true);
    Box::new((command.spawn().expect("the program of benches/client-go runs"), folder))
}
