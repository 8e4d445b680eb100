//! Write a Kubernetes controller for Windlass in Rust.

#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "generated; wit/ documents it"
)]
pub mod bindings;
