//! `windlass inspect`, `grant` and `build`: what a file is, and what to do with one that is none.

use crate::{
    program::{done, finish, refused_with, windlass},
    sample,
};
use std::{fs, path::PathBuf};
use windlass_runtime::text::deceives;

/// A file with these bytes, in a folder of its own.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn inspect_tells_what_a_module_is_and_wants() {
    let (_folder, path) = file("website.wasm", &sample::component("website"));
    let shown = done(&["inspect", path.to_str().unwrap()]);
    for part in [
        "Website 0.1.0",
        "bytes",
        "windlass:controller/objects@0.1.0",
        "controller website",
        "reconciles example.windlass.dev/v1 Website",
        "watches apps/v1 Deployment (to its controller owner)",
        "create, patch",
        "deployments (apps)",
        "brings websites.example.windlass.dev",
        "sets the finalizer example.windlass.dev/farewell",
    ] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }

    let json: serde_json::Value =
        serde_json::from_str(&done(&["inspect", "--json", path.to_str().unwrap()])).unwrap();
    assert_eq!(json["controllers"][0]["reconciles"], "example.windlass.dev/v1 Website");
    assert_eq!(json["sizeBytes"], fs::metadata(&path).unwrap().len());
}

#[test]
fn a_module_in_rust_imports_only_what_it_calls() {
    let (_folder, path) = file("hello.wasm", &sample::component("hello"));
    let shown = done(&["inspect", path.to_str().unwrap()]);
    assert!(shown.contains("windlass:controller/objects@0.1.0"), "{shown}");
    for interface in ["events", "metrics", "environment"] {
        assert!(
            !shown.contains(&format!("windlass:controller/{interface}@0.1.0")),
            "{interface} in:\n{shown}"
        );
    }
}

#[test]
fn what_is_no_module_is_told_with_the_next_step() {
    let garbage = file("garbage.wasm", b"this is not wasm at all");
    refused_with(&["inspect", garbage.1.to_str().unwrap()], &["garbage.wasm", "not", "windlass build"]);
    // The smallest core module: eight bytes.
    let core = file("core.wasm", b"\0asm\x01\0\0\0");
    refused_with(&["inspect", core.1.to_str().unwrap()], &["core.wasm", "core module", "windlass build"]);
    let whole = sample::component("hello");
    let cut = file("cut.wasm", &whole[..whole.len() / 2]);
    refused_with(&["inspect", cut.1.to_str().unwrap()], &["cut.wasm"]);
    refused_with(&["inspect", "/nowhere/x.wasm"], &["/nowhere/x.wasm", "cannot be read", "No such file"]);
    let folder = garbage.0.path().to_str().unwrap();
    refused_with(&["grant", folder], &[folder]);
}

#[test]
fn grant_prints_a_manifest_that_is_all_a_host_needs() {
    let (_folder, path) = file("website.wasm", &sample::component("website"));
    let manifest = done(&["grant", path.to_str().unwrap()]);
    for part in ["kind: Module", "name: website", "path: website.wasm", "deployments", "websites/status"] {
        assert!(manifest.contains(part), "no `{part}` in:\n{manifest}");
    }
    let narrow = done(&["grant", "--namespaces", "shop,blog", path.to_str().unwrap()]);
    assert!(narrow.contains("shop") && narrow.contains("blog") && !narrow.contains('*'), "{narrow}");
}

#[test]
fn a_rule_that_a_refusal_names_is_put_into_the_manifest_that_is_there() {
    let text = "apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {name: hello}\nspec: # by hand\n  grant:\n    rules: []\n";
    let (_folder, path) = file("hello.yaml", text.as_bytes());
    let (module, rule) = (
        path.with_extension("wasm"),
        "{apiGroups: [\"\"], resources: [pods], verbs: [list], namespaces: [shop]}",
    );
    let amended = done(&["grant", module.to_str().unwrap(), "--add", rule]);
    assert_eq!(amended.trim_end(), text.replace("[]", &format!("[{rule}]")).trim_end());
    refused_with(&["grant", module.to_str().unwrap(), "--add", "{verbs: [get]}"], &["has no `resources`"]);
}

#[test]
fn a_folder_that_makes_no_module_is_told_so() {
    let empty = tempfile::tempdir().unwrap();
    refused_with(&["build", empty.path().to_str().unwrap()], &["Cargo.toml", empty.path().to_str().unwrap()]);
    let plain = sample::folder("bad/plain");
    let ended = finish(sample::building(&mut windlass(&["build", plain.to_str().unwrap()])));
    assert!(!ended.status.success());
    assert!(ended.err.contains("windlass::module!"), "{}", ended.err);
}

#[test]
fn every_command_has_a_help_that_shows_its_use() {
    let help = done(&["--help"]);
    let commands = [
        "dev",
        "run",
        "server",
        "build",
        "inspect",
        "grant",
        "status",
        "reload",
        "pause",
        "resume",
        "reconcile",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "no {command} in:\n{help}");
        let own = done(&[command, "--help"]);
        assert!(own.contains(&format!("Usage: windlass {command}")), "{own}");
        assert!(own.contains("Examples:"), "no example in:\n{own}");
        let wide = own.lines().find(|line| line.chars().count() > 110);
        assert_eq!(wide, None, "{command} --help is too wide");
    }
}

#[test]
fn a_typing_mistake_is_an_error_that_names_the_nearest() {
    for (typed, nearest) in [
        (&["servr"][..], "server"),
        (&["run", "--module", "x"], "--modules"),
        (&["dev", "--dta", "x"], "--data"),
        (&["inspect", "--jsn", "x"], "--json"),
    ] {
        refused_with(typed, &[nearest, "--help"]);
    }
}

/// The same module with another text of the same length wherever this one stands.
fn reworded(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "only a text of the same length leaves all else in its place");
    let mut bytes = component.to_vec();
    let places = component.windows(from.len()).enumerate().filter(|(_, window)| *window == from.as_bytes());
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the module does not hold {from:?}");
    places.iter().for_each(|at| bytes[*at..at + to.len()].copy_from_slice(to.as_bytes()));
    bytes
}

/// What a module calls itself, wants, brings and sets are its author's words, and its author may be anybody.
#[test]
fn no_word_of_a_module_steers_the_terminal_of_who_looks_at_it() {
    let website = sample::component("website");
    for (from, to) in [
        ("Website", "\u{1b}[2J\u{9b}\r"),
        ("websites", "\u{1b}[2J\u{9b}\r\0"),
        ("deployments", "\u{1b}[31m\u{202e}txt"),
        ("create", "\u{9b}31m\u{7}"),
        ("farewell", "\u{1b}]0;x\u{7}\n\r"),
        ("ConfigMap", "\u{1b}[2J\u{2028}\r\t"),
    ] {
        let (_folder, path) = file("odd.wasm", &reworded(&website, from, to));
        let path = path.to_str().unwrap();
        for command in [&["inspect", path][..], &["inspect", "--json", path], &["grant", path]] {
            let ended = finish(&mut windlass(command));
            let shown = format!("{}{}", ended.out, ended.err);
            assert!(!shown.is_empty());
            let steers = |char| char != '\n' && deceives(char);
            assert!(!shown.contains(steers), "{from:?} as {to:?}, {command:?}: {shown:?}");
        }
    }
}
