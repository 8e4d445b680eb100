//! What the kernel says about a process: its memory and its processor time.

use anyhow::{Context as _, Result};
use std::{fs, time::Duration};

/// MiB of a process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident: pages of files that others map too are counted in full.
    pub rss: f64,
    /// Resident, what is shared divided among those who share it.
    pub pss: f64,
    /// Not of a file: what nobody could take away without swap.
    pub anonymous: f64,
}

/// The memory of a process, from its `smaps_rollup`.
///
/// # Errors
/// The process has ended, or belongs to somebody else.
pub fn memory(process: u32) -> Result<Memory> {
    let file = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let mib = |name: &str| {
        let line =
            file.lines().find(|line| line.starts_with(name)).context("another kernel's smaps_rollup")?;
        let kib: f64 = line.split_whitespace().nth(1).context("a figure")?.parse()?;
        Ok::<_, anyhow::Error>(kib / 1024.0)
    };
    Ok(Memory { rss: mib("Rss:")?, pss: mib("Pss:")?, anonymous: mib("Anonymous:")? })
}

/// Processor time of the threads that a process has, to the nanosecond; `stat` counts in steps of 10 ms.
///
/// # Errors
/// As [`memory`].
pub fn cpu(process: u32) -> Result<Duration> {
    let mut all_ns = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // One that has ended since.
        let Ok(file) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        all_ns += file.split_whitespace().next().context("a kernel without schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(all_ns))
}
