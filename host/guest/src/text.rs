//! Guest text on its way to people: no control characters, no endless lines.

/// The text with everything escaped that could move a cursor, forge a line or hide what stands there, cut to
/// `bytes_max` (an ellipsis then ends it).
///
/// Escaped are control characters (C0, DEL, C1), the separators U+2028 and U+2029, and the marks that turn the
/// direction of writing around or take no room.
#[must_use]
pub fn plain(text: &str, bytes_max: usize) -> String {
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
            break;
        }
    }
    out
}

fn deceives(char: char) -> bool {
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
    fn long_text_is_cut_between_characters() {
        assert_eq!(plain("ααα", 4), "αα…");
        assert_eq!(plain("ααα", 5), "αα…");
        assert_eq!(plain("ααα", 6), "ααα");
    }
}
