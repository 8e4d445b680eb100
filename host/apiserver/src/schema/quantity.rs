//! Amounts such as `100m` or `1.5Gi`, brought to the one form in which the server stores them.
//!
//! The server has two ways to read one: as a whole number of 64 bits where that fits, which keeps some texts as they
//! were written, else digit by digit. Which way was taken shows in the form.

use std::cmp::Ordering;

use super::decimal::Decimal;

/// Why a text is no amount, as the server says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Form,
    /// No digit where one is needed.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// The suffix is none of those known.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `k`, `M`, …
    Decimal,
    /// `Ki`, `Mi`, …
    Binary,
    /// `e3`
    Exponent,
}

/// The finest amount: a billionth.
const NANO: i64 = -9;
const MILLI: i64 = -3;
/// So many digits are read as a whole number of 64 bits.
const DIGITS_MAX: i64 = 18;

/// An amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    negative: bool,
    amount: Decimal,
}

impl Quantity {
    /// Reads an amount.
    ///
    /// # Errors
    /// The text is no amount.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        parse(text).map(|read| read.quantity)
    }

    /// -1, 0 or 1.
    #[must_use]
    pub fn sign(&self) -> i8 {
        match (self.amount.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.sign() < 0
    }

    /// Whether it is a whole number.
    #[must_use]
    pub fn is_whole(mut self) -> bool {
        self.amount.round_up(0)
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let larger = self.amount.cmp(&other.amount);
            if self.negative { larger.reverse() } else { larger }
        })
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The form in which the server stores an amount: `1000m` is `1`, `1024Mi` is `1Gi`.
///
/// # Errors
/// The text is no amount.
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let read = parse(text)?;
    Ok(if read.kept { text.to_owned() } else { written(&read.quantity, read.form) })
}

/// The same, rounded up to thousandths, as the server rounds requests, limits and capacities.
///
/// # Errors
/// The text is no amount.
pub fn canonical_milli(text: &str) -> Result<String, QuantityError> {
    let mut read = parse(text)?;
    if read.kept && read.quantity.amount.power() >= MILLI {
        return Ok(text.to_owned());
    }
    read.quantity.amount.round_up(MILLI);
    Ok(written(&read.quantity, read.form))
}

fn written(quantity: &Quantity, form: Form) -> String {
    let amount = &quantity.amount;
    if amount.is_zero() {
        return "0".to_owned();
    }
    let sign = if quantity.negative { "-" } else { "" };
    let mut whole = amount.clone();
    if form == Form::Binary && whole.round_up(0) && whole >= Decimal::new("1024", 0) {
        let (digits, power) = whole.by_1024();
        let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].get(power).copied().unwrap_or_default();
        return format!("{sign}{digits}{suffix}");
    }
    let (digits, power) = amount.by_thousands();
    let suffix = match form {
        Form::Exponent if power == 0 => String::new(),
        Form::Exponent => format!("e{power}"),
        // A power beyond the suffixes is written without one, as the real server does.
        _ => usize::try_from((power - NANO) / 3)
            .ok()
            .and_then(|at| ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].get(at).copied())
            .unwrap_or_default()
            .to_owned(),
    };
    format!("{sign}{digits}{suffix}")
}

struct Read {
    quantity: Quantity,
    form: Form,
    /// The text itself is the form.
    kept: bool,
}

