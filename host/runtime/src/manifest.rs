//! The module manifest: what an operator says about a module, read from `NAME.yaml` beside `NAME.wasm`.
//!
//! The form is closed: a field nobody knows is an error that names the nearest known one, never ignored. All
//! problems of a file are told at once, each with its line and what to do.

mod add;
mod decode;
mod error;
mod field_manager;
mod fields;
mod render;
mod rules;
mod selector;
#[cfg(test)]
mod tests;
mod yaml;

pub use error::{ManifestError, Problem};
pub use field_manager::{SharedFieldManager, shared_field_manager};
pub use windlass_core::quantity::{format_bytes, format_duration, parse_bytes, parse_duration};

use std::{path::Path, sync::Arc, time::Duration};
use windlass_core::{
    grant::{Grant, Rule},
    name::ModuleName,
};
use windlass_guest::limits::Limits;

/// The only `apiVersion` of a manifest so far.
pub const API_VERSION: &str = "windlass.dev/v1alpha1";

/// What an operator says about one module.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `metadata.name`; equals the file's stem.
    pub name: ModuleName,
    /// What the module may do. None: nobody granted anything yet, the module is described and waits.
    pub grant: Option<Arc<Grant>>,
    /// Handed to the module as JSON; checked against its schema by whoever describes it.
    pub settings: serde_json::Value,
    /// What it may use, as far as the operator's maxima allow it.
    pub limits: Limits,
    /// Runs at a time, per controller.
    pub concurrency: u32,
    /// Everything is reconciled again so often; zero: never.
    pub resync: Duration,
    /// The name under which the module's writes are recorded; unique in the host.
    pub field_manager: Arc<str>,
    /// Described and watching, but not run.
    pub paused: bool,
    /// Writes that would change nothing are not sent.
    pub suppress_no_op_writes: bool,
}

/// What holds where a manifest says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// For `spec.limits`, field by field.
    pub limits: Limits,
    /// For `spec.concurrency`.
    pub concurrency: u32,
    /// For `spec.resync`.
    pub resync: Duration,
}

impl Default for Defaults {
    /// The limits' own defaults, four runs at a time, a resync each ten hours (controller-runtime's period).
    fn default() -> Self {
        Self { limits: Limits::default(), concurrency: 4, resync: Duration::from_secs(36_000) }
    }
}

impl Manifest {
    /// Reads a manifest. `file` is told in errors, and its stem is what `metadata.name` must be.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and the next step.
    pub fn parse(file: &Path, text: &str, defaults: &Defaults) -> Result<Self, ManifestError> {
        decode::decode(file, text, defaults)
    }

    /// What holds for a module that has no manifest: nothing is granted.
    #[must_use]
    pub fn absent(name: &ModuleName, defaults: &Defaults) -> Self {
        Self {
            name: name.clone(),
            grant: None,
            settings: serde_json::Value::Object(serde_json::Map::new()),
            limits: defaults.limits.clone(),
            concurrency: defaults.concurrency,
            resync: defaults.resync,
            field_manager: default_field_manager(name),
            paused: false,
            suppress_no_op_writes: true,
        }
    }

    /// The rule that a text says: one line of YAML, as refusals name it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse_rule(text: &str) -> Result<Rule, ManifestError> {
        add::parse_rule(text)
    }

    /// A manifest's text with further rules, and all else in it as it is.
    ///
    /// # Errors
    /// When the manifest is broken, or has no list of rules that one can be put into.
    pub fn with_rules(file: &Path, text: &str, rules: &[Rule]) -> Result<String, ManifestError> {
        add::with_rules(file, text, rules)
    }

    /// A manifest, as text, that grants `rules` to the module: what `windlass grant` prints.
    #[must_use]
    pub fn render(name: &ModuleName, rules: &[Rule]) -> String {
        render::render(name, rules)
    }
}

/// `windlass/NAME`.
fn default_field_manager(name: &ModuleName) -> Arc<str> {
    format!("windlass/{name}").into()
}

/// Whether a text can name a module or a namespace: a DNS-1123 label.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().copied().is_some_and(word)
        && bytes.last().copied().is_some_and(word)
        && bytes.iter().all(|&byte| word(byte) || byte == b'-')
}
