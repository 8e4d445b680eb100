//! The child's side: one order in, one answer out.
//!
//! An order is a line of JSON and the module's bytes; the answer is a line of JSON and the machine code. The order's
//! stream stays open until the answer is there: when it ends early the host is gone, and so is the child.

use super::{CompileBounds, CompileError, ENGINE_VERSION, precompile};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    thread,
};

/// What is to be done.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Both must be the same program, or nearly.
    pub(super) engine: String,
    /// So many bytes follow.
    pub(super) module_bytes: usize,
    /// What this may cost.
    pub(super) bounds: CompileBounds,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// So many bytes of machine code follow.
    Compiled {
        /// How many.
        code_bytes: u64,
        /// The most memory that was in use, where the system tells.
        memory_bytes: Option<u64>,
    },
    /// The component is not valid.
    Invalid(String),
    /// The order was for another version.
    OtherEngine(String),
}

/// A longer first line is no order and no answer.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 10;

/// Does what a [`Compiler`](super::Compiler) orders over a stream, and answers over another one. To be called by a
/// program that was started for it, before that has threads: the process is bounded for the rest of its life, and
/// killed when the first stream ends before the answer is written.
///
/// # Errors
/// When the order is none, a bound cannot be set, or the answer cannot be written.
pub fn compile_as_ordered(orders: impl Read + Send + 'static, mut answers: impl Write) -> io::Result<()> {
    let mut orders = BufReader::new(orders);
    let mut line = String::new();
    orders.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    order.bounds.hold()?;
    let mut bytes = vec![0; order.module_bytes];
    orders.read_exact(&mut bytes)?;
    thread::Builder::new().name("host-alive".into()).spawn(move || end_with_the_host(orders))?;
    let (answer, code) = match order.engine {
        engine if engine != ENGINE_VERSION => (Answer::OtherEngine(ENGINE_VERSION.to_owned()), Vec::new()),
        _ => compiled(&bytes),
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    answers.write_all(&line)?;
    answers.write_all(&code)?;
    answers.flush()
}

fn compiled(bytes: &[u8]) -> (Answer, Vec<u8>) {
    match precompile(bytes) {
        Ok(code) => {
            let code_bytes = code.len() as u64;
            (Answer::Compiled { code_bytes, memory_bytes: memory_bytes_max() }, code)
        }
        Err(CompileError::Invalid(why)) => (Answer::Invalid(why), Vec::new()),
        Err(error) => (Answer::Invalid(error.to_string()), Vec::new()),
    }
}

/// A host that was killed cannot kill its children; but its end of the stream is closed.
fn end_with_the_host(mut orders: impl Read) {
    drop(io::copy(&mut orders, &mut io::sink()));
    // There is no process that may not end itself.
    kill_process(getpid(), Signal::KILL).unwrap_or_default();
}

/// The kernel's high-water mark of this process.
fn memory_bytes_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
