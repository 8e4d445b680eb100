//! Reads a JSON body, telling which keys occur twice.
//!
//! serde_json keeps the last of two equal keys and says nothing; kube-apiserver warns or refuses, by
//! `fieldValidation`, with the path of the key.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many strict errors are collected from one body; the rest would not be read by anyone.
const STRICT_ERRORS_MAX: usize = 100;

/// Reads one JSON value; whatever follows it but white space is an error.
///
/// Returns the value and a message such as `duplicate field "spec.replicas"` for each key that occurs again.
/// Of two equal keys the last is kept.
///
/// # Errors
/// Malformed JSON, or nesting deeper than serde_json's limit of 128.
pub fn read(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut path = String::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = ValueSeed { path: &mut path, duplicates: &mut duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, duplicates))
}

struct ValueSeed<'a> {
    path: &'a mut String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        use fmt::Write as _;
        let length = self.path.len();
        let mut list = Vec::new();
        loop {
            write!(self.path, "[{}]", list.len()).map_err(A::Error::custom)?;
            let item = items.next_element_seed(ValueSeed { path: self.path, duplicates: self.duplicates })?;
            self.path.truncate(length);
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let length = self.path.len();
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if map.contains_key(&key) && self.duplicates.len() < STRICT_ERRORS_MAX {
                self.duplicates.push(format!("duplicate field {:?}", self.path));
            }
            let value =
                entries.next_value_seed(ValueSeed { path: self.path, duplicates: self.duplicates })?;
            self.path.truncate(length);
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::json;

    use super::read;

    #[test]
    fn keys_that_occur_twice_are_told_with_their_path() {
        let body = br#"{"a":1,"a":2,"spec":{"list":[{"x":1},{"x":1,"x":[2]}],"n":null,"n":-5}}"#;
        let (value, duplicates) = read(body).unwrap();
        assert_eq!(value, json!({"a": 2, "spec": {"list": [{"x": 1}, {"x": [2]}], "n": -5}}));
        let want =
            [r#"duplicate field "a""#, r#"duplicate field "spec.list[1].x""#, r#"duplicate field "spec.n""#];
        assert_eq!(duplicates, want);
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let deep = "[".repeat(500);
        for body in ["", "{", "{}x", "nul", deep.as_str()] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
