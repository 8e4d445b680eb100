//! Times as the API writes them: RFC 3339 in UTC, to the second or the microsecond.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::time::Moment;

/// `metav1.Time` of now: `2026-11-21T10:17:35Z`.
pub fn now() -> String {
    seconds(since_epoch())
}

/// `metav1.Time` of a moment from now on.
pub fn after(delay: Duration) -> String {
    seconds(since_epoch() + delay)
}

/// `metav1.MicroTime` of now: `2026-11-21T10:17:35.123456Z`.
pub fn now_micro() -> String {
    now_moment().to_micros_text().unwrap_or_default()
}

/// This moment.
pub fn now_moment() -> Moment {
    moment(since_epoch())
}

/// Time since 1970; a clock before that counts as 1970.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn seconds(at: Duration) -> String {
    moment(at).to_seconds_text().unwrap_or_default()
}

fn moment(at: Duration) -> Moment {
    Moment { seconds: i64::try_from(at.as_secs()).unwrap_or(i64::MAX), nanos: at.subsec_nanos() }
}
