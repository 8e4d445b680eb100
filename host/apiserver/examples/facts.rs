//! Turns recorded OpenAPI v3 documents into the table of facts that the server reads at run time.
//!
//! `cargo run -p windlass-apiserver --example facts -- OPENAPI_V3_FOLDER SHAPES > host/apiserver/facts/types.txt`
//!
//! `SHAPES` is what `go run .` prints in `host/apiserver/facts/shapes`: the order of fields and how Go's encoder
//! treats empty ones. The form of the table is described in `host/apiserver/facts/README.md`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::{env, fs};

use serde_json::Value;

/// How Go sees one field.
struct GoField {
    name: String,
    flags: String,
    type_name: String,
}

/// Go's fields by definition, in the order that its encoder writes them.
type Shapes = BTreeMap<String, Vec<GoField>>;
type Definitions = BTreeMap<String, Value>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, shapes] = arguments.as_slice() else {
        return Err("usage: facts OPENAPI_V3_FOLDER SHAPES".into());
    };
    let definitions = read_definitions(folder)?;
    let shapes = read_shapes(&fs::read_to_string(shapes)?)?;
    let table = write_table(&definitions, &shapes)?;
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}

/// All definitions of all documents. The few that differ between documents differ only in the list of kinds they
/// serve (`DeleteOptions`, `WatchEvent`); the core document's wins.
fn read_definitions(folder: &str) -> Result<Definitions, Box<dyn std::error::Error>> {
    let mut paths: Vec<_> = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    paths.sort_by_key(fs::DirEntry::path);
    let mut all = Definitions::new();
    for entry in paths {
        let document: Value = serde_json::from_slice(&fs::read(entry.path())?)?;
        if let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object) {
            for (name, schema) in schemas {
                all.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
    }
    Ok(all)
}

fn read_shapes(text: &str) -> Result<Shapes, String> {
    let mut shapes = Shapes::new();
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let [definition, name, flags, type_name] = words[..] else {
            return Err(format!("not a shape: {line}"));
        };
        shapes.entry(definition.to_owned()).or_default().push(GoField {
            name: name.to_owned(),
            flags: flags.to_owned(),
            type_name: type_name.to_owned(),
        });
    }
    Ok(shapes)
}

fn write_table(definitions: &Definitions, shapes: &Shapes) -> Result<String, String> {
    let mut out = String::new();
    for (name, schema) in definitions {
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |key: &str| kind[key].as_str().unwrap_or_default().to_owned();
            let group = if word("group").is_empty() { "-".to_owned() } else { word("group") };
            if word("kind") != name.rsplit('.').next().unwrap_or_default() {
                continue;
            }
            // Options and watch events are listed once for each group; only the ones of their own package are kinds.
            if name.contains(".meta.v1.") && group != "-" {
                continue;
            }
            out.push_str(&format!("K {group} {} {} {}\n", word("version"), word("kind"), short(name)));
        }
    }
    for (name, schema) in definitions {
        write_definition(&mut out, name, schema, shapes)?;
    }
    Ok(out)
}

fn write_definition(out: &mut String, name: &str, schema: &Value, shapes: &Shapes) -> Result<(), String> {
    let Some(properties) = schema["properties"].as_object() else {
        out.push_str(&format!("T {} = {}\n", short(name), leaf(name, schema)?));
        return Ok(());
    };
    out.push_str(&format!("T {}", short(name)));
    if schema["x-kubernetes-map-type"] == "atomic" {
        out.push_str(" A");
    }
    let required = words(&schema["required"])?;
    if !required.is_empty() {
        out.push_str(&format!(" !{}", required.join(",")));
    }
    for union in schema["x-kubernetes-unions"].as_array().into_iter().flatten() {
        out.push_str(&format!(" {}", union_word(union)));
    }
    out.push('\n');
    let empty = Vec::new();
    let shape = shapes.get(name).unwrap_or(&empty);
    let position = |field: &str| shape.iter().position(|known| known.name == field);
    let mut fields: Vec<_> = properties.iter().collect();
    fields.sort_by_key(|(field, _)| position(field).unwrap_or(usize::MAX));
    for (field, property) in fields {
        let go = position(field).map(|at| &shape[at]);
        write_field(out, field, property, go)?;
    }
    Ok(())
}

/// `U=discriminator:field=Value,…`.
fn union_word(union: &Value) -> String {
    let fields = union["fields-to-discriminateBy"].as_object().into_iter().flatten();
    let fields: Vec<String> =
        fields.map(|(field, value)| format!("{field}={}", value.as_str().unwrap_or_default())).collect();
    format!("U={}:{}", union["discriminator"].as_str().unwrap_or_default(), fields.join(","))
}

