//! Moments as Kubernetes writes them: RFC 3339 in UTC.

use crate::calendar::{civil_from_days, days_from_civil, days_in_month};

/// A moment as seconds since 1970 and nanoseconds; seconds may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// The part below a second.
    pub nanos: u32,
}

/// Years outside of 0 to 9999 have no RFC 3339 form.
const SECONDS_MIN: i64 = -62_167_219_200;
const SECONDS_MAX: i64 = 253_402_300_799;

impl Moment {
    /// `2026-11-21T10:17:35Z`, or `None` for a year that has no such form.
    pub fn to_seconds_text(self) -> Option<String> {
        let (date, clock) = self.civil()?;
        Some(format!("{date}T{clock}Z"))
    }

    /// `2026-11-21T10:17:35.000000Z`, or `None` for a year that has no such form.
    pub fn to_micros_text(self) -> Option<String> {
        let (date, clock) = self.civil()?;
        Some(format!("{date}T{clock}.{:06}Z", self.nanos / 1000))
    }

    fn civil(self) -> Option<(String, String)> {
        if !(SECONDS_MIN..=SECONDS_MAX).contains(&self.seconds) {
            return None;
        }
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        Some((format!("{year:04}-{month:02}-{day:02}"), clock))
    }

    /// Reads RFC 3339 with any offset and up to nine digits of fraction.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't'])?;
        let clock = rest.get(..8)?;
        let zone =
            rest[8..].trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
        let fraction = &rest[8..rest.len() - zone.len()];
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        let in_range = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !in_range || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let local = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self { seconds: local - offset_seconds(zone)?, nanos: nanos(fraction)? })
    }
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut out = [0; 3];
    for (slot, width) in out.iter_mut().zip(widths) {
        let part = parts
            .next()
            .filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

fn nanos(fraction: &str) -> Option<u32> {
    let Some(digits) = fraction.strip_prefix('.') else { return fraction.is_empty().then_some(0) };
    let kept = &digits[..digits.len().min(9)];
    if kept.is_empty() || kept.contains('.') {
        return None;
    }
    let value: u32 = kept.parse().ok()?;
    Some(value * 10_u32.pow(9 - u32::try_from(kept.len()).ok()?))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::Moment;

    #[test]
    fn moments_are_written_as_they_are_read() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2026-11-21T10:17:35Z", 1_795_256_255, 0),
            ("2000-02-29T23:59:59.5Z", 951_868_799, 500_000_000),
            ("2026-11-21T12:17:35.000001+02:00", 1_795_256_255, 1000),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment { seconds, nanos }), "{text}");
        }
        let moment = Moment { seconds: 1_795_256_255, nanos: 1000 };
        assert_eq!(moment.to_seconds_text().unwrap(), "2026-11-21T10:17:35Z");
        assert_eq!(moment.to_micros_text().unwrap(), "2026-11-21T10:17:35.000001Z");
        assert_eq!(Moment { seconds: i64::MAX, nanos: 0 }.to_seconds_text(), None);
        for day in (-800_000..800_000).step_by(37) {
            let moment = Moment { seconds: day * 86_400 + 5, nanos: 0 };
            if let Some(text) = moment.to_seconds_text() {
                assert_eq!(Moment::parse(&text), Some(moment), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-11-21T10:17:35",
            "2026-11-21T10:17:35.Z",
            "2026-11-21T10:17:3é",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
