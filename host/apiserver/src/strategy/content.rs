//! ConfigMaps and Secrets: keys that could be file names, content that may be declared to stay, and text that becomes
//! bytes.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{DEFAULT, Strategy};
use crate::object;
use crate::status::Cause;

pub(super) const CONFIG_MAP: Strategy = Strategy { validate: config_map, ..DEFAULT };
pub(super) const SECRET: Strategy = Strategy { default: text_to_data, validate: secret, ..DEFAULT };

/// `stringData` is for writing only: it goes into `data`, and wins over what is there.
fn text_to_data(secret: &mut Value) {
    let map = object::as_map(secret);
    let Some(Value::Object(texts)) = map.remove("stringData") else { return };
    let data = object::child_mut(map, "data");
    for (key, text) in texts {
        data.insert(key, BASE64_STANDARD.encode(text.as_str().unwrap_or_default()).into());
    }
}

const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
                   'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const KEY_LENGTH_MAX: usize = 253;

fn config_map(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = keys(new, "data");
    let texts = new.get("data").and_then(Value::as_object);
    let twice =
        |key: &&String| new.pointer("/binaryData").and_then(|bytes| bytes.get(key.as_str())).is_some();
    let twice = texts.into_iter().flat_map(|texts| texts.keys().filter(twice));
    causes.extend(twice.map(|key| {
        Cause::invalid(format!("data[{key}]"), &format!("{key:?}"), "duplicate of key present in binaryData")
    }));
    causes.extend(keys(new, "binaryData"));
    causes.extend(stays(new, old));
    causes
}

/// Keys become file names where the object is mounted.
fn keys(of: &Value, field: &str) -> Vec<Cause> {
    let found = of.get(field).and_then(Value::as_object);
    let wrong = found.into_iter().flat_map(|content| content.keys()).flat_map(|key| {
        wrong_key(key)
            .into_iter()
            .map(move |why| Cause::invalid(format!("{field}[{key}]"), &format!("{key:?}"), why))
    });
    wrong.collect()
}

fn wrong_key(key: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if key.len() > KEY_LENGTH_MAX {
        wrong.push("must be no more than 253 characters");
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if key.is_empty() || !key.bytes().all(fits) {
        wrong.push(KEY);
    }
    match key {
        "." => wrong.push("must not be '.'"),
        ".." => wrong.push("must not be '..'"),
        _ if key.starts_with("..") => wrong.push("must not start with '..'"),
        _ => {}
    }
    wrong
}

fn secret(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = keys(new, "data");
    causes.extend(stays(new, old));
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
    fn a_key_that_can_be_no_file_name_is_refused() {
        let why = |key: &str| {
            let causes = config_map(&json!({"data": {key: "x"}}), None);
            causes.into_iter().map(|cause| (cause.field, cause.message)).collect::<Vec<_>>()
        };
        assert_eq!(why("a.b-C_1"), []);
        let [(field, message)] = why("a b").try_into().unwrap_or_default();
        assert_eq!((field.as_str(), message), ("data[a b]", format!("Invalid value: \"a b\": {KEY}")));
        assert_eq!(why("..a")[0].1, "Invalid value: \"..a\": must not start with '..'");
        assert_eq!(why(&"a".repeat(254)).len(), 1);
        let twice = json!({"data": {"a": "x"}, "binaryData": {"a": "eA=="}});
        assert_eq!(config_map(&twice, None).len(), 1);
        assert_eq!(secret(&json!({"data": {"a/b": "eA=="}}), None).len(), 1);
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
