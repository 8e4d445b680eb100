//! The named forms of texts that the server checks.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use base64::Engine as _;
use regex::Regex;

use super::time::Moment;

/// Whether the server knows a form of texts of that name; dashes do not count.
pub(super) fn is_known_format(format: &str) -> bool {
    const KNOWN: [&str; 26] = [
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
        "k8sshortname",
        "k8slongname",
    ];
    KNOWN.contains(&format.replace('-', "").as_str())
}

/// Whether `text` is of the form. Forms that the server does not know hold for every text.
pub(super) fn is_of_format(format: &str, text: &str) -> bool {
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "date" => Moment::parse(&format!("{text}T00:00:00Z")).is_some(),
        "date-time" | "datetime" => is_date_time(text),
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
        "ssn" => matches(text, &SSN, r"^\d{3}[- ]?\d{2}[- ]?\d{4}$"),
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "rgbcolor" => matches(text, &RGB_COLOR, RGB_PATTERN),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "creditcard" => is_card_number(text),
        "hexcolor" => matches(text, &HEX_COLOR, "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "hostname" => is_host_name(text),
        "uri" => matches(text, &URI, "^[A-Za-z][A-Za-z0-9+.-]*:.+|^/"),
        "email" => matches(text, &EMAIL, "^[^@\\s<>()]+@[^@\\s<>()]+$"),
        _ => true,
    }
}

const RGB_PATTERN: &str = concat!(
    r"^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,",
    r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$",
);

/// Numbers of books are written with blanks and dashes.
fn of_book(text: &str) -> String {
    text.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let text = of_book(text);
    let digits: Option<Vec<u32>> = text
        .char_indices()
        .map(|(at, sign)| if at == 9 && sign == 'X' { Some(10) } else { sign.to_digit(10) })
        .collect();
    digits.is_some_and(|digits| {
        digits.len() == 10
            && (1_u32..).zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>() % 11 == 0
    })
}

fn is_isbn13(text: &str) -> bool {
    let digits: Option<Vec<u32>> = of_book(text).chars().map(|sign| sign.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        let weighed = digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight);
        digits.len() == 13 && weighed.sum::<u32>() % 10 == 0
    })
}

/// A number of a known issuer whose digits add up (ISO/IEC 7812).
fn is_card_number(text: &str) -> bool {
    const ISSUERS: &str = concat!(
        r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}",
        r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$",
    );
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let add = |(at, digit): (usize, u32)| match digit * (1 + u32::from(at % 2 == 1)) {
        double @ 10.. => double % 10 + 1,
        single => single,
    };
    let sum: u32 = digits.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(add).sum();
    matches(&digits, &CARD, ISSUERS) && sum.is_multiple_of(10)
}

static HOST_NAME: OnceLock<Option<Regex>> = OnceLock::new();
static SSN: OnceLock<Option<Regex>> = OnceLock::new();
static RGB_COLOR: OnceLock<Option<Regex>> = OnceLock::new();
static CARD: OnceLock<Option<Regex>> = OnceLock::new();
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
    const LABELS: &str = concat!(
        r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)",
        r"|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}",
        r"([a-zA-Z\p{L}]){2,63})$",
    );
    text.len() <= 255 && matches(text, &HOST_NAME, LABELS) && text.split('.').all(|part| part.len() <= 63)
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
            ("hostname", "a.example.com", "2024-02-29"),
            ("datetime", "2024-02-29T10:00:00Z", "2024-02-29"),
            ("ssn", "078-05-1120", "078"),
            ("isbn10", "0-321-75104-3", "0-321-75104-4"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("creditcard", "4111 1111 1111 1111", "4111111111111112"),
            ("rgbcolor", "rgb(1, 20,255)", "rgb(1,2,256)"),
            ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
        ] {
            assert!(is_of_format(format, good), "{format} {good}");
            assert!(!is_of_format(format, bad), "{format} {bad}");
        }
        assert!(is_of_format("unheard-of", "anything"));
    }
}
