//! Windlass beside its peers: data, an API server in process, clocks and counters that all sides share, and the
//! figures that come out.

pub mod comparison;
pub mod figure;
pub mod measure;
pub mod module;
pub mod pods;
pub mod server;
pub mod table;
