//! The `windlass` command as its users meet it: the program, its files, its output.
//!
//! One program of tests, so that its parts share what they are made of. Needs `kubectl`: on PATH, or as `$KUBECTL`.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

mod cluster;
mod compile;
mod disk;
mod inspect;
mod kubectl;
mod operate;
mod program;
mod readme;
mod sample;
mod server;
mod transcript;
