//! A document in short: one line for each path and schema, with a digest of it. The documents of a real server are
//! megabytes of which most is said many times; the lines tell what differs, and a real server tells how.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The lines of one document, texts for people left out of it.
pub(crate) fn lines(document: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = document.clone();
    for part in ["/paths", "/components/schemas"] {
        let Some(Value::Object(held)) = rest.pointer_mut(part).map(Value::take) else { continue };
        lines.extend(held.into_iter().map(|(name, value)| format!("{name} {}", digest(&value))));
    }
    lines.push(format!("rest {}", digest(&rest)));
    lines
}

fn digest(value: &Value) -> String {
    let bare = without_prose(value, false).to_string();
    let digest = Sha256::digest(bare);
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value without descriptions; below `properties`, `description` is the name of a field.
fn without_prose(value: &Value, names: bool) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| names || *key != "description" || !value.is_string())
            .map(|(key, value)| (key.clone(), without_prose(value, key == "properties")))
            .collect(),
        Value::Array(items) => items.iter().map(|item| without_prose(item, false)).collect(),
        other => other.clone(),
    }
}