fn write_field(out: &mut String, name: &str, property: &Value, go: Option<&GoField>) -> Result<(), String> {
    let kind = type_of(property)?;
    let flags = go.map_or("-", |go| go.flags.as_str());
    out.push_str(&format!(" {name} {kind} {flags}"));
    if let Some(value) = property.get("default") {
        out.push_str(&format!(" d={value}"));
    }
    match property["x-kubernetes-list-type"].as_str() {
        Some("map") => {
            out.push_str(&format!(" l={}", words(&property["x-kubernetes-list-map-keys"])?.join(",")));
        }
        Some("set") => out.push_str(" l=*"),
        Some("atomic") => out.push_str(" t=a"),
        None => {}
        Some(other) => return Err(format!("unknown list type {other}")),
    }
    match property["x-kubernetes-map-type"].as_str() {
        Some("atomic") => out.push_str(" A"),
        Some("granular") => out.push_str(" t=g"),
        _ => {}
    }
    if property.get("$ref").is_some() {
        out.push_str(" t=r");
    }
    for (letter, key) in [('p', "x-kubernetes-patch-strategy"), ('k', "x-kubernetes-patch-merge-key")] {
        if let Some(value) = property[key].as_str() {
            out.push_str(&format!(" {letter}={value}"));
        }
    }
    let of_items = property.get("enum").or_else(|| property["items"].get("enum")).map(|values| ('e', values));
    let of_values = property["additionalProperties"].get("enum").map(|values| ('v', values));
    if let Some((letter, values)) = of_items.or(of_values) {
        let values: Vec<&str> = values.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if values.iter().any(|value| value.contains(',')) {
            return Err(format!("{name}: a comma in an enum does not fit into the table"));
        }
        out.push_str(&format!(" {letter}={}", values.join(",").replace(' ', "%20")));
    }
    if let Some(go) = go.filter(|go| says_more(&kind, &go.type_name)) {
        out.push_str(&format!(" g={}", go.type_name));
    }
    out.push('\n');
    Ok(())
}

/// Whether Go's name for a scalar is another than the plain one its format gives.
fn says_more(kind: &str, go: &str) -> bool {
    if go.contains("ResourceList") {
        return true;
    }
    let scalar = kind.trim_start_matches(['[', ']', '{', '}']);
    let plain = match scalar {
        "string" | "bool" => scalar,
        "i32" => "int32",
        "i64" => "int64",
        "number" => "float64",
        "bytes" => "[]uint8",
        _ => return false,
    };
    let named = go.rsplit(']').next().unwrap_or(go);
    named != plain && go != plain
}

fn type_of(schema: &Value) -> Result<String, String> {
    if let Some(target) = schema["allOf"][0]["$ref"].as_str().or_else(|| schema["$ref"].as_str()) {
        return Ok(format!("&{}", short(target.rsplit('/').next().unwrap_or(target))));
    }
    let format = schema["format"].as_str();
    Ok(match (schema["type"].as_str(), format) {
        (Some("string"), None) => "string".to_owned(),
        (Some("string"), Some("byte")) => "bytes".to_owned(),
        (Some("boolean"), None) => "bool".to_owned(),
        (Some("integer"), Some("int32")) => "i32".to_owned(),
        (Some("integer"), Some("int64")) => "i64".to_owned(),
        (Some("number"), Some("double")) => "number".to_owned(),
        (Some("array"), None) => format!("[]{}", type_of(&schema["items"])?),
        (Some("object"), None) => format!("{{}}{}", type_of(&schema["additionalProperties"])?),
        other => return Err(format!("unknown type {other:?}")),
    })
}

/// A definition without fields.
fn leaf(name: &str, schema: &Value) -> Result<&'static str, String> {
    let last = name.rsplit('.').next().unwrap_or(name);
    Ok(match (last, schema["type"].as_str()) {
        ("Quantity", _) => "quantity",
        ("IntOrString", _) => "int-or-string",
        ("Time", _) => "time",
        ("MicroTime", _) => "micro-time",
        (
            "JSON" | "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrStringArray",
            None,
        ) => "any",
        ("RawExtension" | "FieldsV1" | "Patch", Some("object")) => "free-object",
        ("CustomResourceSubresourceStatus", Some("object")) => "empty-object",
        _ => return Err(format!("unknown leaf {name}")),
    })
}

/// Names without the parts that nearly all share.
fn short(name: &str) -> String {
    let name = name.strip_prefix("io.k8s.").unwrap_or(name);
    if let Some(rest) = name.strip_prefix("api.") {
        return rest.to_owned();
    }
    match name.strip_prefix("apimachinery.pkg.apis.").or_else(|| name.strip_prefix("apimachinery.pkg.")) {
        Some(rest) => rest.to_owned(),
        None => {
            name.replace("apiextensions-apiserver.pkg.apis.", "").replace("kube-aggregator.pkg.apis.", "")
        }
    }
}

/// A list of words without blanks or commas, which is all that the table can hold.
fn words(list: &Value) -> Result<Vec<&str>, String> {
    let list: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match list.iter().find(|word| word.contains([' ', ','])) {
        Some(bad) => Err(format!("{bad:?} does not fit into the table")),
        None => Ok(list),
    }
}
