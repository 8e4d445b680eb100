//! For authors: make a component of a language's core module, watch and rebuild.
//!
//! Knows the tools of the component model and the languages' compilers; no cluster, no engine.

pub mod build;
pub mod componentize;
pub mod contract;
pub mod watch;

pub use build::{BuildError, BuildRequest, Built, Profile, build};
pub use componentize::{ComponentizeError, componentize};
pub use watch::{SourceChanged, SourceWatcher};
