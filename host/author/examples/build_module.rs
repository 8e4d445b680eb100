//! `build_module DIR [OUT.wasm] [--dev]`: builds a module's component, for tests of other parts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for contributors, run by hand")]

use std::{env, error::Error};

use windlass_author::{BuildRequest, Profile, build};

fn main() -> Result<(), Box<dyn Error>> {
    let (options, paths): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let dir = paths.first().ok_or("usage: build_module DIR [OUT.wasm] [--dev]")?;
    let mut request = BuildRequest::new(dir);
    request.output = paths.get(1).map(Into::into);
    if options.iter().any(|option| option == "--dev") {
        request.profile = Profile::Dev;
    }
    let built = build(&request, &mut |line| eprintln!("{line}"))?;
    println!("{}: {} bytes, {:?}", built.path.display(), built.bytes.len(), built.took);
    Ok(())
}
