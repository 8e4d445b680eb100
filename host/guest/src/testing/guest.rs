//! Guests for tests: a core module as text, made a component of the contract.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The parts of `reconciler.wat` that a test fills in.
pub(crate) struct Guest<'a> {
    pub(crate) imports: &'a str,
    pub(crate) pages: u32,
    pub(crate) realloc: &'a str,
    pub(crate) describe: &'a str,
    pub(crate) locals: &'a str,
    pub(crate) reconcile: &'a str,
    pub(crate) more: &'a str,
    pub(crate) description: Image,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            imports: "",
            pages: 2,
            realloc: "",
            describe: "",
            locals: "",
            reconcile: "",
            more: "",
            description: Image::describing("maps", "ConfigMap", None),
        }
    }
}

/// Writes to the log at level warn: `(call $log (i32.const 3) …)`.
pub(crate) const LOG: &str = r#"(import "windlass:controller/log@0.1.0" "write"
    (func $log (param i32 i32 i32 i32 i32)))"#;

/// Reads an object: 15 words of question, and where the answer goes.
pub(crate) const GET: &str = r#"(import "windlass:controller/objects@0.1.0" "get"
    (func $get (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

/// Asks the server for the config map `a` in `mine`; wants [`WORDS`].
pub(crate) const CALL_GET: &str = "(call $get
    (i32.const 600) (i32.const 2) (i32.const 610) (i32.const 9)
    (i32.const 1) (i32.const 620) (i32.const 4) (i32.const 630) (i32.const 1)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
    (i32.const 704))";

/// What [`CALL_GET`] points at.
pub(crate) const WORDS: &str = r#"
    (data (i32.const 600) "v1") (data (i32.const 610) "ConfigMap")
    (data (i32.const 620) "mine") (data (i32.const 630) "a")"#;

/// Random bytes; the list goes to the last parameter.
pub(crate) const RANDOM: &str = r#"(import "windlass:controller/environment@0.1.0" "random"
    (func $random (param i32 i32)))"#;

impl Guest<'_> {
    pub(crate) fn component(&self) -> Vec<u8> {
        let text = include_str!("reconciler.wat")
            .replace("${imports}", self.imports)
            .replace("${pages}", &self.pages.to_string())
            .replace("${realloc}", self.realloc)
            .replace("${describe}", self.describe)
            .replace("${locals}", self.locals)
            .replace("${reconcile}", self.reconcile)
            .replace("${more}", self.more)
            .replace("${description}", &self.description.root.to_string())
            .replace("${image}", &self.description.escaped());
        component_of(&text)
    }
}

/// Makes a component of the contract of a core module's text.
pub(crate) fn component_of(text: &str) -> Vec<u8> {
    let mut core = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("windlass")).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&core).unwrap().encode().unwrap()
}

/// Bytes of a value in the canonical layout, to stand at [`Image::BASE`] of a guest's memory.
#[derive(Clone)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    /// Where the value itself begins.
    pub(crate) root: u32,
}

impl Image {
    const BASE: u32 = 1_024;

    /// A description of one controller; `labels` is its label selector.
    pub(crate) fn describing(controller: &str, kind: &str, labels: Option<&str>) -> Self {
        let mut image = Self { bytes: Vec::new(), root: 0 };
        let name = image.text(controller);
        let api_version = image.text("v1");
        let kind = image.text(kind);
        let labels = labels.map(|text| image.text(text));
        let mut words = vec![name.0, name.1, api_version.0, api_version.1, kind.0, kind.1];
        // Namespaces; label selector; field selector; predicates; watches.
        words.extend([0, 0]);
        words.extend(labels.map_or([0, 0, 0], |(at, bytes)| [1, at, bytes]));
        words.extend([0, 0, 0, 0, 0, 0, 0]);
        let controller = image.words(&words);
        let title = image.text("Maps");
        let version = image.text("1.2.3");
        let mut words = vec![title.0, title.1, version.0, version.1, controller, 1];
        // Indexes, permissions, definitions, finalizers; settings schema.
        words.extend([0; 8]);
        words.extend([0; 3]);
        image.root = image.words(&words);
        image
    }

    fn text(&mut self, text: &str) -> (u32, u32) {
        let at = Self::BASE + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend(text.as_bytes());
        (at, u32::try_from(text.len()).unwrap())
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = Self::BASE + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        at
    }

    fn escaped(&self) -> String {
        self.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
    }
}
