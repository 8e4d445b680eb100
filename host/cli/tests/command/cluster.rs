//! A cluster of one's own: `windlass server --ephemeral`.

use crate::{
    kubectl::Kubectl,
    program::{Program, windlass},
};
use std::path::PathBuf;

/// Gone when it is dropped.
pub(crate) struct Cluster {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubectl: Kubectl,
    _server: Program,
}

impl Cluster {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let mut server = Program::start(&mut windlass(&["server", "--ephemeral"]));
        let kubeconfig = PathBuf::from(server.first_line());
        Self { kubectl: Kubectl::new(&kubeconfig), kubeconfig, _server: server }
    }
}
