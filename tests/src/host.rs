//! A host: the whole runtime between a folder of modules and a cluster, and the facts that it tells.

use crate::{Cluster, PATIENCE, cluster};
use futures::StreamExt as _;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use windlass_runtime::{
    Grants, Parts, StartError,
    compile::Compiling,
    control::{self, Answer, Command, ControlServer, ObjectArgument, StatusReport},
    core::{
        fact::{Fact, RunEnded},
        name::{Digest, Generation},
    },
    observe::{Memory, Metrics, Observer, Observers},
    settings::{Bounds, LeaseSettings, Settings},
    source::{Directory, DirectoryOptions},
};

/// Facts that are kept; a test that makes more fails where it counts them.
const FACTS_MAX: usize = 400_000;

/// How a host is to be.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// Who grants.
    pub grants: Grants,
    /// Under which name it waits for its turn; none: it needs no turn.
    pub identity: Option<String>,
    /// How its folder is watched.
    pub directory: DirectoryOptions,
    /// Whether it keeps versions in its state directory.
    pub keep_versions: bool,
    /// Whether it keeps compiled code there: only then do modules sleep.
    pub keep_code: bool,
    /// After how long without a run.
    pub sleep_after: Duration,
    /// Where it compiles.
    pub compiling: Compiling,
}

impl Default for Hosting {
    /// As `windlass run`: manifests grant. No lease; neither versions nor code are kept; compiles in this process.
    fn default() -> Self {
        Self {
            grants: Grants::ByManifest,
            identity: None,
            directory: DirectoryOptions::default(),
            keep_versions: false,
            keep_code: false,
            sleep_after: Bounds::default().sleep_after,
            compiling: Compiling::Here,
        }
    }
}

/// A running host with a folder of its own.
pub struct Host {
    /// What it tells.
    pub facts: Arc<Memory>,
    /// What its `/metrics` would show.
    pub metrics: Arc<Metrics>,
    runs: Arc<Runs>,
    folder: TempDir,
    state: TempDir,
    stop: CancellationToken,
    running: JoinHandle<Result<(), StartError>>,
}

/// A run, with the moment at which its end was told.
#[derive(Clone, Debug)]
pub struct SeenRun {
    /// How it went.
    pub run: RunEnded,
    /// When its end was told.
    pub at: Instant,
}

impl SeenRun {
    /// When it began, or a moment later: the way of the end to the observer is counted in.
    pub fn began(&self) -> Instant {
        self.at.checked_sub(self.run.took).unwrap_or(self.at)
    }
}

/// Notes the time at which each run's end is told.
#[derive(Default)]
struct Runs(Mutex<Vec<SeenRun>>);

impl Observer for Runs {
    fn fact(&self, fact: &Fact) {
        if let Fact::RunEnded(run) = fact {
            self.0.lock().unwrap().push(SeenRun { run: (**run).clone(), at: Instant::now() });
        }
    }
}

impl Host {
    /// Starts a host on an empty folder.
    pub async fn start(cluster: &Cluster, hosting: Hosting) -> Self {
        Self::start_with(cluster, hosting, &[]).await
    }

    /// Starts a host on a folder with these files.
    pub async fn start_with(cluster: &Cluster, hosting: Hosting, files: &[(&str, &[u8])]) -> Self {
        let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self::start_in(cluster, hosting, (folder, state)).await
    }

    async fn start_in(cluster: &Cluster, hosting: Hosting, (folder, state): (TempDir, TempDir)) -> Self {
        let facts = Arc::new(Memory::new(FACTS_MAX));
        let (runs, metrics) = (Arc::new(Runs::default()), Arc::new(Metrics::default()));
        let connection = cluster.connect().await;
        let lease = |identity: &String| LeaseSettings {
            duration: Duration::from_secs(3),
            renew_deadline: Duration::from_secs(2),
            retry_period: Duration::from_millis(200),
            ..LeaseSettings::new("default", "windlass", identity)
        };
        let settings = Settings {
            state_dir: state.path().to_owned(),
            metrics_address: None,
            lease: hosting.identity.as_ref().map(lease),
            bounds: Bounds { sleep_after: hosting.sleep_after, ..Bounds::default() },
            ..Settings::default()
        };
        let parts = Parts {
            client: cluster::client(&connection),
            connection,
            source: Directory::open(folder.path(), hosting.directory).await.unwrap().boxed(),
            control: Some(ControlServer::start(state.path()).await.unwrap()),
            // Who awaits a fact finds the metrics moved on.
            observers: Observers::default().with(metrics.clone()).with(runs.clone()).with(facts.clone()),
            metrics: Some(metrics.clone()),
            readiness: None,
            grants: hosting.grants,
            keep_code: hosting.keep_code,
            compiling: hosting.compiling,
            keep_versions: hosting.keep_versions,
            settings,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(windlass_runtime::run(parts, stop.clone()));
        Self { facts, metrics, runs, folder, state, stop, running }
    }

    /// Where its modules are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it keeps its state.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Where it keeps the bytes of a version.
    pub fn kept(&self, module: &str, digest: &Digest) -> PathBuf {
        self.state.path().join("versions").join(module).join(format!("{digest}.wasm"))
    }

    /// Puts a file into its folder at once: written under another name, then renamed.
    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (half, whole) = (self.folder().join(format!(".{name}.part")), self.folder().join(name));
        std::fs::write(&half, bytes).unwrap();
        std::fs::rename(&half, &whole).unwrap();
        whole
    }

