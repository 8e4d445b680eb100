//! A server of one's own, and a host on it, as `windlass server` and `windlass run` give them.

use crate::{
    client::Access,
    program::{Program, finish, windlass},
};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// A new resource is served long before.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// Between two looks whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// `windlass server` in memory, without controllers.
pub struct Cluster {
    /// The administrator's.
    pub kubeconfig: PathBuf,
    /// The same, read.
    pub access: Access,
    _server: Program,
    _folder: TempDir,
}

impl Cluster {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        let mut command = windlass(&["server", "--secure-port", "0", "--kubeconfig"])?;
        let mut server = Program::start(command.arg(&kubeconfig))?;
        server.wait_for(&["KUBECONFIG="])?;
        let access = Access::read(&kubeconfig)?;
        Ok(Self { kubeconfig, access, _server: server, _folder: folder })
    }

    /// Applies the website's CRD and its example under each of these names, once the CRD is served.
    ///
    /// # Errors
    /// The server refuses one of them.
    pub async fn with_websites(&self, sample: &Path, names: &[String]) -> Result<()> {
        let mut connection = self.access.connect().await?;
        let definition = fs::read_to_string(sample.join("crds/websites.yaml"))?;
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        connection.apply(&format!("{definitions}/websites.example.windlass.dev"), &definition).await?;
        // `Established` is written a moment before the paths are there, on every API server.
        let websites = "/apis/example.windlass.dev/v1/namespaces/default/websites";
        let end = Instant::now() + SERVED_WITHIN;
        while let Err(error) = connection.get(websites).await {
            if Instant::now() > end {
                return Err(error);
            }
            sleep(LOOK_EVERY).await;
        }
        let example = fs::read_to_string(sample.join("examples/home.yaml"))?;
        for name in names {
            let website = example.replace("name: home", &format!("name: {name}"));
            connection.apply(&format!("{websites}/{name}"), &website).await?;
        }
        Ok(())
    }
}

/// `windlass run` with a folder of modules.
pub struct Host {
    /// The process; it logs its runs.
    pub program: Program,
    folder: TempDir,
}

impl Host {
    /// Starts it with one module, granted all it asks for, and waits until that serves.
    ///
    /// # Errors
    /// It does not start, or the module does not serve.
    pub fn start(cluster: &Cluster, name: &str, component: &[u8]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let modules = folder.path().join("modules");
        fs::create_dir(&modules)?;
        let file = modules.join(format!("{name}.wasm"));
        fs::write(&file, component)?;
        let manifest = finish(windlass(&["grant"])?.arg(&file))?;
        fs::write(file.with_extension("yaml"), manifest)?;
        let mut command = windlass(&["run", "--metrics-address", "127.0.0.1:0"])?;
        command.env("WINDLASS_LOG", "info,windlass::run=debug");
        command.arg("--modules").arg(&modules).arg("--state").arg(folder.path().join("state"));
        let mut program = Program::start(command.arg("--kubeconfig").arg(&cluster.kubeconfig))?;
        program.wait_for(&["module serves"])?;
        Ok(Self { program, folder })
    }

    /// Where the module's file is.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("modules").join(format!("{name}.wasm"))
    }

    /// A place on the same file system that is no module's.
    #[must_use]
    pub fn beside(&self) -> PathBuf {
        self.folder.path().join("beside")
    }
}
