//! One step of the path to a field, as the record of owned fields writes it.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter, Write as _};

use serde_json::{Map, Number, Value};

use crate::schema::shown;
use crate::wire::json::write_sorted;

/// A step into an object or a list. Steps are ordered as the server orders them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// The entry of an object: `f:name`.
    Field(Box<str>),
    /// The item with these key fields: `k:{"name":"a"}`. The fields are sorted by name.
    Key(Box<[(Box<str>, Scalar)]>),
    /// The item that is this value: `v:"a"`.
    Value(Scalar),
    /// The item at this place: `i:0`.
    Index(i64),
}

/// A value that can be told from others of its kind, and be ordered.
#[derive(Debug, Clone)]
pub struct Scalar(Value);

impl Scalar {
    /// Whole numbers written as floats count as whole.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        let whole =
            value.as_number().filter(|number| number.is_f64()).and_then(Number::as_f64).and_then(whole);
        Self(whole.map_or_else(|| value.clone(), Value::from))
    }

    /// The value itself.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// A value as the real library's errors tell it, which run the entries of a map together.
fn told(value: &Value) -> String {
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| format!("{name}={}", told(value))).collect(),
        Value::Array(items) => format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(",")),
        other => shown(other),
    }
}

/// JSON as Go prints it: signs that mean something in HTML are escaped.
fn printed(value: &Value) -> String {
    let mut out = Vec::new();
    write_sorted(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn whole(float: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer says which whole number it means.
    let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    exact.then(|| format!("{float:.0}").parse().ok()).flatten()
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
            },
            (left, right) if rank(left) == rank(right) => left.to_string().cmp(&right.to_string()),
            (left, right) => rank(left).cmp(&rank(right)),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl Element {
    /// A step into an object.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// A step to the item with these key fields.
    #[must_use]
    pub fn key(mut fields: Vec<(Box<str>, Scalar)>) -> Self {
        fields.sort();
        Self::Key(fields.into())
    }

    /// The step as a key of `fieldsV1`.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(fields) => {
                let fields: Map<String, Value> =
                    fields.iter().map(|(name, value)| (name.to_string(), value.0.clone())).collect();
                format!("k:{}", printed(&Value::Object(fields)))
            }
            Self::Value(value) => format!("v:{}", printed(&value.0)),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    /// Reads a key of `fieldsV1`; `None` if it is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(2)?;
        match kind {
            "f:" => Some(Self::field(rest)),
            "v:" => serde_json::from_str(rest).ok().map(|value: Value| Self::Value(Scalar::new(&value))),
            "i:" => rest.parse().ok().map(Self::Index),
            "k:" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).ok()?;
                Some(Self::key(
                    fields.iter().map(|(name, value)| (name.as_str().into(), Scalar::new(value))).collect(),
                ))
            }
            _ => None,
        }
    }
}

impl Display for Element {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Key(fields) => {
                out.write_char('[')?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(out, "{comma}{name}={}", told(&value.0))?;
                }
                out.write_char(']')
            }
            Self::Value(value) => write!(out, "[={}]", told(&value.0)),
            Self::Index(index) => write!(out, "[{index}]"),
        }
    }
}

/// Where a walk stands, as a chain on the stack; only a finding turns it into elements.
#[derive(Clone, Copy)]
pub(super) enum Trail<'a> {
    Root,
    Field(&'a Trail<'a>, &'a str),
    Item(&'a Trail<'a>, &'a Element),
}

impl Trail<'_> {
    pub(super) fn elements(&self) -> Vec<Element> {
        match self {
            Self::Root => Vec::new(),
            Self::Field(outer, name) => with(outer.elements(), Element::field(name)),
            Self::Item(outer, element) => with(outer.elements(), (*element).clone()),
        }
    }
}

fn with(mut elements: Vec<Element>, last: Element) -> Vec<Element> {
    elements.push(last);
    elements
}

impl Display for Trail<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(outer, name) => write!(out, "{outer}.{name}"),
            Self::Item(outer, element) => write!(out, "{outer}{element}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_in_keys_are_written_as_go_writes_them() {
        let value = Element::Value(Scalar::new(&json!("é<\u{2028}")));
        assert_eq!(value.encode(), r#"v:"é\u003c\u2028""#);
        assert_eq!(Element::decode(&value.encode()), Some(value));
        assert_eq!(Element::Value(Scalar::new(&json!({}))).to_string(), "[=]");
        let key = Element::key(vec![("name".into(), Scalar::new(&json!("a&b")))]);
        assert_eq!(key.encode(), r#"k:{"name":"a\u0026b"}"#);
    }
}
