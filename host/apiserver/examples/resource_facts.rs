//! Turns recorded aggregated discovery into the compact table `src/resource/builtin.txt`.
//!
//! `cargo run -p windlass-apiserver --example resource_facts -- DIR OUT`, where DIR holds
//! `api-aggregated-v2.json` and `apis-aggregated-v2.json` as a real server answered them.

use std::{error::Error, fmt::Write as _, fs, path::Path};

use serde_json::Value;

const HEADER: &str = "\
# Every built-in resource, in discovery order. Made by examples/resource_facts.rs; do not edit.
# group NAME VERSION
# PLURAL KIND SCOPE SINGULAR VERBS [short=A,B] [category=A,B]
#   SUBRESOURCE KIND VERBS        (KIND is GROUP/VERSION/KIND where it differs from the group's)
";

/// The eight verbs nearly every resource has, in the order discovery lists them.
const ALL: &str = "create,delete,deletecollection,get,list,patch,update,watch";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: resource_facts DIR OUT".into());
    };
    let mut table = HEADER.to_owned();
    for file in ["api-aggregated-v2.json", "apis-aggregated-v2.json"] {
        let list: Value = serde_json::from_slice(&fs::read(Path::new(&dir).join(file))?)?;
        for group in array(&list, "items") {
            for version in array(group, "versions") {
                write_version(&mut table, group, version)?;
            }
        }
    }
    fs::write(out, table)?;
    Ok(())
}

fn write_version(table: &mut String, group: &Value, version: &Value) -> Result<(), Box<dyn Error>> {
    let name = group["metadata"]["name"].as_str().unwrap_or("-");
    writeln!(table, "group {name} {}", text(version, "version")?)?;
    for resource in array(version, "resources") {
        write!(
            table,
            "{} {} {} {} {}",
            text(resource, "resource")?,
            kind(resource)?,
            text(resource, "scope")?,
            text(resource, "singularResource")?,
            verbs(resource)
        )?;
        for (label, field) in [("short", "shortNames"), ("category", "categories")] {
            let names = joined(resource, field);
            if !names.is_empty() {
                write!(table, " {label}={names}")?;
            }
        }
        table.push('\n');
        for sub in array(resource, "subresources") {
            writeln!(table, "  {} {} {}", text(sub, "subresource")?, kind(sub)?, joined(sub, "verbs"))?;
        }
    }
    Ok(())
}

fn kind(of: &Value) -> Result<String, Box<dyn Error>> {
    let response = &of["responseKind"];
    let kind = text(response, "kind")?;
    Ok(match text(response, "group")? {
        "" => kind.to_owned(),
        group => format!("{group}/{}/{kind}", text(response, "version")?),
    })
}

fn verbs(resource: &Value) -> String {
    let verbs = joined(resource, "verbs");
    if verbs == ALL { "*".to_owned() } else { verbs }
}

fn joined(of: &Value, field: &str) -> String {
    array(of, field).filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

fn array<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of[field].as_array().into_iter().flatten()
}

fn text<'a>(of: &'a Value, field: &str) -> Result<&'a str, Box<dyn Error>> {
    of[field].as_str().ok_or_else(|| format!("`{field}` is not a string in {of}").into())
}
