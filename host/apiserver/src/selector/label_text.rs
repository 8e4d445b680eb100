//! Reads the text form of label selectors, token by token as the real server does: which token it trips over is in
//! its messages.

use std::collections::BTreeSet;

use super::key::{key_faults, value_faults};
use super::label::{Operator, Requirement};
use crate::schema::quoted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Signs that together mean nothing; the text is the message.
    Wrong,
    End,
    Close,
    Comma,
    Not,
    DoubleEqual,
    Equal,
    Greater,
    Less,
    NotEqual,
    Open,
    In,
    NotIn,
    Word,
}

impl Token {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            ")" => Self::Close,
            "," => Self::Comma,
            "!" => Self::Not,
            "==" => Self::DoubleEqual,
            "=" => Self::Equal,
            ">" => Self::Greater,
            "<" => Self::Less,
            "!=" => Self::NotEqual,
            "(" => Self::Open,
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => return None,
        })
    }

    /// Where an operator cannot be, `in` and `notin` are words.
    fn as_value(self) -> Self {
        match self {
            Self::In | Self::NotIn => Self::Word,
            other => other,
        }
    }
}

fn is_sign(byte: u8) -> bool {
    b"=!(),><".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    b" \t\r\n".contains(&byte)
}

fn tokens(text: &str) -> Vec<(Token, String)> {
    // A zero byte ends the text wherever it is.
    let text = text.split('\0').next().unwrap_or_default();
    let mut rest = text;
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = rest.bytes().next() else {
            found.push((Token::End, String::new()));
            return found;
        };
        let len = if is_sign(first) {
            let (token, len) = sign(rest);
            found.push(token);
            len
        } else {
            let ends = |byte: &u8| is_sign(*byte) || is_space(*byte);
            let len = rest.bytes().position(|byte| ends(&byte)).unwrap_or(rest.len());
            let word = &rest[..len];
            found.push((Token::of(word).unwrap_or(Token::Word), word.to_owned()));
            len
        };
        rest = &rest[len..];
    }
}

/// The token at the start of `text`, and how many bytes were read for it.
fn sign(text: &str) -> ((Token, String), usize) {
    let signs = text.bytes().take_while(|byte| is_sign(*byte)).count();
    let mut last = None;
    for len in 1..=signs {
        match Token::of(&text[..len]) {
            Some(token) => last = Some((token, len)),
            None if last.is_some() => break,
            None => {}
        }
    }
    match last {
        // Signs that were tried and dropped stay to be read.
        Some((token, len)) => ((token, text[..len].to_owned()), len),
        None => ((Token::Wrong, format!("error expected: keyword found '{}'", &text[..signs])), signs),
    }
}

/// The requirements that a text states, by key.
///
/// # Errors
/// Says what was found in place of what.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: tokens(text), at: 0 };
    let mut found = Vec::new();
    loop {
        match parser.peek() {
            Token::Word | Token::Not => {}
            Token::End => break,
            _ => return Err(parser.unexpected(parser.at, "!, identifier, or 'end of string'")),
        }
        let one = parser.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
        found.push(one);
        match parser.next() {
            Token::End => break,
            Token::Comma if matches!(parser.peek(), Token::Word | Token::Not) => {}
            Token::Comma => return Err(parser.unexpected(parser.at, "identifier after ','")),
            _ => return Err(parser.unexpected(parser.at - 1, "',' or 'end of string'")),
        }
    }
    found.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(found)
}

struct Parser {
    tokens: Vec<(Token, String)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| token.as_value())
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn literal(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |(_, text)| text)
    }

    fn unexpected(&self, at: usize, wanted: &str) -> String {
        format!("found '{}', expected: {wanted}", self.literal(at))
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == Token::Not;
        self.at += usize::from(absent);
        if self.next() != Token::Word {
            return Err(self.unexpected(self.at - 1, "identifier"));
        }
        let key = self.literal(self.at - 1).to_owned();
        let faults = key_faults(&key);
        if !faults.is_empty() {
            return Err(format!("<nil>: Invalid value: {}: {}", quoted(&key), faults.join("; ")));
        }
        let alone = matches!(self.peek(), Token::End | Token::Comma);
        if absent || alone {
            let operator = if absent { Operator::Missing } else { Operator::Exists };
            return Ok(Requirement { key, operator, values: Vec::new() });
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => BTreeSet::from([self.exact_value()?]),
        };
        checked(key, operator, values)
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let token = self.tokens.get(self.at).map_or(Token::End, |(token, _)| *token);
        self.at += 1;
        Ok(match token {
            Token::In => Operator::In,
            Token::NotIn => Operator::NotIn,
            Token::Equal => Operator::Equal,
            Token::DoubleEqual => Operator::DoubleEqual,
            Token::NotEqual => Operator::NotEqual,
            Token::Greater => Operator::Greater,
            Token::Less => Operator::Less,
            _ => return Err(self.unexpected(self.at - 1, "in, notin, =, ==, !=, gt, lt")),
        })
    }

    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        if self.next() != Token::Open {
            return Err(format!("found '{}' expected: '('", self.literal(self.at - 1)));
        }
        let first = self.at;
        match self.peek() {
            Token::Word | Token::Comma => {
                let values = self.list()?;
                // The message names the first value, whatever stands at the end.
                if self.next() == Token::Close { Ok(values) } else { Err(self.unexpected(first, "')'")) }
            }
            Token::Close => {
                self.at += 1;
                Ok(BTreeSet::from([String::new()]))
            }
            _ => Err(self.unexpected(first, "',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<BTreeSet<String>, String> {
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                Token::Word => {
                    values.insert(self.literal(self.at - 1).to_owned());
                    match self.peek() {
                        Token::Comma => {}
                        Token::Close => return Ok(values),
                        _ => return Err(self.unexpected(self.at, "',' or ')'")),
                    }
                }
                Token::Comma => {
                    let next = self.peek();
                    if values.is_empty() || matches!(next, Token::Close | Token::Comma) {
                        values.insert(String::new());
                    }
                    if next == Token::Close {
                        return Ok(values);
                    }
                }
                _ => return Err(self.unexpected(self.at - 1, "',', or identifier")),
            }
        }
    }

    /// One value, which may be empty: `a=` and `a=,b`.
    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.next() {
            Token::Word => Ok(self.literal(self.at - 1).to_owned()),
            _ => Err(self.unexpected(self.at - 1, "identifier")),
        }
    }
}

fn checked(key: String, operator: Operator, values: BTreeSet<String>) -> Result<Requirement, String> {
    let values: Vec<String> = values.into_iter().collect();
    let mut faults = Vec::new();
    if matches!(operator, Operator::Greater | Operator::Less) {
        for (at, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err()) {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer";
            faults.push(format!("values[{at}]: Invalid value: {}: {why}", quoted(value)));
        }
    }
    for (at, value) in values.iter().enumerate() {
        let wrong = value_faults(value);
        if !wrong.is_empty() {
            let shown = quoted(value);
            faults.push(format!("values[{at}][{key}]: Invalid value: {shown}: {}", wrong.join("; ")));
        }
    }
    match &faults[..] {
        [] => Ok(Requirement { key, operator, values }),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}
