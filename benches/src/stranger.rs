//! The module `stranger`, and as many different ones of it as are wanted.

use crate::{
    program::{finish, windlass},
    sample::target_dir,
};
use anyhow::{Result, ensure};
use std::{fs, path::Path};

/// What stands in the built module in the place of its number.
const NUMBER: &[u8] = b"windlass.dev/s00000";

/// The label by which the stranger of a number knows its objects.
#[must_use]
pub fn label(number: usize) -> String {
    format!("strangers.windlass.dev/s{number:05}")
}

/// The built module and the manifest that grants all it asks for.
pub struct Stranger {
    component: Vec<u8>,
    manifest: String,
}

impl Stranger {
    /// Builds it, as an author would before giving it away.
    ///
    /// # Errors
    /// It does not compile.
    pub fn build() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let output = folder.path().join("stranger.wasm");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("stranger");
        finish(windlass(&["build", "--output"])?.arg(&output).arg(source).envs(target_dir()?))?;
        let component = fs::read(&output)?;
        let places = component.windows(NUMBER.len()).filter(|bytes| *bytes == NUMBER).count();
        ensure!(places == 1, "the label stands {places} times in the stranger, and once was expected");
        let manifest = finish(windlass(&["grant"])?.arg(&output))?;
        Ok(Self { component, manifest })
    }

    /// The length of each of its modules.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.component.len()
    }

    /// The module of a number.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Vec<u8> {
        let mut component = self.component.clone();
        let digits = format!("{number:05}");
        if let Some(at) = component.windows(NUMBER.len()).position(|bytes| bytes == NUMBER) {
            let end = at + NUMBER.len();
            component[end - digits.len()..end].copy_from_slice(digits.as_bytes());
        }
        component
    }

    /// Its manifest; `more` are further lines of the `spec`, indented by two.
    #[must_use]
    pub fn manifest(&self, name: &str, more: &str) -> String {
        let manifest = self.manifest.replace("name: stranger", &format!("name: {name}"));
        format!("{}\n{more}", manifest.trim_end().replace("stranger.wasm", &format!("{name}.wasm")))
    }
}
