//! Starting, serving and ending a server.

mod bootstrap;
mod builder;
mod connect;
mod expiry;
mod kubeconfig;
mod service;
mod tls;

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::builder::{Builder, StartError};
pub use self::connect::ListenError;
pub use self::service::Service;

use self::tls::Authority;
use crate::chain::Filters;
use crate::controllers::Client;
use crate::registry::Registry;
use crate::store::Store;

/// A running server.
///
/// Flow: [`ApiServer::builder`] → `start` → [`service`](Self::service) and [`listen`](Self::listen), as often as
/// wanted → [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct ApiServer {
    filters: Filters,
    registry: Registry,
    store: Store,
    authority: Authority,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// Where a server listens.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Address, with the port that the system chose if none was given.
    pub address: SocketAddr,
    /// Certificate of the authority that signed the server's, in PEM.
    pub ca_pem: String,
}

impl ApiServer {
    /// Settings for a new server: in memory, no controllers.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The server as a tower service in this process. Requests through it are the administrator's, unless they
    /// carry a bearer token.
    pub fn service(&self) -> Service {
        Service::new(self.filters.clone())
    }

    /// Reading and writing without HTTP, for controllers that live in this process.
    pub fn client(&self) -> Client {
        Client::new(self.registry.clone())
    }

    /// Serves HTTP/1.1 and HTTP/2 over TLS.
    ///
    /// # Errors
    /// The address cannot be bound, or certificates cannot be made.
    pub async fn listen(&self, address: SocketAddr) -> Result<Listening, ListenError> {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|source| ListenError::Bind { address, source })?;
        let address = listener.local_addr().map_err(|source| ListenError::Bind { address, source })?;
        let tls = self.authority.server_config(address.ip())?;
        let accepting =
            connect::accept(listener, tls, self.filters.clone(), self.stopping.clone(), self.tasks.clone());
        self.tasks.spawn(accepting);
        Ok(Listening { address, ca_pem: self.authority.ca_pem().to_owned() })
    }

    /// A kubeconfig for the administrator, with everything embedded.
    pub fn kubeconfig(&self, listening: &Listening) -> String {
        kubeconfig::admin(listening.address, &self.authority)
    }

    /// Ends watches and controllers, lets running requests finish, and closes the store.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
    }
}
