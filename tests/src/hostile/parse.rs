//! The form of a corpus file: header lines, families, parts, and texts that are laid out in memory.

/// Where the texts of a module begin.
const TEXTS_AT: usize = 16_384;

/// `;; key: value` lines before the first line of code.
pub(super) struct Header<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Header<'a> {
    pub(super) fn one(&self, key: &str) -> Option<&'a str> {
        self.all(key).next()
    }

    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| *found == key).map(|(_, value)| *value)
    }
}

pub(super) fn header(text: &str) -> Header<'_> {
    let lines = text.lines().take_while(|line| line.starts_with(";;"));
    Header(lines.filter_map(|line| line.trim_start_matches(";; ").split_once(": ")).collect())
}

/// Everything behind the header.
pub(super) fn body(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.starts_with(";;"));
    lines.collect::<Vec<_>>().join("\n")
}

/// One text for each combination of the values of its `;; each NAME: a | b` lines.
pub(super) fn variants(text: &str) -> Vec<String> {
    let mut texts = vec![text.to_owned()];
    for (key, values) in
        header(text).0.iter().filter_map(|(key, values)| Some((key.strip_prefix("each ")?, values)))
    {
        let place = format!("{{{{{key}}}}}");
        assert!(text.contains(&place), "{place} does not stand in {text}");
        texts = texts
            .iter()
            .flat_map(|text| values.split(" | ").map(|value| text.replace(&place, value.trim())))
            .collect();
    }
    texts.iter().map(|text| repeated(text)).collect()
}

/// With `{{3 * text}}` written out, and in it the number of each for `{n}`.
fn repeated(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inner, after) = behind.split_once("}}").unwrap_or_else(|| panic!("no end of {behind}"));
        let (times, what) = inner.split_once(" * ").unwrap_or_else(|| panic!("`{inner}` has no value"));
        out.push_str(before);
        let times: usize = times.trim().parse().unwrap_or_else(|_| panic!("`{times}` is no number"));
        (0..times).for_each(|nth| out.push_str(&what.replace("{n}", &nth.to_string())));
        rest = after;
    }
    out + rest
}

/// The module's fields, and what stands in front of the frame's `realloc`, `describe` and `targets`.
pub(super) fn parts(body: &str) -> [String; 4] {
    let mut parts = [const { String::new() }; 4];
    let mut at = 0;
    for line in body.lines() {
        match line {
            ";; part realloc" => at = 1,
            ";; part describe" => at = 2,
            ";; part targets" => at = 3,
            line => parts[at].push_str(&format!("{line}\n")),
        }
    }
    parts
}

/// `a: 1, b: 2, a: 3` without the first `a`: a manifest takes no field twice.
pub(super) fn last_of_each(fields: &str) -> String {
    let all: Vec<(&str, &str)> = fields.split(", ").filter_map(|field| field.split_once(": ")).collect();
    let is_last = |at: usize, name: &str| all[at + 1..].iter().all(|(later, _)| *later != name);
    let kept = all.iter().enumerate().filter(|(at, (name, _))| is_last(*at, name));
    kept.map(|(_, (name, value))| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
}

/// Each `@"text"` as place and length, and the data segment that holds all texts.
pub(super) fn laid_out(text: &str) -> (String, String) {
    let (mut out, mut data, mut rest) = (String::new(), String::new(), text);
    let mut at = TEXTS_AT;
    while let Some(begin) = rest.find("@\"") {
        out.push_str(&rest[..begin]);
        let quoted = &rest[begin + 2..];
        let end = end_of(quoted);
        let length = length_of(&quoted[..end]);
        out.push_str(&format!("(i32.const {at}) (i32.const {length})"));
        data.push_str(&quoted[..end]);
        at += length;
        rest = &quoted[end + 1..];
    }
    out.push_str(rest);
    (out, format!("(data (i32.const {TEXTS_AT}) \"{data}\")"))
}

/// Where a quoted text ends: at the first quote that no backslash stands before.
fn end_of(quoted: &str) -> usize {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or_else(|| panic!("a text does not end: {quoted}"))
}

/// Bytes of a text in which `\7f` and `\n` are one byte each.
fn length_of(quoted: &str) -> usize {
    let (mut length, mut rest) = (0, quoted.as_bytes());
    while let Some(first) = rest.first() {
        let hex = *first == b'\\' && rest.len() > 2 && rest[1..3].iter().all(u8::is_ascii_hexdigit);
        let taken = if hex {
            3
        } else if *first == b'\\' {
            2
        } else {
            1
        };
        rest = &rest[taken..];
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_laid_out_one_behind_the_other() {
        let (text, data) = laid_out(r#"(call $x @"a\ff\n" @"say \"x\"" @"")"#);
        let want = "(call $x (i32.const 16384) (i32.const 3) (i32.const 16387) (i32.const 7) (i32.const 16394) (i32.const 0))";
        assert_eq!(text, want);
        assert_eq!(data, r#"(data (i32.const 16384) "a\ff\nsay \"x\"")"#);
    }

    #[test]
    fn a_family_is_one_text_for_each_combination() {
        let texts = variants(";; each A: 1 | 2\n;; each B: x | y | z\n{{A}}{{B}}");
        assert_eq!(texts.len(), 6);
        assert!(texts[5].ends_with("2z"), "{texts:?}");
        assert_eq!(last_of_each("a: 1, b: 2, a: 3"), "b: 2, a: 3");
        assert_eq!(variants("a{{3 * (t {n})}} b{{0 * x}}"), ["a(t 0)(t 1)(t 2) b"]);
    }
}
