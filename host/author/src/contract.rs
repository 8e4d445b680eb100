//! The contract as this build of Windlass knows it: the text of `wit/`, parsed on demand.

use sha2::{Digest as _, Sha256};
use wit_parser::{Resolve, SourceMap, WorldId};

/// The world that a module implements.
pub const WORLD: &str = "windlass";

/// The contract's package and version.
pub const PACKAGE: &str = "windlass:controller@0.1.0";

/// What the names of the contract's interfaces begin with.
pub(crate) const PACKAGE_PREFIX: &str = "windlass:controller/";

/// The functions of [`EXPORTED_INTERFACE`].
pub const EXPORTED_FUNCTIONS: &[&str] = &["describe", "reconcile", "targets"];

/// The interface that every module must export.
pub const EXPORTED_INTERFACE: &str = "windlass:controller/reconciler@0.1.0";

/// Every file of `wit/`, in the order that the digest runs over.
pub const FILES: &[(&str, &str)] = &[
    ("controller.wit", include_str!("../../../wit/controller.wit")),
    ("objects.wit", include_str!("../../../wit/objects.wit")),
    ("observe.wit", include_str!("../../../wit/observe.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
];

/// Parses the contract and selects its world.
///
/// # Panics
/// Never in a build that passed its tests: the text is part of the program.
#[must_use]
pub fn resolve() -> (Resolve, WorldId) {
    let mut sources = SourceMap::default();
    for (name, text) in FILES {
        sources.push_str(name, *text);
    }
    let group = sources.parse().map_err(|(_, error)| error).expect("wit/ is checked by a test");
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).expect("wit/ is checked by a test");
    let world = resolve.select_world(&[package], Some(WORLD)).expect("the world is in wit/");
    (resolve, world)
}

/// SHA-256 over names and texts of `wit/`, in hexadecimal. Generated bindings carry it, so that a
/// test can tell when they are older than the contract.
#[must_use]
pub fn digest() -> String {
    let mut hash = Sha256::new();
    for (name, text) in FILES {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_parses_and_exports_the_reconciler() {
        let (resolve, world) = resolve();
        let exports: Vec<String> =
            resolve.worlds[world].exports.keys().map(|key| resolve.name_world_key(key)).collect();
        assert_eq!(exports, [EXPORTED_INTERFACE]);
    }

    #[test]
    fn the_rust_bindings_are_of_this_contract() {
        let bindings = include_str!("../../../sdk/rust/src/bindings.rs");
        let line = format!("// Contract: sha256 {}", digest());
        assert!(
            bindings.lines().take(8).any(|found| found == line),
            "wit/ has changed since the bindings were generated: run\n  \
             cargo run -p windlass-author --features bindings --example generate_bindings",
        );
    }
}
