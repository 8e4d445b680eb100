//! Writes Pods to standard output, as JSON lines: what the cache is measured with, for peers in other languages.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin pods -- 100000 | go run -C benches/client-go .`
//! With `--managed` each has its `managedFields`.

use std::io::{self, BufWriter, Write};
use windlass_peers::pods::Pod;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let managed = arguments.iter().any(|argument| argument == "--managed");
    let mut out = BufWriter::new(io::stdout().lock());
    for n in 0..count {
        let item = Pod { n, version: n + 1, managed }.item();
        // An item of a list has neither; a line of its own needs both.
        writeln!(out, "{{\"kind\":\"Pod\",\"apiVersion\":\"v1\",{}", &item[1..])?;
    }
    out.flush()
}
