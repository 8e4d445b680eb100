//! Reads the lines of all programs from standard input and prints one table; `benches/compare` runs them. Fails if an
//! aim is missed.

use std::{
    io::{self, BufRead},
    process::ExitCode,
};
use windlass_peers::comparison::Comparison;

fn main() -> io::Result<ExitCode> {
    let mut comparison = Comparison::default();
    for line in io::stdin().lock().lines() {
        comparison.line(&line?).map_err(io::Error::other)?;
    }
    let (table, missed) = comparison.table();
    print!("{table}");
    if missed.is_empty() {
        println!("\nEvery aim is met.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nMissed or not measured: {}", missed.join(", "));
    Ok(ExitCode::FAILURE)
}
