//! A host and its API server in one process, this one, as `windlass dev` has them.

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use tokio::{runtime::Builder, sync::oneshot, time::sleep};
use tokio_util::sync::CancellationToken;
use windlass_apiserver::ApiServer;
use windlass_benches::{client::Access, cluster::Folder, program::windlass};
use windlass_runtime::{
    Client, ClientSettings, Connection, Discovery, Grants, Parts,
    compile::{CompileBounds, Compiling},
    core::fact::Fact,
    observe::{Observer, Observers},
    settings::Settings,
    source::Directory,
};

/// Runs until it is stopped.
pub(crate) struct InProcess {
    /// The way to its API server, over TLS: for whoever measures, the host does not need it.
    pub(crate) access: Access,
    stop: CancellationToken,
    thread: thread::JoinHandle<Result<()>>,
}

/// Counts the modules that serve.
#[derive(Default)]
struct Serving(AtomicUsize);

impl Observer for Serving {
    fn fact(&self, fact: &Fact) {
        if let Fact::ModuleServing { .. } = fact {
            self.0.fetch_add(1, Relaxed);
        }
    }
}

impl InProcess {
    /// Starts it and waits until every module of the folder serves.
    pub(crate) async fn start(folder: Folder) -> Result<Self> {
        let (stop, serving) = (CancellationToken::new(), Arc::new(Serving::default()));
        let (sender, kubeconfig) = oneshot::channel();
        let modules = folder.count()?;
        let told = (stop.clone(), serving.clone());
        let thread = thread::spawn(move || {
            let runtime = Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(run(folder, told, sender))
        });
        let kubeconfig = kubeconfig.await.context("the server did not start")?;
        let access = Access::of(&kubeconfig)?;
        while serving.0.load(Relaxed) < modules {
            ensure!(!thread.is_finished(), "the host ended");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Self { access, stop, thread })
    }

    /// Ends it.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.thread.join().map_err(|_panic| anyhow::anyhow!("the host panicked"))?
    }
}

async fn run(
    folder: Folder,
    (stop, serving): (CancellationToken, Arc<Serving>),
    kubeconfig: oneshot::Sender<String>,
) -> Result<()> {
    let none: [&str; 0] = [];
    let server = ApiServer::builder().controllers(none).start().await?;
    let listening = server.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let connection = Connection::in_process(server.service());
    let settings = Settings { state_dir: folder.state(), metrics_address: None, ..Settings::default() };
    let program = windlass(&[])?.get_program().into();
    let parts = Parts {
        client: Client::new(&connection, Discovery::new(&connection), ClientSettings::default()),
        connection,
        source: Directory::open(&folder.modules(), settings.directory.clone()).await?.boxed(),
        control: None,
        observers: Observers::default().with(serving),
        metrics: None,
        readiness: None,
        grants: Grants::ByManifest,
        keep_code: true,
        compiling: Compiling::InChild {
            program: vec![program, "compile-module".into()],
            bounds: CompileBounds::default(),
        },
        keep_versions: false,
        settings,
    };
    drop(kubeconfig.send(server.kubeconfig(&listening)));
    windlass_runtime::run(parts, stop).await?;
    server.shutdown().await;
    Ok(())
}
