//! Each kind of file that is no module, and the message it gets.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::module::ModuleBound;

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

/// One more of each than is taken: `N` of it are in the text.
#[test]
fn what_a_module_holds_is_counted_and_bounded_before_anything_is_compiled() {
    let cases: [(&str, u64, &str); 16] = [
        ("functions", 3, "(core module (func) (func)) (core module (func))"),
        ("function-bytes", 10, "(core module (func (drop (i32.const 1000)) (drop (i32.const 1000))))"),
        ("parts", 3, "(core module) (component (core module))"),
        ("depth", 3, "(component (component (core module)))"),
        ("types", 3, "(core module (type (func)) (type (func (param i32)))) (type (list u8))"),
        ("imports", 2, r#"(core module (import "a" "b" (func)) (import "a" "c" (func)))"#),
        ("exports", 2, r#"(core module (func (export "a")))"#),
        ("globals", 2, "(core module (global i32 (i32.const 0)) (global i32 (i32.const 0)))"),
        ("segments", 2, r#"(core module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b"))"#),
        ("segments", 1, "(core module (table 1 funcref) (func $f) (elem (i32.const 0) func $f))"),
        ("links", 3, "(core module $m) (core instance (instantiate $m)) (core instance (instantiate $m))"),
        (
            "links",
            4,
            r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m))
            (func (canon lift (core func $i "f")))"#,
        ),
        ("links", 2, "(instance)"),
        ("functions", 0, ""),
        ("depth", 1, "(core module)"),
        ("parts", 0, ""),
    ];
    for (name, holds, more) in cases {
        let bytes = wat(&format!(
            r#"(component {more} (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))"#
        ));
        let bounded = |max: u64| {
            let bound = format!("{name}={max}").parse().unwrap();
            let module = ModuleBounds::default().with_all(&[bound]);
            examine(&bytes, &EngineSettings { module, ..EngineSettings::default() })
        };
        bounded(holds).unwrap_or_else(|error| panic!("{name}, {holds} of it: {error}"));
        let Some(fewer) = holds.checked_sub(1) else { continue };
        let said = bounded(fewer).unwrap_err().to_string();
        let figures = format!("has {holds} ");
        for want in [&*figures, &format!("at most {fewer} are taken"), &format!("--module-bound {name}=N")] {
            assert!(said.contains(want), "`{want}` is not in: {said}");
        }
    }
}

#[test]
fn a_bound_that_is_none_is_told_with_the_names_there_are() {
    let check = |text: &str, want: &str| {
        let said = text.parse::<ModuleBound>().unwrap_err().to_string();
        assert!(said.contains(want), "`{want}` is not in: {said}");
    };
    check("function=1", "nothing is counted as `function`: write NAME=N with a NAME of bytes, functions,");
    check("functions", "write NAME=N");
    check("functions=many", "`functions=many` is no bound");
}

/// 60 MB of components in components would be some million levels.
#[test]
fn a_module_that_is_nothing_but_depth_costs_no_memory() {
    // From the innermost outwards, so from the end to the beginning.
    let header = *b"\0asm\x0d\0\x01\0";
    let mut backwards: Vec<u8> = header.iter().rev().copied().collect();
    for _ in 0..50_000 {
        let mut length = backwards.len();
        let mut section = vec![4];
        while length >= 0x80 {
            section.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        section.push(u8::try_from(length).unwrap());
        backwards.extend(section.iter().rev());
        backwards.extend(header.iter().rev());
    }
    let bytes: Vec<u8> = backwards.into_iter().rev().collect();
    check(&bytes, &["has 9 levels of components in components and at most 8"]);
}

#[test]
fn sizes_are_bounded_before_anything_is_compiled() {
    let module = ModuleBounds::default().with(Measure::Bytes, 10);
    let settings = EngineSettings { module, ..EngineSettings::default() };
    let said = examine(&[0; 11], &settings).unwrap_err().to_string();
    assert!(said.contains("11 bytes and at most 10"), "{said}");
    let text = r#"(component (core module (memory 65536)) (instance $i)
        (export "windlass:controller/reconciler@0.1.0" (instance $i)))"#;
    check(&wat(text), &["4294967296 bytes of memory", "at most 268435456"]);
}

/// The list of interfaces is the contract's.
#[test]
fn every_interface_that_the_contract_has_may_be_imported() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut found: Vec<String> = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "wit") {
            let text = std::fs::read_to_string(path).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("interface ")?.strip_suffix(" {"));
            found.extend(names.filter(|name| *name != "reconciler").map(str::to_owned));
        }
    }
    found.sort_unstable();
    assert_eq!(found, INTERFACES);
}
