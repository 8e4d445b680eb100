//! No module at all: a core module that exports a function of its own and nothing of the contract.

/// Adds.
#[allow(unsafe_code, reason = "exports the name as it is; nothing unsafe is done")]
#[unsafe(no_mangle)]
pub extern "C" fn add(one: i32, other: i32) -> i32 {
    one.wrapping_add(other)
}
