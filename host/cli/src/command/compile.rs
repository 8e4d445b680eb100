//! `windlass compile-module`: what a host starts for each module that it compiles.

use crate::args::COMPILE;
use anyhow::{Context as _, Result};
use std::io;
use windlass_runtime::compile::{CompileBounds, Compiling, compile_as_ordered};

/// Compiles what is ordered over the standard input. To be called before there are threads.
pub(crate) fn compile() -> Result<()> {
    compile_as_ordered(io::stdin(), io::stdout().lock()).context("hosts call this; there is nothing to type")
}

/// Each module by a process of its own: this program, started again.
pub(crate) fn compiling(bounds: CompileBounds) -> Result<Compiling> {
    Compiling::by_this_program(&[COMPILE], bounds).context("this program's own file is not known")
}
