//! YAML as a tree whose nodes know where they stand, so that an error can point at them.
//!
//! Only what a manifest needs: no anchors, no tags, one document, a bounded depth.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value as Json};

/// Settings are the only part that nests freely; this is far more than any schema has.
const DEPTH_MAX: usize = 64;

/// Where something stands in the text. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
    /// How many characters of the line it covers; at least 1.
    pub(super) width: usize,
}

impl At {
    pub(super) const START: Self = Self { line: 1, column: 1, width: 1 };

    fn of(span: Span) -> Self {
        let one_line = span.start.line() == span.end.line();
        let width = if one_line { span.end.col().saturating_sub(span.start.col()) } else { 1 };
        Self { line: span.start.line().max(1), column: span.start.col() + 1, width: width.max(1) }
    }
}

/// A piece of YAML and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `plain`: without quotes, so that it may be a number, a boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Text that is no YAML, or YAML that a manifest does not use.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) at: At,
    pub(super) message: String,
}

/// The only document of a text; none if there is nothing but comments.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Malformed> {
    let mut tree = Tree::default();
    for step in Parser::new_from_str(text) {
        let (event, span) = step.map_err(|error| {
            let at = At { line: error.marker().line().max(1), column: error.marker().col() + 1, width: 1 };
            Malformed { at, message: format!("this is not YAML: {}", error.info()) }
        })?;
        tree.take(event, At::of(span))?;
    }
    Ok(tree.root)
}

/// The tree while it grows: `open` holds the lists and maps that have not ended.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
}

struct Open {
    node: Node,
    key: Option<Node>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, at: At) -> Result<(), Malformed> {
        let refuse = |message: &str| Err(Malformed { at, message: message.to_owned() });
        match event {
            Event::Alias(_) => refuse("aliases (`*name`) are not used in manifests; write the value out"),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                refuse("tags (`!name`) are not used in manifests; leave it out")
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                refuse("a manifest is one document; put the other one into a file of its own")
            }
            Event::Scalar(text, style, _, None) => {
                let value = Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.put(Node { at, value })
            }
            Event::SequenceStart(_, None) => self.begin(Node { at, value: Value::List(Vec::new()) }),
            Event::MappingStart(_, None) => self.begin(Node { at, value: Value::Map(Vec::new()) }),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.put(open.node),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Node) -> Result<(), Malformed> {
        if self.open.len() == DEPTH_MAX {
            return Err(Malformed { at: node.at, message: format!("more than {DEPTH_MAX} levels deep") });
        }
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), Malformed> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some(key)) => entries.push((key, node)),
            (Value::Map(_), None) if matches!(node.value, Value::Scalar { .. }) => open.key = Some(node),
            _ => {
                let message = "a field's name is a word, not a list or a mapping".to_owned();
                return Err(Malformed { at: node.at, message });
            }
        }
        Ok(())
    }
}

impl Node {
    /// Whether it is the absence of a value: `null`, `~` or nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// As JSON, by the core schema of YAML 1.2 (`yes` and `on` are texts).
    pub(super) fn to_json(&self) -> Result<Json, Malformed> {
        match &self.value {
            Value::Scalar { text, plain: false } => Ok(Json::String(text.clone())),
            Value::Scalar { text, plain: true } => plain(text).ok_or_else(|| {
                self.malformed(format!("JSON has no number `{text}`; quote it if it is a text"))
            }),
            Value::List(items) => Ok(Json::Array(items.iter().map(Self::to_json).collect::<Result<_, _>>()?)),
            Value::Map(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    let name = key.text().unwrap_or_default().to_owned();
                    if object.insert(name, value.to_json()?).is_some() {
                        return Err(
                            key.malformed("this field stands here twice; keep one of them".to_owned())
                        );
                    }
                }
                Ok(Json::Object(object))
            }
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    fn malformed(&self, message: String) -> Malformed {
        Malformed { at: self.at, message }
    }
}

/// What an unquoted scalar means; none for a number that JSON cannot hold.
fn plain(text: &str) -> Option<Json> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Json::Null),
        "true" | "True" | "TRUE" => return Some(Json::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Json::Bool(false)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return None;
        }
        _ => {}
    }
    let based = |digits, radix| i64::from_str_radix(digits, radix).ok().map(Number::from);
    let number = if let Some(digits) = text.strip_prefix("0x") {
        based(digits, 16)
    } else if let Some(digits) = text.strip_prefix("0o") {
        based(digits, 8)
    } else if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        None
    } else if let Ok(whole) = text.parse::<i64>() {
        Some(whole.into())
    } else if let Ok(whole) = text.parse::<u64>() {
        Some(whole.into())
    } else if let Ok(real) =
        text.parse::<f64>().map_err(drop).and_then(|real| is_number(text).then_some(real).ok_or(()))
    {
        return Number::from_f64(real).map(Json::Number);
    } else {
        None
    };
    Some(number.map_or_else(|| Json::String(text.to_owned()), Json::Number))
}

/// Rust reads more texts as numbers (`infinity`) than YAML does.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.bytes().any(|b| b.is_ascii_digit())
}
