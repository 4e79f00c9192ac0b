//! Reading the values that may be written in several shapes (one or a list, a literal or `{ regex: … }`).
//!
//! serde's `untagged` would do it, but it forgets where an error was; these visitors pass the place on.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::correlation::{Unless, Written};
use super::model::{Condition, FieldCondition, FieldValue, Matches, OneOrMany, RegexTerm, Term};

/// One visitor for all of them: each type says what it makes of each shape.
trait Shapes: Sized {
    const WANTED: &'static str;

    fn from_text(_: &str) -> Option<Self> {
        None
    }
    fn from_int(_: i64) -> Option<Self> {
        None
    }
    fn from_bool(_: bool) -> Option<Self> {
        None
    }
    fn from_list<'de, A: SeqAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::custom(format_args!("{} is wanted here, not a list", Self::WANTED)))
    }
    fn from_map<'de, A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::custom(format_args!("{} is wanted here, not a mapping", Self::WANTED)))
    }
}

struct ShapeVisitor<T>(std::marker::PhantomData<T>);

fn read<'de, T: Shapes, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ShapeVisitor(std::marker::PhantomData))
}

fn wanted<T: Shapes, E: Error>(value: Option<T>, got: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("{} is wanted here, not {got}; text goes in quotes", T::WANTED)))
}

impl<'de, T: Shapes> Visitor<'de> for ShapeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        wanted(T::from_text(text), "text")
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        wanted(T::from_int(value), "a number")
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        wanted(i64::try_from(value).ok().and_then(T::from_int), "a number")
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        wanted(None, "a number with a fraction")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        wanted(T::from_bool(value), "a boolean")
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        wanted(None, "nothing")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

macro_rules! deserialize_by_shape {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }
    )*};
}

deserialize_by_shape!(Matches, Unless, Term, OneOrMany, FieldCondition, FieldValue);

impl Shapes for Matches {
    const WANTED: &'static str = "a mapping (all, any, none, regex, fields) or a list of such mappings";

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::<Condition>::deserialize(SeqAccessDeserializer::new(list)).map(Matches::AnyOf)
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Written::deserialize(MapAccessDeserializer::new(map))?.matches()
    }
}

impl Shapes for Unless {
    const WANTED: &'static str = "a mapping (all, any, none, regex, fields) or a list of such mappings";

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::<Condition>::deserialize(SeqAccessDeserializer::new(list)).map(Unless::AnyOf)
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Condition::deserialize(MapAccessDeserializer::new(map)).map(Unless::One)
    }
}

impl Shapes for Term {
    const WANTED: &'static str = "a literal or { regex: … }";

    fn from_text(text: &str) -> Option<Self> {
        Some(Term::Literal(text.to_owned()))
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        RegexTerm::deserialize(MapAccessDeserializer::new(map)).map(Term::Regex)
    }
}

impl Shapes for OneOrMany {
    const WANTED: &'static str = "text or a list of texts";

    fn from_text(text: &str) -> Option<Self> {
        Some(OneOrMany::One(text.to_owned()))
    }
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::<String>::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
    }
}

impl Shapes for FieldCondition {
    const WANTED: &'static str = "a value or a list of values";

    fn from_text(text: &str) -> Option<Self> {
        FieldValue::from_text(text).map(FieldCondition::One)
    }
    fn from_int(value: i64) -> Option<Self> {
        FieldValue::from_int(value).map(FieldCondition::One)
    }
    fn from_bool(value: bool) -> Option<Self> {
        FieldValue::from_bool(value).map(FieldCondition::One)
    }
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::<FieldValue>::deserialize(SeqAccessDeserializer::new(list)).map(FieldCondition::AnyOf)
    }
}

impl Shapes for FieldValue {
    const WANTED: &'static str = "text, a whole number or a boolean";

    fn from_text(text: &str) -> Option<Self> {
        Some(FieldValue::Text(text.to_owned()))
    }
    fn from_int(value: i64) -> Option<Self> {
        Some(FieldValue::Int(value))
    }
    fn from_bool(value: bool) -> Option<Self> {
        Some(FieldValue::Bool(value))
    }
}
