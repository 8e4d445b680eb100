//! What compiling one module may use, and how a child holds itself to it.

use rustix::{
    process::{DumpableBehavior, Resource, Rlimit, nice, set_dumpable_behavior, setrlimit},
    thread::set_no_new_privs,
};
use serde::{Deserialize, Serialize};
use std::{io, time::Duration};

/// What compiling one module may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileBounds {
    /// From its start to its end, waiting for a processor included.
    pub wall_max: Duration,
    /// Processor time, over all threads; whole seconds.
    pub cpu_max: Duration,
    /// Memory that it writes to.
    pub memory_bytes_max: u64,
    /// Machine code that it makes.
    pub code_bytes_max: u64,
}

impl Default for CompileBounds {
    /// Python's and JavaScript's runtimes take 20 s of one processor and make 36 MiB of code.
    fn default() -> Self {
        Self {
            wall_max: Duration::from_secs(120),
            cpu_max: Duration::from_secs(120),
            memory_bytes_max: 2 << 30,
            code_bytes_max: 256 << 20,
        }
    }
}

/// Files that a child has open at a time: its three streams, and what the standard library looks at.
const FILES_MAX: u64 = 16;

/// Serving goes before compiling.
const NICENESS: i32 = 5;

impl CompileBounds {
    /// Holds this process to them for the rest of its life, and gives up what a compiler does not need: files, core
    /// dumps, new privileges, being looked into by processes of the same user.
    pub(super) fn hold(&self) -> io::Result<()> {
        // If memory runs out, this process goes and not the host. Where there is no such file, nothing is lost.
        drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
        nice(NICENESS)?;
        set_no_new_privs(true)?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        let at_most = |resource, soft: u64, hard: u64| {
            setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
        };
        let seconds = self.cpu_max.as_secs().max(1);
        // First the signal that says why, then the one that cannot be survived.
        at_most(Resource::Cpu, seconds, seconds + 1)?;
        // Not the address space: that counts what allocators reserve and never touch.
        at_most(Resource::Data, self.memory_bytes_max, self.memory_bytes_max)?;
        at_most(Resource::Nofile, FILES_MAX, FILES_MAX)?;
        at_most(Resource::Fsize, 0, 0)?;
        Ok(at_most(Resource::Core, 0, 0)?)
    }
}
