//! Counts that may be percentages, and how Go shows the structs around them.

use serde_json::{Value, json};

use super::field::{Faults, Field};
use super::texts;

pub(super) fn count_or_percentage(faults: &mut Faults, at: &Field<'_, '_>) {
    match at.value {
        Value::String(text) => faults.text(at, texts::percentage(text)),
        _ => faults.not_negative(at),
    }
}

fn percentage(at: &Field<'_, '_>) -> Option<i64> {
    let text = at.value.as_str()?;
    if texts::percentage(text).is_some() { None } else { text.trim_end_matches('%').parse().ok() }
}

/// The count, or the number before the percent sign.
pub(super) fn amount(at: &Field<'_, '_>) -> i64 {
    percentage(at)
        .unwrap_or_else(|| at.value.as_str().map_or_else(|| at.number(), |text| text.parse().unwrap_or(0)))
}

pub(super) fn at_most_all(faults: &mut Faults, at: &Field<'_, '_>) {
    if percentage(at).is_some_and(|value| value > 100) {
        faults.invalid(at, "must not be greater than 100%");
    }
}

/// A strategy as the real server's internal type shows it.
pub(super) fn internal_strategy(at: &Field<'_, '_>) -> Value {
    let rolling = match &at.value["rollingUpdate"] {
        Value::Object(fields) => {
            let upper = |name: &String| {
                let mut letters = name.chars();
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
            };
            Value::Object(fields.iter().map(|(name, value)| (upper(name), value.clone())).collect())
        }
        other => other.clone(),
    };
    json!({"Type": at.get("type").text(), "RollingUpdate": rolling})
}
