//! The way back into memory: mapped from the code cache, else compiled again of the bytes, which are read again.

use crate::{
    engine::Engine,
    module::{AdmissionError, CodeCache, Known, Module, read_again},
};
use std::{path::PathBuf, sync::Arc};

/// Why a version that sleeps does not come back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WakeError {
    /// Neither its compiled code nor its bytes are there.
    #[error(
        "its compiled code is gone from the state directory, and so are its bytes ({tried}); put the module's file back or replace it"
    )]
    Gone {
        /// Each file, and why it does not help.
        tried: String,
    },
    /// Its compiled code is gone, and its bytes are not compiled again.
    #[error("its compiled code is gone from the state directory, and compiling it again failed: {0}")]
    Compile(#[source] AdmissionError),
    /// The host's own task for it broke off.
    #[error("waking it broke off ({0}): please report it with the module")]
    Broken(String),
}

impl Known {
    /// The version in memory again.
    pub(super) async fn wake(
        &self,
        engine: &Engine,
        cache: Option<&Arc<CodeCache>>,
        files: &[PathBuf],
    ) -> Result<Module, WakeError> {
        if let Some(cache) = cache
            && let Some(module) = Module::map_again(engine, cache, self).await
        {
            return Ok(module);
        }
        let (known, files) = (self.clone(), files.to_vec());
        let read = tokio::task::spawn_blocking(move || known.read_again(&files)).await;
        let bytes = read.unwrap_or_else(|panic| Err(WakeError::Broken(panic.to_string())))?;
        Module::load(engine, bytes, cache.cloned()).await.map_err(WakeError::Compile)
    }

    fn read_again(&self, files: &[PathBuf]) -> Result<Arc<[u8]>, WakeError> {
        let mut tried = Vec::new();
        for file in files {
            match read_again(file, &self.digest, self.size_bytes as u64) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => tried.push(error.to_string()),
            }
        }
        if tried.is_empty() {
            tried.push("they came from no file".to_owned());
        }
        Err(WakeError::Gone { tried: tried.join("; ") })
    }
}
