//! Amounts such as `100m` or `1.5Gi`, brought to the one form in which the server stores them.

/// Why a text is no amount, as the server says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Form,
    /// The suffix is none of those known.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `k`, `M`, …
    Decimal,
    /// `Ki`, `Mi`, …
    Binary,
    /// `e3`
    Exponent,
}

/// An amount in billionths, which is as fine as the server goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nanos: i128,
}

const NANO: i128 = 1_000_000_000;
/// The largest amount that is kept; larger ones become it.
const WHOLE_MAX: i128 = i64::MAX as i128;

impl Quantity {
    /// Reads an amount.
    ///
    /// # Errors
    /// The text is no amount.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        Ok(Self { nanos: parse(text)?.0 })
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether it is a whole number.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }
}

/// The form in which the server stores an amount: `1000m` is `1`, `1024Mi` is `1Gi`.
///
/// # Errors
/// The text is no amount.
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let (nanos, form) = parse(text)?;
    if is_kept(text) {
        return Ok(text.to_owned());
    }
    if nanos == 0 {
        return Ok("0".to_owned());
    }
    let small = nanos.abs() < 1024 * NANO;
    Ok(match form {
        Form::Binary if !small => binary(nanos),
        Form::Exponent => decimal(nanos, true),
        _ => decimal(nanos, false),
    })
}

/// Texts that look canonical at a glance are kept as they are, although some are not: `1E3`, `+1`, `1.500`.
fn is_kept(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number_len = unsigned.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, suffix) = unsigned.split_at(number_len);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('0');
    if whole.is_empty() || whole.len() + fraction.len() > 18 {
        return false;
    }
    match suffix_of(suffix) {
        Ok((Power::Two(bits), _)) => {
            let digits_left = 14 - i64::try_from(whole.len()).unwrap_or(i64::MAX) - i64::from(bits) * 3 / 10;
            let odd_enough = whole.parse::<i64>().is_ok_and(|value| value & 7 != 0);
            fraction.is_empty() && digits_left >= 0 && odd_enough
        }
        Ok((Power::Ten(power), _)) => {
            let scale = i64::from(power) - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
            scale >= -9 && scale % 3 == 0 && !format!("{whole}{fraction}").ends_with("000")
        }
        Err(_) => false,
    }
}

/// The same, rounded up to thousandths, as the server rounds requests, limits and capacities.
///
/// # Errors
/// The text is no amount.
pub fn canonical_milli(text: &str) -> Result<String, QuantityError> {
    let (nanos, form) = parse(text)?;
    if nanos % 1_000_000 == 0 {
        return canonical(text);
    }
    let away = if nanos < 0 { -1 } else { 1 };
    let rounded = (nanos / 1_000_000 + away) * 1_000_000;
    Ok(decimal(rounded, form == Form::Exponent))
}

fn binary(nanos: i128) -> String {
    let mut whole = nanos.abs().div_euclid(NANO) + i128::from(nanos.abs() % NANO != 0);
    let mut power = 0;
    while whole % 1024 == 0 && power < 6 {
        whole /= 1024;
        power += 1;
    }
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{whole}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power])
}

fn decimal(nanos: i128, exponent: bool) -> String {
    let mut digits = nanos;
    let mut power = -9;
    while digits % 1000 == 0 && power < 18 {
        digits /= 1000;
        power += 3;
    }
    let mut out = digits.to_string();
    if exponent {
        if power != 0 {
            out.push_str(&format!("e{power}"));
        }
    } else {
        let at = usize::try_from((power + 9) / 3).unwrap_or_default();
        out.push_str(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][at]);
    }
    out
}

fn parse(text: &str) -> Result<(i128, Form), QuantityError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let number_len = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = unsigned.split_at(number_len);
    let (fraction, suffix) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(QuantityError::Form);
    }
    check_suffix_form(suffix)?;
    let (power, form) = suffix_of(suffix)?;
    let mut nanos = scaled(whole, fraction, power);
    if negative {
        nanos = -nanos;
    }
    // Only binary amounts have an end.
    if form == Form::Binary {
        nanos = nanos.clamp(-WHOLE_MAX * NANO, WHOLE_MAX * NANO);
    }
    Ok((nanos, form))
}

