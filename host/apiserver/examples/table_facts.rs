//! Turns recorded Table columns into the compact table `src/table/columns.txt`.
//!
//! `cargo run -p windlass-apiserver --example table_facts -- FILE OUT`, where FILE maps each list's path to the
//! `columnDefinitions` that a real server answered. Descriptions are prose and stay behind.

use std::{error::Error, fmt::Write as _, fs};

use serde_json::{Map, Value};

const HEADER: &str = "\
# The columns of built-in resources. Made by examples/table_facts.rs; do not edit.
# GROUP/VERSION/PLURAL NAME[:TYPE][=FORMAT][+]|...   (TYPE if not string; + is shown with -o wide only)
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: table_facts FILE OUT".into());
    };
    let recorded: Map<String, Value> = serde_json::from_slice(&fs::read(file)?)?;
    let mut table = HEADER.to_owned();
    for (path, columns) in &recorded {
        let key = path.trim_start_matches("/apis/").replace("/api/", "/");
        let columns: Vec<String> = columns.as_array().into_iter().flatten().map(column).collect();
        writeln!(table, "{key} {}", columns.join("|"))?;
    }
    fs::write(out, table)?;
    Ok(())
}

fn column(column: &Value) -> String {
    let text = |field: &str| column[field].as_str().unwrap_or_default();
    let mut out = text("name").to_owned();
    if text("type") != "string" {
        out = format!("{out}:{}", text("type"));
    }
    if !text("format").is_empty() {
        out = format!("{out}={}", text("format"));
    }
    if column["priority"] != 0 {
        out.push('+');
    }
    out
}
