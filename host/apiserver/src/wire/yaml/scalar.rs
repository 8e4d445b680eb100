//! What a plain scalar means in YAML 1.1, which is what Kubernetes' YAML library follows.

use serde_json::{Number, Value};

/// The value of a plain (unquoted) scalar; `None` for infinity and not-a-number, which JSON lacks.
pub(super) fn resolve(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
            Value::Bool(true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            Value::Bool(false)
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => return None,
        _ => match number(text) {
            Some(number) => Value::Number(number),
            None => Value::String(text.to_owned()),
        },
    })
}

/// Whether a text must be quoted to stay a text: it reads as something else, or as a date.
pub(super) fn is_ambiguous(text: &str) -> bool {
    !matches!(resolve(text), Some(Value::String(_))) || looks_like_a_date(text)
}

fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes[4] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit)
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let plain: String = text.chars().filter(|character| *character != '_').collect();
    integer(&plain).or_else(|| float(&plain))
}

fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(size).map(Number::from) } else { Some(size.into()) }
}

fn float(text: &str) -> Option<Number> {
    let known = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(known) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // A whole number stays one in JSON, as Go's encoder writes it without a fraction.
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_ambiguous, resolve};

    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says() {
        for (text, want) in [
            ("yes", json!(true)),
            ("off", json!(false)),
            ("~", json!(null)),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("0x1f", json!(31)),
            ("0644", json!(420)),
            ("1_000", json!(1000)),
            ("0899", json!(899.0)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            ("-", json!("-")),
            ("100m", json!("100m")),
            ("2026-01-01", json!("2026-01-01")),
            ("18446744073709551616", json!(18_446_744_073_709_551_616_f64)),
        ] {
            assert_eq!(resolve(text), Some(want), "{text}");
        }
        assert_eq!(resolve(".nan"), None);
    }

    #[test]
    fn texts_that_read_as_something_else_are_ambiguous() {
        for text in ["205", "true", "no", "null", "", "2026-11-21T10:17:35Z", "1e3", ".inf"] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["default", "v1", "100m", "1.2.3"] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
