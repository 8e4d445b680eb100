//! Reads the first document of a YAML stream into a JSON value.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value};

use super::scalar;

/// Nesting beyond which a document is refused; serde_json draws the same line.
const DEPTH_MAX: usize = 128;
/// Values that aliases may add to a document, so that a few lines cannot become gigabytes.
const ALIASED_VALUES_MAX: usize = 100_000;

/// Why YAML could not be read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML.
    #[error("error converting YAML to JSON: yaml: line {line}: {message}")]
    Syntax {
        /// 1-based.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// YAML that has no JSON form.
    #[error("error converting YAML to JSON: {0}")]
    NoJson(&'static str),
}

/// Reads one value, and a message for each key that occurs again in its map (the last one is kept).
///
/// # Errors
/// [`YamlError`] for what is not YAML, is nested too deep, or cannot be said in JSON.
pub fn read(text: &str) -> Result<(Value, Vec<String>), YamlError> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        aliased: 0,
        path: String::new(),
        duplicates: Vec::new(),
    };
    let value = reader.document()?;
    Ok((value, reader.duplicates))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    aliased: usize,
    path: String,
    duplicates: Vec<String>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => {
                Err(YamlError::Syntax { line: error.marker().line(), message: error.info().to_owned() })
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn document(&mut self) -> Result<Value, YamlError> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
                event => return self.value(event, 0),
            }
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Value, YamlError> {
        if depth > DEPTH_MAX {
            return Err(YamlError::NoJson("exceeded max depth"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar_value(&text, style, tag)?),
            Event::SequenceStart(anchor, _) => (anchor, self.sequence(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(depth)?),
            Event::Alias(anchor) => return self.alias(anchor),
            _ => return Err(YamlError::NoJson("unexpected end of the document")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn alias(&mut self, anchor: usize) -> Result<Value, YamlError> {
        let value = self.anchors.get(&anchor).ok_or(YamlError::NoJson("unknown anchor"))?;
        self.aliased += count(value);
        if self.aliased > ALIASED_VALUES_MAX {
            return Err(YamlError::NoJson("document contains excessive aliasing"));
        }
        Ok(value.clone())
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, YamlError> {
        let length = self.path.len();
        let mut list = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(list)),
                event => {
                    self.path.push_str(&format!("[{}]", list.len()));
                    list.push(self.value(event, depth + 1)?);
                    self.path.truncate(length);
                }
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, YamlError> {
        let length = self.path.len();
        let mut map = Map::new();
        let mut merged = Map::new();
        loop {
            let event = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, _, None) if key == "<<");
            let key = key_text(self.value(event, depth + 1)?)?;
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let value_event = self.next()?;
            if is_merge {
                merge(&mut merged, self.value(value_event, depth + 1)?)?;
            } else {
                if map.contains_key(&key) {
                    self.duplicates.push(format!("duplicate field {:?}", self.path));
                }
                let value = self.value(value_event, depth + 1)?;
                map.insert(key, value);
            }
            self.path.truncate(length);
        }
        for (key, value) in merged {
            map.entry(key).or_insert(value);
        }
        Ok(Value::Object(map))
    }
}

fn merge(into: &mut Map<String, Value>, value: Value) -> Result<(), YamlError> {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                into.entry(key).or_insert(value);
            }
            Ok(())
        }
        Value::Array(maps) => maps.into_iter().try_for_each(|map| merge(into, map)),
        _ => Err(YamlError::NoJson("map merge requires map or sequence of maps as the value")),
    }
}

fn key_text(key: Value) -> Result<String, YamlError> {
    match key {
        Value::String(text) => Ok(text),
        Value::Null => Ok("null".to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(key.to_string()),
        Value::Array(_) | Value::Object(_) => Err(YamlError::NoJson("a map's key must be a scalar")),
    }
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<Cow<'_, Tag>>) -> Result<Value, YamlError> {
    let forced_text = tag.is_some_and(|tag| tag.suffix == "str");
    if style == ScalarStyle::Plain && !forced_text {
        scalar::resolve(text).ok_or(YamlError::NoJson("infinity and NaN have no JSON form"))
    } else {
        Ok(Value::String(text.to_owned()))
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::{Value, json};

    use super::read;

    fn check(text: &str, want: &Value) {
        assert_eq!(&read(text).unwrap().0, want, "{text}");
    }

    #[test]
    fn the_first_document_is_read() {
        check("a: 1\nb: [x, \"1\", 'yes', yes]\n", &json!({"a": 1, "b": ["x", "1", "yes", true]}));
        check("--- \n# c\na:\n- b: |\n    x\n    y\n---\nz: 1\n", &json!({"a": [{"b": "x\ny\n"}]}));
        check("{\"json\": {\"is\": [\"yaml\", 1.5]}}", &json!({"json": {"is": ["yaml", 1.5]}}));
        check("1: x\ntrue: why\n!!str 5: !!str 6\n", &json!({"1": "x", "true": "why", "5": "6"}));
        check(
            "a: &x {k: 1}\nb: *x\nc: {<<: *x, z: 2}\n",
            &json!({"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "z": 2}}),
        );
        check("", &json!(null));
    }

    #[test]
    fn keys_that_occur_twice_are_told() {
        let (value, duplicates) = read("a: 1\nspec:\n  l:\n  - x: 1\n    x: 2\na: 3\n").unwrap();
        assert_eq!(value, json!({"a": 3, "spec": {"l": [{"x": 2}]}}));
        assert_eq!(duplicates, [r#"duplicate field "spec.l[0].x""#, r#"duplicate field "a""#]);
    }

    #[test]
    fn what_is_no_yaml_or_too_much_of_it_is_refused() {
        let deep = "[".repeat(1000);
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, before) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"]) {
            bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(",")));
        }
        for text in ["a: [", "a: b: c", "? [1]\n: 2\n", "a: .nan", &deep, &bomb] {
            assert!(read(text).is_err(), "{}", &text[..text.len().min(40)]);
        }
    }
}
