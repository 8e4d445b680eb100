//! The imports of the contract, one file each. Everything a guest can do to the world goes through here.
//!
//! Each function checks what it is given (text, names, sizes), checks the grant ([`access`]), counts, and hands on
//! to the [`Host`](crate::host::Host).

mod access;
#[cfg(test)]
mod arguments;
mod convert;
mod environment;
mod events;
mod log;
mod metrics;
pub(crate) mod objects;
#[cfg(test)]
mod steering;

use crate::{bindings::windlass::controller as contract, instance::State};

impl contract::types::Host for State {}
impl contract::module::Host for State {}
