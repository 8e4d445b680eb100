//! The OpenAPI documents of every built-in group version, beside those of a real kube-apiserver 1.36.2.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_apiserver::openapi::{document, paths};
use windlass_apiserver::resource::builtin;

#[path = "../examples/openapi_digests/digest.rs"]
mod digest;

/// One line for each path and schema of each document, as `examples/openapi_digests` writes them.
const RECORDED: &str = include_str!("openapi/documents.txt");

#[test]
fn every_document_is_that_of_the_real_server_but_for_its_prose() {
    let mut recorded: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut current = "";
    for line in RECORDED.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            current = name;
        }
        let lines = recorded.entry(current).or_default();
        if !line.starts_with('#') {
            lines.insert(line.to_owned());
        }
    }
    let served: BTreeSet<String> = paths(builtin()).collect();
    assert_eq!(served, recorded.keys().map(|name| (*name).to_owned()).collect());
    let mut different = Vec::new();
    for (name, want) in &recorded {
        let document: Value = serde_json::from_slice(&document(builtin(), name).unwrap()).unwrap();
        let got: BTreeSet<String> = digest::lines(&document).into_iter().collect();
        different.extend(want.symmetric_difference(&got).map(|line| format!("{name}: {line}")));
    }
    let count: usize = recorded.values().map(BTreeSet::len).sum();
    assert!(count > 1_700, "{count} paths and schemas");
    assert!(different.is_empty(), "of {count}, {} differ:\n{}", different.len(), different.join("\n"));
}
