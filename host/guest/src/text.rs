//! Guest text on its way to people: no control characters, no endless lines.
//!
//! Escaped twice: [`plain`] where the text comes out of a guest, and [`visible`] where a log, a terminal or a page is
//! written, so that what passed some other way (a name that the server accepted, a word of the server's answer) does no
//! harm either.

use std::borrow::Cow;

/// The text with everything escaped that could move a cursor, forge a line or hide what stands there, cut to
/// `bytes_max` (an ellipsis then ends it).
///
/// Escaped are control characters (C0, DEL, C1), the separators U+2028 and U+2029, and the marks that turn the
/// direction of writing around or take no room.
#[must_use]
pub fn plain(text: &str, bytes_max: usize) -> String {
    plain_cut(text, bytes_max).0
}

/// The same, and whether it was cut.
pub(crate) fn plain_cut(text: &str, bytes_max: usize) -> (String, bool) {
    let mut out = String::with_capacity(text.len().min(bytes_max) + 4);
    for char in text.chars() {
        let before = out.len();
        match char {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if deceives(char) => out.extend(char.escape_unicode()),
            _ => out.push(char),
        }
        if out.len() > bytes_max {
            out.truncate(before);
            out.push('…');
            return (out, true);
        }
    }
    (out, false)
}

/// The text of a page or a log line: as [`plain`], but its lines stay lines, and it is not cut.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, |char, out| out.extend(char.escape_unicode()))
}

/// JSON with the same characters escaped inside its strings, where alone they can stand.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    replaced(json, |char, out| {
        let mut units = [0; 2];
        for unit in char.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

fn replaced(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let hides = |char: char| char != '\n' && deceives(char);
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if hides(char) { escape(char, &mut out) } else { out.push(char) }
    }
    Cow::Owned(out)
}

/// Whether a character could move a cursor, forge a line, hide, or turn text around.
#[must_use]
pub fn deceives(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &str) {
        assert_eq!(plain(text, 40), want);
    }

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        check("grün ☸ 🚀", "grün ☸ 🚀");
        check("a\x1b[2Jb", "a\\u{1b}[2Jb");
        check("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree");
        check("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}");
        check("user\u{202e}txt.exe", "user\\u{202e}txt.exe");
    }

    #[test]
    fn a_page_keeps_its_lines_and_nothing_else_that_steers() {
        assert_eq!(visible("one\n  two\r\x1b[2J\u{202e}"), "one\n  two\\u{d}\\u{1b}[2J\\u{202e}");
        assert!(matches!(visible("nothing\nto do ☸"), Cow::Borrowed(_)));
        let json = "{\"a\":\"\u{9b}31m\u{e0041}\"}";
        let shown = visible_json(json);
        assert_eq!(shown, r#"{"a":"\u009b31m\udb40\udc41"}"#);
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(parse(&shown), parse(json), "it means the same");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(plain("ααα", 4), "αα…");
        assert_eq!(plain("ααα", 5), "αα…");
        assert_eq!(plain("ααα", 6), "ααα");
    }
}
