//! A serde deserializer over the located tree. Errors know the place, and the mapping entry that caused them.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor, value::StrDeserializer};

use super::Mistake;
use super::tree::{Kind, Node, Place};

/// An error and what is known of its cause.
#[derive(Debug)]
pub(super) struct Error {
    message: String,
    hint: Option<String>,
    place: Option<Place>,
    /// The place of the key of the entry to take out to get past this error.
    pub(super) entry: Option<Place>,
    /// The name of a key that should be there and is not.
    pub(super) missing: Option<String>,
}

impl Error {
    pub(super) fn mistake(&self) -> Mistake {
        let place = self.place.unwrap_or(Place { line: 1, column: 1 });
        Mistake { line: place.line, column: place.column, message: self.message.clone(), hint: self.hint.clone() }
    }

    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    fn in_entry(mut self, key: Place) -> Self {
        self.entry.get_or_insert(key);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error { message: message.to_string(), hint: None, place: None, entry: None, missing: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Error { hint: suggest(field, expected), ..Self::custom(format_args!("unknown key `{field}`")) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Error { hint: suggest(variant, expected), ..Self::custom(format_args!("unknown value `{variant}`")) }
    }

    fn missing_field(field: &'static str) -> Self {
        let missing = Some(field.to_owned());
        Error { missing, ..Self::custom(format_args!("the key `{field}` is missing")) }
    }
}

/// The nearest of the expected words, or all of them when none is near.
fn suggest(word: &str, expected: &[&str]) -> Option<String> {
    let near = expected.iter().map(|e| (strsim::damerau_levenshtein(word, e), e)).min();
    match near {
        Some((_, nearest)) if super::near(word, nearest) => Some(format!("did you mean `{nearest}`?")),
        Some(_) => Some(format!("one of: {}", expected.join(", "))),
        None => None,
    }
}

/// Reads one node.
pub(super) struct Reader<'n> {
    node: &'n Node,
}

impl<'n> Reader<'n> {
    pub(super) fn new(node: &'n Node) -> Self {
        Reader { node }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Int(value) => visitor.visit_i64(*value),
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter() }),
            Kind::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), current: None }),
        };
        result.map_err(|error| error.at(self.node.place))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Text(text) => visitor.visit_str(text).map_err(|error: Error| error.at(self.node.place)),
            _ => Err(self.text_wanted()),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.kind {
            Kind::Text(text) => {
                let word: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
                visitor.visit_enum(word).map_err(|error| error.at(self.node.place))
            }
            _ => Err(self.text_wanted()),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

impl Reader<'_> {
    fn text_wanted(&self) -> Error {
        let mut error: Error = de::Error::custom(format_args!("text is wanted here, not {}", self.node.describe()));
        if matches!(self.node.kind, Kind::Int(_) | Kind::Bool(_) | Kind::Float(_)) {
            error.hint = Some("put it in quotes".into());
        }
        error.at(self.node.place)
    }
}

struct Items<'n> {
    items: std::slice::Iter<'n, Node>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.items.next().map(|item| seed.deserialize(Reader::new(item))).transpose()
    }
}

struct Entries<'n> {
    entries: std::slice::Iter<'n, (Node, Node)>,
    current: Option<&'n (Node, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        let result = seed.deserialize(Reader::new(key));
        result.map(Some).map_err(|error| error.at(key.place).in_entry(key.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(Reader::new(value)).map_err(|error| error.at(value.place).in_entry(key.place))
    }
}
