//! What is inside of arrays, objects and enum variants.

use serde::de::{self, Visitor};

use super::JsonError;
use super::parser::Parser;

/// The items of an array, or the entries of an object.
pub(super) struct Items<'a, 'de> {
    parser: &'a mut Parser<'de>,
    first: bool,
}

impl<'a, 'de> Items<'a, 'de> {
    pub(super) fn of(parser: &'a mut Parser<'de>) -> Self {
        Self { parser, first: true }
    }

    /// Whether there is another one, with the comma before it behind us.
    fn another(&mut self, end: u8) -> Result<bool, JsonError> {
        self.parser.another(end, std::mem::replace(&mut self.first, false))
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = JsonError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, JsonError> {
        if self.another(b']')? { seed.deserialize(&mut *self.parser).map(Some) } else { Ok(None) }
    }
}

impl<'de> de::MapAccess<'de> for Items<'_, 'de> {
    type Error = JsonError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        if !self.another(b'}')? {
            return Ok(None);
        }
        self.parser.key_follows()?;
        seed.deserialize(&mut *self.parser).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        self.parser.colon()?;
        seed.deserialize(&mut *self.parser)
    }
}

/// `"Name"`, or `"Name": content` inside of braces.
pub(super) struct Variant<'a, 'de> {
    pub(super) parser: &'a mut Parser<'de>,
    pub(super) has_content: bool,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), JsonError> {
        self.parser.key_follows()?;
        let name = seed.deserialize(&mut *self.parser)?;
        if self.has_content {
            self.parser.colon()?;
        }
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        if self.has_content { self.parser.word("null") } else { Ok(()) }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonError> {
        self.parser.content(self.has_content)?;
        seed.deserialize(self.parser)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.parser.content(self.has_content)?;
        de::Deserializer::deserialize_seq(self.parser, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.parser.content(self.has_content)?;
        de::Deserializer::deserialize_map(self.parser, visitor)
    }
}
