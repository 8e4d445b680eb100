//! Our side of the oracle: reads cases, one JSON value a line, and prints an answer a line, to be compared with those
//! of the real libraries. `tests/oracle` has the other side and starts this.
//!
//! `oracle SUBJECT < cases > answers`

use std::io::{BufRead as _, Write as _};
use std::{env, io};

mod answer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let subject = env::args().nth(1).ok_or("usage: oracle SUBJECT < cases")?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let case = serde_json::from_str(&line?)?;
        let answer = answer::answer(&subject, &case).ok_or("no such subject")?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
