//! `windlass dev`: a cluster of one's own, a module, and a live log; rebuilt and swapped in on save.

use crate::{
    args::Dev,
    command::{
        compile::compiling,
        inspect::asks,
        server::{Kubeconfig, not_started},
        stop_on_signal,
    },
    console::Console,
};
use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use std::{
    io::IsTerminal as _,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use windlass_apiserver::ApiServer;
use windlass_author::{
    BuildError, BuildRequest, Built, Profile, SourceWatcher, build, build::Language, watch::SourceChanged,
};
use windlass_runtime::text::visible;
use windlass_runtime::{
    Client, ClientSettings, Connection, Discovery, Grants, Parts,
    apply::{self, Document},
    compile::CompileBounds,
    control::ControlServer,
    core::{description::Description, fact::Fact, name::ModuleName},
    observe::{Observer, Observers},
    settings::Settings,
    source::{Offer, SourceEvent, digest_of},
};

/// Offers that wait for the host; a save during a slow load waits here.
const OFFERS_LEN_MAX: usize = 4;

/// Runs until it is interrupted.
pub(crate) async fn dev(arguments: Dev) -> Result<()> {
    let stop = stop_on_signal()?;
    let watcher = watcher(&arguments.module)?;
    let console = Arc::new(Console::new());
    let (server, kubeconfig) = serve(&arguments).await?;
    let state = tempfile::Builder::new().prefix("windlass-dev-").tempdir()?;
    println!("\n  export KUBECONFIG={}", kubeconfig.path.display());
    println!("  export WINDLASS_STATE={}\n", state.path().display());
    let connection = Connection::in_process(server.service());
    let client = Client::new(&connection, Discovery::new(&connection), ClientSettings::default());
    let (offers, source) = mpsc::channel(OFFERS_LEN_MAX);
    let (described, descriptions) = mpsc::unbounded_channel();
    let settings =
        Settings { state_dir: state.path().to_owned(), metrics_address: None, ..Settings::default() };
    let parts = Parts {
        connection,
        client: client.clone(),
        source: ReceiverStream::new(source).boxed(),
        control: Some(ControlServer::start(&settings.state_dir).await?),
        observers: Observers::default().with(console.clone()).with(Arc::new(Described(described))),
        metrics: None,
        readiness: None,
        grants: Grants::AllAsked,
        // In the folder that goes with this process: what was saved before is served again at once.
        keep_code: true,
        compiling: compiling(CompileBounds::default())?,
        // An author wants to see the new version fail.
        keep_versions: false,
        settings,
    };
    let ended = stop.clone();
    let host = tokio::spawn(async move { windlass_runtime::run(parts, ended).await });
    let workshop = Workshop { arguments, console, client, offers, offered: AtomicBool::new(false) };
    workshop.work(watcher, descriptions, &stop).await;
    stop.cancel();
    host.await.context("the host was cut off")??;
    server.shutdown().await;
    Ok(())
}

/// Watches the module's folder, which must be one: better told before anything runs.
fn watcher(folder: &Path) -> Result<SourceWatcher> {
    if Language::of(folder).is_none() {
        return Err(BuildError::NoModule(folder.to_owned()).into());
    }
    Ok(SourceWatcher::new(folder)?)
}

async fn serve(arguments: &Dev) -> Result<(ApiServer, Kubeconfig)> {
    let mut builder = ApiServer::builder().controllers(&arguments.controllers);
    if let Some(data) = &arguments.data {
        builder = builder.data_dir(data);
    }
    let server = builder.start().await.map_err(|error| not_started(error, arguments.data.as_deref()))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.secure_port));
    let listening = server.listen(address).await.with_context(|| {
        format!("the API server cannot listen on {address}; choose another port with --secure-port (0: any free one)")
    })?;
    let kubeconfig = Kubeconfig::choose(arguments.kubeconfig.as_deref(), arguments.data.as_deref())?;
    kubeconfig.write(&server.kubeconfig(&listening))?;
    Ok((server, kubeconfig))
}

/// Hands on what a module says about itself.
struct Described(mpsc::UnboundedSender<Arc<Description>>);

impl Observer for Described {
    fn fact(&self, fact: &Fact) {
        if let Fact::ModuleDescribed { description, .. } = fact {
            // After the end nobody wants to know.
            self.0.send(description.clone()).unwrap_or_default();
        }
    }
}

/// Builds, applies, and watches the sources.
struct Workshop {
    arguments: Dev,
    console: Arc<Console>,
    client: Client,
    offers: mpsc::Sender<SourceEvent>,
    /// Whether there was a version yet.
    offered: AtomicBool,
}

