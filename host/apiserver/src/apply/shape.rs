//! How a schema looks to the merge: what of a value is shared by writers, and what belongs to one.

use std::sync::OnceLock;

use serde_json::Value;

use super::path::{Element, Scalar};
use crate::schema::{Kind, ListType, Rest, Schema, SchemaRef, definition};

/// The type of a value.
#[derive(Clone, Copy)]
pub(super) enum Type<'a> {
    /// By a schema; the flag says that an outer schema keeps undeclared fields.
    Known(&'a Schema, bool),
    /// Told by the value: objects are shared field by field, lists belong to one.
    Deduced,
    /// Told by the value, all of which belongs to one.
    Untyped,
}

/// What a value is taken for.
pub(super) enum Shape<'a> {
    Map(MapShape<'a>),
    List(ListShape<'a>),
    Scalar,
}

pub(super) struct MapShape<'a> {
    pub(super) atomic: bool,
    of: Type<'a>,
}

pub(super) struct ListShape<'a> {
    /// How items are told apart; `None` if the list belongs to one.
    pub(super) keyed: Option<&'a [Box<str>]>,
    pub(super) item: Type<'a>,
}

impl<'a> Type<'a> {
    /// The type of whole objects of a schema.
    pub(super) fn root(schema: &'a Schema) -> Self {
        Self::Known(schema, false)
    }

    /// What `value` is taken for, if there is one: by the schema, or by itself where the schema leaves it open.
    pub(super) fn shape(self, value: Option<&Value>) -> Shape<'a> {
        let Self::Known(schema, _) = self else { return self.open_shape(value) };
        match schema.kind {
            Kind::Object if is_embedded_raw(schema) => Self::Untyped.open_shape(value),
            Kind::Object => Shape::Map(MapShape { atomic: schema.atomic, of: self }),
            Kind::Array => Shape::List(self.list(schema)),
            Kind::Any | Kind::IntOrString => self.open_shape(value),
            _ => Shape::Scalar,
        }
    }

    fn open_shape(self, value: Option<&Value>) -> Shape<'a> {
        match value {
            None | Some(Value::Null | Value::Object(_)) => {
                Shape::Map(MapShape { atomic: self.is_atomic(), of: self })
            }
            Some(Value::Array(_)) => match self {
                Self::Known(schema, _) => Shape::List(self.list(schema)),
                _ => Shape::List(ListShape { keyed: None, item: Self::Untyped }),
            },
            Some(_) => Shape::Scalar,
        }
    }

    fn is_atomic(self) -> bool {
        match self {
            Self::Known(schema, _) => schema.atomic,
            Self::Deduced => false,
            Self::Untyped => true,
        }
    }

    fn list(self, schema: &'a Schema) -> ListShape<'a> {
        let keyed: Option<&[Box<str>]> = match &schema.list_type {
            ListType::Atomic => None,
            ListType::Set => Some(&[]),
            ListType::Map(keys) => Some(keys),
        };
        let preserve = self.preserves();
        ListShape {
            keyed,
            item: schema.items.as_deref().map_or(Self::Untyped, |item| Type::Known(item, preserve)),
        }
    }

    fn preserves(self) -> bool {
        matches!(self, Self::Known(schema, outer) if outer || (schema.preserve_unknown && !schema.builtin))
    }
}

fn is_embedded_raw(schema: &Schema) -> bool {
    schema.builtin && &*schema.go_type == "runtime.RawExtension"
}

impl<'a> MapShape<'a> {
    /// The type of a declared field.
    pub(super) fn named(&self, name: &str) -> Option<Type<'a>> {
        let Type::Known(schema, _) = self.of else { return None };
        if schema.embedded_resource
            && !schema.builtin
            && let Some(meta) = meta_field(name)
        {
            return Some(Type::Known(meta, false));
        }
        schema.field(name).map(|field| Type::Known(field_schema(field), self.of.preserves()))
    }

    /// The type of the entry `name`, declared or not; `None` if the schema does not allow it.
    pub(super) fn entry(&self, name: &str) -> Option<Type<'a>> {
        self.named(name).or_else(|| self.rest())
    }

    fn rest(&self) -> Option<Type<'a>> {
        match self.of {
            Type::Deduced => Some(Type::Deduced),
            Type::Untyped => Some(Type::Untyped),
            Type::Known(schema, _) => match &schema.rest {
                Rest::Each(each) => Some(Type::Known(each, self.of.preserves())),
                Rest::Open => Some(Type::Deduced),
                Rest::Closed => {
                    // An object of its own declares its metadata at least.
                    let bare = schema.fields.is_empty() && !schema.embedded_resource;
                    (self.of.preserves() || bare).then_some(Type::Deduced)
                }
            },
        }
    }

    /// Whether nothing is declared and anything goes.
    pub(super) fn is_free(&self) -> bool {
        let declared = matches!(self.of, Type::Known(schema, _) if !schema.fields.is_empty());
        !declared && matches!(self.rest(), Some(Type::Deduced))
    }
}

fn field_schema(field: &crate::schema::Field) -> &Schema {
    &field.schema
}

/// `apiVersion`, `kind` and `metadata` of a custom resource.
fn meta_field(name: &str) -> Option<&'static Schema> {
    static TEXT: OnceLock<Schema> = OnceLock::new();
    static META: OnceLock<Option<SchemaRef>> = OnceLock::new();
    match name {
        "apiVersion" | "kind" => {
            Some(TEXT.get_or_init(|| Schema { kind: Kind::String, ..Schema::default() }))
        }
        "metadata" => META.get_or_init(|| definition("meta.v1.ObjectMeta")).as_deref(),
        _ => None,
    }
}

impl ListShape<'_> {
    /// The path element of an item, or why it has none.
    pub(super) fn element(&self, item: &Value) -> Result<Element, String> {
        match self.keyed {
            None => Err("invalid indexing of non-associative list".to_owned()),
            Some([]) => match item {
                Value::Object(_) => {
                    Err("associative list without keys has an element that's a map type".to_owned())
                }
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => {
                    Err("associative list without keys has an element that's an explicit null".to_owned())
                }
                value => Ok(Element::Value(Scalar::new(value))),
            },
            Some(keys) => self.keyed_element(keys, item),
        }
    }

    fn keyed_element(&self, keys: &[Box<str>], item: &Value) -> Result<Element, String> {
        let fields = match item {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let default = || match self.item {
                Type::Known(schema, _) => schema.field(key).and_then(|field| field.default.as_ref()),
                _ => None,
            };
            if let Some(value) = fields.get(&**key).or_else(default) {
                found.push((key.clone(), Scalar::new(value)));
            }
        }
        if found.is_empty() {
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" ")
            ));
        }
        Ok(Element::key(found))
    }
}
