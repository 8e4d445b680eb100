//! `windlass server`: the embedded API server alone.

use crate::{args::Server, command::stop_on_signal};
use anyhow::{Context as _, Result};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use windlass_apiserver::{ApiServer, Builder, StartError};

/// Runs the server until it is interrupted.
pub(crate) async fn server(arguments: Server) -> Result<()> {
    let stop = stop_on_signal()?;
    let server =
        builder(&arguments).start().await.map_err(|error| not_started(error, arguments.data.as_deref()))?;
    let port = if arguments.ephemeral { 0 } else { arguments.secure_port };
    let address = SocketAddr::new(arguments.bind_address, port);
    let listening = server.listen(address).await.with_context(|| {
        format!("the API server cannot listen on {address}; choose another port with --secure-port (0: any free one)")
    })?;
    let kubeconfig = Kubeconfig::choose(arguments.kubeconfig.as_deref(), arguments.data.as_deref())?;
    kubeconfig.write(&server.kubeconfig(&listening))?;
    if arguments.ephemeral {
        println!("{}", kubeconfig.path.display());
    } else {
        println!("serving https://{}", listening.address);
        println!("export KUBECONFIG={}", kubeconfig.path.display());
    }
    stop.cancelled().await;
    server.shutdown().await;
    Ok(())
}

/// Says with the error what can be done about it, where that is a flag.
pub(crate) fn not_started(error: StartError, data: Option<&Path>) -> anyhow::Error {
    let next = match (&error, data) {
        (StartError::Store(_) | StartError::Authority { .. }, Some(data)) => {
            format!("; look at {}, or choose another folder with --data", data.display())
        }
        (StartError::TokenFile { .. }, _) => "; mend the file that --token-auth-file names".to_owned(),
        (StartError::AuditFile { .. }, _) => "; choose another file with --audit-log-path".to_owned(),
        (StartError::UnknownController { .. }, _) => "; mend --controllers".to_owned(),
        _ => String::new(),
    };
    anyhow::Error::new(error).context(format!("the API server does not start{next}"))
}

fn builder(arguments: &Server) -> Builder {
    let mut builder = ApiServer::builder();
    if let Some(data) = &arguments.data {
        builder = builder.data_dir(data);
    }
    if let Some(file) = &arguments.token_auth_file {
        builder = builder.token_file(file);
    }
    if let Some(file) = &arguments.audit_log_path {
        builder = builder.audit_file(file);
    }
    if arguments.ephemeral && arguments.controllers.is_empty() {
        return builder.controllers(["*"]);
    }
    builder.controllers(arguments.controllers.iter().filter(|name| !name.is_empty()))
}

/// The administrator's kubeconfig; a temporary one goes with the process.
pub(crate) struct Kubeconfig {
    /// Where it is, as an absolute path, so that it can be pasted anywhere.
    pub(crate) path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Kubeconfig {
    /// Where it is wanted, else in the data folder, else in a temporary one.
    pub(crate) fn choose(wanted: Option<&Path>, data: Option<&Path>) -> Result<Self> {
        if let Some(path) = wanted.map(Path::to_owned).or_else(|| data.map(|data| data.join("kubeconfig"))) {
            let path = std::path::absolute(path)?;
            return Ok(Self { path, _temporary: None });
        }
        let folder = tempfile::Builder::new()
            .prefix("windlass-")
            .tempdir()
            .context("no temporary folder can be made")?;
        Ok(Self { path: folder.path().join("kubeconfig"), _temporary: Some(folder) })
    }

    /// Writes it, readable by its user only: it holds a private key.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| {
            format!(
                "the kubeconfig {} cannot be written; choose another place with --kubeconfig",
                self.path.display()
            )
        })
    }
}
