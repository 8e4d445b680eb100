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
        crate::validate::texts::config_key(key)
            .into_iter()
            .map(move |why| Cause::invalid(format!("{field}[{key}]"), &format!("{key:?}"), &why))
    });
    wrong.collect()
}

fn secret(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    if old.is_some_and(|old| old.get("type") != new.get("type")) {
        let shown = new.get("type").cloned().unwrap_or_default().to_string();
        causes.push(Cause::invalid("type", &shown, "field is immutable"));
    }
    causes.extend(stays(new, old));
    causes.extend(keys(new, "data"));
    causes.extend(of_type(new));
    causes
}

/// What a Secret of a known type cannot be without.
fn of_type(secret: &Value) -> Vec<Cause> {
    let has = |key: &str| secret["data"].get(key).is_some();
    let missing = |key: &&str| Cause::required(format!("data[{key}]"), "");
    match secret["type"].as_str().unwrap_or_default() {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            let given = object::annotations(secret).and_then(|held| held.get(name)?.as_str());
            let missing = given.unwrap_or_default().is_empty();
            missing
                .then(|| Cause::required(format!("metadata.annotations[{name}]"), ""))
                .into_iter()
                .collect()
        }
        "kubernetes.io/dockercfg" => json_under(secret, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_under(secret, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            ["username", "password"].iter().map(missing).collect()
        }
        "kubernetes.io/ssh-auth"
            if secret["data"]["ssh-privatekey"].as_str().unwrap_or_default().is_empty() =>
        {
            vec![missing(&"ssh-privatekey")]
        }
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].iter().filter(|key| !has(key)).map(missing).collect(),
        _ => Vec::new(),
    }
}

fn json_under(secret: &Value, key: &str) -> Vec<Cause> {
    let Some(text) = secret["data"].get(key).and_then(Value::as_str) else {
        return vec![Cause::required(format!("data[{key}]"), "")];
    };
    let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_) | Value::Null) => Vec::new(),
        Ok(_) | Err(_) if bytes.is_empty() => {
            let why = "unexpected end of JSON input";
            vec![Cause::invalid(format!("data[{key}]"), "\"<secret contents redacted>\"", why)]
        }
        _ => {
            let first = String::from_utf8_lossy(&bytes).chars().next().unwrap_or(' ');
            let why = format!("invalid character '{first}' looking for beginning of value");
            vec![Cause::invalid(format!("data[{key}]"), "\"<secret contents redacted>\"", &why)]
        }
    }
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
        assert_eq!(
            (field.as_str(), message),
            (
                "data[a b]",
                format!("Invalid value: \"a b\": {}", crate::validate::texts::config_key("a b")[0])
            )
        );
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
