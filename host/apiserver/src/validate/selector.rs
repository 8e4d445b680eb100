//! Labels and label selectors inside objects.

use super::field::{Faults, Field};
use super::texts;
use crate::selector::LabelSelector;

pub(super) fn labels(faults: &mut Faults, at: &Field<'_, '_>) {
    for (key, value) in at.entries() {
        for why in texts::qualified(key) {
            faults.0.push(crate::schema::FieldError::invalid_text(at.path, key, why));
        }
        for why in texts::label_value(value.text()) {
            faults.0.push(crate::schema::FieldError::invalid_text(at.path, value.text(), why));
        }
    }
}

pub(super) fn annotations(faults: &mut Faults, at: &Field<'_, '_>) {
    for (key, _) in at.entries() {
        for why in texts::qualified(&key.to_lowercase()) {
            faults.0.push(crate::schema::FieldError::invalid_text(at.path, key, why));
        }
    }
}

/// A selector of `matchLabels` and `matchExpressions`; whether it can be used to select.
pub(super) fn selector(faults: &mut Faults, at: &Field<'_, '_>) -> bool {
    labels(faults, &at.get("matchLabels"));
    let mut usable = true;
    for expression in at.get("matchExpressions").items() {
        usable &= requirement(faults, &expression);
    }
    usable
}

fn requirement(faults: &mut Faults, at: &Field<'_, '_>) -> bool {
    let before = faults.0.len();
    let (operator, values) = (at.get("operator"), at.get("values"));
    match operator.text() {
        "In" | "NotIn" if values.len() == 0 => {
            faults.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "In" | "NotIn" => {}
        "Exists" | "DoesNotExist" if values.len() > 0 => {
            faults.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Exists" | "DoesNotExist" => {}
        _ => faults.invalid_text(&operator, "not a valid selector operator"),
    }
    let key = at.get("key");
    faults.text(&key, texts::qualified(key.text()));
    for value in values.items() {
        faults.text(&value, texts::label_value(value.text()));
    }
    faults.0.len() == before
}

/// Whether a selector that is in order selects an object with these labels.
pub(super) fn selects(at: &Field<'_, '_>, labels: &Field<'_, '_>) -> bool {
    LabelSelector::from_object(at.value).matches_map(labels.value.as_object())
}

/// A selector without any demand.
pub(super) fn is_empty(at: &Field<'_, '_>) -> bool {
    at.get("matchLabels").len() + at.get("matchExpressions").len() == 0
}
