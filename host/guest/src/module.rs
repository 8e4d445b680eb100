//! A module's code: from its bytes to something that can be run.
//!
//! ```text
//! bytes ─▶ digest ─▶ admission (imports, exports, sizes) ─▶ map what was compiled before, or compile ─▶ link ─▶ Module
//! ```

mod admission;
mod bounds;
mod code_cache;
mod link;
mod load;

pub use admission::{AdmissionError, Looks};
pub use bounds::{Measure, ModuleBound, ModuleBounds, NoBound, TooMuch};
pub use code_cache::{CodeCache, CodeCacheError};

use crate::{bindings::WindlassPre, engine::Engine, instance::State};
use admission::Surface;
use load::{Loaded, Loading};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc, time::Duration};
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
        let size_bytes = bytes.len();
        let loading = Loading { engine: engine.clone(), bytes, cache };
        let Loaded { digest, surface, component, compiled } = loading.load().await?;
        let pre = link::link(engine, &component)?;
        Ok(Self { digest, size_bytes, surface, compiled, engine: engine.clone(), pre })
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
