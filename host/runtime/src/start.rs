//! The start and the end of a host, in an order with reasons.
//!
//! Start: engine and key (a full disk or a foreign state directory shows before anything runs) → bridge and watches →
//! lease → driver, which loads modules, lets their watches sync, and runs them while it leads.
//! End: no new runs → runs under way finish or are cut → watches end → the lease goes back (L6, C10).

use crate::{
    book::Book,
    bridge::Bridge,
    circles::FightEvents,
    clock::Clock,
    control::ControlServer,
    desk::Desk,
    drive::{Driver, Happenings},
    endpoints::Readiness,
    failures::Failures,
    gauges::Gauges,
    kinds::Seeker,
    loader::{Grants, Loader},
    observe::{Metrics, Observer, Observers},
    own_writes::OwnWrites,
    runs::Runs,
    settings::{Settings, SettingsError},
    sleep::{self, Sleepers},
    source::SourceEvent,
    spare::Sparing,
    tell,
    versions::{Versions, VersionsError},
    watches::Watches,
};
use futures::stream::BoxStream;
use std::sync::Arc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use windlass_cluster::{
    client::Client,
    connect::Connection,
    events::Recorder,
    lease::{self, Leadership, Lease},
    reflector::{self, Reflector},
    transport::Requests,
};
use windlass_core::{
    cache::Cache,
    fact::Fact,
    pipeline::{self, Pipeline},
};
use windlass_guest::{
    compile::Compiling,
    engine::{Engine, EngineError, EngineSettings},
    host::Host,
    limits::Bound,
    module::{CodeCache, CodeCacheError},
};

/// Loads that ended and wait for the driver.
const LOADED_LEN_MAX: usize = 16;

/// Compiled code that is kept in the state directory; a large Python module takes 40 MiB.
const CODE_BYTES_MAX: u64 = 4 << 30;

/// How long the host's end waits for Kubernetes Events to be written.
const RECORDING_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// What a host is made of.
pub struct Parts {
    /// The way to the cluster, for watches and the lease.
    pub connection: Connection,
    /// The way to the cluster, for calls; knows what is served.
    pub client: Client,
    /// Where modules come from.
    pub source: BoxStream<'static, SourceEvent>,
    /// Operators' commands; none where nobody can give any.
    pub control: Option<ControlServer>,
    /// Who is told what happens.
    pub observers: Observers,
    /// Gauges of queues, refreshed while something happens.
    pub metrics: Option<Arc<Metrics>>,
    /// Told what the host waits for.
    pub readiness: Option<watch::Sender<Readiness>>,
    /// Who grants.
    pub grants: Grants,
    /// Whether compiled code is kept in the state directory.
    pub keep_code: bool,
    /// Where modules are compiled.
    pub compiling: Compiling,
    /// Whether the versions that served are kept in the state directory; only then can a module go
    /// back to an earlier version.
    pub keep_versions: bool,
    /// Everything an operator can choose.
    pub settings: Settings,
}

