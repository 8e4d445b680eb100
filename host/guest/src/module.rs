//! A module's code: from its bytes to something that can be run.
//!
//! ```text
//! bytes ─▶ digest ─▶ admission (imports, exports, sizes) ─▶ compile or map ─▶ link ─▶ Module
//! ```

mod admission;
mod code_cache;

pub use admission::{AdmissionError, Looks};
pub use code_cache::{CodeCache, CodeCacheError};

use crate::{
    bindings::{Windlass, WindlassPre},
    engine::Engine,
    instance::State,
};
use admission::Surface;
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use wasmtime::component::{Component, HasSelf, Linker};
use windlass_core::name::Digest;

/// A module's code, admitted, compiled and linked. What it says of itself is asked with
/// [`describe`](crate::describe::describe), because that may depend on the settings.
pub struct Module {
    digest: Digest,
    size_bytes: usize,
    surface: Surface,
    compiled: Compiled,
    engine: Engine,
    pre: WindlassPre<State>,
}

/// How the machine code came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// How long it took to compile it, or to verify and map it.
    pub took: Duration,
    /// Whether it came out of the [`CodeCache`].
    pub cached: bool,
}

/// The SHA-256 of a module's bytes.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

impl Module {
    /// Admits, compiles and links. The work is done on a thread for blocking work; a module in the cache takes
    /// milliseconds, a new one some 1 ms per KB.
    ///
    /// # Errors
    /// When the bytes are no module that this host can run; the message says what they are and what to do.
    pub async fn load(
        engine: &Engine,
        bytes: Arc<[u8]>,
        cache: Option<Arc<CodeCache>>,
    ) -> Result<Self, AdmissionError> {
        let _turn = engine.compiling().acquire().await.expect("the engine never closes its turns");
        let engine = engine.clone();
        let work = move || Self::load_now(engine, &bytes, cache.as_deref());
        match tokio::task::spawn_blocking(work).await {
            Ok(loaded) => loaded,
            // The compiler met a case it does not know: its fault, but this module's affair.
            Err(panic) => Err(AdmissionError::Compiler(panic.to_string())),
        }
    }

    fn load_now(engine: Engine, bytes: &[u8], cache: Option<&CodeCache>) -> Result<Self, AdmissionError> {
        let surface = admission::examine(bytes, engine.settings())?;
        let digest = digest_of(bytes);
        let started = Instant::now();
        let mapped = cache.and_then(|cache| cache.load(&engine, &digest));
        let cached = mapped.is_some();
        let component = match mapped {
            Some(component) => component,
            None => compile(&engine, &digest, bytes, cache)?,
        };
        let compiled = Compiled { took: started.elapsed(), cached };
        let pre = linker(&engine)
            .instantiate_pre(&component)
            .and_then(WindlassPre::new)
            .map_err(|error| AdmissionError::Shape(format!("{error:#}")))?;
        Ok(Self { digest, size_bytes: bytes.len(), surface, compiled, engine, pre })
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The length of its bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The interfaces it imports. Guests in Python and JavaScript import all of the contract, used or not.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.surface.imports
    }

    /// The interfaces and functions it exports; more than the contract asks for does no harm.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.surface.exports
    }

    /// The memory that its instances start with.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        self.surface.initial_memory_bytes
    }

    /// How its machine code came about.
    #[must_use]
    pub fn compiled(&self) -> Compiled {
        self.compiled
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn pre(&self) -> &WindlassPre<State> {
        &self.pre
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("digest", &self.digest)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

fn compile(
    engine: &Engine,
    digest: &Digest,
    bytes: &[u8],
    cache: Option<&CodeCache>,
) -> Result<Component, AdmissionError> {
    let component = Component::from_binary(engine.wasmtime(), bytes)
        .map_err(|error| AdmissionError::Invalid(format!("{error:#}")))?;
    // Mapped code is shared with the page cache and can be given back while the module sleeps: use the file at once.
    let mapped = cache.and_then(|cache| {
        cache.store(engine, digest, &component);
        cache.load(engine, digest)
    });
    Ok(mapped.unwrap_or(component))
}

fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine.wasmtime());
    Windlass::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)
        .expect("each interface of the contract is added once to an empty linker");
    linker
}
