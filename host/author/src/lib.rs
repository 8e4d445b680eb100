//! For authors: make a component of a language's core module, watch and rebuild.

pub mod componentize;
pub mod contract;

pub use componentize::{ComponentizeError, componentize};