impl Workshop {
    async fn work(
        &self,
        mut watcher: SourceWatcher,
        mut descriptions: mpsc::UnboundedReceiver<Arc<Description>>,
        stop: &CancellationToken,
    ) {
        let mut known = Arc::new(Description::default());
        self.definitions().await;
        tokio::select! { () = self.build() => {} () = stop.cancelled() => return }
        let mut examples_wait = !self.arguments.no_examples;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(description) = descriptions.recv() => {
                    self.described(&known, &description).await;
                    known = description;
                    if std::mem::take(&mut examples_wait) {
                        self.examples().await;
                    }
                }
                changed = watcher.changed() => {
                    tokio::select! { () = self.changed(&changed) => {} () = stop.cancelled() => return }
                }
            }
        }
    }

    async fn changed(&self, changed: &SourceChanged) {
        if changed.definitions {
            self.definitions().await;
        }
        if changed.code {
            self.build().await;
        }
        if changed.examples && !self.arguments.no_examples {
            self.examples().await;
        }
    }

    /// Says what the module asks for, where that is new, and brings in the definitions that it carries itself.
    async fn described(&self, known: &Description, now: &Description) {
        if known.permissions != now.permissions || known.controllers != now.controllers {
            for controller in &now.controllers {
                let watches =
                    controller.watches.iter().map(|watch| watch.kind.kind.to_string()).collect::<Vec<_>>();
                let follows = if watches.is_empty() {
                    String::new()
                } else {
                    format!(", follows {}", watches.join(", "))
                };
                self.console
                    .line(&format!("{} reconciles {}{follows}", controller.name, controller.reconciles));
            }
            asks(&now.permissions).for_each(|ask| self.console.line(&visible(&ask)));
            self.console.line("granted: dev grants all that a module asks for");
        }
        let carried = Path::new("the module's description");
        // Most modules carry what is in crds/, which was applied before the build; what is wrong there was told.
        let files = apply::documents(&self.arguments.module.join("crds")).unwrap_or_default();
        for definition in now.definitions.iter().filter(|definition| !known.definitions.contains(definition))
        {
            let body = serde_json::from_str(definition).unwrap_or_default();
            match Document::new(carried, body) {
                Ok(document) if files.iter().any(|file| file.body == document.body) => {}
                Ok(document) => self.define(&document).await,
                Err(error) => self.console.bad(&error.to_string()),
            }
        }
    }

    async fn definitions(&self) {
        match apply::documents(&self.arguments.module.join("crds")) {
            Ok(documents) => {
                for document in &documents {
                    self.define(document).await;
                }
            }
            Err(error) => self.console.bad(&told(&error)),
        }
    }

    async fn define(&self, document: &Document) {
        let defined = async {
            apply::apply(&self.client, document).await?;
            apply::established(&self.client, document).await
        };
        match defined.await {
            Ok(()) => self.console.line(&format!("applied {} {}", document.kind.kind, document.name)),
            Err(error) => self.console.bad(&told(&error)),
        }
    }

    async fn examples(&self) {
        let documents = apply::documents(&self.arguments.module.join("examples"));
        for document in documents.unwrap_or_else(|error| {
            self.console.bad(&told(&error));
            Vec::new()
        }) {
            match apply::apply(&self.client, &document).await {
                Ok(()) => self.console.line(&format!("applied {} {}", document.kind.kind, document.name)),
                Err(error) => self.console.bad(&told(&error)),
            }
        }
    }

    /// Builds and offers. A build error is told as the compiler says it, and what serves goes on.
    async fn build(&self) {
        let mut request = BuildRequest::new(&self.arguments.module);
        request.profile = Profile::Dev;
        request.color = std::io::stderr().is_terminal();
        self.console.line(&format!("building {}", self.arguments.module.display()));
        let built =
            tokio::task::spawn_blocking(move || build(&request, &mut |line| eprintln!("{line}"))).await;
        match built {
            Ok(Ok(built)) => self.offer(built).await,
            Ok(Err(error)) => {
                let next = match self.offered.load(Ordering::Relaxed) {
                    true => "the version before goes on",
                    false => "nothing runs yet; save a mended source",
                };
                self.console.bad(&format!("not built: {}; {next}", told(&error)));
            }
            Err(_) => self.console.bad("the build was cut off"),
        }
    }

    async fn offer(&self, built: Built) {
        self.console.line(&format!(
            "built {} ({} KiB) in {:.1} s",
            built.name,
            built.bytes.len() >> 10,
            built.took.as_secs_f64()
        ));
        let offer = Offer {
            name: ModuleName(built.name.as_str().into()),
            file: built.path,
            digest: digest_of(&built.bytes),
            wasm: Some(built.bytes.into()),
            manifest: None,
            seen_at: Instant::now(),
        };
        self.offered.store(true, Ordering::Relaxed);
        // The host has ended: so does this, with the stop that ended it.
        self.offers.send(SourceEvent::Offered(offer)).await.unwrap_or_default();
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
