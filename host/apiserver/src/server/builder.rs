//! Settings of a server, and its start.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tls::Authority;
use super::{ApiServer, bootstrap, expiry};
use crate::chain::{Audit, AuditLog, Authenticator, Authorization, Chain, Filters, User};
use crate::controllers::{self, Client};
use crate::registry::Registry;
use crate::store::{HistoryLimits, Store, StoreError};

/// Settings of a server.
#[derive(Debug, Default)]
pub struct Builder {
    data: Option<PathBuf>,
    token_file: Option<PathBuf>,
    tokens: Vec<(String, User)>,
    controllers: Vec<String>,
    authorization: Authorization,
    audit_log: Option<AuditLog>,
    audit_file: Option<PathBuf>,
    history: HistoryLimits,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority in the data folder cannot be read or made.
    #[error("cannot read or make the certificates in {path}")]
    Authority {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The token file cannot be read.
    #[error("cannot read the token file {path}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The audit file cannot be opened.
    #[error("cannot open the audit file {path}")]
    AuditFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// No controller has that name.
    #[error("there is no controller \"{name}\"; there are {}", controllers::names().join(", "))]
    UnknownController {
        /// The name given.
        name: String,
    },
    /// The first objects cannot be written.
    #[error("cannot write the first objects")]
    Bootstrap(#[source] crate::status::ApiError),
}

impl Builder {
    /// Keeps everything in this folder; without it the server forgets everything at its end.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Reads bearer tokens from a file, as `--token-auth-file` of kube-apiserver.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = Some(path.into());
        self
    }

    /// Lets a bearer token stand for a user.
    pub fn token(mut self, token: impl Into<String>, user: User) -> Self {
        self.tokens.push((token.into(), user));
        self
    }

    /// Controllers to run, by kube-controller-manager's names; `*` stands for all, `-name` for all but that.
    pub fn controllers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.controllers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Who may do what.
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// Records requests in memory.
    pub fn audit_log(mut self, log: AuditLog) -> Self {
        self.audit_log = Some(log);
        self
    }

    /// Records requests as JSON lines at the end of a file.
    pub fn audit_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.audit_file = Some(path.into());
        self
    }

    /// How much history watches may look back on.
    pub fn history(mut self, limits: HistoryLimits) -> Self {
        self.history = limits;
        self
    }

    /// Starts the server. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub async fn start(self) -> Result<ApiServer, StartError> {
        let enabled =
            controllers::select(&self.controllers).map_err(|name| StartError::UnknownController { name })?;
        let authority = self.authority()?;
        let authenticator = self.authenticator(&authority)?;
        let audit = self.audit()?;
        let store = match &self.data {
            Some(folder) => Store::open(folder, self.history)?,
            None => Store::in_memory(self.history),
        };
        let registry = Registry::new(store.clone());
        controllers::load_definitions(&registry);
        bootstrap::write(&registry).await.map_err(StartError::Bootstrap)?;
        let client = Client::new(registry.clone());
        controllers::write_api_services(&client).await.map_err(StartError::Bootstrap)?;
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(expiry::run(store.clone(), stopping.clone()));
        controllers::spawn(&enabled, &client, &stopping, &tasks);
        let chain = Chain::new(&registry, authenticator.issued());
        let filters = Filters::new(chain, authenticator, self.authorization, audit, stopping.clone());
        Ok(ApiServer { filters, registry, store, authority, stopping, tasks })
    }

    fn authority(&self) -> Result<Authority, StartError> {
        let path = self.data.as_ref().map(|folder| folder.join("pki")).unwrap_or_default();
        let made = if self.data.is_some() { Authority::open(&path) } else { Authority::new() };
        made.map_err(|source| StartError::Authority { path, source })
    }

    fn authenticator(&self, authority: &Authority) -> Result<Authenticator, StartError> {
        let mut authenticator = Authenticator::default();
        let admin = authority.admin_der().map_err(|source| StartError::Authority {
            path: self.data.clone().unwrap_or_default(),
            source,
        })?;
        authenticator.add_certificate(&admin, User::admin());
        for (token, user) in &self.tokens {
            authenticator.add_token(token, user.clone());
        }
        if let Some(path) = &self.token_file {
            let failed = |source: Box<dyn std::error::Error + Send + Sync>| StartError::TokenFile {
                path: path.clone(),
                source,
            };
            let text = std::fs::read_to_string(path).map_err(|error| failed(error.into()))?;
            authenticator.add_token_file(&text).map_err(|error| failed(error.into()))?;
        }
        Ok(authenticator)
    }

    fn audit(&self) -> Result<Audit, StartError> {
        let open = |path: &PathBuf| {
            let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
            opened.map_err(|source| StartError::AuditFile { path: path.clone(), source })
        };
        let file = self.audit_file.as_ref().map(open).transpose()?;
        Ok(Audit::new(self.audit_log.clone(), file))
    }
}
