//! Label selectors: the text form, and matching without allocation.

use std::fmt;

/// A parsed label selector. All requirements must hold; none: everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    text: Box<str>,
    requirements: Box<[Requirement]>,
}

/// One condition of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label's key.
    pub key: Box<str>,
    /// What must hold of its value.
    pub test: Test,
}

/// What must hold of a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// `key in (a, b)`, `key = a`.
    In(Box<[Box<str>]>),
    /// `key notin (a, b)`, `key != a`; holds also when the label is absent.
    NotIn(Box<[Box<str>]>),
    /// `key`.
    Exists,
    /// `!key`.
    Absent,
    /// `key > 5`.
    Greater(i64),
    /// `key < 5`.
    Less(i64),
}

/// A text that is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no label selector: {what}; write it like `app=web,tier in (a, b),!legacy`")]
pub struct SelectorError {
    /// The whole text.
    pub text: String,
    /// What was wrong.
    pub what: String,
}

impl Selector {
    /// Parses the form that the API server takes in `labelSelector`.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let fail = |what: &str| SelectorError { text: text.to_owned(), what: what.to_owned() };
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    break;
                }
                return Err(fail("an empty requirement between commas"));
            }
            requirements.push(requirement(part).map_err(|what| fail(&what))?);
        }
        Ok(Self { text: text.trim().into(), requirements: requirements.into() })
    }

    /// Whether labels satisfy every requirement; `label` finds the value of one.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(label(&requirement.key)))
    }

    /// The requirements, for indexes.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The selector as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|text| text.parse::<i64>().ok());
        match self {
            Self::In(set) => value.is_some_and(|value| set.iter().any(|one| **one == *value)),
            Self::NotIn(set) => value.is_none_or(|value| set.iter().all(|one| **one != *value)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Greater(than) => number().is_some_and(|number| number > *than),
            Self::Less(than) => number().is_some_and(|number| number < *than),
        }
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement { key: label_key(key)?, test: Test::Absent });
    }
    for (operator, set) in [(" notin ", false), (" notin(", false), (" in ", true), (" in(", true)] {
        if let Some((key, values)) = part.split_once(operator) {
            let values = if operator.ends_with('(') { format!("({values}") } else { values.to_owned() };
            let values = value_set(&values)?;
            let test = if set { Test::In(values) } else { Test::NotIn(values) };
            return Ok(Requirement { key: label_key(key)?, test });
        }
    }
    for operator in ["!=", "==", "=", ">", "<"] {
        if let Some((key, value)) = part.split_once(operator) {
            return Ok(Requirement { key: label_key(key)?, test: comparison(operator, value.trim())? });
        }
    }
    Ok(Requirement { key: label_key(part)?, test: Test::Exists })
}

fn comparison(operator: &str, value: &str) -> Result<Test, String> {
    let number = || value.parse().map_err(|_| format!("`{value}` after `{operator}` is no integer"));
    Ok(match operator {
        ">" => Test::Greater(number()?),
        "<" => Test::Less(number()?),
        "!=" => Test::NotIn([label_value(value)?].into()),
        _ => Test::In([label_value(value)?].into()),
    })
}

fn value_set(text: &str) -> Result<Box<[Box<str>]>, String> {
    let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inner = inner.ok_or_else(|| format!("`{}` should be a list in parentheses", text.trim()))?;
    inner.split(',').map(|value| label_value(value.trim())).collect()
}

fn label_key(text: &str) -> Result<Box<str>, String> {
    let key = text.trim();
    let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty()
        || name.len() > 63
        || prefix.len() > 253
        || !name.chars().all(plain)
        || !prefix.chars().all(plain)
    {
        return Err(format!("`{key}` is no label key"));
    }
    Ok(key.into())
}

fn label_value(value: &str) -> Result<Box<str>, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.len() > 63 || !value.chars().all(plain) {
        return Err(format!("`{value}` is no label value"));
    }
    Ok(value.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(text: &str, want: bool) {
        let labels = [("app", "web"), ("n", "7"), ("tier", "a")];
        let label = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        assert_eq!(Selector::parse(text).unwrap().matches(label), want, "{text}");
    }

    #[test]
    fn a_selector_matches_as_the_server_would() {
        for text in
            ["", "app=web", "app==web,tier in (a, b)", "tier notin (c),!gone", "gone!=x", "app", "n>6,n<8"]
        {
            check(text, true);
        }
        for text in
            ["app=x", "gone", "!app", "tier notin (a)", "n>7", "app in (x,y)", "gone in (a)", "gone>1"]
        {
            check(text, false);
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["a=b,,c=d", "a in b", "=x", "a=b c", "n>x", "a/b/c d"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
