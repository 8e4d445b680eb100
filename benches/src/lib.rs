//! What the benchmarks share: the command under measurement, a plain client, a table.
//!
//! They measure what users get: the release build of `windlass`, started as a user would start it, reached over HTTPS.
//! `$WINDLASS` names the command; without it the one beside the benchmark is taken (`cargo build --release`).

pub mod client;
pub mod cluster;
pub mod figure;
pub mod process;
pub mod program;
pub mod replace;
pub mod sample;
pub mod stranger;
pub mod table;
