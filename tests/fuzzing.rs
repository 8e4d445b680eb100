//! The fuzz targets of `fuzz/`, driven by a generator with a seed: a short run that is the same each time.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../fuzz/targets/admission.rs"]
mod admission;
#[path = "../fuzz/targets/calls.rs"]
mod calls;
#[path = "../fuzz/targets/grant.rs"]
mod grant;
#[path = "../fuzz/targets/manifest.rs"]
mod manifest;

use std::panic::catch_unwind;
use windlass_tests::{
    hostile::mangled,
    modules::{manifest_with, module},
};

/// A generator of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// Changes some bytes, takes some out, doubles some, puts in words that mean something.
    fn mutated(&mut self, from: &[u8], words: &[&str]) -> Vec<u8> {
        let mut bytes = from.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + self.below(24)).min(bytes.len());
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[0],
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                3 if !words.is_empty() => {
                    let word = words[self.below(words.len())].bytes();
                    bytes.splice(at..end, word);
                }
                _ => bytes.truncate(bytes.len().min(at + bytes.len() / 2)),
            }
        }
        bytes
    }
}

/// Runs a target on so many inputs; the first that it does not stand is told in hexadecimal, to be fed to it again.
/// What it says of each.
fn run<T>(name: &str, check: fn(&[u8]) -> T, inputs: impl Iterator<Item = Vec<u8>>) -> Vec<T> {
    let one = |(nth, input): (usize, Vec<u8>)| {
        let shown = || input.iter().take(2_000).map(|byte| format!("{byte:02x}")).collect::<String>();
        catch_unwind(|| check(&input)).unwrap_or_else(|_| panic!("{name}, input {nth}: {}", shown()))
    };
    inputs.enumerate().map(one).collect()
}

#[test]
fn a_manifest_of_whatever_bytes_is_read_or_refused_with_its_place() {
    let limits = "  limits: {memory: 128Mi, cpuPerRun: 500ms, deadline: 1m30s, writesPerSecond: 7}\n  concurrency: 2\n";
    let seed = manifest_with("fuzz", limits);
    let words = [
        "memory",
        "99999999999999999999",
        "-1",
        "1e9",
        "[",
        "{",
        "*",
        "&a",
        "null",
        "\u{202e}",
        "\t",
        "namespaces: ['*']",
        "resources: [\"\\u001b\"]",
        "0x10",
        "~",
        "|\n",
        "? ",
        "<<: *a",
        "!!binary ",
        "---\n",
        "deadline: 1ns",
    ];
    let mut random = Random(5);
    let mut inputs: Vec<Vec<u8>> = (0..4_000).map(|_| random.mutated(seed.as_bytes(), &words)).collect();
    inputs.extend((0..200).map(|len| random.bytes(len)));
    run("manifest", manifest::check, inputs.into_iter());
}

#[test]
fn a_grant_allows_nothing_that_rbac_would_not_and_no_odd_name() {
    let mut random = Random(7);
    run("grant", grant::check, (0..60_000).map(|_| random.bytes(48)));
}

#[test]
fn bytes_that_are_no_module_are_refused_with_a_reason_fit_for_a_terminal() {
    let good = module("hello");
    let mut random = Random(11);
    let words = ["\0asm", "\u{1b}[2J", "windlass:controller/objects@0.1.0", "wasi:cli/exit@0.2.0", "\u{9b}"];
    let mut inputs: Vec<Vec<u8>> = mangled(&good).into_iter().map(|attack| attack.bytes).collect();
    inputs.extend((0..100).map(|_| random.mutated(&good, &words)));
    run("admission", admission::check, inputs.into_iter());
}

#[test]
fn whatever_calls_a_guest_makes_only_clean_ones_within_its_grant_reach_the_host() {
    let mut random = Random(13);
    let mut inputs: Vec<Vec<u8>> = (0..3_000)
        .map(|_| {
            let length = random.below(600);
            random.bytes(length)
        })
        .collect();
    // Bytes that choose words only: fewer of these programs die early.
    inputs.extend((0..3_000).map(|_| {
        let length = random.below(600);
        random.bytes(length).into_iter().map(|byte| byte % 200).collect()
    }));
    let through: usize = run("calls", calls::check, inputs.into_iter()).into_iter().sum();
    assert!(through > 1_000, "{through} calls came through");
}
