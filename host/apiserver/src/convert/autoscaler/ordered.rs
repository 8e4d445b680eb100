//! JSON with its keys in a given order, written as Go writes it.

use serde_json::Value;

/// An object of the members that there are.
pub(super) fn ordered(members: &[(&str, Option<String>)]) -> String {
    let mut out = String::from("{");
    for (key, value) in members {
        let Some(value) = value else { continue };
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&format!("\"{key}\":{value}"));
    }
    out + "}"
}

/// A value as Go writes it: what could end a script in a page is escaped.
pub(super) fn escaped(value: &Value) -> String {
    crate::status::escape_html(&value.to_string())
}
