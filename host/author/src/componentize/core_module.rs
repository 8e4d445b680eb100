//! What a core module says about itself: imports, exports, custom sections.

use std::collections::BTreeSet;

use wasmparser::{Encoding, Parser, Payload};

use super::ComponentizeError;
use crate::contract;

/// The module name by which languages import WASI preview 1.
pub(super) const PREVIEW1: &str = "wasi_snapshot_preview1";

/// What there is to know before the component is made.
#[derive(Debug)]
pub(super) struct Look {
    /// The bindings left the contract's types in a custom section.
    pub(super) has_types: bool,
    /// Preview 1 is imported, so the adapter is needed.
    pub(super) uses_preview1: bool,
    /// Made by Go's compiler.
    pub(super) is_go: bool,
    imports: BTreeSet<(String, String)>,
    exports: BTreeSet<String>,
}

impl Look {
    /// Reads the module's sections; code is not looked at.
    pub(super) fn at(bytes: &[u8]) -> Result<Self, ComponentizeError> {
        if !bytes.starts_with(b"\0asm") {
            return Err(ComponentizeError::NotWasm { hint: guess(bytes) });
        }
        let mut look = Self {
            has_types: false,
            uses_preview1: false,
            is_go: false,
            imports: BTreeSet::new(),
            exports: BTreeSet::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            look.take(payload.map_err(unreadable)?)?;
        }
        Ok(look)
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<(), ComponentizeError> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(ComponentizeError::AlreadyComponent);
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(unreadable)?;
                    self.uses_preview1 |= import.module == PREVIEW1;
                    self.imports.insert((import.module.to_owned(), import.name.to_owned()));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.exports.insert(export.map_err(unreadable)?.name.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                self.has_types |= section.name().starts_with("component-type");
                self.is_go |= section.name() == "go:buildid";
            }
            _ => {}
        }
        Ok(())
    }

    /// Refuses a module that lacks the world's exports or wants what no host gives.
    pub(super) fn admit(&self) -> Result<(), ComponentizeError> {
        let missing: Vec<String> = contract::EXPORTED_FUNCTIONS
            .iter()
            .filter(|function| {
                !self.exports.contains(&format!("{}#{function}", contract::EXPORTED_INTERFACE))
            })
            .map(|function| (*function).to_owned())
            .collect();
        let foreign: Vec<&(String, String)> = self
            .imports
            .iter()
            .filter(|(module, _)| module != PREVIEW1 && !module.starts_with(contract::PACKAGE_PREFIX))
            .collect();
        if !foreign.is_empty() {
            return Err(foreign_imports(&foreign));
        }
        if missing.is_empty() { Ok(()) } else { Err(ComponentizeError::MissingExports { missing }) }
    }
}

fn foreign_imports(foreign: &[&(String, String)]) -> ComponentizeError {
    let hint = if foreign.iter().any(|(module, _)| module.starts_with("wasi:")) {
        "Build for preview 1 instead of preview 2: in Rust, `--target wasm32-wasip1`"
    } else if foreign.iter().any(|(module, _)| module.contains("wbindgen")) {
        "A crate expects a browser: switch off its `js` or `wasmbind` feature"
    } else {
        "Take out the crate or the C declaration that brings it in; a name under `env` is often a C function \
         that was declared but not linked"
    };
    let imports = foreign.iter().map(|(module, name)| format!("{module}.{name}")).collect();
    ComponentizeError::ForeignImports { imports, hint }
}

/// What a file that is not Wasm looks like.
fn guess(bytes: &[u8]) -> String {
    let seen = match bytes {
        [] => ", it is empty",
        [0x7f, b'E', b'L', b'F', ..] => {
            ", but a native program or library (built without `--target wasm32-wasip1`)"
        }
        [b'!', b'<', b'a', b'r', ..] => ", but a static library",
        [0x1f, 0x8b, ..] => ", but gzip data: unpack it",
        _ if bytes.trim_ascii_start().starts_with(b"(module") => ", but WebAssembly text",
        _ => "",
    };
    seen.to_owned()
}

fn unreadable(error: wasmparser::BinaryReaderError) -> ComponentizeError {
    ComponentizeError::NotWasm {
        hint: format!(
            " that can be read: {} at byte {} (is it still being written?)",
            error.message(),
            error.offset()
        ),
    }
}