    /// Takes a file out of its folder.
    pub fn take(&self, name: &str) {
        std::fs::remove_file(self.folder().join(name)).unwrap();
    }

    /// Waits for a fact, also one that was told already.
    pub async fn fact<T>(&self, wanted: impl FnMut(&Fact) -> Option<T>) -> T {
        self.fact_since(0, wanted).await
    }

    /// Waits for a fact after a mark of [`Memory::mark`].
    pub async fn fact_since<T>(&self, mark: u64, wanted: impl FnMut(&Fact) -> Option<T>) -> T {
        match self.facts.wait_for_since(mark, PATIENCE, wanted).await {
            Ok(found) => found,
            Err(not_seen) => panic!("{not_seen}"),
        }
    }

    /// Waits until a module serves; which bytes, and as which generation.
    pub async fn serving(&self, name: &str) -> (Digest, Generation) {
        self.serving_since(0, name).await
    }

    /// Waits until a module begins to serve after a mark.
    pub async fn serving_since(&self, mark: u64, name: &str) -> (Digest, Generation) {
        let serves = |fact: &Fact| match fact {
            Fact::ModuleServing { module, digest, generation, .. } if *module.0 == *name => {
                Some((*digest, *generation))
            }
            _ => None,
        };
        self.fact_since(mark, serves).await
    }

    /// Waits until a module is refused after a mark, and tells why.
    pub async fn rejected_since(&self, mark: u64, name: &str) -> String {
        let refused = |fact: &Fact| match fact {
            Fact::ModuleRejected { module, reason } if *module.0 == *name => Some(reason.clone()),
            _ => None,
        };
        self.fact_since(mark, refused).await
    }

    /// Waits until a module waits for its operator after a mark, and tells what for.
    pub async fn waiting_since(&self, mark: u64, name: &str) -> String {
        let waits = |fact: &Fact| match fact {
            Fact::ModuleWaiting { module, reason } if *module.0 == *name => Some(reason.clone()),
            _ => None,
        };
        self.fact_since(mark, waits).await
    }

    /// Every run that ended so far, in the order in which they ended.
    pub fn runs(&self) -> Vec<SeenRun> {
        self.runs.0.lock().unwrap().clone()
    }

    /// Asks it as `windlass COMMAND` does.
    pub async fn command(&self, command: &Command) -> Answer {
        control::call(self.state.path(), command, |_| ()).await.unwrap()
    }

    /// How it stands, as `windlass status` shows it.
    pub async fn status(&self) -> StatusReport {
        match self.command(&Command::Status {}).await {
            Answer::Status(report) => *report,
            other => panic!("the status is {other:?}"),
        }
    }

    /// Has an object reconciled, as `windlass reconcile` does.
    pub async fn reconcile(&self, module: &str, object: &str) {
        let object: ObjectArgument = object.parse().unwrap();
        let command = Command::Reconcile { module: module.to_owned(), object: Some(object) };
        let answer = self.command(&command).await;
        assert!(matches!(answer, Answer::Done { .. }), "{answer:?}");
    }

    /// Waits until nothing of any module runs, is ready to run, or waits for its time.
    pub async fn until_idle(&self) {
        let idle = async {
            loop {
                let report = self.status().await;
                let mut controllers = report.modules.iter().flat_map(|module| &module.controllers);
                if controllers.all(|one| (one.ready, one.running, one.delayed) == (0, 0, 0)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, idle).await.expect("the host comes to rest");
    }

    /// Ends it, and starts another host with the same folder and state.
    pub async fn restart(self, cluster: &Cluster, hosting: Hosting) -> Self {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.expect("the host ends").unwrap().unwrap();
        Self::start_in(cluster, hosting, (self.folder, self.state)).await
    }

    /// Ends it, and waits until everything under way is over. All its runs.
    pub async fn stop(self) -> Vec<SeenRun> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.expect("the host ends").unwrap().unwrap();
        std::mem::take(&mut *self.runs.0.lock().unwrap())
    }
}
