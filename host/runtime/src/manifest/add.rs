//! Puts rules into a manifest's text and leaves all else in it as it is.

use super::{
    Defaults, Manifest, ManifestError,
    error::Problem,
    fields::Reader,
    rules::decode_rule,
    yaml::{self, At, Node, Value},
};
use std::path::Path;
use windlass_core::grant::Rule;

/// The rule that a text says, such as the one that a refusal names.
pub(super) fn parse_rule(text: &str) -> Result<Rule, ManifestError> {
    let mut reader = Reader::default();
    let rule = match yaml::parse(text) {
        Ok(Some(node)) => Some(decode_rule(&mut reader, &node)),
        Ok(None) => {
            let problem = Problem::new(At::START, "the rule is empty");
            reader.problem(
                problem.help("write it as the refusal names it, in the log and in the answer to the module"),
            );
            None
        }
        Err(malformed) => {
            reader.malformed(malformed);
            None
        }
    };
    match rule {
        Some(rule) if reader.problems.is_empty() => Ok(rule),
        _ => Err(ManifestError::new("--add".into(), text, reader.problems)),
    }
}

/// The manifest's text with these rules before those it has. Those that it gives already are left out.
pub(super) fn with_rules(file: &Path, text: &str, rules: &[Rule]) -> Result<String, ManifestError> {
    let defaults = Defaults::default();
    let before = Manifest::parse(file, text, &defaults)?;
    let had = before.grant.as_ref().map(|grant| grant.rules.clone()).unwrap_or_default();
    let mut fresh: Vec<&Rule> = Vec::new();
    for rule in rules.iter().filter(|rule| !had.contains(rule)) {
        if !fresh.contains(&rule) {
            fresh.push(rule);
        }
    }
    if fresh.is_empty() {
        return Ok(text.to_owned());
    }
    let root = yaml::parse(text).ok().flatten();
    let list = root.as_ref().and_then(|root| field(field(field(root, "spec")?, "grant")?, "rules"));
    let refuse = |at: At, message: &str| {
        let problem = Problem::new(at, message).help("write the rule in by hand");
        Err(ManifestError::new(file.to_owned(), text, vec![problem]))
    };
    let Some(list) = list else { return refuse(At::START, "the manifest has no `spec.grant.rules`") };
    let Some(amended) = inserted(text, list, &fresh) else {
        return refuse(list.at, "the list of rules is written in a way that no rule can be put in");
    };
    let wanted: Vec<&Rule> = fresh.into_iter().chain(&had).collect();
    match Manifest::parse(file, &amended, &defaults) {
        Ok(after)
            if after.grant.as_ref().is_some_and(|grant| grant.rules.iter().eq(wanted.iter().copied())) =>
        {
            Ok(amended)
        }
        _ => refuse(list.at, "the list of rules is written in a way that no rule can be put in"),
    }
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
}

/// In `[…]` behind the bracket, in a list of lines as lines before the first.
fn inserted(text: &str, list: &Node, rules: &[&Rule]) -> Option<String> {
    let Value::List(items) = &list.value else { return None };
    let start = text.split_inclusive('\n').take(list.at.line - 1).map(str::len).sum::<usize>();
    let line = text.get(start..)?;
    let rules: Vec<_> = rules.iter().map(ToString::to_string).collect();
    let (before, after) = text.split_at_checked(start + line.char_indices().nth(list.at.column - 1)?.0)?;
    if let Some(rest) = after.strip_prefix('[') {
        let comma = if items.is_empty() { "" } else { ", " };
        return Some(format!("{before}[{}{comma}{rest}", rules.join(", ")));
    }
    // The place of such a list is somewhere in the line of its first dash.
    let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
    let rules: String = rules.iter().map(|rule| format!("{indent}- {rule}\n")).collect();
    line[indent.len()..].starts_with('-').then(|| format!("{}{rules}{line}", &text[..start]))
}
