//! Turns recorded OpenAPI v3 documents into what `tests/openapi.rs` holds ours against.
//!
//! `cargo run -p windlass-apiserver --example openapi_digests -- FOLDER > host/apiserver/tests/openapi/documents.txt`,
//! where FOLDER holds the answers of `/openapi/v3/PATH` as `PATH.json`, slashes written as `__`.

use std::io::Write as _;
use std::{env, fs};

use serde_json::Value;

mod digest;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args().nth(1).ok_or("usage: openapi_digests FOLDER")?;
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    let mut out = std::io::stdout().lock();
    for file in files {
        let document: Value = serde_json::from_slice(&fs::read(file.path())?)?;
        let name = file.file_name().to_string_lossy().trim_end_matches(".json").replace("__", "/");
        writeln!(out, "# {name}")?;
        for line in digest::lines(&document) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
