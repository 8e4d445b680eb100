//! Which bytes may become a module: looked at before the compiler sees them.

use super::{
    BytesError,
    bounds::{Census, Measure, ModuleBounds, TooMuch},
    link::RECONCILER,
};
use crate::{compile::CompileError, engine::EngineSettings, text::plain};
use std::fmt;
use wasmparser::{Encoding, Parser, Payload};

/// The package of the contract. Its version stands behind the interface: `windlass:controller/objects@0.1.0`.
const PACKAGE: &str = "windlass:controller/";
/// The version this host serves. Until 1.0 each minor version is a contract of its own.
const VERSION: &str = "0.1.0";
/// The interfaces that it has for a module to import, of which two hold types only.
const INTERFACES: [&str; 7] = ["environment", "events", "log", "metrics", "module", "objects", "types"];
/// Names told in one message.
const NAMES_MAX: usize = 12;
/// Size of one WebAssembly page.
const PAGE_BYTES: u64 = 64 << 10;

/// Why bytes are no module that this host can run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AdmissionError {
    /// Some other kind of file.
    #[error("this is not WebAssembly: {0}")]
    NotWasm(Looks),
    /// A module of WebAssembly's core, as compilers write it.
    #[error(
        "this is a core module, not a component: make one of it with `windlass build`{}",
        if *.wasi { " (it imports WASI preview 1, which `windlass build` replaces)" } else { "" }
    )]
    CoreModule {
        /// Whether it imports WASI preview 1.
        wasi: bool,
    },
    /// The bytes stop in the middle.
    #[error(
        "the file ends in the middle (after {size_bytes} bytes: {what}): it was cut short or is still being copied; copy it under another name and rename it, or copy it again"
    )]
    Truncated {
        /// How much there is.
        size_bytes: usize,
        /// What was expected.
        what: String,
    },
    /// More of something than the host takes.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// Needs what this host does not give.
    #[error("the module imports what this host does not give: {}{}", names(.imports), hint(.imports))]
    ForbiddenImports {
        /// The interfaces.
        imports: Vec<String>,
    },
    /// Made for another version of the contract.
    #[error(
        "the module was built for another version of the contract: it has {found}, this host has version {VERSION}; build it again with the SDK of this host's version"
    )]
    ContractVersion {
        /// The interface with its version.
        found: String,
    },
    /// Needs an interface of the contract that there is not.
    #[error(
        "the module imports {found}, which version {VERSION} of the contract does not have (it has {}): build it again with the SDK of this host's version",
        INTERFACES.join(", ")
    )]
    UnknownInterface {
        /// The interface.
        found: String,
    },
    /// A component of another world.
    #[error(
        "this component is no controller: it does not export {RECONCILER} (it exports {}); build it with an SDK of Windlass and `windlass build`",
        if .exports.is_empty() { "nothing".to_owned() } else { names(.exports) }
    )]
    NotReconciler {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// More memory than any module may have.
    #[error(
        "the module starts with {initial_bytes} bytes of memory and at most {max_bytes} are given: link it with a smaller stack and smaller statics"
    )]
    Memory {
        /// What its memories declare.
        initial_bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// Damaged, or made with a feature that is switched off.
    #[error("the component is not valid here: {0}")]
    Invalid(String),
    /// It exports and imports the right names with other types.
    #[error(
        "the component does not fit version {VERSION} of the contract: {what}; build it again with the SDK of this host's version"
    )]
    Shape {
        /// Which import or export, and what of it.
        what: String,
    },
    /// They were let go of while the module waited, and are not there any more.
    #[error(transparent)]
    Bytes(#[from] BytesError),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The host's own thread for it broke off.
    #[error("looking at the module broke off ({0}): please report it with the module")]
    Broken(String),
}

/// What bytes look like that are no WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// No bytes at all.
    Empty,
    /// A program for this machine, or a compiled module.
    Elf,
    /// Zip, gzip or tar.
    Archive,
    /// WebAssembly's text form.
    Wat,
    /// Some text.
    Text,
    /// None of these.
    Unknown,
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the file is empty; is it still being copied?",
            Self::Elf => {
                "it is a native program or compiled code; give the .wasm file, built for wasm32-wasip1 with `windlass build`"
            }
            Self::Archive => "it is an archive; unpack it and give the .wasm file in it",
            Self::Wat => "it is WebAssembly text; make it binary with `wasm-tools parse` first",
            Self::Text => "it is a text file; give the .wasm file that `windlass build` writes",
            Self::Unknown => "it does not begin with \"\\0asm\"; give the .wasm file that `windlass build` writes",
        })
    }
}

