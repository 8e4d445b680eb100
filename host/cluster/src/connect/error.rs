//! What can be wrong with a connection, said to an operator: what, where, what to do next.

use super::ConnectOptions;
use crate::transport::{Failure, StackError, TransportError};
use http::StatusCode;
use kube::config::{InClusterError, KubeconfigError};

/// Why no API server can be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No configuration anywhere.
    #[error(
        "no cluster is configured: KUBECONFIG is not set, ~/.kube/config does not exist, and this is no pod; \
         give a file with --kubeconfig, or start a server of your own with `windlass server`"
    )]
    Nowhere,
    /// The file cannot be read.
    #[error("{origin} cannot be read: {why}; check the path and its permissions{also}")]
    Unreadable {
        /// Which file.
        origin: String,
        /// The system's reason.
        why: String,
        /// A further hint.
        also: &'static str,
        /// The cause.
        #[source]
        source: KubeconfigError,
    },
    /// The file is no kubeconfig.
    #[error(
        "{origin} is no kubeconfig: {why}; `kubectl config view --kubeconfig FILE` shows what it should hold"
    )]
    Broken {
        /// Which file.
        origin: String,
        /// What was wrong, and where.
        why: String,
        /// The cause.
        #[source]
        source: KubeconfigError,
    },
    /// No context is chosen, or it is not there or incomplete.
    #[error(
        "{origin}: {why}; its contexts are: {known}; choose one with --context or `kubectl config use-context`"
    )]
    Context {
        /// Which file.
        origin: String,
        /// What was wrong.
        why: String,
        /// The contexts it has.
        known: String,
        /// The cause.
        #[source]
        source: KubeconfigError,
    },
    /// The pod has no usable service account.
    #[error(
        "this pod's service account cannot be used; is `automountServiceAccountToken` off? \
         Otherwise give a file with --kubeconfig"
    )]
    InCluster {
        /// The cause.
        #[source]
        source: InClusterError,
    },
    /// Keys, certificates or the exec plugin.
    #[error("{origin} cannot be used: {why}; correct the user or cluster entry that it is about")]
    Unusable {
        /// Which file.
        origin: String,
        /// What was wrong.
        why: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer.
    #[error("the API server at {server} cannot be used: {source}; {next}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What to do next.
        next: &'static str,
        /// The cause.
        source: TransportError,
    },
    /// An answer that is no.
    #[error("the API server at {server} answered {status} to GET {path}: {message}; {next}")]
    Refused {
        /// Its address.
        server: String,
        /// What was asked.
        path: String,
        /// The answer.
        status: StatusCode,
        /// What it said.
        message: String,
        /// What to do next.
        next: &'static str,
    },
    /// An answer, but not of an API server.
    #[error("what answers at {server} is no Kubernetes API server; check `server` in the kubeconfig")]
    NoApiServer {
        /// Its address.
        server: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl ConnectError {
    pub(super) fn configuration(origin: &str, options: &ConnectOptions, source: KubeconfigError) -> Self {
        let origin = origin.to_owned();
        let also = if options.kubeconfig.is_some() { "" } else { ", or give another file with --kubeconfig" };
        if let KubeconfigError::ReadConfig(io, path) = &source {
            let why = if origin.contains(&*path.to_string_lossy()) {
                io.to_string()
            } else {
                format!("{}: {io}", path.display())
            };
            return Self::Unreadable { origin, why, also, source };
        }
        let why = match &source {
            KubeconfigError::Parse(error) => first_line(&error.to_string()),
            other => other.to_string(),
        };
        Self::Broken { origin, why, source }
    }

    pub(super) fn context(origin: &str, known: &[String], source: KubeconfigError) -> Self {
        let origin = origin.to_owned();
        let known = if known.is_empty() { "(none)".to_owned() } else { known.join(", ") };
        let why = match &source {
            KubeconfigError::CurrentContextNotSet => "no current context is set".to_owned(),
            KubeconfigError::LoadContext(name) => format!("there is no context `{name}`"),
            KubeconfigError::LoadClusterOfContext(name) => {
                format!("the context is for a cluster `{name}`, which is not in it")
            }
            KubeconfigError::MissingClusterUrl => "the context's cluster has no `server`".to_owned(),
            other => {
                let why = other.to_string();
                return Self::Broken { origin, why, source };
            }
        };
        Self::Context { origin, why, known, source }
    }

    pub(super) fn unusable(origin: &str, source: StackError) -> Self {
        Self::Unusable { origin: origin.to_owned(), why: source.to_string(), source: source.into() }
    }

    pub(super) fn unreachable(server: &str, source: TransportError) -> Self {
        let next = match source.failure() {
            Failure::Refused => "is the server running, and is this its address and port?",
            Failure::Unresolved => "check the host name in the kubeconfig's `server`",
            Failure::Untrusted => {
                "the kubeconfig's `certificate-authority` is not the one that signed the server's certificate, \
                 or the certificate is not for this host; fetch the kubeconfig again"
            }
            Failure::Credentials => "run the plugin or log in by hand to see what it says",
            Failure::Unconnected => "check `server` in the kubeconfig, the network and the proxy",
            Failure::Broken | Failure::Timeout | Failure::TooLarge => {
                "check the network, and the server's own log"
            }
        };
        Self::Unreachable { server: server.to_owned(), next, source }
    }

    pub(super) fn refused(server: &str, path: &str, status: StatusCode, body: &[u8]) -> Self {
        let next = match status {
            StatusCode::UNAUTHORIZED => {
                "the credentials in the kubeconfig are not accepted: they may have expired, or are for another cluster"
            }
            StatusCode::FORBIDDEN => {
                "the user in the kubeconfig may not do this: bind it to `system:discovery` and to the host's role"
            }
            _ => "check the server's own log",
        };
        let message = crate::client::status_message(body)
            .unwrap_or_else(|| first_line(&String::from_utf8_lossy(&body[..body.len().min(200)])));
        Self::Refused { server: server.to_owned(), path: path.to_owned(), status, message, next }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
