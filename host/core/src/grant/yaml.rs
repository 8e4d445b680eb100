//! A rule as a manifest has it, in one line of YAML.

use super::{Rule, Scope};
use crate::selector::{Requirement, Selector, Test};
use std::fmt;

impl fmt::Display for Rule {
    /// One line of YAML, as in a manifest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permission = &self.permission;
        f.write_str("{apiGroups: ")?;
        list(f, &permission.api_groups)?;
        f.write_str(", resources: ")?;
        list(f, &permission.resources)?;
        if !permission.resource_names.is_empty() {
            f.write_str(", resourceNames: ")?;
            list(f, &permission.resource_names)?;
        }
        f.write_str(", verbs: ")?;
        list(f, &permission.verbs)?;
        match &self.scope {
            Scope::Cluster => {}
            Scope::AllNamespaces => f.write_str(", namespaces: [\"*\"]")?,
            Scope::Namespaces(names) => {
                f.write_str(", namespaces: ")?;
                list(f, names)?;
            }
            Scope::Selected(selector) => {
                f.write_str(", namespaceSelector: ")?;
                labels(f, selector)?;
            }
        }
        f.write_str("}")
    }
}

/// A text that YAML reads back as it is: bare where that cannot be read as anything else, else quoted as JSON does it.
#[must_use]
pub fn yaml_scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_'))
        && !matches!(
            &*text.to_ascii_lowercase(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    if plain {
        return text.to_owned();
    }
    // A module may have asked for it: what JSON leaves as it is and a terminal obeys is escaped as YAML does it.
    let quoted = serde_json::Value::from(text).to_string();
    let mut shown = String::with_capacity(quoted.len());
    for char in quoted.chars() {
        match char {
            ' '..='~' => shown.push(char),
            _ => shown.push_str(&format!("\\U{:08x}", u32::from(char))),
        }
    }
    shown
}

/// A YAML list in one line.
fn list<T: AsRef<str>>(f: &mut fmt::Formatter<'_>, texts: &[T]) -> fmt::Result {
    let texts: Vec<_> = texts.iter().map(|text| yaml_scalar(text.as_ref())).collect();
    write!(f, "[{}]", texts.join(", "))
}

/// A `meta/v1 LabelSelector`.
fn labels(f: &mut fmt::Formatter<'_>, selector: &Selector) -> fmt::Result {
    let (mut equal, mut others) = (Vec::new(), Vec::new());
    for Requirement { key, test } in selector.requirements() {
        let key = yaml_scalar(key);
        match test {
            Test::In(values) if values.len() == 1 => {
                equal.push(format!("{key}: {}", yaml_scalar(&values[0])))
            }
            Test::In(values) => others.push(expression(&key, "In", values)),
            Test::NotIn(values) => others.push(expression(&key, "NotIn", values)),
            Test::Exists => others.push(format!("{{key: {key}, operator: Exists}}")),
            Test::Absent => others.push(format!("{{key: {key}, operator: DoesNotExist}}")),
            Test::Greater(than) => others.push(expression(&key, "Gt", &[than.to_string().into()])),
            Test::Less(than) => others.push(expression(&key, "Lt", &[than.to_string().into()])),
        }
    }
    let mut parts = Vec::new();
    if !equal.is_empty() {
        parts.push(format!("matchLabels: {{{}}}", equal.join(", ")));
    }
    if !others.is_empty() {
        parts.push(format!("matchExpressions: [{}]", others.join(", ")));
    }
    write!(f, "{{{}}}", parts.join(", "))
}

fn expression(key: &str, operator: &str, values: &[Box<str>]) -> String {
    let values: Vec<_> = values.iter().map(|value| yaml_scalar(value)).collect();
    format!("{{key: {key}, operator: {operator}, values: [{}]}}", values.join(", "))
}
