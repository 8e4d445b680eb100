//! Errors that name a field, with the texts and causes that clients of the real server see.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// What is wrong with a field; the `reason` of a cause in a `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The value refers to something that does not exist.
    NotFound,
    /// A value has to be given.
    Required,
    /// The same value occurs twice where it may occur once.
    Duplicate,
    /// The value breaks a rule.
    Invalid,
    /// The value is none of those allowed.
    NotSupported,
    /// The field may not be set, or not be changed.
    Forbidden,
    /// Too many characters or bytes.
    TooLong,
    /// Too many items.
    TooMany,
    /// Too few items.
    TooFew,
    /// Too few characters.
    TooShort,
    /// The value is of another type.
    TypeInvalid,
    /// The server could not tell.
    Internal,
}

impl Reason {
    /// The word in `details.causes[].reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::TooShort => "FieldValueTooShort",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::Internal => "InternalError",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::TooShort => "Too short",
            Self::Internal => "Internal error",
        }
    }
}

/// One thing that is wrong with an object: a cause of an `Invalid` status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// What is wrong.
    pub reason: Reason,
    /// Where, as in `spec.containers[0].name`; `<nil>` for the object as a whole.
    pub field: String,
    /// The text of the cause, title and value included: `Invalid value: 3: must be …`.
    pub message: String,
}

impl Display for FieldError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for FieldError {}

impl FieldError {
    /// An error whose text names the value.
    pub fn of_value(reason: Reason, field: impl Display, value: &Value, detail: impl Display) -> Self {
        let detail = detail.to_string();
        let mut message = format!("{}: {}", reason.title(), shown(value));
        if !detail.is_empty() {
            message = format!("{message}: {detail}");
        }
        Self { reason, field: field.to_string(), message }
    }

    /// An error whose text leaves the value out.
    pub fn without_value(reason: Reason, field: impl Display, detail: impl Display) -> Self {
        let detail = detail.to_string();
        let message = if detail.is_empty() {
            reason.title().to_owned()
        } else {
            format!("{}: {detail}", reason.title())
        };
        Self { reason, field: field.to_string(), message }
    }

    /// `Invalid value`.
    pub fn invalid(field: impl Display, value: &Value, detail: impl Display) -> Self {
        Self::of_value(Reason::Invalid, field, value, detail)
    }

    /// `Invalid value` of a text.
    pub fn invalid_text(field: impl Display, value: &str, detail: impl Display) -> Self {
        Self::of_value(Reason::Invalid, field, &Value::from(value), detail)
    }

    /// `Required value`.
    pub fn required(field: impl Display, detail: impl Display) -> Self {
        Self::without_value(Reason::Required, field, detail)
    }

    /// `Forbidden`.
    pub fn forbidden(field: impl Display, detail: impl Display) -> Self {
        Self::without_value(Reason::Forbidden, field, detail)
    }

    /// `Duplicate value`.
    pub fn duplicate(field: impl Display, value: &Value) -> Self {
        Self::of_value(Reason::Duplicate, field, value, "")
    }

    /// `Unsupported value`, with the ones that are allowed.
    pub fn not_supported<'a>(
        field: impl Display,
        value: &Value,
        allowed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let allowed: Vec<String> = allowed.into_iter().map(quoted).collect();
        let detail = if allowed.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", allowed.join(", "))
        };
        Self::of_value(Reason::NotSupported, field, value, detail)
    }

    /// `Too long`, counted in bytes.
    pub fn too_long(field: impl Display, bytes_max: usize) -> Self {
        let unit = if bytes_max == 1 { "byte" } else { "bytes" };
        Self::without_value(Reason::TooLong, field, format_args!("may not be more than {bytes_max} {unit}"))
    }

    /// `Too many` items.
    pub fn too_many(field: impl Display, len: usize, len_max: usize) -> Self {
        let unit = if len_max == 1 { "item" } else { "items" };
        let detail = format!("must have at most {len_max} {unit}");
        Self::of_value(Reason::TooMany, field, &Value::from(len), detail)
    }
}

/// A value as error texts show it: text quoted as Go quotes it, the rest as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) if number.is_f64() => go_float(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// A float as Go's `%v` prints it: the shortest digits, an exponent below 1e-4 and from 1e21 on.
pub(crate) fn go_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        if let Some((digits, exponent)) = text.split_once('e') {
            let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent), |power| ('-', power));
            return format!("{digits}e{sign}{power:0>2}");
        }
    }
    format!("{value}")
}

/// A text as Go's `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            control if (control as u32) < 0x20 || control as u32 == 0x7f => {
                out.push_str(&format!("\\x{:02x}", control as u32));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

/// A value as Go's `%v` prints it.
pub(crate) fn go_plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(name, entry)| format!("{name}:{}", go_plain(entry))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Null => "<nil>".to_owned(),
        other => shown(other),
    }
}

/// Where a walk stands, as a chain on the stack; only an error turns it into text.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    /// The object itself.
    Root,
    /// A field of the outer path.
    Field(&'a Path<'a>, &'a str),
    /// An item of a list.
    Index(&'a Path<'a>, usize),
    /// An entry of a map.
    Key(&'a Path<'a>, &'a str),
}

impl<'a> Path<'a> {
    /// The field `name` of this.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    /// The item at `index`.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }

    /// The map entry `key`.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }
}

impl Display for Path<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Path::Root, name) => out.write_str(name),
            Self::Field(outer, name) => write!(out, "{outer}.{name}"),
            Self::Index(outer, index) => write!(out, "{outer}[{index}]"),
            Self::Key(outer, key) => write!(out, "{outer}[{key}]"),
        }
    }
}
