//! YAML as the real server reads and writes it: YAML 1.1 scalars (`yes` is true), keys as text, sorted output.

mod reader;
mod scalar;
mod writer;

pub use reader::{YamlError, read};
pub use writer::write;
