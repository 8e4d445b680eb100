//! `namespaceSelector`: a `meta/v1 LabelSelector`.

use super::{
    error::Problem,
    fields::{Reader, nearest, one_of},
    yaml::{At, Node, Value},
};
use windlass_core::selector::Selector;

const SELECTOR: &[&str] = &["matchLabels", "matchExpressions"];
const EXPRESSION: &[&str] = &["key", "operator", "values"];
const OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist"];

/// None if something is wrong with it, which is told.
pub(super) fn decode_selector(reader: &mut Reader, node: &Node) -> Option<Selector> {
    let problems = reader.problems.len();
    let fields = reader.fields(node, "namespaceSelector", SELECTOR);
    let mut terms = Vec::new();
    if let Some(node) = fields.get("matchLabels") {
        terms.extend(match_labels(reader, node));
    }
    if let Some(node) = fields.get("matchExpressions") {
        let Value::List(items) = &node.value else {
            reader.problem(Problem::new(node.at, "`matchExpressions` is a list"));
            return None;
        };
        terms.extend(items.iter().filter_map(|item| expression(reader, item)));
    }
    if reader.problems.len() > problems {
        return None;
    }
    if terms.is_empty() {
        let problem = Problem::new(node.at, "this selects every namespace");
        reader.problem(problem.help("write `namespaces: [\"*\"]` if that is meant"));
        return None;
    }
    let text = terms.join(",");
    let selector = Selector::parse(&text);
    if let Err(error) = &selector {
        reader.problem(Problem::new(node.at, error.to_string()));
    }
    selector.ok()
}

fn match_labels(reader: &mut Reader, node: &Node) -> Vec<String> {
    let Value::Map(entries) = &node.value else {
        reader.problem(Problem::new(node.at, "`matchLabels` is a mapping of labels to values"));
        return Vec::new();
    };
    let mut terms = Vec::new();
    for (key, value) in entries {
        let name = checked(reader, key.at, key.text(), "label", is_key);
        let text = checked(reader, value.at, value.text(), "label's value", is_value);
        terms.extend(name.zip(text).map(|(name, text)| format!("{name} in ({text})")));
    }
    terms
}

fn expression(reader: &mut Reader, node: &Node) -> Option<String> {
    let fields = reader.fields(node, "matchExpressions[]", EXPRESSION);
    let key = fields.required(reader, "key", "key: team")?;
    let operator = fields.required(reader, "operator", "operator: Exists")?;
    let name = checked(reader, key.at, key.text(), "label", is_key)?;
    let values = fields.get("values").map(|node| reader.texts(node, "values")).unwrap_or_default();
    let texts: Vec<_> = values
        .iter()
        .filter_map(|(at, text)| checked(reader, *at, Some(text), "label's value", is_value))
        .collect();
    let word = operator.text().unwrap_or_default();
    let term = match (word, texts.is_empty()) {
        ("In", false) => format!("{name} in ({})", texts.join(",")),
        ("NotIn", false) => format!("{name} notin ({})", texts.join(",")),
        ("Exists", true) => name.to_owned(),
        ("DoesNotExist", true) => format!("!{name}"),
        ("In" | "NotIn", true) => {
            reader.problem(Problem::new(operator.at, format!("`{word}` takes `values`")));
            return None;
        }
        ("Exists" | "DoesNotExist", false) => {
            reader.problem(Problem::new(operator.at, format!("`{word}` takes no `values`")));
            return None;
        }
        _ => {
            let mut problem = Problem::new(operator.at, format!("`{word}` is no operator"));
            if let Some(near) = nearest(word, OPERATORS.iter().copied()) {
                problem = problem.label(format!("did you mean `{near}`?"));
            }
            reader.problem(problem.help(format!("an operator is {}", one_of(OPERATORS))));
            return None;
        }
    };
    Some(term)
}

fn checked<'t>(
    reader: &mut Reader,
    at: At,
    text: Option<&'t str>,
    what: &str,
    holds: fn(&str) -> bool,
) -> Option<&'t str> {
    let text = text.unwrap_or_default();
    if holds(text) {
        return Some(text);
    }
    let problem = Problem::new(at, format!("`{text}` cannot be a {what}"));
    reader.problem(problem.help("at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, beginning and ending with a letter or digit; a label may have a DNS name and `/` before it"));
    None
}

fn is_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let domain = |text: &str| text.len() <= 253 && text.split('.').all(super::is_dns_label);
    !name.is_empty() && is_value(name) && prefix.is_none_or(domain)
}

/// The server takes an empty value as well; a selector's text cannot say it.
fn is_value(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(word)
        && bytes.last().is_some_and(word)
        && bytes.iter().all(|byte| word(byte) || b"-_.".contains(byte))
}
