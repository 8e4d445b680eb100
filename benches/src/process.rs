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

/// Processor time of all threads of a process, in steps of 10 ms.
///
/// # Errors
/// As [`memory`].
pub fn cpu(process: u32) -> Result<Duration> {
    let file = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name is in brackets and may hold anything.
    let rest = file.rsplit_once(')').context("another kernel's stat")?.1;
    let ticks = |nth: usize| -> Result<u64> {
        Ok(rest.split_whitespace().nth(nth).context("another kernel's stat")?.parse()?)
    };
    // USER_HZ is 100 on every platform that Linux has.
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}
