//! Writes a JSON value as YAML: keys sorted, lists at their key's own indentation, as Kubernetes' library does.

use serde_json::Value;

use super::scalar;

/// Columns after which a text goes on in the next line.
const WIDTH: usize = 80;

/// Writes the value and a newline.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => write_map(map, 0, out),
        Value::Array(items) if !items.is_empty() => write_list(items, 0, out),
        _ => {
            write_scalar(value, 0, out);
            out.push('\n');
        }
    }
}

fn write_map(map: &serde_json::Map<String, Value>, indent: usize, out: &mut String) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            pad(indent, out);
        }
        write_text(key, indent, true, out);
        out.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                pad(indent + 2, out);
                write_map(inner, indent + 2, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                pad(indent, out);
                write_list(items, indent, out);
            }
            _ => {
                out.push(' ');
                write_scalar(value, indent, out);
                out.push('\n');
            }
        }
    }
}

fn write_list(items: &[Value], indent: usize, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            pad(indent, out);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(map, indent + 2, out),
            Value::Array(inner) if !inner.is_empty() => write_list(inner, indent + 2, out),
            _ => {
                write_scalar(item, indent, out);
                out.push('\n');
            }
        }
    }
}

fn write_scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::String(text) => write_text(text, indent, false, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        Value::Number(_) => {
            let mut bytes = Vec::new();
            crate::wire::json::write_sorted(value, &mut bytes);
            out.push_str(&String::from_utf8_lossy(&bytes));
        }
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

fn write_text(text: &str, indent: usize, is_key: bool, out: &mut String) {
    let printable = |character: char| character == '\n' || !character.is_control();
    if scalar::is_ambiguous(text) || !text.chars().all(printable) {
        let mut bytes = Vec::new();
        crate::wire::json::write_string(text, &mut bytes);
        out.push_str(&String::from_utf8_lossy(&bytes));
    } else if text.contains('\n') && !is_key && !text.starts_with([' ', '\n']) {
        write_block(text, indent + 2, out);
    } else if is_plain(text) {
        write_folded(text, indent + 2, is_key, out);
    } else if text.contains('\n') {
        let mut bytes = Vec::new();
        crate::wire::json::write_string(text, &mut bytes);
        out.push_str(&String::from_utf8_lossy(&bytes));
    } else {
        out.push('\'');
        write_folded(&text.replace('\'', "''"), indent + 2, is_key, out);
        out.push('\'');
    }
}

/// Writes a long text on several lines: a single blank beyond the width becomes a new line. Keys stay on one.
fn write_folded(text: &str, indent: usize, is_key: bool, out: &mut String) {
    let start = out.rfind('\n').map_or(0, |newline| newline + 1);
    let mut column = out[start..].chars().count();
    if is_key || column + text.len() <= WIDTH {
        out.push_str(text);
        return;
    }
    let (mut letters, mut after_blank, mut first) = (text.chars().peekable(), false, true);
    while let Some(letter) = letters.next() {
        let single =
            letter == ' ' && !after_blank && !first && letters.peek().is_some_and(|next| *next != ' ');
        after_blank = letter == ' ';
        first = false;
        if single && column > WIDTH {
            out.push('\n');
            pad(indent, out);
            column = indent;
        } else {
            out.push(letter);
            column += 1;
        }
    }
}

fn write_block(text: &str, indent: usize, out: &mut String) {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    out.push_str(match ends {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
    }
    (1..ends).for_each(|_| out.push('\n'));
}

/// Whether a text needs no quotes: no indicator at its start, no `: ` or ` #` in it.
fn is_plain(text: &str) -> bool {
    let indicator = |character: char| "-?:,[]{}#&*!|>'\"%@`".contains(character);
    let starts_well = match text.as_bytes() {
        [b'-' | b'?' | b':', second, ..] => !second.is_ascii_whitespace(),
        _ => !text.starts_with(indicator),
    };
    starts_well
        && !text.contains('\n')
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text != "---"
}

fn pad(indent: usize, out: &mut String) {
    (0..indent).for_each(|_| out.push(' '));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::json;

    use super::{super::read, write};

    #[test]
    fn an_object_is_written_as_the_real_server_does() {
        let object = json!({
            "kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "v"},
            "metadata": {"creationTimestamp": "2026-11-21T10:17:35Z", "resourceVersion": "205", "name": "a",
                "managedFields": [{"manager": "unknown", "fieldsV1": {"f:data": {".": {}, "f:k": {}}}}]},
        });
        let mut out = String::new();
        write(&object, &mut out);
        let want = "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  \
                    creationTimestamp: \"2026-11-21T10:17:35Z\"\n  managedFields:\n  - fieldsV1:\n      f:data:\n        \
                    .: {}\n        f:k: {}\n    manager: unknown\n  name: a\n  resourceVersion: \"205\"\n";
        assert_eq!(out, want);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let value = json!({
            "": "", "a b": ["yes", "1", 1, 1.5, null, true, [], {}, [[1], {"x": [2]}]],
            "lines": "a\nb\n", "no end": "a\n\n  b", "many ends": "a\n\n\n", "lead": "\n x", "tab": "a\tb",
            "q": "it's: # odd", "dash": "- x", "key: x": "-", "---": "---", "u": "é\u{1f600}", "trail": "x ",
            "colon:": ":", "long": "word ".repeat(40), "long: quoted": format!("it's  {}x", "word ".repeat(40)),
            "list": [format!("{}x", "word  two ".repeat(20)), "é ".repeat(90) + "x"], "nl\nkey": "!x", "star": "*a", "quote": "\"", "bell": "\u{7}",
        });
        let mut out = String::new();
        write(&value, &mut out);
        let (back, duplicates) = read(&out).unwrap();
        assert_eq!(back, value, "{out}");
        assert!(duplicates.is_empty());
    }
}
