//! A server of one's own, and a host on it, as `windlass server` and `windlass run` give them.

use crate::{
    client::{Access, Connection},
    program::{Program, finish, windlass},
    stranger,
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// A new resource is served long before.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// Between two looks whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where ConfigMaps are.
pub const MAPS: &str = "/api/v1/namespaces/default/configmaps";

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

    /// Applies a ConfigMap of a stranger: its label, and its data as JSON.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn with_map(
        connection: &mut Connection,
        name: &str,
        stranger: usize,
        data: &str,
    ) -> Result<()> {
        let path = format!("{MAPS}/{name}");
        let labels = format!(r#"{{"{}":""}}"#, stranger::label(stranger));
        let metadata = format!(r#"{{"name":"{name}","labels":{labels}}}"#);
        let map = format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{metadata},"data":{data}}}"#);
        connection.apply(&path, &map).await.map(drop)
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

/// Modules and their manifests in a folder, as an operator would put them there, and the host's state beside it.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// An empty one.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Self> {
        let this = Self { folder: tempfile::tempdir()? };
        fs::create_dir(this.modules())?;
        Ok(this)
    }

    /// Puts a module in.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&self, name: &str, component: &[u8], manifest: &str) -> Result<()> {
        fs::write(self.file(name).with_extension("yaml"), manifest)?;
        Ok(fs::write(self.file(name), component)?)
    }

    /// Where a module's file is.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.modules().join(format!("{name}.wasm"))
    }

    /// A place on the same file system that is no module's.
    #[must_use]
    pub fn beside(&self) -> PathBuf {
        self.folder.path().join("beside")
    }

    /// The modules' directory.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.folder.path().join("modules")
    }

    /// How many modules there are.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn count(&self) -> Result<usize> {
        let files = fs::read_dir(self.modules())?;
        Ok(files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "wasm")).count())
    }

    /// The host's state directory.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

/// `windlass run` with a folder of modules.
pub struct Host {
    /// The process.
    pub program: Program,
    /// Its modules.
    pub folder: Folder,
    /// Where it serves its metrics.
    metrics: String,
}

impl Host {
    /// Starts it with one module, granted all it asks for, and waits until that serves. It logs its runs.
    ///
    /// # Errors
    /// It does not start, or the module does not serve.
    pub fn start(cluster: &Cluster, name: &str, component: &[u8]) -> Result<Self> {
        let folder = Folder::new()?;
        folder.add(name, component, "")?;
        let manifest = finish(windlass(&["grant"])?.arg(folder.file(name)))?;
        folder.add(name, component, &manifest)?;
        let mut host = Self::open(cluster, folder, &["WINDLASS_LOG=info,windlass::run=debug"])?;
        host.program.wait_for(&["module serves"])?;
        Ok(host)
    }

    /// Starts it with a folder of modules, and these settings of its environment.
    ///
    /// # Errors
    /// It does not start.
    pub fn open(cluster: &Cluster, folder: Folder, environment: &[&str]) -> Result<Self> {
        let mut command = windlass(&["run", "--metrics-address", "127.0.0.1:0"])?;
        command.envs(environment.iter().filter_map(|setting| setting.split_once('=')));
        command.arg("--modules").arg(folder.modules()).arg("--state").arg(folder.state());
        // Several hosts may share a cluster here.
        command.arg("--lease-name").arg(format!("bench-{}", fastrand::u32(..)));
        let mut program = Program::start(command.arg("--kubeconfig").arg(&cluster.kubeconfig))?;
        let line = program.wait_for(&["windlass runs", "metrics="])?;
        let metrics = line.text.split("metrics=").nth(1).and_then(|rest| rest.split_whitespace().next());
        let metrics = metrics.context("no address of metrics")?.to_owned();
        Ok(Self { program, folder, metrics })
    }

    /// Waits for so many lines that hold these texts.
    ///
    /// # Errors
    /// It ended, or no further line came for minutes.
    pub fn wait_for_lines(&mut self, count: usize, texts: &[&str]) -> Result<()> {
        (0..count).try_for_each(|_| self.program.wait_for(texts).map(drop))
    }

    /// Runs all requests of a module.
    ///
    /// # Errors
    /// The host refuses it.
    pub fn reconcile_all(&self, module: &str) -> Result<()> {
        finish(windlass(&["reconcile", "--state"])?.arg(self.folder.state()).arg(module)).map(drop)
    }

    /// How many runs have ended so far, by its metrics.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn runs(&self) -> Result<u64> {
        let mut stream = std::net::TcpStream::connect(&self.metrics)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.metrics)?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let counts = page.lines().filter(|line| line.starts_with("controller_runtime_reconcile_total{"));
        let counts = counts.map(|line| Ok(line.rsplit(' ').next().context("a count")?.parse::<u64>()?));
        counts.sum()
    }
}
