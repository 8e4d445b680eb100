//! How long ago something was, in the words of `kubectl get`.

use serde_json::Value;

use crate::wire::time::Moment;

/// The time since a timestamp; `<unknown>` if there is none.
pub(super) fn since(timestamp: Option<&Value>, now: Moment) -> String {
    match timestamp.and_then(Value::as_str).and_then(Moment::parse) {
        Some(then) => between(then, now),
        None => "<unknown>".to_owned(),
    }
}

/// The time from one moment to another.
pub(super) fn between(then: Moment, now: Moment) -> String {
    let nanos = i128::from(now.seconds - then.seconds) * 1_000_000_000 + i128::from(now.nanos)
        - i128::from(then.nanos);
    duration_text(i64::try_from(nanos / 1_000_000_000).unwrap_or(0))
}

/// A duration with at most two units, coarser the longer it is.
pub(super) fn duration_text(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => with_rest(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with_rest(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with_rest(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => with_rest(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

fn with_rest(value: i64, unit: char, rest: i64, rest_unit: char) -> String {
    if rest == 0 { format!("{value}{unit}") } else { format!("{value}{unit}{rest}{rest_unit}") }
}

#[cfg(test)]
mod tests {
    use super::duration_text;

    #[test]
    fn durations_grow_coarser() {
        for (seconds, want) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (150, "2m30s"),
            (600, "10m"),
            (179 * 60, "179m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 120, "3h2m"),
            (9 * 3600, "9h"),
            (47 * 3600, "47h"),
            (48 * 3600, "2d"),
            (50 * 3600, "2d2h"),
            (8 * 86_400, "8d"),
            (729 * 86_400, "729d"),
            (731 * 86_400, "2y1d"),
            (8 * 365 * 86_400, "8y"),
        ] {
            assert_eq!(duration_text(seconds), want, "{seconds}");
        }
    }
}
