//! The one form in which the schemas of built-in kinds and of custom resources are held.

use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;

use super::check::Checks;
use super::facts;

/// A reference to a schema: shared for custom resources, a place in the table of facts for built-in kinds, which may
/// be recursive. Dereferencing a built-in one parses it on first use.
#[derive(Clone)]
pub enum SchemaRef {
    /// A schema made at run time.
    Shared(Arc<Schema>),
    /// A definition of the table of facts.
    Builtin(u16),
}

impl Deref for SchemaRef {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        match self {
            Self::Shared(schema) => schema,
            Self::Builtin(at) => facts::table().definition(*at),
        }
    }
}

impl From<Schema> for SchemaRef {
    fn from(schema: Schema) -> Self {
        Self::Shared(Arc::new(schema))
    }
}

impl std::fmt::Debug for SchemaRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shared(schema) => schema.fmt(out),
            Self::Builtin(at) => write!(out, "Builtin({at})"),
        }
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Anything.
    #[default]
    Any,
    /// A map or a struct.
    Object,
    /// A list.
    Array,
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A whole number or a text.
    IntOrString,
    /// A text or a number that says an amount of something: `1500m`.
    Quantity,
    /// A text that holds bytes in base64.
    Bytes,
    /// A time in seconds.
    Time,
    /// A time in microseconds.
    MicroTime,
}

/// What may be in an object beside its declared fields.
#[derive(Debug, Clone, Default)]
pub enum Rest {
    /// Nothing.
    #[default]
    Closed,
    /// Anything.
    Open,
    /// Values of this schema: a map.
    Each(SchemaRef),
}

/// How the items of a list are told apart when several writers share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListType {
    /// They are not: the list has one owner.
    #[default]
    Atomic,
    /// By their value.
    Set,
    /// By these fields.
    Map(Box<[Box<str>]>),
}

/// How a strategic merge patch treats a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchMeta {
    /// `merge` is given: items of a list are merged instead of replaced.
    pub merge: bool,
    /// `replace` is given: an object is replaced instead of merged.
    pub replace: bool,
    /// `retainKeys` is given: the patch may list the keys that stay.
    pub retain_keys: bool,
    /// The field that tells items apart.
    pub merge_key: Option<Box<str>>,
}

/// How Go's encoder sees a field of a built-in kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GoShape {
    /// Absent and empty differ.
    pub pointer: bool,
    /// Left out if empty.
    pub omit_empty: bool,
    /// Left out if it is the zero value.
    pub omit_zero: bool,
}

/// A declared field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in JSON.
    pub name: Box<str>,
    /// What it may hold.
    pub schema: SchemaRef,
    /// What stands for it if it is absent.
    pub default: Option<Value>,
    /// How strategic merge patches treat it.
    pub patch: PatchMeta,
    /// How Go sees it; meaningless for custom resources.
    pub shape: GoShape,
}

/// What a value may be, and how its parts are told apart, defaulted, validated and owned.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// What the value is.
    pub kind: Kind,
    /// From the table of facts, so read by Go's rules.
    pub builtin: bool,
    /// Go's name of the type as its decoder prints it (`int32`, `v1.Protocol`, `v1.Container`); empty for custom
    /// resources.
    pub go_type: Box<str>,
    /// Declared fields, sorted by name.
    pub fields: Box<[Field]>,
    /// What else may be in an object.
    pub rest: Rest,
    /// What the items of a list are.
    pub items: Option<SchemaRef>,
    /// How the items of a list are told apart.
    pub list_type: ListType,
    /// An object that has one owner.
    pub atomic: bool,
    /// The fields that have to be there.
    pub required: Box<[Box<str>]>,
    /// Null is a value.
    pub nullable: bool,
    /// Undeclared fields are kept.
    pub preserve_unknown: bool,
    /// An object of its own, with `apiVersion`, `kind` and `metadata`.
    pub embedded_resource: bool,
    /// What stands for the value if it is absent.
    pub default: Option<Value>,
    /// The rules for values of custom resources.
    pub checks: Option<Box<Checks>>,
}

impl Schema {
    /// The declared field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok().map(|at| &self.fields[at])
    }

    /// What the entry `name` of an object may hold, declared or not.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&SchemaRef> {
        match (self.field(name), &self.rest) {
            (Some(field), _) => Some(&field.schema),
            (None, Rest::Each(schema)) => Some(schema),
            (None, _) => None,
        }
    }
}
