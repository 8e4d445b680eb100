//! `cargo +nightly fuzz run admission`: what is checked stands in `targets/admission.rs`.
#![no_main]

#[path = "../targets/admission.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::check(data));
