//! Ours beside what the real libraries of Kubernetes answered to generated cases. `tests/oracle` generates, asks and
//! records; `tests/oracle/run SUBJECT` tells more about a difference.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

#[path = "../examples/oracle/answer.rs"]
mod answer;

/// What is known to differ and listed in DIFFERENCES.md: so many of the recorded cases, and no more.
fn check(subject: &str, known: usize) {
    let path = format!("{}/../../tests/oracle/recorded/{subject}.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 100, "{subject} has hardly any case");
    let mut different = Vec::new();
    for pair in lines.chunks(2) {
        let ours = answer::answer(subject, &pair[0]).unwrap();
        if ours != pair[1] {
            different.push(format!("case {}\nreal {}\nours {ours}", pair[0], pair[1]));
        }
    }
    let first = different.first().map(String::as_str).unwrap_or_default();
    let (found, cases) = (different.len(), lines.len() / 2);
    assert!(
        found <= known,
        "{found} of {cases} cases of {subject} differ, {known} are known; the first:\n{first}"
    );
}

#[test]
fn applies_end_as_in_the_real_field_manager() {
    check("apply", 0);
}

#[test]
fn strategic_patches_end_as_in_the_real_library() {
    check("strategic", 0);
}

#[test]
fn selectors_are_read_and_match_as_in_the_real_library() {
    check("selector", 0);
}

#[test]
fn quantities_are_read_and_compared_as_in_the_real_library() {
    check("quantity", 0);
}

#[test]
fn definitions_and_custom_resources_are_judged_as_by_the_real_server() {
    check("schema", 2);
}

#[test]
fn rules_of_custom_resources_are_judged_no_worse_than_is_known() {
    check("rules", 76);
}

#[test]
fn built_in_kinds_are_read_and_written_as_by_the_real_codecs() {
    check("codec", 0);
}
