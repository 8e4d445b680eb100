//! Windlass beside its peers: data, an API server in process, clocks and counters that all sides share.

pub mod measure;
pub mod module;
pub mod pods;
pub mod server;
pub mod table;
