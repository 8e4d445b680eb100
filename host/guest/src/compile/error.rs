//! Why there is no machine code.

use std::{io, sync::Arc, time::Duration};

/// Why a module has no machine code.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    /// Damaged, or made with a feature that is switched off.
    #[error("the component is not valid here: {0}")]
    Invalid(String),
    /// More processor time than is given.
    #[error("compiling it took more than {max:?} of processor time: {SMALLER}, or raise --compile-cpu")]
    Cpu {
        /// The bound.
        max: Duration,
    },
    /// More time than is given.
    #[error("compiling it took longer than {max:?}: {SMALLER}, or raise --compile-time")]
    Time {
        /// The bound.
        max: Duration,
    },
    /// More memory than is given.
    #[error("compiling it needed more than {} MiB of memory: {SMALLER}, or raise --compile-memory", .max_bytes >> 20)]
    Memory {
        /// The bound.
        max_bytes: u64,
    },
    /// More machine code than is taken.
    #[error("it compiles to {bytes} bytes of machine code and at most {max_bytes} are taken: {SMALLER}")]
    Code {
        /// How much there is.
        bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// The compiler met a case that it does not know.
    #[error("the compiler failed on this module ({0}): please report it with the module")]
    Panicked(String),
    /// Something ended the child.
    #[error(
        "the process that compiled it was ended by signal {signal}{}: `windlass reload NAME` tries again{}",
        if *.signal == 9 { ", perhaps for want of memory" } else { "" },
        last_words(.said)
    )]
    Killed {
        /// The signal's number.
        signal: i32,
        /// Its last words.
        said: String,
    },
    /// The child did not do as a compiler does.
    #[error("the process that compiles did not answer as it should ({what}){}", last_words(.said))]
    Strange {
        /// What was strange.
        what: String,
        /// Its last words.
        said: String,
    },
    /// No child.
    #[error(
        "no process can be started to compile it; check the limits on processes and memory, then `windlass reload NAME`"
    )]
    Start(#[source] Arc<io::Error>),
}

/// What an author can do about a module that is too much for the compiler.
const SMALLER: &str =
    "build it for release, with leaner types (a typed Pod of Kubernetes alone takes seconds)";

fn last_words(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("; it said: {words}") }
}
