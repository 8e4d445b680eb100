//! `componentize CORE.wasm OUT.wasm`: makes a component of a core module, for tests of other parts.
#![allow(clippy::print_stdout, reason = "a program for contributors, run by hand")]

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [core, out] = &arguments[..] else { return Err("usage: componentize CORE.wasm OUT.wasm".into()) };
    let name = Path::new(out).file_stem().ok_or("OUT needs a file name")?.to_string_lossy();
    let component = windlass_author::componentize(&fs::read(core)?, &name)?;
    fs::write(out, &component)?;
    println!("{out}: {} bytes", component.len());
    Ok(())
}
