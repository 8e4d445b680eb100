//! `windlass build`: a module's folder into a component.

use crate::args::Build;
use anyhow::{Context as _, Result};
use std::io::IsTerminal as _;
use windlass_author::build::{self, BuildRequest, Profile};

/// Builds and says what came out.
pub(crate) async fn build(arguments: &Build) -> Result<()> {
    let mut request = BuildRequest::new(&arguments.module);
    request.output.clone_from(&arguments.output);
    request.profile = Profile::Release;
    request.color = std::io::stderr().is_terminal();
    let built = tokio::task::spawn_blocking(move || build::build(&request, &mut |line| eprintln!("{line}")));
    let built = built.await.context("the build was cut off")??;
    println!(
        "{}: {} bytes, built in {:.1} s",
        built.path.display(),
        built.bytes.len(),
        built.took.as_secs_f64()
    );
    Ok(())
}
