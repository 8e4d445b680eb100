//! Times as RFC 3339 texts, brought to the form that the server stores.

use crate::calendar::{civil_from_days, days_from_civil, days_in_month};

/// A moment: seconds since 1970 and what is left in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// The rest, below 1e9.
    pub nanos: u32,
}

impl Moment {
    /// Reads `2026-01-02T03:04:05[.6]Z` or the same with an offset; `None` if the text is no time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 20 || !text.is_ascii() {
            return None;
        }
        for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
            if bytes[at] != mark {
                return None;
            }
        }
        let number = |from: usize, to: usize| -> Option<i64> {
            let part = &text[from..to];
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let in_range = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !in_range || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (nanos, zone) = fraction(&text[19..])?;
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self { seconds: seconds - offset_seconds(zone)?, nanos })
    }

    /// The moment in whole seconds, UTC.
    #[must_use]
    pub fn in_seconds(self) -> String {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(86_400));
        let rest = self.seconds.rem_euclid(86_400);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// The moment with six digits of fraction, UTC.
    #[must_use]
    pub fn in_micros(self) -> String {
        let seconds = self.in_seconds();
        format!("{}.{:06}Z", seconds.trim_end_matches('Z'), self.nanos / 1000)
    }
}

fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 {
        return None;
    }
    let digits = format!("{:0<9}", &rest[..len]);
    Some((digits[..9].parse().ok()?, &rest[len..]))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed read fails the test")]
    use super::*;

    #[test]
    fn times_come_out_in_utc() {
        for (text, seconds, micros) in [
            ("2026-11-21T10:17:35Z", "2026-11-21T10:17:35Z", "2026-11-21T10:17:35.000000Z"),
            ("2026-01-01T00:30:00.1234567+01:00", "2025-12-31T23:30:00Z", "2025-12-31T23:30:00.123456Z"),
            ("1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59Z", "1970-01-01T00:29:59.000000Z"),
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!((moment.in_seconds().as_str(), moment.in_micros().as_str()), (seconds, micros));
        }
        for text in ["", "yesterday", "2026-02-29T12:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z"]
        {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
