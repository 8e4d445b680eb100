//! Builds every sample module as an author would, and looks at what came out.
#![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]

use std::path::{Path, PathBuf};

use windlass_author::{BuildError, BuildRequest, Built, Profile, build, contract};

/// The compiler's files of all sample modules, apart from those of this workspace: two cargos would wait for
/// each other otherwise.
fn request(module: &str) -> BuildRequest {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-modules").join(module);
    let target_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("modules");
    BuildRequest { target_dir: Some(target_dir), ..BuildRequest::new(dir) }
}

fn built(request: &BuildRequest) -> Built {
    let mut said = Vec::new();
    match build(request, &mut |line| said.push(line.to_owned())) {
        Ok(built) => built,
        Err(error) => panic!("{error}\n{}", said.join("\n")),
    }
}

/// Names of the imports and the exports.
fn world_of(component: &[u8]) -> (Vec<String>, Vec<String>) {
    wasmparser::Validator::new().validate_all(component).unwrap();
    let wit_component::DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap()
    else {
        panic!("not a component");
    };
    let world = &resolve.worlds[world];
    let names = |items: &mut dyn Iterator<Item = &wit_parser::WorldKey>| -> Vec<String> {
        items.map(|key| resolve.name_world_key(key)).collect()
    };
    (names(&mut world.imports.keys()), names(&mut world.exports.keys()))
}

#[test]
fn every_sample_becomes_a_component_that_imports_only_the_contract() {
    for (module, kib_max) in [
        ("hello", 160),
        ("website", 250),
        ("bad/traps", 160),
        ("bad/loops", 160),
        ("bad/hoards", 160),
        ("bad/overreaches", 190),
    ] {
        let built = built(&request(module));
        let (imports, exports) = world_of(&built.bytes);
        assert!(imports.iter().all(|name| name.starts_with("windlass:controller/")), "{module}: {imports:?}");
        assert_eq!(exports, [contract::EXPORTED_INTERFACE], "{module}");
        let kib = built.bytes.len() / 1024;
        assert!(kib <= kib_max, "{module} has grown to {kib} KiB");
    }
}

#[test]
fn the_same_source_gives_the_same_bytes_in_another_folder() {
    let one = built(&request("hello"));
    let folder = tempfile::tempdir().unwrap();
    let other = built(&BuildRequest { target_dir: Some(folder.path().join("target")), ..request("hello") });
    assert!(one.bytes == other.bytes, "{} and {} differ", one.path.display(), other.path.display());
}

#[test]
fn a_dev_build_is_of_the_same_world() {
    let built = built(&BuildRequest { profile: Profile::Dev, ..request("hello") });
    let (imports, exports) = world_of(&built.bytes);
    assert!(imports.iter().all(|name| name.starts_with("windlass:controller/")), "{imports:?}");
    assert_eq!(exports, [contract::EXPORTED_INTERFACE]);
}

#[test]
fn a_core_module_without_the_world_is_refused_with_what_it_lacks() {
    let error = build(&request("bad/plain"), &mut |_| ()).unwrap_err();
    let BuildError::Componentize { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("`describe`, `reconcile`, `targets`"), "{source}");
}

/// A package of its own that depends on nothing.
fn package(lib: &str, manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    std::fs::write(dir.path().join("src/lib.rs"), lib).unwrap();
    let head = "[workspace]\n[package]\nname = \"probe\"\nedition = \"2024\"\n";
    std::fs::write(dir.path().join("Cargo.toml"), format!("{head}{manifest}")).unwrap();
    dir
}

#[test]
fn a_mistake_is_told_as_the_compiler_tells_it() {
    let dir = package("pub fn broken() -> u8 { \"text\" }", "[lib]\ncrate-type = [\"cdylib\"]\n");
    let mut said = String::new();
    let error = build(&BuildRequest::new(dir.path()), &mut |line| said.push_str(line)).unwrap_err();
    assert!(matches!(error, BuildError::Compile { .. }), "{error}");
    assert!(said.contains("mismatched types") && said.contains("src/lib.rs:1:25"), "{said}");
}

#[test]
fn a_package_that_makes_no_module_is_told_the_line_that_is_missing() {
    let dir = package("pub fn nothing() {}", "");
    let error = build(&BuildRequest::new(dir.path()), &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("crate-type = [\"cdylib\", \"rlib\"]"), "{error}");
}
