//! Applies strategic merge patches to Deployments, one JSON document `{"original": …, "patch": …}` a line, and prints
//! each result: the counterpart of a program that calls the real library, to be compared line by line.

use std::io::{self, BufRead as _, Write as _};

use serde_json::Value;
use windlass_apiserver::patch::strategic_patch;
use windlass_apiserver::schema::builtin;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = builtin("apps", "v1", "Deployment").ok_or("no Deployment")?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let mut case: Value = serde_json::from_str(&line?)?;
        let patch = case["patch"].take();
        let mut object = case["original"].take();
        match strategic_patch(&mut object, patch, &schema) {
            Ok(()) => writeln!(out, "{object}")?,
            Err(error) => writeln!(out, "ERR {}", error.to_string().replace('\n', "|"))?,
        }
    }
    Ok(())
}
