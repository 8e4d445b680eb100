//! `cargo +nightly fuzz run calls`: what is checked stands in `targets/calls.rs`.
#![no_main]

#[path = "../targets/calls.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    target::check(data);
});
