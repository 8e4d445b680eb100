//! One version that is registered: in memory, asleep, or on its way back.

use super::{Change, Happened, Loading, wake::WakeError};
use crate::module::{Known, Module};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use std::{
    fmt, mem,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use windlass_core::name::{Digest, ModuleName};

/// A module of so many bytes is mapped in half a millisecond.
const SMALL_BYTES_MAX: usize = 512 << 10;

/// How long nobody tries again after the first failure to wake, and after many.
const AGAIN_MIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// A version that is registered. What is needed to run it comes back with [`Held::awake`].
pub struct Held {
    known: Known,
    loading: Arc<Loading>,
    inner: Mutex<Inner>,
}

struct Inner {
    code: Code,
    /// Who holds it, and where its bytes can be read again.
    names: Vec<(ModuleName, Box<[PathBuf]>)>,
    /// When it last ran, or came into memory.
    used_at: Instant,
    /// It has not run since it came into memory.
    unused: bool,
    /// The last wake failed.
    trouble: Option<Trouble>,
}

enum Code {
    InMemory(Arc<Module>),
    Asleep,
    Waking(Waking),
}

type Woken = Result<Arc<Module>, NotAwake>;
/// Ends when the version is awake, or cannot be. What takes long in it is a task's, so nobody who goes ends it.
type Waking = Shared<BoxFuture<'static, Woken>>;

#[derive(Clone)]
struct Trouble {
    error: WakeError,
    again_at: Instant,
    failures: u32,
}

/// A version does not come back; nothing is lost by it, as whoever wants to run it asks again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the module sleeps and cannot be woken: {error}")]
pub struct NotAwake {
    /// Why.
    #[source]
    pub error: WakeError,
    /// Until then the same answer is given at once.
    pub retry_in: Duration,
}

/// A version in memory. It does not fall asleep while this is there.
#[derive(Debug)]
pub struct Awake {
    held: Arc<Held>,
    module: Arc<Module>,
}

/// How long a version has had nothing to do.
pub(super) struct Rest {
    pub(super) since: Instant,
    pub(super) unused: bool,
}

impl Held {
    pub(super) fn asleep(module: &Module, loading: Arc<Loading>) -> Self {
        let inner = Inner {
            code: Code::Asleep,
            names: Vec::new(),
            used_at: Instant::now(),
            unused: true,
            trouble: None,
        };
        Self { known: module.known().clone(), loading, inner: Mutex::new(inner) }
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.known.digest
    }

    /// Whether it takes no memory for code.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        !matches!(self.lock().code, Code::InMemory(_))
    }

    /// Why it does not wake up, since the last attempt failed.
    #[must_use]
    pub fn trouble(&self) -> Option<NotAwake> {
        self.lock().trouble.as_ref().map(Trouble::told)
    }

    /// The version in memory; waits until it is there. Dropping the future stops no wake that others wait for.
    ///
    /// # Errors
    /// When it cannot be had back; until [`NotAwake::retry_in`] is over the answer is the same without trying.
    pub async fn awake(self: Arc<Self>) -> Result<Awake, NotAwake> {
        let waking = {
            let mut inner = self.lock();
            match &inner.code {
                Code::InMemory(module) => {
                    let module = module.clone();
                    inner.used_at = Instant::now();
                    drop(inner);
                    return Ok(Awake { held: self, module });
                }
                Code::Waking(waking) if waking.peek().is_none() => waking.clone(),
                _ => self.begin(&mut inner)?,
            }
        };
        let module = waking.await?;
        Ok(Awake { held: self, module })
    }

    /// A small module is mapped by whoever waits for it first; all else is done by a task of its own.
    fn begin(self: &Arc<Self>, inner: &mut Inner) -> Result<Waking, NotAwake> {
        if let Some(trouble) = inner.trouble.as_ref().filter(|trouble| trouble.again_at > Instant::now()) {
            return Err(trouble.told());
        }
        let files: Vec<_> = inner.names.iter().flat_map(|(_, files)| files).cloned().collect();
        let held = self.clone();
        let waking = async move {
            let started = Instant::now();
            if let Some(module) = held.map_here() {
                return held.woken(Ok(module), started);
            }
            let wakes = held.clone();
            let task = tokio::spawn(async move {
                let loading = &wakes.loading;
                let woken = wakes.known.wake(&loading.engine, loading.cache.as_ref(), &files).await;
                wakes.woken(woken, started)
            });
            let broken = |error: tokio::task::JoinError| WakeError::Broken(error.to_string());
            task.await.unwrap_or_else(|error| held.woken(Err(broken(error)), started))
        };
        let waking = waking.boxed().shared();
        inner.code = Code::Waking(waking.clone());
        Ok(waking)
    }

    /// A small module that is in the cache, on this thread: a guest may hold it for longer than that takes, and to hand
    /// it to another one and back costs as much. None where that fails, too: the long way says why.
    fn map_here(&self) -> Option<Module> {
        let cache = self.loading.cache.as_ref().filter(|_| self.known.size_bytes <= SMALL_BYTES_MAX)?;
        // A panic of the engine is the module's trouble, not that of the run which wants it.
        let mapped = AssertUnwindSafe(|| Module::map_now(&self.loading.engine, cache, &self.known));
        catch_unwind(mapped).ok().flatten()
    }

    /// A wake has ended.
    fn woken(&self, woken: Result<Module, WakeError>, started: Instant) -> Woken {
        let mut inner = self.lock();
        let names = inner.names();
        let (what, woken) = match (woken, &inner.code) {
            // It was loaded anew meanwhile.
            (_, Code::InMemory(module)) => return Ok(module.clone()),
            (Ok(module), _) => {
                let module = Arc::new(module);
                inner.fill(module.clone());
                let compiled = !module.compiled().cached;
                (Change::Woke { took: started.elapsed(), compiled }, Ok(module))
            }
            (Err(error), _) => {
                inner.code = Code::Asleep;
                let told = inner.fails(error);
                (Change::StaysAsleep(told.clone()), Err(told))
            }
        };
        drop(inner);
        self.loading.mapped.notify_one();
        (self.loading.tell)(Happened { names, what });
        woken
    }

    pub(super) fn hold(&self, name: ModuleName, files: Vec<PathBuf>) {
        let mut inner = self.lock();
        inner.names.retain(|(known, _)| *known != name);
        inner.names.reserve_exact(1);
        inner.names.push((name, files.into()));
    }

    /// Whether nobody holds it any more.
    pub(super) fn let_go(&self, name: &ModuleName) -> bool {
        let mut inner = self.lock();
        let before = inner.names.len();
        inner.names.retain(|(known, _)| known != name);
        inner.names.len() < before && inner.names.is_empty()
    }

    /// It was loaded; a copy that is in memory already stays.
    pub(super) fn fill(&self, module: Arc<Module>) {
        let mut inner = self.lock();
        if !matches!(inner.code, Code::InMemory(_)) {
            inner.fill(module);
        }
    }

    /// Since when it has had nothing to do; none where it takes no memory, or could not be had back soon.
    pub(super) fn rest(&self) -> Option<Rest> {
        let inner = self.lock();
        let Code::InMemory(module) = &inner.code else { return None };
        module.is_kept().then_some(Rest { since: inner.used_at, unused: inner.unused })
    }

    /// Lets go of the code, if it has had nothing to do since it was looked at. Whose it is.
    pub(super) fn sleep(&self, seen: &Rest) -> Option<Vec<ModuleName>> {
        let mut inner = self.lock();
        let Code::InMemory(module) = &inner.code else { return None };
        // Nobody takes a copy but under this lock.
        if inner.used_at != seen.since || Arc::strong_count(module) > 1 {
            return None;
        }
        let code = mem::replace(&mut inner.code, Code::Asleep);
        let names = inner.names();
        drop(inner);
        drop(code);
        Some(names)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn names(&self) -> Vec<ModuleName> {
        self.names.iter().map(|(name, _)| name.clone()).collect()
    }

    fn fill(&mut self, module: Arc<Module>) {
        self.code = Code::InMemory(module);
        (self.used_at, self.unused, self.trouble) = (Instant::now(), true, None);
    }

    fn fails(&mut self, error: WakeError) -> NotAwake {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures);
        let pause = AGAIN_MIN.saturating_mul(1 << failures.min(6)).min(AGAIN_MAX);
        let trouble = Trouble { error, again_at: Instant::now() + pause, failures: failures + 1 };
        let told = trouble.told();
        self.trouble = Some(trouble);
        told
    }
}

impl Trouble {
    fn told(&self) -> NotAwake {
        NotAwake {
            error: self.error.clone(),
            retry_in: self.again_at.saturating_duration_since(Instant::now()),
        }
    }
}

impl Awake {
    /// The version itself, for whoever keeps it longer.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }
}

impl Deref for Awake {
    type Target = Module;

    fn deref(&self) -> &Module {
        &self.module
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        let mut inner = self.held.lock();
        (inner.used_at, inner.unused) = (Instant::now(), false);
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("digest", &self.known.digest)
            .field("asleep", &self.is_asleep())
            .finish_non_exhaustive()
    }
}
