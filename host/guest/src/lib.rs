//! Windlass's sandbox: the only crate that knows wasmtime.
//!
//! ```text
//! bytes ─▶ module ─▶ registry ─▶ instance ─▶ Outcome
//!                                  │ imports
//!                                  ▼
//!                             capability ─▶ Host
//! ```
//!
//! A module is loaded once ([`module`]), asked what it is ([`describe`]), and held by its digest ([`registry`]). Each
//! run is a fresh store within [`limits`] ([`instance`]); whatever it wants from the world passes the functions of
//! the contract, which check it against the grant and hand it to the [`host`].

pub mod compile;
pub mod deadline;
pub mod describe;
pub mod engine;
pub mod grant;
pub mod host;
pub mod instance;
pub mod limits;
pub mod module;
pub mod pace;
pub mod registry;
pub mod text;

mod bindings;
mod capability;
#[cfg(test)]
mod testing;
