//! The sample modules as components, and what can be done to their bytes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};
use windlass_author::{BuildRequest, build, componentize, contract};
use wit_component::{StringEncoding, embed_component_metadata};

/// A sample module's folder; `bad/traps` is one too.
pub fn folder(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-modules").join(module)
}

/// A sample module as a component, built once in a process. Processes share the compiler's files, so that only the
/// first of them compiles.
pub fn module(name: &str) -> Arc<[u8]> {
    static BUILT: OnceLock<Mutex<HashMap<String, Arc<[u8]>>>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap();
    if let Some(bytes) = built.get(name) {
        return bytes.clone();
    }
    let bytes = compile(name);
    built.insert(name.to_owned(), bytes.clone());
    bytes
}

fn compile(name: &str) -> Arc<[u8]> {
    let mut said = Vec::new();
    let request = BuildRequest { target_dir: Some(target_dir()), ..BuildRequest::new(folder(name)) };
    match build(&request, &mut |line| said.push(line.to_owned())) {
        Ok(built) => built.bytes.into(),
        Err(error) => panic!("{name}: {error}\n{}", said.join("\n")),
    }
}

/// `tmp/modules` in the target folder that this test was built into, apart from the workspace's own files: two cargos
/// would wait for each other otherwise.
fn target_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/TEST
    test.ancestors().nth(3).unwrap().join("tmp").join("modules")
}

/// The same module with other bytes: a custom section more, which changes nothing but the digest.
pub fn numbered(component: &[u8], number: u8) -> Vec<u8> {
    let name = b"test";
    let length = u8::try_from(1 + name.len() + 1).unwrap();
    let mut bytes = component.to_vec();
    bytes.extend([0, length, u8::try_from(name.len()).unwrap()]);
    bytes.extend(name);
    bytes.push(number);
    bytes
}

/// The same module with another text of the same length in all places. Panics if it holds none.
pub fn reworded(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "only a text of the same length leaves all else in its place");
    let mut bytes = component.to_vec();
    let mut found = 0;
    for at in 0..=bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from.as_bytes() {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "the module does not hold {from:?}");
    bytes
}

/// A component of a core module that exports what the contract wants. Panics where it does not.
pub fn component_of(core: &[u8], name: &str) -> Vec<u8> {
    componentize(core, name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The same, of a core module whose texts are in another encoding than UTF-8.
pub fn component_in(core: &[u8], name: &str, encoding: StringEncoding) -> Vec<u8> {
    let mut module = core.to_vec();
    let (resolve, world) = contract::resolve();
    embed_component_metadata(&mut module, &resolve, world, encoding, false).unwrap();
    component_of(&module, name)
}

/// A component of the right world that dies as soon as it is asked anything.
pub fn stillborn() -> Vec<u8> {
    let reconciler = contract::EXPORTED_INTERFACE;
    let core = wat::parse_str(format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "{reconciler}#describe") (result i32) unreachable)
            (func (export "{reconciler}#reconcile")
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64) (result i32) unreachable)
            (func (export "{reconciler}#targets") (param i32 i32) (result i32) unreachable))"#
    ));
    componentize(&core.unwrap(), "stillborn").unwrap()
}

/// A manifest that grants what is asked for by a module of namespaced kinds, and more.
pub fn manifest(name: &str) -> String {
    manifest_with(name, "")
}

/// The same, with further lines of `spec`, each with two spaces in front.
pub fn manifest_with(name: &str, more: &str) -> String {
    format!(
        "apiVersion: windlass.dev/v1alpha1
kind: Module
metadata: {{name: {name}}}
spec:
  grant:
    rules:
    - {{apiGroups: ['*'], resources: ['*'], verbs: ['*'], namespaces: ['*']}}
    - {{apiGroups: [example.windlass.dev], resources: [websites/finalizers], verbs: [update], namespaces: ['*']}}
{more}"
    )
}
