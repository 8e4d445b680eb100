//! Label selectors: `a=b,c!=d,e in (f,g),!h,i>5`.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::label_text::requirements;
use crate::status::ApiError;

/// All requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: Operator,
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    DoubleEqual,
    NotEqual,
    In,
    NotIn,
    Exists,
    Missing,
    Greater,
    Less,
}

impl LabelSelector {
    /// Reads the text form; empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        requirements(text).map(|requirements| Self { requirements }).map_err(ApiError::bad_request)
    }

    /// Reads the object form (`matchLabels`, `matchExpressions`); unknown operators match nothing.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let values = value.as_str().map(str::to_owned).into_iter().collect();
            requirements.push(Requirement { key: key.clone(), operator: Operator::In, values });
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Missing,
                _ => Operator::In,
            };
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            requirements.push(Requirement { key: text("key").to_owned(), operator, values });
        }
        Self { requirements }
    }

    /// Whether there is no requirement.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels, given by their look-up, fulfil every requirement.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(label(&requirement.key)))
    }

    /// Whether the labels of a JSON object fulfil every requirement.
    pub fn matches_map(&self, labels: Option<&serde_json::Map<String, Value>>) -> bool {
        self.matches(|key| labels?.get(key)?.as_str())
    }
}

impl Display for LabelSelector {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl Display for Requirement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equal => write!(out, "{key}={values}"),
            Operator::DoubleEqual => write!(out, "{key}=={values}"),
            Operator::NotEqual => write!(out, "{key}!={values}"),
            Operator::In => write!(out, "{key} in ({values})"),
            Operator::NotIn => write!(out, "{key} notin ({values})"),
            Operator::Greater => write!(out, "{key}>{values}"),
            Operator::Less => write!(out, "{key}<{values}"),
            Operator::Exists => out.write_str(key),
            Operator::Missing => write!(out, "!{key}"),
        }
    }
}

impl Requirement {
    fn holds(&self, label: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|held| held == value);
        let compare = |value: &str| Some(value.parse::<i64>().ok()?.cmp(&self.values.first()?.parse().ok()?));
        match self.operator {
            Operator::In | Operator::Equal | Operator::DoubleEqual => label.is_some_and(listed),
            Operator::NotIn | Operator::NotEqual => !label.is_some_and(listed),
            Operator::Exists => label.is_some(),
            Operator::Missing => label.is_none(),
            Operator::Greater => label.and_then(compare).is_some_and(std::cmp::Ordering::is_gt),
            Operator::Less => label.and_then(compare).is_some_and(std::cmp::Ordering::is_lt),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn check(selector: &str, labels: &[(&str, &str)], expected: bool) {
        let parsed = LabelSelector::parse(selector).unwrap();
        let found =
            parsed.matches(|key| labels.iter().find(|(held, _)| *held == key).map(|(_, value)| *value));
        assert_eq!(found, expected, "{selector} on {labels:?}");
    }

    #[test]
    fn every_operator_selects_as_documented() {
        let labels = [("a", "b"), ("n", "7"), ("e", "")];
        for selector in
            ["", "a=b", "a==b", "a in (b, c)", "a,!z", "z!=q", "a notin (x),n>6", "n<8", "e=", "e"]
        {
            check(selector, &labels, true);
        }
        for selector in ["a=c", "z", "!a", "a notin (b)", "a!=b", "n>7", "z>1", "a=,n", "a in ()"] {
            check(selector, &labels, false);
        }
    }

    #[test]
    fn a_selector_is_written_in_one_form() {
        for (text, form) in [
            ("c , a in ( z,b ,b),!d", "a in (b,z),c,!d"),
            ("a==1,b!= 2", "a==1,b!=2"),
            ("x in (in, notin)", "x in (in,notin)"),
            ("x notin (,a)", "x notin (,a)"),
            ("n >5,m<\t6", "m<6,n>5"),
            ("in", "in"),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().to_string(), form, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let integer = "for 'Gt', 'Lt' operators, the value must be an integer";
        let requirement = |why: &str| format!("unable to parse requirement: {why}");
        for (text, message) in [
            ("a b===", requirement("found 'b', expected: in, notin, =, ==, !=, gt, lt")),
            ("a=b,", "found '', expected: identifier after ','".to_owned()),
            ("=", "found '=', expected: !, identifier, or 'end of string'".to_owned()),
            ("a=b c", "found 'c', expected: ',' or 'end of string'".to_owned()),
            ("a in b", requirement("found 'b' expected: '('")),
            ("a in (b", requirement("found '', expected: ',' or ')'")),
            ("a>x", requirement(&format!("values[0]: Invalid value: \"x\": {integer}"))),
        ] {
            let error = LabelSelector::parse(text).unwrap_err();
            assert_eq!((error.code(), error.0.message), (400, message), "{text}");
        }
        for selector in ["a/b/c=d", "a=-", "a in (b))", "a=(b)"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
