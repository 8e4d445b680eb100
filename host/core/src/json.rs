//! A strict reader of JSON text that keeps places instead of values.
//!
//! The way of every watch event goes through here once, and serde's way costs a pass for each level that is kept as
//! text. Takes what RFC 8259 takes, as serde_json does (there is a test), in one pass and without an allocation for
//! what is skipped. What is an escape in a string is checked here and decoded by serde_json.

use std::{borrow::Cow, ops::Range};

/// What was wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct JsonError {
    /// What was expected, or what is too long.
    pub what: &'static str,
    /// Bytes from the start.
    pub at: usize,
}

/// A string: where it stands, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it holds escapes, so that the text is not the value.
    pub(crate) escaped: bool,
}

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// What closes the values that are being skipped, innermost last.
    nest: Vec<u8>,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0, nest: Vec::with_capacity(16) }
    }

    /// Bytes from the start.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn fail(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at }
    }

    /// The next byte that is no white space.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Goes over this byte, if it is next.
    #[inline]
    pub(crate) fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Goes into an object (`{`) or array (`[`).
    pub(crate) fn enter(&mut self, open: u8) -> Result<(), JsonError> {
        let what = if open == b'{' { "expected an object" } else { "expected an array" };
        if self.takes(open) { Ok(()) } else { Err(self.fail(what)) }
    }

    /// The next key of the object that was entered; its value comes next. None: the object is over.
    #[inline]
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Text>, JsonError> {
        if !self.goes_on(first, b'}')? {
            return Ok(None);
        }
        self.key_and_colon().map(Some)
    }

    /// Whether another element of the array that was entered comes next.
    pub(crate) fn element(&mut self, first: &mut bool) -> Result<bool, JsonError> {
        self.goes_on(first, b']')
    }

    #[inline]
    fn goes_on(&mut self, first: &mut bool, close: u8) -> Result<bool, JsonError> {
        if self.takes(close) {
            return Ok(false);
        }
        if !std::mem::take(first) && !self.takes(b',') {
            return Err(self.fail("expected a comma or the end"));
        }
        Ok(true)
    }

    #[inline]
    fn key_and_colon(&mut self) -> Result<Text, JsonError> {
        let key = self.string()?;
        if self.takes(b':') { Ok(key) } else { Err(self.fail("expected a colon")) }
    }

    /// Goes over `null`, if it is next.
    pub(crate) fn is_null(&mut self) -> Result<bool, JsonError> {
        if self.peek() == Some(b'n') { self.literal(b"null").map(|()| true) } else { Ok(false) }
    }

    /// A string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.fail("expected a string"));
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let (mut at, mut escaped) = (start, false);
        loop {
            at += plain(&bytes[at..]);
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Text { start, end: at, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    at += escape(&bytes[at..]).ok_or(JsonError { what: "no such escape", at })?;
                }
                Some(_) => return Err(JsonError { what: "a control character in a string", at }),
                None => return Err(JsonError { what: "a string without an end", at }),
            }
        }
    }

    /// A string's value.
    pub(crate) fn value(&self, text: Text) -> Result<Cow<'t, str>, JsonError> {
        if !text.escaped {
            return Ok(Cow::Borrowed(&self.text[text.start..text.end]));
        }
        let quoted = &self.text[text.start - 1..=text.end];
        let decoded = serde_json::from_str(quoted).map(Cow::Owned);
        decoded.map_err(|_| JsonError { what: "half of a surrogate pair", at: text.start })
    }

    /// Whether a string's value is this; one with escapes never is.
    #[inline]
    pub(crate) fn is(&self, text: Text, value: &str) -> bool {
        !text.escaped && &self.text[text.start..text.end] == value
    }

    /// Goes over one value of whatever kind; answers where it stands.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, JsonError> {
        let Some(mut byte) = self.peek() else { return Err(self.fail("expected a value")) };
        let start = self.at;
        self.nest.clear();
        loop {
            match byte {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    self.at += 1;
                    // The brackets are two apart in ASCII, both pairs of them.
                    if !self.takes(byte + 2) {
                        self.nest.push(byte + 2);
                        byte = self.inner(byte + 2)?;
                        continue;
                    }
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            loop {
                let Some(close) = self.nest.last().copied() else { return Ok(start..self.at) };
                if self.takes(b',') {
                    byte = self.inner(close)?;
                    break;
                }
                if !self.takes(close) {
                    return Err(self.fail("expected a comma or the end"));
                }
                self.nest.pop();
            }
        }
    }

    /// Comes to the next value within what `close` ends.
    #[inline]
    fn inner(&mut self, close: u8) -> Result<u8, JsonError> {
        if close == b'}' {
            self.key_and_colon()?;
        }
        self.peek().ok_or(self.fail("expected a value"))
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.text.as_bytes()[self.at..].starts_with(word) {
            return Err(self.fail("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut at = self.at + usize::from(bytes[self.at] == b'-');
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return Err(self.fail("expected a value"));
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let part = digits(at + 1);
            if part == 0 {
                return Err(self.fail("a number without an end"));
            }
            at += 1 + part;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let part = digits(at);
            if part == 0 {
                return Err(self.fail("a number without an end"));
            }
            at += part;
        }
        self.at = at;
        Ok(())
    }

    /// The text is over.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.fail("expected the end")) }
    }
}

/// How many bytes come before the first quote, backslash or control character. Eight at a time: subtracting from a
/// byte borrows into its top bit exactly where the byte was smaller, and the lowest byte found is never a false one.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (control | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c))) & TOPS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count()
}

/// The length of the escape that begins here.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip().and_then(|_| scanner.end()).is_ok()
    }

    /// Numbers beyond a float's range are no concern here.
    fn serde_accepts(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn what_is_json_and_what_is_not_is_told_apart() {
        for text in [
            "{}",
            " [ ] ",
            "[1,-0,2.5e+3,1E9]",
            r#"{"a":{"b":[null,true,false,"\u00e9\"\\"]}}"#,
            "\"é\u{7f}\"",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{,}",
            "[1 2]",
            "01",
            "1.",
            "-",
            "1e",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "{}x",
            "[}",
            "{]",
            "+1",
            ".5",
            "{1:2}",
            "'a'",
        ] {
            assert!(!accepts(text), "{text}");
        }
        assert!(accepts(&("[".repeat(10_000) + &"]".repeat(10_000))), "depth costs no stack");
    }

    proptest! {
        #[test]
        fn it_takes_exactly_what_serde_json_takes(
            text in "[\\[\\]{}:,\"\\\\ntu0-9eE+.\\- a\u{1}\u{e9}]{0,24}",
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"longer than eight\"", "\"\\u00e9\\n\"", "1", "-2.5e3", "null", "true", " ", "\"", "\\",
            ]), 0..14),
        ) {
            prop_assert_eq!(accepts(&text), serde_accepts(&text), "{}", text);
            let joined = pieces.concat();
            prop_assert_eq!(accepts(&joined), serde_accepts(&joined), "{}", joined);
        }

        #[test]
        fn a_string_ends_where_it_ends_and_is_what_serde_json_reads(value in "\\PC{0,40}", before in 0_usize..9) {
            let quoted = serde_json::Value::from(value.clone()).to_string();
            let text = format!("{}{quoted} ,", " ".repeat(before));
            let mut scanner = Scanner::new(&text);
            let found = scanner.string()?;
            prop_assert_eq!(scanner.at(), before + quoted.len());
            prop_assert_eq!(&*scanner.value(found)?, &*value);
        }
    }
}
