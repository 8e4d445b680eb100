//! Label selectors: `a=b,c!=d,e in (f,g),!h,i>5`.

use serde_json::Value;

use crate::status::ApiError;

/// All requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Missing,
    Greater,
    Less,
}

impl LabelSelector {
    /// Reads the text form; empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        parser
            .selector()
            .map(|requirements| Self { requirements })
            .map_err(|found| ApiError::bad_request(format!("unable to parse requirement: {found}")))
    }

    /// Reads the object form (`matchLabels`, `matchExpressions`); unknown operators match nothing.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let values = value.as_str().map(str::to_owned).into_iter().collect();
            requirements.push(Requirement { key: key.clone(), operator: Operator::In, values });
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Missing,
                _ => Operator::In,
            };
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            requirements.push(Requirement { key: text("key").to_owned(), operator, values });
        }
        Self { requirements }
    }

    /// Whether there is no requirement.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels, given by their look-up, fulfil every requirement.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(label(&requirement.key)))
    }

    /// Whether the labels of a JSON object fulfil every requirement.
    pub fn matches_map(&self, labels: Option<&serde_json::Map<String, Value>>) -> bool {
        self.matches(|key| labels?.get(key)?.as_str())
    }
}

impl Requirement {
    fn holds(&self, label: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|held| held == value);
        let compare = |value: &str| Some(value.parse::<i64>().ok()?.cmp(&self.values.first()?.parse().ok()?));
        match self.operator {
            Operator::In => label.is_some_and(listed),
            Operator::NotIn => !label.is_some_and(listed),
            Operator::Exists => label.is_some(),
            Operator::Missing => label.is_none(),
            Operator::Greater => label.and_then(compare).is_some_and(std::cmp::Ordering::is_gt),
            Operator::Less => label.and_then(compare).is_some_and(std::cmp::Ordering::is_lt),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Vec<Token> {
    const SIGNS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", ">", "<"];
    let mut rest = text;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return tokens;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(rest.len());
        tokens.push(Token::Word(rest[..end].to_owned()));
        rest = &rest[end..];
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        if self.tokens.is_empty() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next() {
                None => return Ok(requirements),
                Some(Token::Sign(",")) => {}
                found => return Err(expected(found.as_ref(), "',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.take(&Token::Sign("!"));
        let key = match self.next() {
            Some(Token::Word(word)) => word,
            found => return Err(expected(found.as_ref(), "identifier")),
        };
        let done = |operator| Ok(Requirement { key: key.clone(), operator, values: Vec::new() });
        if absent {
            return done(Operator::Missing);
        }
        if matches!(self.tokens.get(self.at), None | Some(Token::Sign(","))) {
            return done(Operator::Exists);
        }
        let operator = match self.next() {
            Some(Token::Sign("=" | "==")) => (Operator::In, false),
            Some(Token::Sign("!=")) => (Operator::NotIn, false),
            Some(Token::Sign(">")) => (Operator::Greater, false),
            Some(Token::Sign("<")) => (Operator::Less, false),
            Some(Token::Word(word)) if word == "in" => (Operator::In, true),
            Some(Token::Word(word)) if word == "notin" => (Operator::NotIn, true),
            found => return Err(expected(found.as_ref(), "in, notin, =, ==, !=, gt, lt")),
        };
        let values = if operator.1 { self.set()? } else { vec![self.value()?] };
        Ok(Requirement { key, operator: operator.0, values })
    }

    /// One value, which may be empty: `a=` and `a=,b`.
    fn value(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            None | Some(Token::Sign(",")) => Ok(String::new()),
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            found => Err(expected(found, "identifier")),
        }
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        if !self.take(&Token::Sign("(")) {
            return Err(expected(self.tokens.get(self.at), "'('"));
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => values.push(word),
                Some(Token::Sign(",")) => {}
                Some(Token::Sign(")")) => return Ok(values),
                found => return Err(expected(found.as_ref(), "',' or ')'")),
            }
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }
}

fn expected(found: Option<&Token>, wanted: &str) -> String {
    let found = match found {
        None => "",
        Some(Token::Word(word)) => word,
        Some(Token::Sign(sign)) => sign,
    };
    format!("found '{found}', expected: {wanted}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn check(selector: &str, labels: &[(&str, &str)], expected: bool) {
        let parsed = LabelSelector::parse(selector).unwrap();
        let found =
            parsed.matches(|key| labels.iter().find(|(held, _)| *held == key).map(|(_, value)| *value));
        assert_eq!(found, expected, "{selector} on {labels:?}");
    }

    #[test]
    fn every_operator_selects_as_documented() {
        let labels = [("a", "b"), ("n", "7"), ("e", "")];
        for selector in
            ["", "a=b", "a==b", "a in (b, c)", "a,!z", "z!=q", "a notin (x),n>6", "n<8", "e=", "e"]
        {
            check(selector, &labels, true);
        }
        for selector in ["a=c", "z", "!a", "a notin (b)", "a!=b", "n>7", "z>1", "a=,n", "a in ()"] {
            check(selector, &labels, false);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = LabelSelector::parse("a b===").unwrap_err();
        let expected = "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt";
        assert_eq!((error.code(), &*error.0.message), (400, expected));
        for selector in ["=", "a in b", "a in (b", "a=b c", ",", "a=b,"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
