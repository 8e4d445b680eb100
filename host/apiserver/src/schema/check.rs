//! The rules for values that a custom resource's schema may state.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;

use super::node::Schema;

/// The value validations of one level of a schema. For built-in kinds only `allowed` is used.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// A named form of a text: `date-time`, `ipv4`, `int32`…
    pub format: Option<Box<str>>,
    /// The largest number.
    pub maximum: Option<f64>,
    /// The largest number itself is not allowed.
    pub exclusive_maximum: bool,
    /// The smallest number.
    pub minimum: Option<f64>,
    /// The smallest number itself is not allowed.
    pub exclusive_minimum: bool,
    /// The number is a multiple of this.
    pub multiple_of: Option<f64>,
    /// Longest text, in characters.
    pub length_max: Option<u64>,
    /// Shortest text, in characters.
    pub length_min: Option<u64>,
    /// What a text has to contain.
    pub pattern: Option<Pattern>,
    /// Most items of a list.
    pub items_max: Option<u64>,
    /// Fewest items of a list.
    pub items_min: Option<u64>,
    /// No two items are equal.
    pub unique_items: bool,
    /// Most entries of an object.
    pub properties_max: Option<u64>,
    /// Fewest entries of an object.
    pub properties_min: Option<u64>,
    /// The values that are allowed.
    pub allowed: Option<Box<[Value]>>,
    /// All of these hold as well.
    pub all_of: Box<[Schema]>,
    /// At least one of these holds.
    pub any_of: Box<[Schema]>,
    /// Exactly one of these holds.
    pub one_of: Box<[Schema]>,
    /// This does not hold.
    pub not: Option<Box<Schema>>,
}

/// A regular expression, compiled when first used.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written in the schema.
    pub text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is not looked at yet.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// Whether the pattern occurs in `value`; `None` if it is no regular expression.
    #[must_use]
    pub fn is_match(&self, value: &str) -> Option<bool> {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref().map(|regex| regex.is_match(value))
    }
}

impl Checks {
    /// Whether there is any rule at all.
    #[must_use]
    pub(crate) fn says_something(&self) -> bool {
        let numbers = [self.maximum, self.minimum, self.multiple_of].iter().any(Option::is_some);
        let counts = [
            self.length_max,
            self.length_min,
            self.items_max,
            self.items_min,
            self.properties_max,
            self.properties_min,
        ];
        let nested = !(self.all_of.is_empty() && self.any_of.is_empty() && self.one_of.is_empty());
        numbers
            || counts.iter().any(Option::is_some)
            || nested
            || self.not.is_some()
            || self.format.is_some()
            || self.pattern.is_some()
            || self.allowed.is_some()
            || self.unique_items
    }
}
