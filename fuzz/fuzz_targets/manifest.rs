//! `cargo +nightly fuzz run manifest`: what is checked stands in `targets/manifest.rs`.
#![no_main]

#[path = "../targets/manifest.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::check(data));
