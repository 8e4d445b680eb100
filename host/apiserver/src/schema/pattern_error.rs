//! What Go says of a regular expression that is none.

/// Go's message for what the regex crate found wrong with `pattern`.
pub(super) fn go_message(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let marks = text.lines().find(|line| line.contains('^') && line.trim_matches([' ', '^']).is_empty());
    // The pattern is shown four columns to the right.
    let start = marks.and_then(|line| line.find('^')).unwrap_or_default().saturating_sub(4);
    let len = marks.map_or(0, |line| line.matches('^').count());
    let from: String = pattern.chars().skip(start).collect();
    let part: String = from.chars().take(len).collect();
    let of = |what: &str, shown: &str| format!("{what}: `{shown}`");
    if why.starts_with("unclosed group") {
        of("missing closing )", pattern)
    } else if why.starts_with("unopened group") {
        of("unexpected )", pattern)
    } else if why.starts_with("unclosed character class") {
        of("missing closing ]", &from)
    } else if why.starts_with("invalid repetition count range") {
        let open = pattern.get(..start + 1).and_then(|text| text.rfind('{')).unwrap_or(start);
        let close = pattern[open..].find('}').map_or(pattern.len(), |len| open + len + 1);
        of("invalid repeat count", &pattern[open..close])
    } else if why.starts_with("look-around") {
        of("invalid or unsupported Perl syntax", &from.chars().take(3).collect::<String>())
    } else if why.starts_with("Unicode property not found") {
        of("invalid character class range", &part)
    } else if why.starts_with("repetition operator missing expression") {
        of("missing argument to repetition operator", &part)
    } else if why.starts_with("unrecognized escape sequence") {
        of("invalid escape sequence", &part)
    } else {
        why.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pattern_is_told_in_gos_words() {
        for (pattern, message) in [
            ("(", "missing closing ): `(`"),
            ("a[b", "missing closing ]: `[b`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("x(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
            (r"\p{X}", r"invalid character class range: `\p{X}`"),
            ("*a", "missing argument to repetition operator: `*`"),
        ] {
            let told = regex::Regex::new(pattern).err().map(|error| go_message(pattern, &error));
            assert_eq!(told.as_deref(), Some(message), "{pattern}");
        }
    }
}