impl Looks {
    fn of(bytes: &[u8]) -> Self {
        let head = &bytes[..bytes.len().min(4 << 10)];
        if head.is_empty() {
            return Self::Empty;
        }
        if head.starts_with(b"\x7fELF")
            || head.starts_with(b"MZ")
            || head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe])
        {
            return Self::Elf;
        }
        if head.starts_with(b"PK\x03\x04")
            || head.starts_with(&[0x1f, 0x8b])
            || head.get(257..262) == Some(b"ustar")
        {
            return Self::Archive;
        }
        // The end of the head may cut a character.
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Self::Unknown,
        };
        let start = text.trim_start();
        if start.starts_with("(module") || start.starts_with("(component") || start.starts_with(";;") {
            return Self::Wat;
        }
        let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if odd { Self::Unknown } else { Self::Text }
    }
}

fn names(names: &[String]) -> String {
    let mut text = names.iter().take(NAMES_MAX).map(|name| plain(name, 200)).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX {
        text.push_str(&format!(" and {} more", names.len() - NAMES_MAX));
    }
    text
}

fn hint(imports: &[String]) -> &'static str {
    if imports.iter().any(|name| name.starts_with("wasi:")) {
        "; no WASI is given: was it built without `windlass build`?"
    } else {
        "; a module may import the interfaces of windlass:controller only"
    }
}

/// What a component shows to the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    pub(super) initial_memory_bytes: u64,
}

/// Reads what a component shows to the outside and judges it.
pub(super) fn examine(bytes: &[u8], settings: &EngineSettings) -> Result<Surface, AdmissionError> {
    settings.module.check(Measure::Bytes, bytes.len() as u64)?;
    if bytes.starts_with(b"\0asm") && bytes.len() < 8 {
        let what = "the header is not complete".to_owned();
        return Err(AdmissionError::Truncated { size_bytes: bytes.len(), what });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(AdmissionError::NotWasm(Looks::of(bytes)));
    }
    let surface = surface(bytes, &settings.module)?;
    judge(&surface, settings.memory_bytes_ceiling as u64)?;
    Ok(surface)
}

fn surface(bytes: &[u8], bounds: &ModuleBounds) -> Result<Surface, AdmissionError> {
    let broken = |error: wasmparser::BinaryReaderError| {
        let what = format!("{} at byte {}", plain(error.message(), 1_000), error.offset());
        if error.message().starts_with("unexpected end") {
            AdmissionError::Truncated { size_bytes: bytes.len(), what }
        } else {
            AdmissionError::Invalid(what)
        }
    };
    let mut found = Surface::default();
    let (mut census, mut depth) = (Census::default(), 0_u64);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(broken)?;
        census.count(&payload);
        // At once: the parser keeps something for each level.
        bounds.check(Measure::Depth, depth)?;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(AdmissionError::CoreModule { wasi: imports_preview1(bytes) });
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.exports.push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let pages = memory.map_err(broken)?.initial;
                    let bytes = pages.saturating_mul(PAGE_BYTES);
                    found.initial_memory_bytes = found.initial_memory_bytes.saturating_add(bytes);
                }
            }
            _ => {}
        }
    }
    census.check(bounds)?;
    Ok(found)
}

fn imports_preview1(bytes: &[u8]) -> bool {
    let imports = Parser::new(0).parse_all(bytes).find_map(|payload| match payload {
        Ok(Payload::ImportSection(section)) => Some(section),
        _ => None,
    });
    imports.is_some_and(|section| {
        section
            .into_imports()
            .any(|import| import.is_ok_and(|import| import.module == "wasi_snapshot_preview1"))
    })
}

fn judge(surface: &Surface, memory_bytes_max: u64) -> Result<(), AdmissionError> {
    let contract = surface.imports.iter().chain(&surface.exports);
    let ours = |name: &&String| name.starts_with(PACKAGE);
    let version = |name: &str| name.split_once('@').map(|(_, version)| version.to_owned());
    if let Some(found) = contract.filter(ours).find(|name| version(name).as_deref() != Some(VERSION)) {
        return Err(AdmissionError::ContractVersion { found: plain(found, 200) });
    }
    let known = |name: &str| {
        let interface = name.strip_prefix(PACKAGE).and_then(|rest| rest.split('@').next());
        interface.is_none_or(|interface| INTERFACES.contains(&interface))
    };
    if let Some(found) = surface.imports.iter().find(|name| !known(name)) {
        return Err(AdmissionError::UnknownInterface { found: plain(found, 200) });
    }
    let imports: Vec<_> = surface.imports.iter().filter(|name| !ours(name)).cloned().collect();
    if !imports.is_empty() {
        return Err(AdmissionError::ForbiddenImports { imports });
    }
    if !surface.exports.iter().any(|name| name == RECONCILER) {
        return Err(AdmissionError::NotReconciler { exports: surface.exports.clone() });
    }
    if surface.initial_memory_bytes > memory_bytes_max {
        let initial_bytes = surface.initial_memory_bytes;
        return Err(AdmissionError::Memory { initial_bytes, max_bytes: memory_bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
