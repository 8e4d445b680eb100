//! What a label's key and value may look like, in the words of the real server.

use crate::strategy::NameRule;

const PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LENGTH_MAX: usize = 63;

/// What is wrong with a key; empty if nothing is.
pub(super) fn key_faults(key: &str) -> Vec<String> {
    let parts: Vec<&str> = key.split('/').collect();
    let (prefix, name) = match parts[..] {
        [name] => (None, name),
        [prefix, name] => (Some(prefix), name),
        _ => {
            let optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {PART} {optional}")];
        }
    };
    let mut faults = match prefix {
        Some("") => vec!["prefix part must be non-empty".to_owned()],
        Some(prefix) => {
            let faults = NameRule::Subdomain.faults(prefix).into_iter();
            faults
                .map(|fault| format!("prefix part {}", fault.replace("53 characters", "53 bytes")))
                .collect()
        }
        None => Vec::new(),
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > LENGTH_MAX {
        faults.push(format!("name part must be no more than {LENGTH_MAX} bytes"));
    }
    if !is_part(name) {
        faults.push(format!("name part {PART}"));
    }
    faults
}

/// What is wrong with a value; empty if nothing is.
pub(super) fn value_faults(value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if value.len() > LENGTH_MAX {
        faults.push(format!("must be no more than {LENGTH_MAX} bytes"));
    }
    if !value.is_empty() && !is_part(value) {
        faults.push(VALUE.to_owned());
    }
    faults
}

fn is_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}
