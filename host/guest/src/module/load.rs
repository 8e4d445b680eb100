//! The way from bytes to code: looked at, then mapped if it was compiled before, else compiled and kept.

use super::{
    AdmissionError, CodeCache, Compiled, ModuleBytes,
    admission::{self, Surface},
    code_cache, digest_of,
};
use crate::{compile::CompileError, engine::Engine};
use std::{sync::Arc, time::Instant};
use wasmtime::component::Component;
use windlass_core::name::Digest;

/// One module on its way.
#[derive(Clone)]
pub(super) struct Loading {
    pub(super) engine: Engine,
    pub(super) bytes: ModuleBytes,
    pub(super) cache: Option<Arc<CodeCache>>,
}

/// What came of it.
pub(super) struct Loaded {
    pub(super) digest: Digest,
    pub(super) size_bytes: usize,
    pub(super) surface: Surface,
    pub(super) code: Code,
}

/// Machine code in memory.
pub(super) struct Code {
    pub(super) component: Component,
    pub(super) compiled: Compiled,
    /// It is mapped from the cache, and so there as well.
    pub(super) kept: bool,
}

/// The code of a module that was compiled before, if there is any.
pub(super) fn kept(engine: &Engine, cache: &CodeCache, digest: &Digest) -> Option<Code> {
    let started = Instant::now();
    let component = cache.load(engine, digest)?;
    let compiled = Compiled { took: started.elapsed(), cached: true };
    Some(Code { component, compiled, kept: true })
}

impl Loading {
    /// What is kept waits for nothing that is compiled; what is compiled waits for its turn.
    pub(super) async fn load(&mut self) -> Result<Loaded, AdmissionError> {
        let look = |this: &mut Self| {
            let bytes = this.read()?;
            let surface = admission::examine(&bytes, this.engine.settings())?;
            let digest = digest_of(&bytes);
            Ok((surface, digest, bytes.len(), this.kept(&digest)))
        };
        let (surface, digest, size_bytes, kept) = self.on_a_thread(look).await?;
        let code = match kept {
            Some(kept) => kept,
            None => self.compile(digest).await?,
        };
        Ok(Loaded { digest, size_bytes, surface, code })
    }

    async fn compile(&mut self, digest: Digest) -> Result<Code, AdmissionError> {
        let engine = self.engine.clone();
        let turn = match engine.compiler().turn_now() {
            Some(turn) => turn,
            None => {
                self.bytes.let_go();
                engine.compiler().turn().await
            }
        };
        // While it waited, the same bytes may have been compiled under another name.
        let again = move |this: &mut Self| match this.kept(&digest) {
            Some(kept) => Ok(Err(kept)),
            None => this.read().map(Ok),
        };
        let bytes = match self.on_a_thread(again).await? {
            Ok(bytes) => bytes,
            Err(kept) => return Ok(kept),
        };
        let started = Instant::now();
        let code = engine.compiler().compile(&bytes, &turn).await?;
        drop(turn);
        let (component, kept) = self.on_a_thread(move |this| this.keep(&digest, &code)).await?;
        let compiled = Compiled { took: started.elapsed(), cached: false };
        Ok(Code { component, compiled, kept })
    }

    fn read(&mut self) -> Result<Arc<[u8]>, AdmissionError> {
        Ok(self.bytes.read()?)
    }

    fn kept(&self, digest: &Digest) -> Option<Code> {
        kept(&self.engine, self.cache.as_ref()?, digest)
    }

    /// Mapped code is shared with the page cache and can be given back while the module sleeps: the file is used at
    /// once. Without one the code stays in memory. Whether it is in the cache.
    fn keep(&self, digest: &Digest, code: &[u8]) -> Result<(Component, bool), AdmissionError> {
        let mapped = self.cache.as_ref().and_then(|cache| cache.keep(&self.engine, digest, code));
        match mapped {
            Some(component) => Ok((component, true)),
            None => {
                code_cache::take(&self.engine, code).map(|component| (component, false)).map_err(|error| {
                    let what = format!("its code cannot be loaded: {error:#}");
                    CompileError::Strange { what, said: String::new() }.into()
                })
            }
        }
    }

    /// Work of milliseconds that would hold up others on this thread; only so much of it goes on at a time.
    async fn on_a_thread<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, AdmissionError> + Send + 'static,
    ) -> Result<T, AdmissionError> {
        let places = self.engine.loading().clone();
        let place = match places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                self.bytes.let_go();
                places.acquire_owned().await.expect("the engine never closes its places")
            }
        };
        let mut this = self.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work(&mut this);
            drop(place);
            (worked, this.bytes)
        });
        let (worked, bytes) = worked.await.map_err(|panic| AdmissionError::Broken(panic.to_string()))?;
        self.bytes = bytes;
        worked
    }
}
