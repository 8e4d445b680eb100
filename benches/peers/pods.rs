//! Writes Pods to standard output, as JSON lines: what the cache is measured with, the same for all sides.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin pods -- 100000 > pods.jsonl`
//! With `--managed` each has its `managedFields`.

use std::io::{self, BufWriter, Write};
use windlass_peers::pods;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let managed = arguments.iter().any(|argument| argument == "--managed");
    let mut out = BufWriter::new(io::stdout().lock());
    for item in pods::made(count, managed) {
        out.write_all(pods::file_line(&item).as_bytes())?;
    }
    out.flush()
}
