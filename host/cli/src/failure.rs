//! How a command ends that failed: what, why, and what caused it, on standard error.

use std::process::ExitCode;
use windlass_runtime::text::visible;

/// Prints an error with its causes and gives the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", visible(&error.to_string()));
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some libraries print their cause in their own text, too.
        if !told.ends_with(&text) {
            eprintln!("  because: {}", visible(&text));
        }
        told = text;
    }
    ExitCode::FAILURE
}
