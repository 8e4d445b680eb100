//! A module of three empty functions is enough to make a component of; the rest is what must be refused.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use super::*;

/// A core module with the world's exports (of the right types) and `extra` fields.
fn core_module(extra_imports: &str, extra: &str) -> Vec<u8> {
    let reconciler = contract::EXPORTED_INTERFACE;
    wat::parse_str(format!(
        r#"(module
            {extra_imports}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
            (func (export "{reconciler}#describe") (result i32) i32.const 0)
            (func (export "{reconciler}#reconcile")
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64) (result i32) i32.const 0)
            (func (export "{reconciler}#targets") (param i32 i32) (result i32) i32.const 0)
            {extra})"#
    ))
    .unwrap()
}

fn imports_of(component: &[u8]) -> Vec<String> {
    let wit_component::DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap()
    else {
        panic!("not a component");
    };
    resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect()
}

#[test]
fn a_bare_module_gets_the_types_and_imports_no_functions() {
    let component = componentize(&core_module("", ""), "bare").unwrap();
    wasmparser::Validator::new().validate_all(&component).unwrap();
    assert!(imports_of(&component).iter().all(|name| name.starts_with("windlass:controller/")));
}

#[test]
fn the_same_core_gives_the_same_bytes() {
    let core = core_module("", "");
    assert_eq!(componentize(&core, "bare").unwrap(), componentize(&core, "bare").unwrap());
}

#[test]
fn every_function_of_preview_1_is_answered_by_the_adapter() {
    // The adapter's own exports are the list; a module that imports them all must leave no WASI behind.
    let adapter = adapter(false).unwrap();
    let mut types = Vec::new();
    let mut functions = Vec::new();
    let mut imports = String::new();
    for payload in wasmparser::Parser::new(0).parse_all(&adapter) {
        match payload.unwrap() {
            wasmparser::Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().map(Result::unwrap).collect();
            }
            wasmparser::Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let wasmparser::TypeRef::Func(at) = import.unwrap().ty {
                        functions.push(at);
                    }
                }
            }
            wasmparser::Payload::FunctionSection(section) => {
                functions.extend(section.into_iter().map(Result::unwrap));
            }
            wasmparser::Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    if export.name.starts_with("cabi") || export.name.starts_with("adapter") {
                        continue;
                    }
                    let kind = &types[functions[export.index as usize] as usize];
                    let text = |of: &[wasmparser::ValType]| {
                        of.iter().map(|one| format!("{one} ")).collect::<String>()
                    };
                    imports.push_str(&format!(
                        "(import \"{PREVIEW1}\" \"{}\" (func (param {}) (result {})))\n",
                        export.name,
                        text(kind.params()),
                        text(kind.results())
                    ));
                }
            }
            _ => {}
        }
    }
    assert_eq!(imports.lines().count(), 46, "preview 1 has 46 functions");
    let component = componentize(&core_module(&imports, ""), "all").unwrap();
    let imports = imports_of(&component);
    assert!(imports.iter().all(|name| name.starts_with("windlass:controller/")), "{imports:?}");
    assert!(imports.iter().any(|name| name.starts_with("windlass:controller/log")), "{imports:?}");
}

/// Checks that the error's text holds each of `parts`.
fn check_refused(core: &[u8], parts: &[&str]) {
    let message = componentize(core, "bad").unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn what_is_not_wasm_is_named() {
    check_refused(b"", &["empty"]);
    check_refused(b"#!/bin/sh", &["not a WebAssembly file"]);
    check_refused(b"\x7fELF\x02", &["native program", "wasm32-wasip1"]);
    check_refused(b"(module)", &["WebAssembly text"]);
}

#[test]
fn a_truncated_module_is_told_with_its_place() {
    let core = core_module("", "");
    check_refused(&core[..core.len() - 7], &["at byte", "still being written"]);
}

#[test]
fn a_component_is_not_wrapped_again() {
    let component = componentize(&core_module("", ""), "bare").unwrap();
    check_refused(&component, &["component already", "windlass inspect"]);
}

#[test]
fn missing_exports_are_named_with_the_line_that_gives_them() {
    let plain = wat::parse_str("(module (func (export \"add\")))").unwrap();
    check_refused(&plain, &["`describe`, `reconcile`, `targets`", "windlass::module!", "cdylib"]);
}

#[test]
fn foreign_imports_are_named_with_the_way_out() {
    let import = |module: &str| core_module(&format!("(import \"{module}\" \"x\" (func))"), "");
    check_refused(&import("env"), &["`env.x`", "not linked"]);
    check_refused(&import("__wbindgen_placeholder__"), &["browser"]);
    check_refused(&import("wasi:io/streams@0.2.6"), &["wasm32-wasip1"]);
}

#[test]
fn a_function_of_the_wrong_type_is_refused_with_its_name() {
    let wrong = wat::parse_str(format!(
        r#"(module (memory (export "memory") 1)
            (func (export "{0}#describe")) (func (export "{0}#reconcile")) (func (export "{0}#targets")))"#,
        contract::EXPORTED_INTERFACE
    ))
    .unwrap();
    check_refused(&wrong, &["does not fit the contract", "describe"]);
}
