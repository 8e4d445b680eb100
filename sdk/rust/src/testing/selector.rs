//! Label and field selectors.

use serde_json::Value;

/// Whether the object's labels satisfy a selector as `kubectl -l` takes it. A selector that cannot be read
/// is told as the server tells it.
pub(super) fn labels_match(object: &Value, selector: &str) -> Result<bool, String> {
    let labels = &object["metadata"]["labels"];
    for requirement in split(selector) {
        if !requirement_holds(labels, requirement.trim())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Commas inside of parentheses do not end a requirement.
fn split(selector: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&selector[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[from..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn requirement_holds(labels: &Value, requirement: &str) -> Result<bool, String> {
    let value = |key: &str| labels[key.trim()].as_str();
    if let Some(key) = requirement.strip_prefix('!') {
        return Ok(value(key).is_none());
    }
    if let Some((head, list)) = requirement.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(|| format!("{requirement:?}: `)` is missing"))?;
        let mut words = head.split_whitespace();
        let key = words.next().unwrap_or_default();
        let found = value(key).is_some_and(|value| list.split(',').any(|one| one.trim() == value));
        return match words.next() {
            Some("in") => Ok(found),
            Some("notin") => Ok(!found),
            _ => Err(format!("{requirement:?}: `in` or `notin` is wanted")),
        };
    }
    for (operator, wanted) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, expected)) = requirement.split_once(operator) {
            return Ok((value(key) == Some(expected.trim())) == wanted);
        }
    }
    if requirement.contains(char::is_whitespace) {
        return Err(format!("{requirement:?} is no requirement"));
    }
    Ok(value(requirement).is_some())
}

/// Whether the object's fields satisfy a selector such as `metadata.name=web`.
pub(super) fn fields_match(object: &Value, selector: &str) -> Result<bool, String> {
    for requirement in split(selector) {
        let (path, expected, wanted) = match (requirement.split_once("!="), requirement.split_once('=')) {
            (Some((path, expected)), _) => (path, expected, false),
            (None, Some((path, expected))) => (path, expected.trim_start_matches('='), true),
            (None, None) => return Err(format!("{requirement:?} is no requirement")),
        };
        let found = super::field::values(object, &format!(".{}", path.trim()));
        if (found.first().map_or("", String::as_str) == expected.trim()) != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_select_as_kubectl_does() {
        let object = serde_json::json!({ "metadata": { "labels": { "app": "web", "tier": "a" } } });
        let check = |selector: &str, expected: bool| {
            assert_eq!(labels_match(&object, selector), Ok(expected), "{selector}");
        };
        check("", true);
        check("app", true);
        check("!app", false);
        check("!other", true);
        check("app=web,tier==a", true);
        check("app!=web", false);
        check("other!=web", true);
        check("tier in (b, a),app", true);
        check("tier notin (b, a)", false);
        check("other notin (a)", true);
        assert!(labels_match(&object, "a b").is_err());
        assert!(labels_match(&object, "tier in (a").is_err());
    }

    #[test]
    fn field_selectors_look_at_paths() {
        let object = serde_json::json!({ "metadata": { "name": "web" }, "spec": { "nodeName": "n1" } });
        assert_eq!(fields_match(&object, "metadata.name=web,spec.nodeName!=n2"), Ok(true));
        assert_eq!(fields_match(&object, "spec.nodeName=n2"), Ok(false));
    }
}