/// A host that does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict each other.
    #[error("the settings do not fit together")]
    Settings(#[from] SettingsError),
    /// The lease's settings do.
    #[error("the lease's settings do not fit together")]
    Lease(#[from] lease::SettingsError),
    /// No Wasm on this machine.
    #[error("no module can run here")]
    Engine(#[from] EngineError),
    /// The state directory is unusable.
    #[error("compiled code cannot be kept in the state directory")]
    CodeCache(#[from] CodeCacheError),
    /// The state directory is unusable.
    #[error("the modules' versions cannot be kept in the state directory")]
    Versions(#[from] VersionsError),
}

/// Runs a host until `stop` is cancelled and everything under way is over.
///
/// # Errors
/// When it cannot start. Once it runs, whatever fails is told to the observers, and the rest goes on.
pub async fn run(parts: Parts, stop: CancellationToken) -> Result<(), StartError> {
    let settings = &parts.settings;
    settings.check()?;
    let runs_max = u32::try_from(settings.bounds.runs_max.get()).unwrap_or(u32::MAX);
    let engine = Engine::new(EngineSettings {
        compiling: parts.compiling.clone(),
        module: settings.bounds.module.clone(),
        ..EngineSettings::within(runs_max, &settings.maxima)
    })?;
    let code = settings.state_dir.join("code");
    let code_cache =
        parts.keep_code.then(|| CodeCache::open(code, CODE_BYTES_MAX)).transpose()?.map(Arc::new);
    let lease = elect(&parts)?;
    let leadership = lease.as_ref().map(Lease::leadership);
    let kept = settings.state_dir.join("versions");
    let kept = parts.keep_versions.then(|| Versions::open(kept)).transpose()?;
    let (versions, writing) =
        kept.map_or_else(|| (Versions::none(), None), |(kept, writing)| (kept, Some(writing)));
    let (mut driver, happenings, recording) =
        assemble(parts, engine, (code_cache, versions), leadership, stop);
    driver.drive(happenings).await;
    // With the driver goes the last recorder; what it has noted is still written.
    drop(driver);
    if let Some(writing) = writing
        && tokio::time::timeout(RECORDING_MAX, writing).await.is_err()
    {
        tracing::warn!(target: "windlass::host", "some modules' versions could not be written before the end");
    }
    if tokio::time::timeout(RECORDING_MAX, recording).await.is_err() {
        tracing::warn!(target: "windlass::host", "some Kubernetes Events could not be written before the end");
    }
    if let Some(lease) = lease {
        lease.release().await;
    }
    Ok(())
}

fn elect(parts: &Parts) -> Result<Option<Lease>, lease::SettingsError> {
    let Some(wanted) = &parts.settings.lease else { return Ok(None) };
    let settings = lease::Settings {
        namespace: wanted.namespace.clone(),
        name: wanted.name.clone(),
        lease_duration: wanted.duration,
        renew_deadline: wanted.renew_deadline,
        retry_period: wanted.retry_period,
    };
    Lease::run(&parts.connection, &wanted.identity, settings).map(Some)
}

fn assemble(
    parts: Parts,
    engine: Engine,
    (code_cache, versions): (Option<Arc<CodeCache>>, Versions),
    leadership: Option<watch::Receiver<Leadership>>,
    stop: CancellationToken,
) -> (Driver, Happenings, JoinHandle<()>) {
    let Parts {
        connection, client, source, control, observers, metrics, readiness, grants, settings, ..
    } = parts;
    let failures = Arc::new(Failures::default());
    let observers = observers.with(failures.clone());
    let (inputs, told) = tell::channel();
    let (loaded_sender, loaded) = mpsc::channel(LOADED_LEN_MAX);
    let (restored_sender, restored) = mpsc::channel(LOADED_LEN_MAX);
    let (clock, cache) = (Clock::start(), Arc::new(Cache::new()));
    let discovery = client.discovery().clone();
    let (recorder, recording) = Recorder::start(client.clone(), &lease::identity());
    let observers = observers.with(Arc::new(FightEvents::new(recorder.clone(), cache.clone())));
    let writes = Arc::new(OwnWrites::start(client.clone(), cache.clone()));
    let sparing = Arc::new(Sparing::new(cache.clone()));
    let observers = observers.with(sparing.clone());
    metrics.iter().for_each(|metrics| metrics.show(cache.clone()));
    let seen = (cache.clone(), writes.clone(), sparing.clone());
    let desk = Arc::new(Desk::default());
    let following = (inputs.clone(), desk.clone());
    let bridge = Bridge::new(client, seen, recorder, observers.clone(), following, leadership.clone());
    let host: Arc<dyn Host> = Arc::new(bridge);
    let registry = sleep::registry(engine.clone(), code_cache.clone(), observers.clone());
    metrics.iter().for_each(|metrics| metrics.show_modules(registry.clone()));
    let counted = (connection.server().to_owned(), connection.requests().clone());
    let reflector = Reflector::new(connection, discovery.clone(), reflector::Settings::default());
    follow(metrics.as_ref(), counted, &reflector);
    let driver = Driver {
        clock,
        pipeline: Pipeline::new(cache.clone(), decisions(&settings)),
        watches: Watches::new(reflector, discovery.clone(), cache, inputs.clone(), observers.clone()),
        runs: Runs::new((writes, sparing), host.clone(), clock, observers.clone()),
        ends: Vec::new(),
        desk,
        loader: Loader {
            engine,
            code_cache,
            registry: registry.clone(),
            host,
            discovery: discovery.clone(),
            observers: observers.clone(),
            grants,
            maxima: settings.maxima,
            describe_deadline: settings.bounds.describe_deadline,
            loaded: loaded_sender,
        },
        _sleepers: Sleepers::start(registry.clone(), settings.bounds.sleep_after),
        registry,
        seeker: Seeker::start(discovery, inputs),
        book: Book::default(),
        versions,
        restored: restored_sender,
        failures,
        defaults: settings.defaults,
        observers,
        gauges: Gauges::new(metrics, readiness),
        wake_at: None,
        holder: None,
        lease_trouble: None,
        drain_grace: settings.bounds.drain,
    };
    let happenings = Happenings { inputs: told, source, loaded, restored, control, leadership, stop };
    (driver, happenings, recording)
}

fn follow(
    metrics: Option<&Arc<Metrics>>,
    (server, requests): (String, Arc<Requests>),
    reflector: &Reflector,
) {
    if let Some(metrics) = metrics {
        metrics.follow_cluster(&server, requests, reflector.measures().clone());
    }
}

fn decisions(settings: &Settings) -> pipeline::Settings {
    let subscriptions = usize::try_from(settings.maxima.get(Bound::Subscriptions)).unwrap_or(usize::MAX);
    pipeline::Settings {
        slots_max: settings.bounds.runs_max.get(),
        // The sandbox holds each module to its own; this is above all of them.
        subscriptions_per_request_max: subscriptions,
        ..pipeline::Settings::default()
    }
}

/// Told when leadership changes.
pub(crate) fn tell_leadership(observers: &Observers, leadership: &Leadership) {
    observers.fact(&Fact::Leadership { leading: leadership.leading, holder: leadership.holder.clone() });
}
