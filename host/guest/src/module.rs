//! A module's code: from its bytes to something that can be run.
//!
//! ```text
//! bytes ─▶ digest ─▶ admission (imports, exports, sizes) ─▶ map what was compiled before, or compile ─▶ link ─▶ Module
//! ```

mod admission;
mod bounds;
mod bytes;
mod code_cache;
mod link;
mod load;

pub use admission::{AdmissionError, Looks};
pub use bounds::{Measure, ModuleBound, ModuleBounds, NoBound, TooMuch};
pub use bytes::{BytesError, ModuleBytes, read_again};
pub use code_cache::{CodeCache, CodeCacheError};

use crate::engine::Engine;
use admission::Surface;
use link::Linked;
use load::{Code, Loaded, Loading};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc, time::Duration};
use windlass_core::name::Digest;

/// A module's code, admitted, compiled and linked. What it says of itself is asked with
/// [`describe`](crate::describe::describe), because that may depend on the settings.
pub struct Module {
    known: Known,
    compiled: Compiled,
    kept: bool,
    engine: Engine,
    linked: Linked,
}

/// What is known of a module's bytes without them: enough to map its code again.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) digest: Digest,
    pub(crate) size_bytes: usize,
    surface: Arc<Surface>,
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
    /// Admits, compiles and links. A module in the cache takes milliseconds, a new one some 1 ms per KB. As many are
    /// compiled at a time as there are processors; what is in the cache waits for none of them.
    ///
    /// # Errors
    /// When the bytes are no module that this host can run; the message says what they are and what to do.
    pub async fn load(
        engine: &Engine,
        bytes: Arc<[u8]>,
        cache: Option<Arc<CodeCache>>,
    ) -> Result<Self, AdmissionError> {
        Self::load_from(engine, &mut bytes.into(), cache).await
    }

    /// The same of bytes that are let go of while the module waits for its turn. Afterwards they are at hand.
    ///
    /// # Errors
    /// As [`Module::load`], and when the bytes cannot be read again.
    pub async fn load_from(
        engine: &Engine,
        bytes: &mut ModuleBytes,
        cache: Option<Arc<CodeCache>>,
    ) -> Result<Self, AdmissionError> {
        let mut loading = Loading { engine: engine.clone(), bytes: bytes.clone(), cache };
        // Held there only: what is let go of must be gone.
        bytes.let_go();
        let loaded = loading.load().await;
        *bytes = loading.bytes;
        let Loaded { digest, size_bytes, surface, code } = loaded?;
        let Code { component, compiled, kept } = code;
        let linked = link::link(engine, &component)?;
        let known = Known { digest, size_bytes, surface: Arc::new(surface) };
        Ok(Self { known, compiled, kept, engine: engine.clone(), linked })
    }

    /// Maps the code of a module that was admitted before; none if that is not in the cache, or void. Takes a
    /// millisecond for each megabyte, and waits for nothing that is loaded or compiled for the first time.
    pub(crate) async fn map_again(engine: &Engine, cache: &Arc<CodeCache>, known: &Known) -> Option<Self> {
        let place = engine.waking().clone().acquire_owned().await;
        let place = place.expect("the engine never closes its places");
        let (engine, cache, known) = (engine.clone(), cache.clone(), known.clone());
        let mapped = tokio::task::spawn_blocking(move || {
            let mapped = Self::map_now(&engine, &cache, &known);
            drop(place);
            mapped
        });
        mapped.await.ok().flatten()
    }

    /// The same at once, on this thread.
    pub(crate) fn map_now(engine: &Engine, cache: &CodeCache, known: &Known) -> Option<Self> {
        let Code { component, compiled, kept } = load::kept(engine, cache, &known.digest)?;
        // It fitted when it was admitted, and it is the same code.
        let linked = link::link(engine, &component).ok()?;
        Some(Self { known: known.clone(), compiled, kept, engine: engine.clone(), linked })
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.known.digest
    }

    /// The length of its bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.known.size_bytes
    }

    /// The interfaces it imports. Guests in Python and JavaScript import all of the contract, used or not.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.known.surface.imports
    }

    /// The interfaces and functions it exports; more than the contract asks for does no harm.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.known.surface.exports
    }

    /// The memory that its instances start with.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        self.known.surface.initial_memory_bytes
    }

    /// How its machine code came about.
    #[must_use]
    pub fn compiled(&self) -> Compiled {
        self.compiled
    }

    /// Whether its code is on disk as well: then it can be let go of and mapped again.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn linked(&self) -> &Linked {
        &self.linked
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("digest", &self.known.digest)
            .field("size_bytes", &self.known.size_bytes)
            .finish_non_exhaustive()
    }
}
