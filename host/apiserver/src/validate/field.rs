//! A place in an object that is being checked, and what was found wrong so far.

use serde_json::Value;

use crate::schema::{FieldError, Path, Reason};

/// A value and where it stands; the way is only written out for an error.
#[derive(Clone, Copy)]
pub(super) struct Field<'p, 'v> {
    pub(super) value: &'v Value,
    pub(super) path: Path<'p>,
}

impl<'p, 'v> Field<'p, 'v> {
    pub(super) fn root(value: &'v Value) -> Self {
        Self { value, path: Path::Root }
    }

    pub(super) fn get<'s>(&'s self, name: &'s str) -> Field<'s, 'v> {
        Field { value: &self.value[name], path: self.path.field(name) }
    }

    /// The same value, seen where a part of it is to be blamed.
    pub(super) fn items(&self) -> impl Iterator<Item = Field<'_, 'v>> {
        let items = self.value.as_array().into_iter().flatten();
        items.enumerate().map(|(at, value)| Field { value, path: self.path.index(at) })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'v str, Field<'_, 'v>)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), Field { value, path: self.path.key(key) }))
    }

    pub(super) fn text(&self) -> &'v str {
        self.value.as_str().unwrap_or_default()
    }

    /// The number, 0 where there is none.
    pub(super) fn number(&self) -> i64 {
        self.value.as_i64().unwrap_or_default()
    }

    pub(super) fn is_set(&self) -> bool {
        !self.value.is_null()
    }

    pub(super) fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// How many items or entries.
    pub(super) fn len(&self) -> usize {
        match self.value {
            Value::Array(items) => items.len(),
            Value::Object(entries) => entries.len(),
            _ => 0,
        }
    }
}

/// What is wrong, in the order in which the real server tells it.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<FieldError>);

impl Faults {
    pub(super) fn required(&mut self, at: &Field<'_, '_>, detail: &str) {
        self.0.push(FieldError::required(at.path, detail));
    }

    pub(super) fn forbidden(&mut self, at: &Field<'_, '_>, detail: &str) {
        self.0.push(FieldError::forbidden(at.path, detail));
    }

    pub(super) fn invalid(&mut self, at: &Field<'_, '_>, detail: &str) {
        self.0.push(FieldError::invalid(at.path, at.value, detail));
    }

    /// A text that may be missing, which is the same as empty.
    pub(super) fn invalid_text(&mut self, at: &Field<'_, '_>, detail: &str) {
        self.0.push(FieldError::invalid_text(at.path, at.text(), detail));
    }

    /// A number that may be missing, which is the same as 0.
    pub(super) fn invalid_number(&mut self, at: &Field<'_, '_>, detail: &str) {
        self.0.push(FieldError::invalid(at.path, &at.number().into(), detail));
    }

    /// A value as the real server's internal type shows it: its own names, in its own order.
    pub(super) fn invalid_as(&mut self, at: &Field<'_, '_>, shown: &str, detail: &str) {
        let message = format!("Invalid value: {shown}: {detail}");
        self.0.push(FieldError { reason: Reason::Invalid, field: at.path.to_string(), message });
    }

    pub(super) fn duplicate(&mut self, at: &Field<'_, '_>) {
        self.0.push(FieldError::duplicate(at.path, at.value));
    }

    pub(super) fn not_found(&mut self, at: &Field<'_, '_>) {
        self.0.push(FieldError::of_value(Reason::NotFound, at.path, &at.text().into(), ""));
    }

    pub(super) fn not_supported(&mut self, at: &Field<'_, '_>, allowed: &[&str]) {
        let value = if at.is_set() { at.value.clone() } else { "".into() };
        self.0.push(FieldError::not_supported(at.path, &value, allowed.iter().copied()));
    }

    /// One of the `allowed` texts; without any it is missing.
    pub(super) fn one_of(&mut self, at: &Field<'_, '_>, allowed: &[&str]) {
        if at.text().is_empty() {
            self.required(at, "");
        } else {
            self.one_of_if_set(at, allowed);
        }
    }

    pub(super) fn one_of_if_set(&mut self, at: &Field<'_, '_>, allowed: &[&str]) {
        if at.is_set() && !allowed.contains(&at.text()) {
            self.not_supported(at, allowed);
        }
    }

    pub(super) fn not_negative(&mut self, at: &Field<'_, '_>) {
        if at.number() < 0 {
            self.invalid(at, "must be greater than or equal to 0");
        }
    }

    pub(super) fn all_not_negative(&mut self, of: &Field<'_, '_>, names: &[&str]) {
        for name in names {
            self.not_negative(&of.get(name));
        }
    }

    /// A text and what a rule for names says about it.
    pub(super) fn text(&mut self, at: &Field<'_, '_>, why: impl IntoIterator<Item = String>) {
        for detail in why {
            self.invalid_text(at, &detail);
        }
    }

    /// A field that an update leaves as it was.
    pub(super) fn immutable(&mut self, now: &Field<'_, '_>, before: &Value) {
        if now.value != before {
            self.invalid(now, "field is immutable");
        }
    }
}
