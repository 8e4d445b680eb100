//! Runs recorded sequences of applies and updates, one JSON document a line, and prints each result: the counterpart of
//! a program that calls the real merge library, to be compared line by line.
//!
//! `oracle_apply CRD_SCHEMA < cases > ours`

use std::io::{BufRead as _, Write as _};
use std::{env, fs, io};

use serde_json::{Value, json};
use windlass_apiserver::apply::{Ctx, Set, apply, track_update};
use windlass_apiserver::schema::{builtin, structural};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::args().nth(1).ok_or("usage: oracle_apply CRD_SCHEMA < cases")?;
    let widget = structural(&serde_json::from_str(&fs::read_to_string(path)?)?);
    let deployment = builtin("apps", "v1", "Deployment").ok_or("no Deployment")?;
    let reset = Set::of_fields(&[&["status"]]);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let is_widget = case["kind"] == "Widget";
        let mut live: Option<Value> = None;
        for op in case["ops"].as_array().into_iter().flatten() {
            let ctx = Ctx {
                manager: op["manager"].as_str().unwrap_or_default(),
                api_version: if is_widget { "x.example.com/v1" } else { "apps/v1" },
                kind: if is_widget { "Widget" } else { "Deployment" },
                subresource: "",
                force: op["force"] == true,
                now: "2026-01-01T00:00:00Z",
                schema: if is_widget { &widget } else { &deployment },
                reset: &reset,
            };
            // The other side starts from an empty object, as for custom resources, whatever the kind.
            let empty = json!({"apiVersion": ctx.api_version, "kind": ctx.kind});
            let from = live.as_ref().unwrap_or(&empty);
            let result = if op["op"] == "apply" {
                apply(Some(from), &op["object"], &ctx).map_err(|error| error.to_string())
            } else {
                let mut new = op["object"].clone();
                if let Some(live) = &live {
                    if let Some(managed) = live["metadata"].get("managedFields") {
                        new["metadata"]["managedFields"] = managed.clone();
                    }
                    new["metadata"]["uid"] = "u".into();
                }
                track_update(Some(from), &mut new, &ctx);
                Ok(new)
            };
            match result {
                Err(error) => writeln!(out, "ERR {}", error.replace('\n', "|"))?,
                Ok(mut new) => {
                    new["metadata"]["uid"] = "u".into();
                    let mut shown = new.clone();
                    let managed = shown.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
                    for entry in managed.into_iter().flatten() {
                        if entry.get("time").is_some() {
                            entry["time"] = "T".into();
                        }
                    }
                    writeln!(out, "{shown}")?;
                    live = Some(new);
                }
            }
        }
        writeln!(out, "--")?;
    }
    Ok(())
}
