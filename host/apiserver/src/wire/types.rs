//! The built-in API types as facts: fields in Go's order, JSON names, protobuf numbers, what is left out when empty.

use std::{collections::HashMap, sync::OnceLock};

const TABLE: &str = include_str!("types.txt");

/// Index of a type in the [`TypeTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// The type of a field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    String,
    /// `true` or `false`.
    Bool,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// 64-bit floating point.
    Double,
    /// Bytes, base64 in JSON.
    Bytes,
    /// RFC 3339 in whole seconds.
    Time,
    /// RFC 3339 with six digits of fraction.
    MicroTime,
    /// A field set of server-side apply, JSON inside.
    FieldsV1,
    /// An amount such as `100m`.
    Quantity,
    /// An integer or a text.
    IntOrString,
    /// An embedded object, JSON inside.
    RawExtension,
    /// Any JSON value.
    Json,
    /// A schema, or several.
    SchemaOrArray,
    /// A schema, or whether anything is allowed.
    SchemaOrBool,
    /// A schema, or names of properties.
    SchemaOrStrings,
    /// A struct of the table.
    Message(TypeId),
    /// May be absent, which differs from its zero value.
    Optional(Box<Type>),
    /// A list.
    Repeated(Box<Type>),
    /// A map from text.
    Map(Box<Type>),
    /// A list that protobuf wraps into a message of its own.
    Wrapped(Box<Type>),
}

/// One field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON; empty for an inlined struct.
    pub json: &'static str,
    /// Its number in protobuf; 0 if it is not encoded there.
    pub number: u32,
    /// The type of its value.
    pub value: Type,
    /// Not written when empty (`omitempty`).
    pub omit_empty: bool,
    /// Not written when a zero struct (`omitzero`).
    pub omit_zero: bool,
}

impl Field {
    /// Whether the fields of this one stand directly in the surrounding JSON object.
    pub const fn is_inline(&self) -> bool {
        self.json.is_empty()
    }
}

/// One struct.
#[derive(Debug)]
pub struct StructType {
    /// The package of the table that declares it, such as `core/v1`.
    pub package: &'static str,
    /// Its name in Go, which is also the kind of a top-level object.
    pub name: &'static str,
    /// Whether it carries `kind` and `apiVersion`.
    pub is_kind: bool,
    /// Its fields as declared.
    pub fields: Vec<Field>,
    /// Indexes of `fields` by number.
    numbered: Vec<u16>,
}

impl StructType {
    /// The fields that protobuf has, in the order of their numbers, in which messages are written.
    pub fn by_number(&self) -> impl Iterator<Item = &Field> {
        self.numbered.iter().map(|index| &self.fields[usize::from(*index)])
    }
}

/// Every struct of the built-in API.
#[derive(Debug)]
pub struct TypeTable {
    types: Vec<StructType>,
    kinds: HashMap<(&'static str, &'static str, &'static str), TypeId>,
    meta: HashMap<&'static str, TypeId>,
    extensions: HashMap<&'static str, TypeId>,
}

impl TypeTable {
    /// The table, read on first use (about a millisecond).
    pub fn get() -> &'static Self {
        static PARSED: OnceLock<TypeTable> = OnceLock::new();
        PARSED.get_or_init(|| Parser::default().parse(TABLE))
    }

    /// The struct behind an id.
    pub fn type_of(&self, id: TypeId) -> &StructType {
        &self.types[id.0 as usize]
    }

    /// The type of a kind. The core group is the empty text. `Status`, `DeleteOptions` and the other kinds that
    /// every group shares are found under any group and version.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeId> {
        // The key's lifetime is that of the table, so the look-up borrows through a shorter-lived view.
        let kinds: &HashMap<(&str, &str, &str), TypeId> = &self.kinds;
        kinds.get(&(group, version, kind)).or_else(|| self.meta.get(kind)).copied()
    }

    /// A struct of the package that defines custom resources, such as `JSONSchemaProps`.
    pub fn extensions(&self, name: &str) -> Option<TypeId> {
        self.extensions.get(name).copied()
    }

    /// A struct by package and name, such as `core/v1` and `PodSpec`.
    pub fn find(&self, package: &str, name: &str) -> Option<TypeId> {
        let at = self.types.iter().position(|known| known.package == package && known.name == name)?;
        u32::try_from(at).ok().map(TypeId)
    }

    /// A struct of `meta/v1`, such as `ObjectMeta`.
    pub fn meta(&self, name: &str) -> Option<TypeId> {
        self.meta.get(name).copied()
    }

    /// Every (group, version, kind) that has a type of its own.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        self.kinds.keys().copied()
    }
}

/// Names are given before the types they refer to, so ids are handed out on first mention.
#[derive(Default)]
struct Parser {
    ids: HashMap<(&'static str, &'static str), TypeId>,
    types: Vec<StructType>,
}

