//! The parser: positions and tokens, nothing generic, so that it is compiled once.

use std::borrow::Cow;

use serde::de::Expected;

use super::JsonError;

/// As `serde_json` has it; a module's stack of 64 KiB holds that.
const DEPTH_MAX: u8 = 128;

pub(super) struct Parser<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

/// A number as JSON has it.
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Parser<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    #[inline(never)]
    pub(super) fn fail(&self, what: &str) -> JsonError {
        let what = if self.at >= self.text.len() { "the text ends early" } else { what };
        JsonError::new(what, self.at)
    }

    /// The first byte of what comes next; 0 at the end.
    #[inline(never)]
    pub(super) fn peek(&mut self) -> u8 {
        let next = self.byte();
        if next > b' ' {
            return next;
        }
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
        self.byte()
    }

    /// What comes next is of another kind than wanted.
    #[inline(never)]
    pub(super) fn wrong(&mut self, expected: &dyn Expected) -> JsonError {
        let found = match self.peek() {
            b'n' => "null",
            b't' | b'f' => "a boolean",
            b'"' => "a string",
            b'[' => "an array",
            b'{' => "an object",
            b'-' | b'0'..=b'9' => "a number",
            _ => return self.fail("a value is wanted"),
        };
        JsonError(format!("wrong type: {found}, expected {expected} at byte {}", self.at))
    }

    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            0 if self.at >= self.text.len() => Ok(()),
            _ => Err(self.fail("nothing more is wanted")),
        }
    }

    #[inline(never)]
    pub(super) fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        self.peek();
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fail("a value is wanted"));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline(never)]
    pub(super) fn open(&mut self) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fail("nested too deep"));
        }
        self.at += 1;
        Ok(())
    }

    #[inline(never)]
    pub(super) fn close(&mut self, end: u8) -> Result<(), JsonError> {
        if self.peek() != end {
            return Err(self.fail("more than is wanted here"));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Whether there is another item before `end`; steps over the comma.
    #[inline(never)]
    pub(super) fn another(&mut self, end: u8, first: bool) -> Result<bool, JsonError> {
        match self.peek() {
            byte if byte == end => Ok(false),
            _ if first => Ok(true),
            b',' => {
                self.at += 1;
                // A comma before the end is none of JSON.
                if self.peek() == end { Err(self.fail("a value is wanted")) } else { Ok(true) }
            }
            _ => Err(self.fail("a comma is wanted")),
        }
    }

    #[inline(never)]
    pub(super) fn key_follows(&mut self) -> Result<(), JsonError> {
        if self.peek() == b'"' { Ok(()) } else { Err(self.fail("a name in quotes is wanted")) }
    }

    #[inline(never)]
    pub(super) fn colon(&mut self) -> Result<(), JsonError> {
        if self.peek() != b':' {
            return Err(self.fail("a colon is wanted"));
        }
        self.at += 1;
        Ok(())
    }

    /// A variant with content has it.
    pub(super) fn content(&self, has: bool) -> Result<(), JsonError> {
        if has { Ok(()) } else { Err(self.fail("the variant's content is missing")) }
    }

    /// Without escapes a slice of the text, else a copy.
    #[inline(never)]
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, JsonError> {
        self.at += 1;
        let mut from = self.at;
        let mut copy = String::new();
        loop {
            self.pass_plain();
            match self.byte() {
                b'"' => {
                    let piece = &self.text[from..self.at];
                    self.at += 1;
                    if copy.is_empty() {
                        return Ok(Cow::Borrowed(piece));
                    }
                    copy.push_str(piece);
                    return Ok(Cow::Owned(copy));
                }
                b'\\' => {
                    copy.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    let letter = self.escape()?;
                    copy.push(letter);
                    from = self.at;
                }
                _ => return Err(self.fail("a control character in a string")),
            }
        }
    }

    /// Steps over what stands for itself in a string, eight bytes at a time: most of an object are strings.
    fn pass_plain(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(eight) = bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let special = specials(u64::from_le_bytes(*eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.at < bytes.len() && !matches!(bytes[self.at], b'"' | b'\\' | 0..=0x1f) {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = match self.byte() {
            letter @ (b'"' | b'\\' | b'/') => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.fail("no such escape")),
        };
        self.at += 1;
        Ok(letter)
    }

    /// `XXXX` after `\u`, and the second half of a pair.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(self.fail("half of a surrogate pair"));
                }
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.fail("half of a surrogate pair"));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.fail("half of a surrogate pair"))
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit =
                char::from(self.byte()).to_digit(16).ok_or_else(|| self.fail("four digits are wanted"))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Whole numbers are exact. Others are exact up to 15 digits and powers of ten up to 22, which is what
    /// Kubernetes' objects have; beyond that the last bit may differ.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number, JsonError> {
        let negative = self.byte() == b'-';
        self.at += usize::from(negative);
        let (mut digits, mut exponent, mut whole) = (0_u64, 0_i32, true);
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits(&mut digits, &mut exponent, false)?;
        }
        // A whole number that does not fit 64 bits has lost digits already.
        whole &= exponent == 0;
        if self.byte() == b'.' {
            self.at += 1;
            whole = false;
            self.digits(&mut digits, &mut exponent, true)?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            whole = false;
            let down = self.byte() == b'-';
            self.at += usize::from(matches!(self.byte(), b'-' | b'+'));
            let (mut power, mut over) = (0_u64, 0_i32);
            self.digits(&mut power, &mut over, false)?;
            let power = i32::try_from(power).unwrap_or(i32::MAX / 4).min(100_000);
            exponent = exponent.saturating_add(if down { -power } else { power });
        }
        if whole && !negative {
            return Ok(Number::Unsigned(digits));
        }
        if whole && digits != 0 && digits <= 1 << 63 {
            return Ok(Number::Signed(0_i64.wrapping_sub_unsigned(digits)));
        }
        let float = scaled(digits, exponent);
        if float.is_infinite() {
            return Err(self.fail("a number out of range"));
        }
        Ok(Number::Float(if negative { -float } else { float }))
    }

    /// At least one digit. Digits that no longer fit count in the exponent, as do those of a fraction.
    fn digits(&mut self, value: &mut u64, exponent: &mut i32, fraction: bool) -> Result<(), JsonError> {
        let start = self.at;
        while let digit @ b'0'..=b'9' = self.byte() {
            self.at += 1;
            let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
            match next.filter(|_| fraction || *exponent == 0) {
                Some(next) => {
                    *value = next;
                    *exponent -= i32::from(fraction);
                }
                None => *exponent += i32::from(!fraction),
            }
        }
        if self.at == start { Err(self.fail("a digit is wanted")) } else { Ok(()) }
    }

    /// Steps over a value of any kind.
    #[inline(never)]
    pub(super) fn skip(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b'[' => self.skip_all(b']'),
            b'{' => self.skip_all(b'}'),
            _ => Err(self.fail("a value is wanted")),
        }
    }

    fn skip_all(&mut self, end: u8) -> Result<(), JsonError> {
        self.open()?;
        let mut first = true;
        while self.another(end, std::mem::replace(&mut first, false))? {
            if end == b'}' {
                self.key_follows()?;
                self.string()?;
                self.colon()?;
            }
            self.skip()?;
        }
        self.close(end)
    }
}

/// Of eight bytes, the lowest marked one is the first that is a quote, a backslash or a control character.
fn specials(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below = |bytes: u64, bound: u8| bytes.wrapping_sub(ONES * u64::from(bound)) & !bytes & (ONES << 7);
    let equal = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    below(eight, 0x20) | equal(b'"') | equal(b'\\')
}

/// `digits` × 10^`exponent`.
fn scaled(digits: u64, exponent: i32) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "more than 53 bits are rounded once here")]
    let mut value = digits as f64;
    if digits == 0 {
        return 0.0;
    }
    let mut left = exponent.unsigned_abs();
    while left > 0 && value.is_finite() && value != 0.0 {
        let step = left.min(22); // powers of ten up to 22 are exact in an f64
        let power = (0..step).fold(1.0, |power: f64, _| power * 10.0);
        value = if exponent < 0 { value / power } else { value * power };
        left -= step;
    }
    value
}
