//! ConfigMaps and Secrets: content that may be declared to stay, and text that becomes bytes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{DEFAULT, Strategy};
use crate::object;
use crate::status::Cause;

pub(super) const CONFIG_MAP: Strategy = Strategy { validate: stays, ..DEFAULT };
pub(super) const SECRET: Strategy = Strategy { default: text_to_data, validate: secret_stays, ..DEFAULT };

/// `stringData` is for writing only: it goes into `data`, and wins over what is there.
fn text_to_data(secret: &mut Value) {
    let map = object::as_map(secret);
    let Some(Value::Object(texts)) = map.remove("stringData") else { return };
    let data = object::child_mut(map, "data");
    for (key, text) in texts {
        data.insert(key, BASE64_STANDARD.encode(text.as_str().unwrap_or_default()).into());
    }
}

fn secret_stays(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = stays(new, old);
    if old.is_some_and(|old| old.get("type") != new.get("type")) {
        let shown = new.get("type").cloned().unwrap_or_default().to_string();
        causes.push(Cause::invalid("type", &shown, "field is immutable"));
    }
    causes
}

/// What is immutable keeps its content and stays immutable.
fn stays(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let Some(old) = old.filter(|old| old.get("immutable") == Some(&Value::Bool(true))) else {
        return Vec::new();
    };
    let why = "field is immutable when `immutable` is set";
    let fields = ["immutable", "data", "binaryData"].into_iter();
    fields
        .filter(|field| new.get(*field) != old.get(*field))
        .map(|field| Cause::forbidden(field, why))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_data_and_wins() {
        let mut secret = json!({"data": {"a": "eA==", "b": "eA=="}, "stringData": {"a": "y"}});
        text_to_data(&mut secret);
        assert_eq!(secret, json!({"data": {"a": "eQ==", "b": "eA=="}}));
    }

    #[test]
    fn immutable_content_stays() {
        let old = json!({"immutable": true, "data": {"a": "b"}});
        assert!(stays(&old, Some(&old)).is_empty());
        let changed = json!({"immutable": true, "data": {"a": "c"}});
        assert_eq!(stays(&changed, Some(&old)).len(), 1);
        assert!(stays(&changed, Some(&json!({"data": {}}))).is_empty());
    }
}
