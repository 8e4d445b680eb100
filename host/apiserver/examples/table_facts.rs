//! Turns recorded Table columns into the compact table `src/table/columns.txt`.
//!
//! `cargo run -p windlass-apiserver --example table_facts -- FILE OPENAPI_V3_FOLDER OUT`, where FILE maps each list's
//! path to the `columnDefinitions` that a real server answered. Descriptions are prose and stay behind; where one is
//! that of a field in the OpenAPI documents, the field is named.

use std::{collections::BTreeMap, error::Error, fmt::Write as _, fs};

use serde_json::{Map, Value};

const HEADER: &str = "\
# The columns of built-in resources. Made by examples/table_facts.rs; do not edit.
# GROUP/VERSION/PLURAL NAME[:TYPE][=FORMAT][+][@FIELD]|...   (TYPE if not string; + is shown with -o wide only; FIELD is described so)
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(folder), Some(out)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: table_facts FILE OPENAPI_V3_FOLDER OUT".into());
    };
    let fields = described_fields(&folder)?;
    let recorded: Map<String, Value> = serde_json::from_slice(&fs::read(file)?)?;
    let mut table = HEADER.to_owned();
    for (path, columns) in &recorded {
        let key = path.trim_start_matches("/apis/").replace("/api/", "/");
        let columns: Vec<String> =
            columns.as_array().into_iter().flatten().map(|of| column(of, &fields)).collect();
        writeln!(table, "{key} {}", columns.join("|"))?;
    }
    fs::write(out, table)?;
    Ok(())
}

fn column(column: &Value, fields: &BTreeMap<String, String>) -> String {
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
    if let Some(field) = fields.get(text("description")) {
        out = format!("{out}@{field}");
    }
    out
}

/// The first field with each description: `meta.v1.ObjectMeta.name`.
fn described_fields(folder: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut fields = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for file in files {
        let document: Value = serde_json::from_slice(&fs::read(file.path())?)?;
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(description) = schema["description"].as_str() {
                    let entry = fields.entry(description.to_owned());
                    entry.or_insert_with(|| format!("{}.{field}", short(name)));
                }
            }
        }
    }
    Ok(fields)
}

/// Names without the parts that the server adds again.
fn short(name: &str) -> &str {
    let prefixes = [
        "io.k8s.api.",
        "io.k8s.apimachinery.pkg.apis.",
        "io.k8s.apiextensions-apiserver.pkg.apis.",
        "io.k8s.kube-aggregator.pkg.apis.",
    ];
    prefixes.into_iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}
