//! What a module is and asks for, without a cluster: for `windlass inspect` and `windlass grant`.

use crate::manifest::{Defaults, Manifest};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use windlass_core::{
    cache::Cache,
    call::{ApiError, Call, Reply},
    description::Description,
    grant::Refusal,
    name::{Digest, Kind, ModuleName, Resource},
    subscription::{Following, Seen, Subscription, SubscriptionId},
};
use windlass_guest::{
    compile::Compiling,
    describe::{DescribeError, describe},
    engine::{Engine, EngineError, EngineSettings},
    grant::CurrentGrant,
    host::{Caller, EventData, Host, LogLine, MetricSample, Terms},
    limits::{Bound, Limits},
    module::{AdmissionError, Module},
};

/// What a module is.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Of its bytes.
    pub digest: Digest,
    /// Of its bytes.
    pub size_bytes: usize,
    /// Interfaces it imports.
    pub imports: Vec<String>,
    /// Interfaces and functions it exports.
    pub exports: Vec<String>,
    /// What its instances start with.
    pub initial_memory_bytes: u64,
    /// How long it took to compile.
    pub compiled_in: Duration,
    /// What it says about itself.
    pub description: Arc<Description>,
    /// What it wrote to its log while describing itself.
    pub log: Vec<String>,
}

impl Examined {
    /// Every kind that it reconciles, watches or indexes.
    #[must_use]
    pub fn kinds(&self) -> std::collections::BTreeSet<Kind> {
        crate::kinds::named(&self.description)
    }
}

/// Bytes that are no module.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// No Wasm on this machine.
    #[error("no module can run here")]
    Engine(#[from] EngineError),
    /// They cannot be run.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// It does not describe itself.
    #[error(transparent)]
    Describe(#[from] DescribeError),
}

/// Admits, compiles and describes a module. Its settings are empty.
///
/// # Errors
/// When the bytes are no module that a host would run.
pub async fn examine(
    name: &ModuleName,
    bytes: &[u8],
    compiling: Compiling,
) -> Result<Examined, ExamineError> {
    let settings = EngineSettings { concurrent_invocations_max: 1, compiling, ..EngineSettings::default() };
    let engine = Engine::new(settings)?;
    let module = Module::load(&engine, Arc::from(bytes), None).await?;
    let manifest = Manifest::absent(name, &Defaults::default());
    let terms = Terms {
        module: name.clone(),
        grant: CurrentGrant::default(),
        field_manager: manifest.field_manager,
        settings: manifest.settings.to_string().into(),
        indexes: Arc::default(),
        limits: Limits::default(),
        pace: Arc::default(),
    };
    let nowhere = Arc::new(Nowhere::default());
    let description = describe(&module, Arc::new(terms), nowhere.clone()).await?;
    Ok(Examined {
        digest: module.digest(),
        size_bytes: module.size_bytes(),
        imports: module.imports().to_vec(),
        exports: module.exports().to_vec(),
        initial_memory_bytes: module.initial_memory_bytes(),
        compiled_in: module.compiled().took,
        description: Arc::new(description),
        log: nowhere.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
    })
}

/// A host without a cluster. Describing needs none: the sandbox refuses every call before it gets here.
#[derive(Default)]
struct Nowhere {
    cache: Cache,
    log: std::sync::Mutex<Vec<String>>,
}

/// Lines kept of a module that describes itself; the sandbox bounds them too.
const LOG_LINES_MAX: usize = 200;

impl Host for Nowhere {
    fn call<'a>(&'a self, _: &'a Caller, _: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        Box::pin(async { Err(ApiError::host("Unavailable", "there is no cluster here")) })
    }

    fn resource<'a>(&'a self, _: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>> {
        Box::pin(async { Err(ApiError::host("Unavailable", "there is no cluster here")) })
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn event(&self, _: &Caller, _: EventData) {}

    fn log(&self, _: &Caller, line: LogLine) {
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if log.len() < LOG_LINES_MAX {
            log.push(line.message);
        }
    }

    fn metric(&self, _: &Caller, _: MetricSample) {}

    fn subscribe<'a>(
        &'a self,
        _: &'a Caller,
        _: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>> {
        Box::pin(async { Err(ApiError::host("Unavailable", "there is no cluster here")) })
    }

    fn seen<'a>(&'a self, _: &'a Caller, _: SubscriptionId, _: Option<Seen>) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn reached(&self, _: &Caller, _: Bound, _: u32) {}

    fn refused(&self, _: &Caller, _: &Refusal) {}

    fn now_ms(&self, _: &Caller) -> f64 {
        crate::clock::unix_ms()
    }

    fn random(&self, _: &Caller, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
