//! From a component's bytes to machine code, which the engine that serves cannot make itself: it has no compiler.
//!
//! ```text
//! Compiler ─order, bytes─▶ child: bounds itself ─▶ compiles ─answer, code─▶ Compiler ─▶ CodeCache
//!    └─ kills it when its time is over
//! ```
//!
//! A compiler is the largest and least predictable part that a module's bytes reach, and what it needs in time and
//! memory grows faster than they do. So a host gives each module a process of its own, the same program started as
//! [`compile_as_ordered`]. What the child answers is trusted as the compiler is: the child keeps a bomb away from the
//! host, not a compiler that was taken over.

mod answer;
mod bounds;
mod child;
mod error;

pub use answer::compile_as_ordered;
pub use bounds::CompileBounds;
pub use error::CompileError;

use crate::{engine, text::plain};
use std::{path::PathBuf, sync::Arc, thread};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Which engine compiles; the engine that loads looks too, but only against mistakes.
pub(crate) const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// Where modules are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiling {
    /// In this process, bounded by admission only: for tests, and for tools that load what their user has built.
    Here,
    /// Each module by a child process.
    InChild {
        /// The program and its arguments; it must call [`compile_as_ordered`] and do nothing else.
        program: Vec<PathBuf>,
        /// What one child may use.
        bounds: CompileBounds,
    },
}

impl Compiling {
    /// By this program, started again with these arguments.
    ///
    /// # Errors
    /// When the system does not say which program this is.
    pub fn by_this_program(arguments: &[&str], bounds: CompileBounds) -> std::io::Result<Self> {
        // Also when the file was replaced by another version meanwhile: the link leads to what runs.
        let own = PathBuf::from("/proc/self/exe");
        let own = if own.exists() { own } else { std::env::current_exe()? };
        let program = std::iter::once(own).chain(arguments.iter().map(PathBuf::from)).collect();
        Ok(Self::InChild { program, bounds })
    }
}

/// Compiles, some modules at a time, in the order in which they were asked for.
#[derive(Debug)]
pub(crate) struct Compiler {
    compiling: Compiling,
    turns: Semaphore,
}

/// One of the modules that are compiled at a time.
pub(crate) struct Turn<'a>(
    #[expect(dead_code, reason = "held, and given back when it goes")] SemaphorePermit<'a>,
);

impl Compiler {
    pub(crate) fn new(compiling: Compiling) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        // On one processor too a small module passes a large one.
        Self { compiling, turns: Semaphore::new(processors.max(2)) }
    }

    /// A turn, if nobody has to be waited for.
    pub(crate) fn turn_now(&self) -> Option<Turn<'_>> {
        self.turns.try_acquire().ok().map(Turn)
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn(self.turns.acquire().await.expect("the compiler never closes its turns"))
    }

    /// The machine code of a component, as the engine that serves loads it.
    pub(crate) async fn compile(&self, bytes: &Arc<[u8]>, _: &Turn<'_>) -> Result<Vec<u8>, CompileError> {
        match &self.compiling {
            Compiling::InChild { program, bounds } => child::compile(program, bounds, bytes).await,
            Compiling::Here => {
                let bytes = bytes.clone();
                let compiled = tokio::task::spawn_blocking(move || precompile(&bytes)).await;
                // The compiler met a case it does not know: its fault, but this module's affair.
                compiled.unwrap_or_else(|panic| Err(CompileError::Panicked(panic.to_string())))
            }
        }
    }
}

/// Whether a module brings along which of its source's lines its instructions are.
fn has_lines(bytes: &[u8]) -> bool {
    wasmparser::Parser::new(0).parse_all(bytes).map_while(Result::ok).any(
        |payload| matches!(payload, wasmparser::Payload::CustomSection(section) if section.name() == ".debug_line"),
    )
}

fn precompile(bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    // The compiler repeats names that stand in the module.
    let invalid = |error: wasmtime::Error| CompileError::Invalid(plain(&format!("{error:#}"), 2_000));
    engine::with_compiler(has_lines(bytes)).map_err(invalid)?.precompile_component(bytes).map_err(invalid)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_module_has_lines_where_one_of_its_parts_brings_them() {
        let check = |text: &str, expected: bool| {
            assert_eq!(has_lines(&wat::parse_str(text).unwrap()), expected, "{text}");
        };
        check("(component)", false);
        check("(component (core module (@custom \"name\" \"\")))", false);
        check("(component (core module (@custom \".debug_line\" \"\")))", true);
        check("(component (component (core module (@custom \".debug_line\" \"\"))))", true);
        assert!(!has_lines(b"no module"));
    }
}
