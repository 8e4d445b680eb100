//! Each way in which a component misses the contract, and how its author is told.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::{
    engine::{Engine, EngineSettings},
    module::Module,
    testing::guest::Guest,
};

fn engine() -> Engine {
    Engine::new(EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() }).unwrap()
}

/// A component that exports a reconciler of these functions, and imports these things.
fn component(imports: &str, functions: &[(&str, &str)]) -> String {
    let export = |(name, kind): &(&str, &str)| {
        format!(
            r#"(type ${name}-type {kind}) (func ${name} (type ${name}-type) (canon lift (core func $core "f")
                (memory (core memory $core "memory")) (realloc (core func $core "realloc"))))"#
        )
    };
    let functions_text: String = functions.iter().map(export).collect();
    let exports: String =
        functions.iter().map(|(name, _)| format!(r#" (export "{name}" (func ${name}))"#)).collect();
    format!(
        r#"(component {imports}
            (core module $m (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "f") unreachable))
            (core instance $core (instantiate $m))
            {functions_text}
            (instance $reconciler {exports})
            (export "windlass:controller/reconciler@0.1.0" (instance $reconciler)))"#
    )
}

async fn refusal(text: &str) -> String {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Module::load(&engine(), bytes.into(), None).await.unwrap_err().to_string()
}

const AGAIN: &str = "build it again with the SDK";

#[tokio::test]
async fn what_a_component_imports_wrongly_is_named_with_the_remedy() {
    let cases: [(&str, &[&str]); 12] = [
        ("(core module)", &["core module, not a component", "windlass build"]),
        (
            r#"(import "windlass:controller/objects@0.2.0" (instance))"#,
            &["windlass:controller/objects@0.2.0", "version 0.1.0", AGAIN],
        ),
        (
            r#"(import "windlass:controller/objects" (instance))"#,
            &["has windlass:controller/objects,", "version 0.1.0", AGAIN],
        ),
        (
            r#"(import "windlass:controller/wishes@0.1.0" (instance (export "come-true" (func))))"#,
            &["imports windlass:controller/wishes@0.1.0", "does not have", "environment, events, log", AGAIN],
        ),
        (
            r#"(import "windlass:controller/reconciler@0.1.0" (instance))"#,
            &["imports windlass:controller/reconciler@0.1.0", "does not have"],
        ),
        (
            r#"(import "windlass:controller/log@0.1.0" (instance (export "shout" (func))))"#,
            &["windlass:controller/log@0.1.0", "`shout`", "missing", AGAIN],
        ),
        (
            r#"(import "windlass:controller/log@0.1.0" (instance (export "write" (func (param "line" string)))))"#,
            &["windlass:controller/log@0.1.0", "`write` has the wrong type", AGAIN],
        ),
        (
            r#"(import "windlass:controller/environment@0.1.0" (instance (export "now-ms" (func (result u64)))))"#,
            &[
                "windlass:controller/environment@0.1.0",
                "`now-ms` has the wrong type",
                "expected `f64` found `u64`",
            ],
        ),
        (
            r#"(import "windlass:controller/objects@0.1.0" (instance (export "cursor" (type (sub resource)))))"#,
            &["windlass:controller/objects@0.1.0", "`cursor`", "resource implementation is missing", AGAIN],
        ),
        (
            r#"(import "wasi:filesystem/types@0.2.3" (instance))"#,
            &["does not give: wasi:filesystem/types@0.2.3", "no WASI is given", "windlass build"],
        ),
        (
            r#"(import "fetch" (func (param "url" string)))"#,
            &["does not give: fetch", "windlass:controller only"],
        ),
        (
            r#"(import "windlass:controller/log@0.1.0" (func))"#,
            &["windlass:controller/log@0.1.0", "expected function found instance", AGAIN],
        ),
    ];
    for (imports, wants) in cases {
        let text = if imports == "(core module)" { "(module)".to_owned() } else { component(imports, &[]) };
        let said = refusal(&text).await;
        for want in wants {
            assert!(said.contains(want), "{imports}: `{want}` is not in: {said}");
        }
    }
}

#[tokio::test]
async fn what_a_component_exports_wrongly_is_named_with_the_remedy() {
    let describe = ("describe", "(func)");
    let cases: [(String, &[&str]); 6] = [
        (
            "(component)".to_owned(),
            &["does not export windlass:controller/reconciler@0.1.0", "exports nothing"],
        ),
        (
            component("", &[]),
            &["reconciler@0.1.0 has no function `describe`", "version 0.1.0 of the contract", AGAIN],
        ),
        (component("", &[describe]), &["reconciler@0.1.0 has a function `describe` of another type", AGAIN]),
        (
            r#"(component (type $t u8) (instance $i (export "describe" (type $t)))
                (export "windlass:controller/reconciler@0.1.0" (instance $i)))"#
                .to_owned(),
            &["reconciler@0.1.0 has a `describe` that is no function", AGAIN],
        ),
        (
            r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
                (func $f (canon lift (core func $i "f")))
                (export "windlass:controller/reconciler@0.1.0" (func $f)))"#
                .to_owned(),
            &["reconciler@0.1.0", AGAIN],
        ),
        (
            r#"(component (instance $i) (export "windlass:controller/reconciler@0.3.0" (instance $i)))"#
                .to_owned(),
            &["windlass:controller/reconciler@0.3.0", "version 0.1.0", AGAIN],
        ),
    ];
    for (text, wants) in cases {
        let said = refusal(&text).await;
        for want in wants {
            assert!(said.contains(want), "`{want}` is not in: {said}\n{text}");
        }
    }
}

#[tokio::test]
async fn what_fits_the_contract_is_taken() {
    let bytes = Guest::default().component();
    Module::load(&engine(), bytes.into(), None).await.unwrap();
}
