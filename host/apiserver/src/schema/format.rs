//! The named forms of texts that the server checks.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use base64::Engine as _;
use regex::Regex;

use super::time::Moment;

/// Whether `text` is of the form. Forms that the server does not know hold for every text.
pub(super) fn is_of_format(format: &str, text: &str) -> bool {
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "date" => Moment::parse(&format!("{text}T00:00:00Z")).is_some(),
        "date-time" => is_date_time(text),
        "duration" => is_duration(text),
        "uuid" => {
            matches(text, &UUID, "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
        }
        "uuid3" => {
            matches(text, &UUID3, "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
        }
        "uuid4" => matches(
            text,
            &UUID4,
            "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
        ),
        "uuid5" => matches(
            text,
            &UUID5,
            "^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
        ),
        "mac" => {
            matches(text, &MAC, "^(?i)([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^(?i)([0-9a-f]{4}\\.){2}[0-9a-f]{4}$")
        }
        "hexcolor" => matches(text, &HEX_COLOR, "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "hostname" => is_host_name(text),
        "uri" => matches(text, &URI, "^[A-Za-z][A-Za-z0-9+.-]*:.+|^/"),
        "email" => matches(text, &EMAIL, "^[^@\\s<>()]+@[^@\\s<>()]+$"),
        _ => true,
    }
}

static UUID: OnceLock<Option<Regex>> = OnceLock::new();
static UUID3: OnceLock<Option<Regex>> = OnceLock::new();
static UUID4: OnceLock<Option<Regex>> = OnceLock::new();
static UUID5: OnceLock<Option<Regex>> = OnceLock::new();
static MAC: OnceLock<Option<Regex>> = OnceLock::new();
static HEX_COLOR: OnceLock<Option<Regex>> = OnceLock::new();
static URI: OnceLock<Option<Regex>> = OnceLock::new();
static EMAIL: OnceLock<Option<Regex>> = OnceLock::new();

fn matches(text: &str, cell: &'static OnceLock<Option<Regex>>, pattern: &str) -> bool {
    cell.get_or_init(|| Regex::new(pattern).ok()).as_ref().is_some_and(|regex| regex.is_match(text))
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let bits_max = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => 32,
        (_, Ok(_)) => 128,
        _ => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= bits_max)
}

/// The server also takes a small `t` and `z`, and a space between date and time.
fn is_date_time(text: &str) -> bool {
    let text = text.to_ascii_uppercase().replacen(' ', "T", 1);
    Moment::parse(&text).is_some()
}

/// As Go writes durations, or a number and a long unit: `1h30m`, `3 days`.
fn is_duration(text: &str) -> bool {
    let go = "^[+-]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$";
    let long = "(?i)^\\s*[0-9]+(\\.[0-9]+)?\\s*(ns|us|ms|s|m|h|d|w|nanos?|micros?|millis?|seconds?|minutes?|hours?|days?|weeks?|sec|min|hr)\\s*$";
    static GO: OnceLock<Option<Regex>> = OnceLock::new();
    static LONG: OnceLock<Option<Regex>> = OnceLock::new();
    matches(text, &GO, go) || matches(text, &LONG, long)
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.len() <= 63
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    !text.is_empty() && text.len() <= 255 && text.trim_end_matches('.').split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_hold_and_do_not_hold() {
        for (format, good, bad) in [
            ("ipv4", "10.0.0.1", "10.0.0.256"),
            ("ipv6", "fe80::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("date", "2024-02-29", "2023-02-29"),
            ("date-time", "2024-02-29T10:00:00Z", "2024-02-29"),
            ("duration", "1h30m", "1 eon"),
            ("uuid", "2bfdddfb-bec4-4d36-898e-620c7791af5f", "2bfdddfb"),
            ("byte", "YQ==", "?"),
            ("hostname", "a.example.com", "a_b"),
            ("mac", "01:23:45:67:89:ab", "01:23"),
            ("email", "a@b.c", "a"),
            ("uri", "https://a", "a"),
        ] {
            assert!(is_of_format(format, good), "{format} {good}");
            assert!(!is_of_format(format, bad), "{format} {bad}");
        }
        assert!(is_of_format("unheard-of", "anything"));
    }
}
