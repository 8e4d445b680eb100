//! From a language's core module to a component of our world.
//!
//! A core module is what every compiler makes. The component adds the types of the contract and, where
//! the language's runtime asks for WASI preview 1, our adapter in its place, so that the result imports
//! nothing but the contract.

mod core_module;
mod names;

use wasm_metadata::{AddMetadata, AddMetadataField};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::contract;
use core_module::{Look, PREVIEW1};

const ADAPTER: &str = include_str!("../adapter/adapter.wat");
const ADAPTER_WIT: &str = include_str!("../adapter/adapter.wit");

/// Why a file cannot become a module's component. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ComponentizeError {
    /// The first bytes are not those of WebAssembly, or the file ends early.
    #[error("this is not a WebAssembly file{hint}; give the `.wasm` file that the compiler wrote")]
    NotWasm {
        /// What it looks like instead, or where reading failed; empty or beginning with a comma or a colon.
        hint: String,
    },
    /// The file needs no work: it is one level further than what this takes.
    #[error("this is a component already; a host takes it as it is (`windlass inspect` shows what is in it)")]
    AlreadyComponent,
    /// The world's functions are not there.
    #[error(
        "the module does not export {}: it is no Windlass controller yet. In Rust, \
         `windlass::module! {{ controllers: […] }}` at the end of `lib.rs` exports them, and `Cargo.toml` \
         needs `[lib] crate-type = [\"cdylib\"]`",
        listed(missing)
    )]
    MissingExports {
        /// The functions that are missing, such as `reconcile`.
        missing: Vec<String>,
    },
    /// The module wants something that no host gives.
    #[error(
        "the module imports {}, which is neither of the contract ({}) nor of WASI preview 1. {}",
        listed(imports),
        contract::PACKAGE,
        hint
    )]
    ForeignImports {
        /// `module` or `module.function`, as the module names it.
        imports: Vec<String>,
        /// What makes the import go away.
        hint: &'static str,
    },
    /// The tools that make the component refuse the module.
    #[error("the module does not fit the contract: {reason}")]
    Refused {
        /// The whole chain of reasons.
        reason: String,
    },
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Makes a component of `core`. `name` is what tools show for it, usually the package's.
///
/// The same input gives the same bytes.
///
/// # Errors
/// See [`ComponentizeError`].
pub fn componentize(core: &[u8], name: &str) -> Result<Vec<u8>, ComponentizeError> {
    let look = Look::at(core)?;
    look.admit()?;
    let mut module = names::shorten(core);
    if !look.has_types {
        let (resolve, world) = contract::resolve();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .map_err(refused)?;
    }
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).map_err(refused)?;
    if look.uses_preview1 {
        encoder.adapter(PREVIEW1, &adapter(look.is_go)?).map_err(refused)?;
    }
    let component = encoder.encode().map_err(refused)?;
    let mut about = AddMetadata::default();
    about.name = AddMetadataField::Set(name.to_owned());
    about.processed_by = vec![("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    about.to_wasm(&component).map_err(refused)
}

/// The preview 1 adapter as a core module with its types.
fn adapter(is_go: bool) -> Result<Vec<u8>, ComponentizeError> {
    // Go seeds its runtime before it is ready for host calls; the first random bytes are then a constant.
    let text = if is_go {
        ADAPTER.to_owned()
    } else {
        ADAPTER.replacen(
            "(global $started (mut i32) (i32.const 0))",
            "(global $started (mut i32) (i32.const 1))",
            1,
        )
    };
    let mut adapter = wat::parse_str(text).map_err(refused)?;
    let (mut resolve, _) = contract::resolve();
    let package = resolve.push_str("adapter.wit", ADAPTER_WIT).map_err(refused)?;
    let world = resolve.select_world(&[package], Some("adapter")).map_err(refused)?;
    embed_component_metadata(&mut adapter, &resolve, world, StringEncoding::UTF8, false).map_err(refused)?;
    Ok(adapter)
}

fn refused(error: impl std::fmt::Display) -> ComponentizeError {
    ComponentizeError::Refused { reason: format!("{error:#}") }
}

#[cfg(test)]
mod tests;
