//! Each kind of file that is no module, and the message it gets.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;

fn refusal(bytes: &[u8]) -> String {
    examine(bytes, &EngineSettings::default()).unwrap_err().to_string()
}

fn check(bytes: &[u8], wants: &[&str]) {
    let said = refusal(bytes);
    for want in wants {
        assert!(said.contains(want), "`{want}` is not in: {said}");
    }
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_not_wasm_is_told_for_what_it_is() {
    check(b"", &["empty", "being copied"]);
    check(b"\x7fELF\x02\x01\x01\0\0\0", &["native program", "wasm32-wasip1"]);
    check(b"PK\x03\x04....", &["archive"]);
    check(b"\x1f\x8b\x08\0", &["archive"]);
    check(b"(module)", &["WebAssembly text"]);
    check("apiVersion: v1\nkind: Müll\n".as_bytes(), &["text file"]);
    check(&[0xff, 0xfe, 0, 1], &["\\0asm"]);
}

#[test]
fn a_core_module_is_sent_to_windlass_build() {
    check(&wat("(module)"), &["core module", "windlass build"]);
    let wasi = wat(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#,
    );
    check(&wasi, &["WASI preview 1"]);
}

#[test]
fn a_file_that_was_cut_short_is_told_so() {
    let whole = wat("(component (core module (memory 1) (func (export \"f\"))))");
    for length in [3, 7, whole.len() / 2, whole.len() - 1] {
        check(&whole[..length.max(4)], &["ends in the middle", "copied"]);
    }
}

#[test]
fn imports_that_are_not_given_are_listed() {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.3" (instance))
        (import "acme:db/sql@1.0.0" (instance)))"#;
    check(&wat(text), &["wasi:cli/environment@0.2.3, acme:db/sql@1.0.0", "built without `windlass build`?"]);
    check(&wat(r#"(component (import "acme:db/sql@1.0.0" (instance)))"#), &["windlass:controller only"]);
}

#[test]
fn a_component_of_another_world_is_told_what_is_missing() {
    check(&wat("(component)"), &["windlass:controller/reconciler@0.1.0", "exports nothing"]);
    let text = r#"(component (instance $i) (export "wasi:http/incoming-handler@0.2.0" (instance $i)))"#;
    check(&wat(text), &["it exports wasi:http/incoming-handler@0.2.0"]);
}

#[test]
fn a_module_for_another_version_of_the_contract_is_told_which() {
    let text = r#"(component (import "windlass:controller/objects@0.2.0" (instance)))"#;
    check(&wat(text), &["windlass:controller/objects@0.2.0", "version 0.1.0"]);
}

#[test]
fn sizes_are_bounded_before_anything_is_compiled() {
    let settings = EngineSettings { module_bytes_max: 10, ..EngineSettings::default() };
    let said = examine(&[0; 11], &settings).unwrap_err().to_string();
    assert!(said.contains("11 bytes and at most 10"), "{said}");
    let text = r#"(component (core module (memory 65536)) (instance $i)
        (export "windlass:controller/reconciler@0.1.0" (instance $i)))"#;
    check(&wat(text), &["4294967296 bytes of memory", "at most 268435456"]);
}