/// Letters first, then a signed number: anything else is not of the form at all.
fn check_suffix_form(suffix: &str) -> Result<(), QuantityError> {
    let letters = suffix.bytes().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
    let rest = &suffix[letters..];
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { Ok(()) } else { Err(QuantityError::Form) }
}

enum Power {
    Two(u32),
    Ten(i32),
}

fn suffix_of(suffix: &str) -> Result<(Power, Form), QuantityError> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(at) = binary.iter().position(|known| *known == suffix) {
        return Ok((Power::Two(10 * (u32::try_from(at).unwrap_or_default() + 1)), Form::Binary));
    }
    let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    if let Some(at) = decimal.iter().position(|known| *known == suffix) {
        return Ok((Power::Ten(3 * i32::try_from(at).unwrap_or_default() - 9), Form::Decimal));
    }
    let power = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
    let power = power.parse::<i32>().map_err(|_| QuantityError::Suffix)?;
    Ok((Power::Ten(power), Form::Exponent))
}

/// The digits times the power, in billionths, rounded away from zero, and never beyond what is clamped anyway.
fn scaled(whole: &str, fraction: &str, power: Power) -> i128 {
    const TOO_MUCH: i128 = i128::MAX / 4;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    let (power, factor) = match power {
        Power::Ten(power) => (power.saturating_sub(places).saturating_add(9), 1_i128),
        Power::Two(bits) => (9_i32.saturating_sub(places), 1_i128 << bits),
    };
    let mut value: i128 = 0;
    let mut dropped = 0;
    let mut inexact = false;
    for digit in digits.bytes() {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        match next.filter(|next| dropped == 0 && *next < TOO_MUCH / 2048) {
            Some(next) => value = next,
            None => {
                dropped += 1;
                inexact |= digit != b'0';
            }
        }
    }
    let power = power.saturating_add(dropped);
    value = value.checked_mul(factor).unwrap_or(TOO_MUCH);
    for _ in 0..power.clamp(0, 60) {
        value = value.checked_mul(10).unwrap_or(TOO_MUCH).min(TOO_MUCH);
    }
    for _ in 0..(-power).clamp(0, 60) {
        inexact |= value % 10 != 0;
        value /= 10;
    }
    value + i128::from(inexact)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed read fails the test")]
    use super::*;

    #[test]
    fn amounts_are_stored_in_one_form() {
        for (text, stored) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100M", "100M"),
            ("1e3", "1e3"),
            ("1E", "1E"),
            ("1E3", "1E3"),
            ("0.1Ki", "102400m"),
            ("1000Ki", "1000Ki"),
            ("1000k", "1M"),
            ("0", "0"),
            ("-1500m", "-1500m"),
            ("0.0000000001", "1n"),
            ("12e-1", "1200e-3"),
            ("100000000000000000000", "100E"),
            ("+1", "+1"),
            ("01", "01"),
            ("9999999999Gi", "9223372036854775807"),
            (".5", "500m"),
            ("5.", "5."),
            ("1.500", "1.500"),
            ("1.5e3", "1500"),
            ("1023", "1023"),
            ("512", "512"),
            ("0.5Mi", "512Ki"),
        ] {
            assert_eq!(canonical(text).unwrap(), stored, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (text, error) in [
            ("", QuantityError::Form),
            ("abc", QuantityError::Form),
            ("1 Gi", QuantityError::Form),
            ("1KiB", QuantityError::Form),
            ("1Kim", QuantityError::Suffix),
            ("1e", QuantityError::Suffix),
            ("--1", QuantityError::Form),
        ] {
            assert_eq!(canonical(text).unwrap_err(), error, "{text}");
        }
    }
}