impl Parser {
    fn parse(mut self, text: &'static str) -> TypeTable {
        let mut kinds = HashMap::new();
        let mut meta = HashMap::new();
        let mut extensions = HashMap::new();
        let (mut package, mut group, mut version) = ("", "", "");
        let mut current = TypeId(0);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            let mut word = || words.next().unwrap_or_default();
            if line.starts_with(' ') {
                let field = self.field(package, first, word(), word(), word());
                self.types[current.0 as usize].fields.push(field);
            } else if first == "package" {
                (package, group, version) = (word(), word().trim_start_matches('-'), word());
            } else {
                let name = word();
                current = self.id(package, name);
                let is_kind = word() == "kind";
                self.types[current.0 as usize].is_kind = is_kind;
                if package == "apiextensions/v1" {
                    extensions.insert(name, current);
                }
                if package == "meta/v1" {
                    meta.insert(name, current);
                } else if is_kind {
                    kinds.insert((group, version, name), current);
                }
            }
        }
        for declared in &mut self.types {
            let with_number = (0_u16..).zip(&declared.fields).filter(|(_, field)| field.number > 0);
            let mut numbered: Vec<(u32, u16)> =
                with_number.map(|(index, field)| (field.number, index)).collect();
            numbered.sort_unstable();
            declared.numbered = numbered.into_iter().map(|(_, index)| index).collect();
        }
        TypeTable { types: self.types, kinds, meta, extensions }
    }

    fn field(
        &mut self,
        package: &'static str,
        json: &'static str,
        number: &'static str,
        value: &'static str,
        flags: &'static str,
    ) -> Field {
        Field {
            json: if json == "=" { "" } else { json },
            number: number.parse().unwrap_or(0),
            value: self.value(package, value),
            omit_empty: flags.contains('o'),
            omit_zero: flags.contains('z'),
        }
    }

    fn value(&mut self, package: &'static str, text: &'static str) -> Type {
        for (prefix, wrap) in [
            ("*", Type::Optional as fn(Box<Type>) -> Type),
            ("[]", Type::Repeated),
            ("map:", Type::Map),
            ("list:", Type::Wrapped),
        ] {
            if let Some(rest) = text.strip_prefix(prefix) {
                return wrap(Box::new(self.value(package, rest)));
            }
        }
        match text {
            "string" => Type::String,
            "bool" => Type::Bool,
            "int32" => Type::Int32,
            "int64" => Type::Int64,
            "float64" => Type::Double,
            "bytes" => Type::Bytes,
            "time" => Type::Time,
            "microtime" => Type::MicroTime,
            "fieldsv1" => Type::FieldsV1,
            "quantity" => Type::Quantity,
            "intorstring" => Type::IntOrString,
            "raw" => Type::RawExtension,
            "json" => Type::Json,
            "schemaorarray" => Type::SchemaOrArray,
            "schemaorbool" => Type::SchemaOrBool,
            "schemaorstrings" => Type::SchemaOrStrings,
            _ => {
                let (named, name) = text.rsplit_once('.').unwrap_or(("", text));
                Type::Message(self.id(if named.is_empty() { package } else { named }, name))
            }
        }
    }

    fn id(&mut self, package: &'static str, name: &'static str) -> TypeId {
        let types = &mut self.types;
        *self.ids.entry((package, name)).or_insert_with(|| {
            let id = u32::try_from(types.len()).expect("the table has some hundred types");
            types.push(StructType {
                package,
                name,
                is_kind: false,
                fields: Vec::new(),
                numbered: Vec::new(),
            });
            TypeId(id)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::{Type, TypeTable};

    #[test]
    fn every_type_that_a_field_names_is_in_the_table() {
        let table = TypeTable::get();
        for named in &table.types {
            let empty_in_go = matches!(named.name, "CustomResourceSubresourceStatus" | "Patch");
            assert!(!named.fields.is_empty() || empty_in_go, "{} has no fields", named.name);
        }
    }

    #[test]
    fn kinds_are_found_by_group_version_and_kind() {
        let table = TypeTable::get();
        let pod = table.type_of(table.kind("", "v1", "Pod").unwrap());
        let fields: Vec<_> = pod.fields.iter().map(|field| (field.json, field.number)).collect();
        assert_eq!(fields, [("metadata", 1), ("spec", 2), ("status", 3)]);
        assert!(table.kind("apps", "v1", "Pod").is_none());
        assert_eq!(table.kind("apps", "v1", "Status"), table.meta("Status"));
        let meta = table.type_of(table.meta("ObjectMeta").unwrap());
        let created = meta.fields.iter().find(|field| field.json == "creationTimestamp").unwrap();
        assert_eq!((&created.value, created.omit_zero), (&Type::Time, true));
    }
}
