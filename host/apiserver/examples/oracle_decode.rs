//! Decodes Deployments, one a line, and prints what would be stored and the unknown fields: the counterpart of a
//! program that decodes and encodes them by Go's types, to be compared line by line.

use std::io::{self, BufRead as _, Write as _};

use serde_json::Value;
use windlass_apiserver::schema::{FieldValidation, builtin, decode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = builtin("apps", "v1", "Deployment").ok_or("no Deployment")?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let mut object: Value = serde_json::from_str(&line?)?;
        match decode(&schema, &mut object, FieldValidation::Warn, Vec::new()) {
            Ok(mut unknown) => {
                unknown.sort();
                writeln!(out, "{object}")?;
                writeln!(out, "WARN {}", unknown.join(", "))?;
            }
            Err(error) => writeln!(out, "ERR {error}")?,
        }
    }
    Ok(())
}
