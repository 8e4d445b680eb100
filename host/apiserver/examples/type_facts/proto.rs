//! The field numbers of `generated.proto`, to check what the Go tags say.

use std::collections::BTreeMap;

/// Message name to its field numbers, ascending.
pub(crate) fn numbers(text: &str) -> BTreeMap<String, Vec<u32>> {
    let mut messages = BTreeMap::new();
    let mut open: Option<(String, Vec<u32>)> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("message ") {
            open = Some((name.trim_end_matches(" {").to_owned(), Vec::new()));
        } else if line == "}" {
            if let Some((name, mut numbers)) = open.take() {
                numbers.sort_unstable();
                messages.insert(name, numbers);
            }
        } else if let Some((_, numbers)) = &mut open
            && !line.trim().starts_with("//")
            && let Some((_, number)) = line.trim_end_matches(';').rsplit_once(" = ")
        {
            numbers.extend(number.parse::<u32>());
        }
    }
    messages
}
