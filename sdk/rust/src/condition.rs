//! `meta/v1 Condition`: what is true about an object, and since when.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// An entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// UpperCamelCase and unique in the list: `Ready`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The `metadata.generation` that the condition is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When `status` changed last.
    pub last_transition_time: Timestamp,
    /// UpperCamelCase, for machines: why the status is what it is.
    pub reason: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl Condition {
    /// A condition that holds or does not. [`set_condition`] fills in the time.
    #[must_use]
    pub fn new(r#type: &str, holds: bool, reason: &str, message: impl Into<String>) -> Self {
        Self {
            r#type: r#type.into(),
            status: if holds { "True" } else { "False" }.into(),
            reason: reason.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// The same condition, of which is not known whether it holds.
    #[must_use]
    pub fn unknown(mut self) -> Self {
        self.status = "Unknown".into();
        self
    }

    /// The same condition about this generation of the object.
    #[must_use]
    pub fn of_generation(mut self, generation: Option<i64>) -> Self {
        self.observed_generation = generation;
        self
    }

    /// Whether it holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// Puts `new` in the place of the condition of its type, or at the end. `lastTransitionTime` becomes `now`
/// only if the status is another one than before; so a status that says the same again is equal to the one
/// before and need not be written. True if anything changed.
pub fn set_condition(conditions: &mut Vec<Condition>, mut new: Condition, now: Timestamp) -> bool {
    let Some(old) = conditions.iter_mut().find(|old| old.r#type == new.r#type) else {
        new.last_transition_time = now.to_seconds();
        conditions.push(new);
        return true;
    };
    let same_status = old.status == new.status;
    new.last_transition_time = if same_status { old.last_transition_time } else { now.to_seconds() };
    let changed = *old != new;
    *old = new;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_changes_with_the_status_only() {
        let (early, late) = (Timestamp::from_ms(1_000), Timestamp::from_ms(9_500));
        let mut conditions = Vec::new();
        assert!(set_condition(&mut conditions, Condition::new("Ready", false, "Starting", ""), early));
        assert!(!set_condition(&mut conditions, Condition::new("Ready", false, "Starting", ""), late));
        assert!(set_condition(
            &mut conditions,
            Condition::new("Ready", false, "StillStarting", "1 of 2"),
            late
        ));
        assert_eq!(conditions[0].last_transition_time, early);
        assert!(set_condition(&mut conditions, Condition::new("Ready", true, "Up", ""), late));
        assert_eq!(conditions[0].last_transition_time, Timestamp::from_ms(9_000));
        assert_eq!(conditions.len(), 1);
    }
}
