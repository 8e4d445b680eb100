//! Controllers that live in the server, under kube-controller-manager's names.
//!
//! Establishing CustomResourceDefinitions and listing API services belong to the server and always run; the others are chosen by list.

mod api_services;
mod client;
mod definitions;
mod deployment;
mod follow;
mod garbage;
mod job;
mod namespaces;
mod pod;
mod protection;
mod record;
mod replicaset;
mod service_accounts;
mod workload;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::api_services::begin as write_api_services;
pub use self::client::Client;
pub(crate) use self::definitions::load as load_definitions;

/// A controller: runs until it is told to stop, restarts by itself what fails.
#[derive(Debug, Clone, Copy)]
pub struct Controller {
    /// Name as kube-controller-manager has it.
    pub name: &'static str,
    /// Runs it; ends soon after the token is cancelled.
    pub run: fn(Client, CancellationToken) -> BoxFuture<'static, ()>,
}

/// Every controller that can be chosen.
const ALL: [Controller; 9] = [
    garbage::CONTROLLER,
    namespaces::CONTROLLER,
    service_accounts::CONTROLLER,
    deployment::CONTROLLER,
    replicaset::CONTROLLER,
    job::CONTROLLER,
    pod::CONTROLLER,
    protection::CLAIMS,
    protection::VOLUMES,
];

/// The names that can be chosen.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|controller| controller.name).collect()
}

/// The controllers that a list of names chooses: `*` is all, `-name` takes one out. The first unknown name is
/// the error.
pub(crate) fn select(wanted: &[String]) -> Result<Vec<Controller>, String> {
    let known = |name: &str| name == "*" || ALL.iter().any(|controller| controller.name == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name.trim_start_matches('-'))) {
        return Err(unknown.clone());
    }
    let has = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let chosen = ALL
        .iter()
        .filter(|controller| !has(&format!("-{}", controller.name)) && (has("*") || has(controller.name)));
    Ok(chosen.copied().collect())
}

/// Starts them, and what always runs.
pub(crate) fn spawn(
    chosen: &[Controller],
    client: &Client,
    stopping: &CancellationToken,
    tasks: &TaskTracker,
) {
    tasks.spawn(definitions::run(client.clone(), stopping.clone()));
    tasks.spawn(api_services::run(client.clone(), stopping.clone()));
    for controller in chosen {
        tasks.spawn((controller.run)(client.clone(), stopping.clone()));
    }
}
