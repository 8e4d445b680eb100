//! A thousand strangers in one process, in figures: `benches/sandbox`.
//!
//! `cargo bench -p windlass-benches --bench sandbox -- cost ring` measures single parts; `--quick` with fewer rounds and
//! modules. The last lines are a table; it fails if an aim is missed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod cost;
mod kill;
mod memory;
mod plot;
mod reload;
mod ring;

use anyhow::{Result, bail};
use std::{env, time::Instant};
use windlass_benches::{figure::Figures, stranger::Stranger};

/// What can be measured, in this order: what wants a quiet machine before what takes minutes.
const PARTS: [&str; 5] = ["cost", "ring", "kill", "reload", "memory"];

/// What all parts share.
pub(crate) struct Bench {
    /// The rows so far.
    pub(crate) figures: Figures,
    /// The small module.
    pub(crate) stranger: Stranger,
    /// Fewer rounds, fewer modules.
    pub(crate) quick: bool,
    /// No more modules than that at a time.
    pub(crate) modules_max: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // `--bench` is Cargo's.
    let (flags, parts): (Vec<_>, Vec<_>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        bail!("there is no part {unknown}; there are {}", PARTS.join(", "));
    }
    let quick = flags.iter().any(|flag| flag == "--quick");
    let modules_max = flags.iter().find_map(|flag| flag.strip_prefix("--modules-max=")).map(str::parse);
    let modules_max = modules_max.transpose()?.unwrap_or(if quick { 100 } else { usize::MAX });
    let stranger = Stranger::build()?;
    let mut bench = Bench { figures: Figures::default(), stranger, quick, modules_max };
    for part in PARTS.into_iter().filter(|part| parts.is_empty() || parts.iter().any(|wanted| wanted == part))
    {
        let begun = Instant::now();
        match part {
            "cost" => cost::measure(&mut bench).await?,
            "ring" => ring::measure(&mut bench).await?,
            "kill" => kill::measure(&mut bench).await?,
            "reload" => reload::measure(&mut bench).await?,
            _ => memory::measure(&mut bench).await?,
        }
        eprintln!("== {part} took {:.0} s", begun.elapsed().as_secs_f64());
    }
    println!("\n{}", bench.figures);
    match bench.figures.missed() {
        0 => Ok(()),
        missed => bail!("{missed} of the aims were missed"),
    }
}