fn parse(text: &str) -> Result<Read, QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Form);
    }
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let significant = unsigned.trim_start_matches('0');
    let (whole, rest) = split_digits(significant);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    check_suffix_form(suffix)?;
    let (power, form) = suffix_of(suffix)?;
    let whole = if whole.is_empty() { "0" } else { whole };
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let digits = format!("{whole}{fraction}");
    if let Some(read) = read_small(&digits, places, power, (negative, form)) {
        return Ok(read);
    }
    if !unsigned[..unsigned.len() - suffix.len()].contains(|sign: char| sign.is_ascii_digit()) {
        return Err(QuantityError::Number);
    }
    Ok(read_large(&digits, places, power, (negative, form)))
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// What fits into 64 bits. Texts that look canonical at a glance are kept, although some are not: `1E3`, `+1`, `1.500`.
fn read_small(digits: &str, places: i64, power: Power, (negative, form): (bool, Form)) -> Option<Read> {
    let len = i64::try_from(digits.len()).ok()?;
    let (scale, bits) = match power {
        Power::Ten(power) => (i64::from(power) - places, 0),
        Power::Two(bits) => (0, bits),
    };
    let precise = match power {
        Power::Ten(_) => len <= DIGITS_MAX && scale >= NANO,
        Power::Two(bits) => places == 0 && 14 - len - i64::from(bits) * 3 / 10 >= 0,
    };
    if !precise {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    value.checked_mul(1_i64.checked_shl(bits)?)?;
    let kept = match form {
        Form::Binary => value & 7 != 0,
        _ => scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0'),
    };
    let mut amount = Decimal::new(digits, scale);
    amount.shift_left(bits);
    Some(Read { quantity: Quantity { negative, amount }, form, kept })
}

fn read_large(digits: &str, places: i64, power: Power, (negative, mut form): (bool, Form)) -> Read {
    let mut amount = match power {
        Power::Ten(power) => Decimal::new(digits, i64::from(power) - places),
        Power::Two(_) => Decimal::new(digits, -places),
    };
    if let Power::Two(bits) = power {
        amount.shift_left(bits);
    }
    amount.round_up(NANO);
    if form == Form::Binary {
        // Only binary amounts have an end.
        amount = amount.min(Decimal::new(&i64::MAX.to_string(), 0));
        if amount < Decimal::new("1", 0) {
            form = Form::Decimal;
        }
    }
    Read { quantity: Quantity { negative, amount }, form, kept: false }
}

/// Letters first, then a signed number: anything else is not of the form at all.
fn check_suffix_form(suffix: &str) -> Result<(), QuantityError> {
    let letters = suffix.bytes().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
    let rest = &suffix[letters..];
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { Ok(()) } else { Err(QuantityError::Form) }
}

#[derive(Clone, Copy)]
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
    let power = power.parse::<i64>().map_err(|_| QuantityError::Suffix)?;
    // The real server keeps the low 32 bits of larger ones.
    let power = i32::from_le_bytes(power.to_le_bytes()[..4].try_into().unwrap_or_default());
    Ok((Power::Ten(power), Form::Exponent))
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
            ("20.5Ki", "20992"),
            ("9.0Gi", "9Gi"),
            (".5Gi", "512Mi"),
            ("-", "0"),
            ("k", "0"),
            (".", "0"),
            ("007.50", "7500m"),
            ("1000E", "1"),
            ("0.0001Ki", "102400u"),
            ("-1e3", "-1e3"),
            ("123456789012345678901234567890k", "123456789012345678901234567890k"),
        ] {
            assert_eq!(canonical(text).unwrap(), stored, "{text}");
        }
    }

    #[test]
    fn amounts_are_compared_whatever_their_form_and_size() {
        let ordered = ["-1Gi", "-1", "-1n", "0", "1n", "999u", "1m", "1", "1.1", "1k", "1Ki", "9e30", "1e31"];
        for (at, left) in ordered.iter().enumerate() {
            for (other, right) in ordered.iter().enumerate() {
                let compared = Quantity::parse(left).unwrap().cmp(&Quantity::parse(right).unwrap());
                assert_eq!(compared, at.cmp(&other), "{left} {right}");
            }
        }
        assert_eq!(Quantity::parse("1000m").unwrap().cmp(&Quantity::parse("1").unwrap()), Ordering::Equal);
        assert!(Quantity::parse("2.0").unwrap().is_whole() && !Quantity::parse("1m").unwrap().is_whole());
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
            ("e-10", QuantityError::Number),
            ("--1", QuantityError::Suffix),
        ] {
            assert_eq!(canonical(text).unwrap_err(), error, "{text}");
        }
    }
}
