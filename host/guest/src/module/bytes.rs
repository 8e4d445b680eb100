//! A module's bytes: at hand, or in a file that held them. A thousand modules that wait to be loaded or compiled would
//! hold a thousand files in memory otherwise.

use super::digest_of;
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use windlass_core::name::Digest;

/// No larger file is read; what a module may hold is judged where its bytes are looked at.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A module's bytes. Who waits lets go of them, if they can be read again.
#[derive(Clone, Debug)]
pub struct ModuleBytes {
    here: Option<Arc<[u8]>>,
    file: Option<(PathBuf, Digest)>,
}

/// Bytes that a file held cannot be read again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BytesError {
    /// Not there, or unreadable.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Other bytes.
    #[error("{} holds other bytes by now", .file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
}

/// Reads bytes from a file that held them, and takes no others. Blocks on the disk.
///
/// # Errors
/// When the file is not there, or holds other bytes by now.
pub fn read_again(file: &Path, digest: &Digest, bytes_max: u64) -> Result<Arc<[u8]>, BytesError> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        let there = fs::metadata(file)?;
        // Opening a pipe would wait for its writer.
        if !there.is_file() || there.len() > bytes_max {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(there.len()).unwrap_or_default());
        fs::File::open(file)?.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    let file = || file.to_owned();
    match read() {
        Ok(Some(bytes)) if digest_of(&bytes) == *digest => Ok(bytes.into()),
        Ok(_) => Err(BytesError::Changed { file: file() }),
        Err(error) => Err(BytesError::Unreadable { file: file(), source: Arc::new(error) }),
    }
}

impl ModuleBytes {
    /// Bytes that stand in a file; at hand as well where they are given.
    #[must_use]
    pub fn of_file(file: PathBuf, digest: Digest, bytes: Option<Arc<[u8]>>) -> Self {
        Self { here: bytes, file: Some((file, digest)) }
    }

    /// What is at hand: all bytes that were loaded are, unless they were taken.
    pub fn take(&mut self) -> Option<Arc<[u8]>> {
        self.here.take()
    }

    /// They are not needed for a while.
    pub(super) fn let_go(&mut self) {
        if self.file.is_some() {
            self.here = None;
        }
    }

    /// The bytes, which stay at hand. May block on the disk.
    pub(super) fn read(&mut self) -> Result<Arc<[u8]>, BytesError> {
        match (&self.here, &self.file) {
            (Some(bytes), _) => Ok(bytes.clone()),
            (None, Some((file, digest))) => {
                let bytes = read_again(file, digest, FILE_BYTES_MAX)?;
                self.here = Some(bytes.clone());
                Ok(bytes)
            }
            (None, None) => Ok(Arc::default()),
        }
    }
}

impl From<Arc<[u8]>> for ModuleBytes {
    /// Bytes that stand nowhere else: they are held as long as they may be needed.
    fn from(bytes: Arc<[u8]>) -> Self {
        Self { here: Some(bytes), file: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn bytes_that_were_let_go_of_come_back_as_they_were_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (file, text) = (folder.path().join("a.wasm"), Arc::<[u8]>::from(*b"text"));
        fs::write(&file, &text).unwrap();
        let mut bytes = ModuleBytes::of_file(file.clone(), digest_of(&text), Some(text.clone()));
        bytes.let_go();
        assert!(bytes.clone().take().is_none(), "let go of");
        assert_eq!(bytes.read().unwrap(), text);
        assert_eq!(bytes.take(), Some(text.clone()), "at hand again");
        fs::write(&file, "test").unwrap();
        assert!(matches!(bytes.read(), Err(BytesError::Changed { .. })));
        fs::remove_file(&file).unwrap();
        assert!(matches!(bytes.read(), Err(BytesError::Unreadable { .. })));
        fs::create_dir(&file).unwrap();
        assert!(matches!(bytes.read(), Err(BytesError::Changed { .. })));
        let mut nowhere_else = ModuleBytes::from(text.clone());
        nowhere_else.let_go();
        assert_eq!(nowhere_else.read().unwrap(), text);
    }
}
