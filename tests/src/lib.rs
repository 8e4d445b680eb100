//! What the end-to-end tests share: a cluster of their own, sample modules as components, and a host between them.
//!
//! ```text
//! modules ──bytes──▶ host (the whole runtime) ──HTTP/2 over TLS──▶ cluster (the embedded API server, with an audit log)
//!                      └─ facts, awaited by the test
//! ```
//!
//! Everything panics where a test could only fail: these are instruments of tests, not a library.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

pub mod cluster;
pub mod host;
pub mod hostile;
pub mod modules;
pub mod samples;
pub mod scenario;
pub mod subset;

pub use cluster::Cluster;
pub use host::{Host, Hosting};

use std::time::Duration;

/// How long anything is awaited that must come: long enough for a busy machine, and never slept through.
pub const PATIENCE: Duration = Duration::from_secs(60);
