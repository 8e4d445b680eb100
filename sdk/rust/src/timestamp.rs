//! Points in time as Kubernetes writes them: RFC 3339, UTC, whole seconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const DAY_MS: i64 = 86_400_000;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Written as `2026-11-21T12:00:00Z`, as
/// `meta/v1 Time` is: fractions of a second are left out. Read with fractions and offsets too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is later than this.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// This point without its fraction of a second, as it is after a way through the API.
    #[must_use]
    pub fn to_seconds(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = text.get(from..to)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let is = |at: usize, byte: &[u8]| text.as_bytes().get(at).is_some_and(|found| byte.contains(found));
        if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
            return None;
        }
        let (month, day) = (number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        // 60 is a leap second; it becomes the second after.
        if !((1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61)
        {
            return None;
        }
        let (fraction, zone) = split_fraction(text.get(19..)?)?;
        let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
        Some(Self(days_before(number(0, 4)?, month, day) * DAY_MS + of_day - offset_ms(zone)?))
    }
}

/// Milliseconds of `.123456` and what follows it.
fn split_fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(digits) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let ms = digits[..length.min(3)].parse::<i64>().ok()? * [100, 10, 1].get(length.min(3) - 1)?;
    Some((ms, &digits[length..]))
}

/// Milliseconds of `Z`, `+02:00`, `-0730`.
fn offset_ms(zone: &str) -> Option<i64> {
    if zone == "Z" || zone == "z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60_000)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years run from March here, so that a leap day is
/// the last day of a year, and 400 of them have 146,097 days.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year - 719_468
}

/// Year, month and day from days since 1970: the way back of [`days_before`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1)
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = date_of(self.0.div_euclid(DAY_MS));
        let seconds = self.0.rem_euclid(DAY_MS) / 1000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("a point in time is wanted, such as 2026-11-21T12:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is a test's way to fail")]
    use super::*;

    #[test]
    fn text_and_number_agree() {
        let check = |text: &str, ms: i64, written: &str| {
            let parsed = Timestamp::parse(text).unwrap();
            assert_eq!((parsed.as_ms(), parsed.to_string().as_str()), (ms, written), "{text}");
        };
        check("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z");
        check("2000-02-29T23:59:59Z", 951_868_799_000, "2000-02-29T23:59:59Z");
        check("2026-11-21T12:00:00.25Z", 1_795_262_400_250, "2026-11-21T12:00:00Z");
        check("2026-11-21T12:00:00.123456Z", 1_795_262_400_123, "2026-11-21T12:00:00Z");
        check("2026-11-21T14:00:00+02:00", 1_795_262_400_000, "2026-11-21T12:00:00Z");
        check("1969-12-31T23:59:59Z", -1000, "1969-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T12:00:00", "2026-11-21T12:00:00.Z", "x"]
        {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for days in -146_097..146_097 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_before(year, month, day), days);
        }
    }
}
