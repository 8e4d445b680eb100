//! Bytes that claim to be a module are admitted and describe themselves, or are refused with a reason fit for a terminal.

use windlass_runtime::{compile::Compiling, core::name::ModuleName, examine::examine, text::deceives};

/// Admits, compiles and describes.
pub(crate) fn check(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime of one thread starts");
    let examined = runtime.block_on(examine(&ModuleName("fuzz".into()), data, Compiling::Here));
    if let Err(error) = examined {
        let told = error.to_string();
        assert!(!told.is_empty() && !told.contains(deceives), "{told:?}");
        assert!(told.len() < 32 << 10, "{} bytes", told.len());
    }
}
