//! `cargo +nightly fuzz run grant`: what is checked stands in `targets/grant.rs`.
#![no_main]

#[path = "../targets/grant.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::check(data));
