//! Numbers with units: Kubernetes quantities for bytes (`64Mi`), Go's form for durations (`1m30s`).

use std::time::Duration;

/// Suffix and factor in bytes. Two-letter suffixes stand first, or `Mi` would be read as `M`.
const BYTES: [(&str, u64); 8] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
];

/// Suffix and factor in nanoseconds. `ms` stands before `m` and `s`.
const TIMES: [(&str, u64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// Reads a quantity of bytes: `64Mi`, `1.5G`, `1048576`.
///
/// # Errors
/// How a quantity is written.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || "bytes are written like `64Mi`, `1Gi` or `500M`".to_owned();
    let (number, factor) = BYTES
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
        .unwrap_or((text, 1));
    scaled(number, factor).ok_or_else(wrong)
}

/// Reads a duration: `30s`, `500ms`, `1m30s`, `1.5h`.
///
/// # Errors
/// How a duration is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like `500ms`, `30s`, `1m30s` or `10h`".to_owned();
    let mut nanos: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() || nanos == 0 {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let (factor, tail) = TIMES
            .iter()
            .find_map(|(suffix, factor)| Some((*factor, tail.strip_prefix(suffix)?)))
            .ok_or_else(wrong)?;
        nanos = scaled(number, factor).and_then(|part| nanos.checked_add(part)).ok_or_else(wrong)?;
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    Ok(Duration::from_nanos(nanos))
}

/// `1.5` × factor without floating point; none if it is no number or too large. What is finer than 1 is cut.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || (number.contains('.') && (!digits(fraction) || fraction.len() > 9)) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let divisor = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()? * u128::from(factor) / divisor;
    whole.checked_add(u64::try_from(part).ok()?)
}

/// The shortest binary quantity that means exactly these bytes: `64Mi`.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    let exact = BYTES[..4].iter().rev().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    exact.map_or_else(|| bytes.to_string(), |(suffix, factor)| format!("{}{suffix}", bytes / factor))
}

/// As Go prints it, without empty parts: `10h`, `1m30s`, `500ms`. Finer than a microsecond is cut.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        let micros = duration.subsec_micros();
        return match (micros, micros % 1000) {
            (0, _) => "0s".to_owned(),
            (_, 0) => format!("{}ms", micros / 1000),
            _ => format!("{micros}us"),
        };
    }
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let mut text = String::new();
    for (count, unit) in
        [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (millis.into(), "ms")]
    {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}
