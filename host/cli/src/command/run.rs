//! `windlass run`: the modules of a folder against a cluster.

use crate::{
    args::{LogFormat, Run},
    command::{compile::compiling, stop_on_signal},
};
use anyhow::Result;
use futures::StreamExt as _;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use windlass_runtime::{
    Client, ClientSettings, ConnectOptions, Connection, Discovery, Grants, Parts,
    control::ControlServer,
    endpoints::{Endpoints, Readiness},
    identity,
    limits::Maxima,
    manifest::Defaults,
    observe::{self, Log, LogSettings, Metrics, Observers},
    settings::{Bounds, LeaseSettings, METRICS_ADDRESS_FLAG, Settings},
    source::Directory,
};

/// Runs until it is interrupted. Whatever is wrong with the command line, the folders or the cluster shows before
/// anything runs.
pub(crate) async fn run(arguments: Run) -> Result<()> {
    let stop = stop_on_signal()?;
    let settings = settings(&arguments);
    observe::install_log(&settings.log)?;
    let source = Directory::open(&arguments.modules, settings.directory.clone()).await?;
    let control = ControlServer::start(&settings.state_dir).await?;
    let options =
        ConnectOptions { kubeconfig: arguments.kubeconfig.clone(), context: arguments.context.clone() };
    let connection = Connection::open(&options).await?;
    let version = connection.check().await?;
    let metrics = Arc::new(Metrics::default());
    let (readiness, ready) = watch::channel(Readiness::waiting("the host starts"));
    let endpoints =
        Endpoints::start(arguments.metrics_address, METRICS_ADDRESS_FLAG, metrics.clone(), ready).await?;
    tracing::info!(
        target: "windlass::host",
        server = connection.server(),
        version = version.git_version,
        metrics = %endpoints.address(),
        modules = %arguments.modules.display(),
        state = %settings.state_dir.display(),
        "windlass runs"
    );
    let parts = Parts {
        client: Client::new(&connection, Discovery::new(&connection), ClientSettings::default()),
        connection,
        source: source.boxed(),
        control: Some(control),
        observers: Observers::default().with(Arc::new(Log)).with(metrics.clone()),
        metrics: Some(metrics),
        readiness: Some(readiness),
        grants: Grants::ByManifest,
        keep_code: true,
        compiling: compiling(arguments.compile.bounds())?,
        keep_versions: true,
        settings,
    };
    let ran = windlass_runtime::run(parts, stop).await;
    endpoints.stop().await;
    Ok(ran?)
}

fn settings(arguments: &Run) -> Settings {
    let format = match arguments.log_format {
        LogFormat::Text => observe::LogFormat::Readable,
        LogFormat::Json => observe::LogFormat::Json,
    };
    let filter = std::env::var("WINDLASS_LOG").unwrap_or_else(|_| LogSettings::default().filter);
    let bounds = Bounds::default();
    let (mut defaults, mut maxima) = (Defaults::default(), Maxima::default());
    for (bound, value) in &arguments.limit_max {
        maxima.set(*bound, *value);
    }
    for (bound, value) in &arguments.limit_default {
        defaults.limits.set(*bound, *value);
    }
    Settings {
        defaults,
        maxima,
        state_dir: arguments.state.state.clone(),
        modules_dir: Some(arguments.modules.clone()),
        log: LogSettings { format, filter },
        metrics_address: Some(arguments.metrics_address),
        lease: Some(LeaseSettings::new(&arguments.lease_namespace, &arguments.lease_name, &identity())),
        bounds: Bounds {
            runs_max: arguments.slots.unwrap_or(bounds.runs_max),
            sleep_after: Duration::from_secs(arguments.sleep_after.into()),
            module: bounds.module.clone().with_all(&arguments.compile.module_bound),
            ..bounds
        },
        ..Settings::default()
    }
}
