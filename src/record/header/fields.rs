//! What a structured line says beside its message: values by dotted path.
//!
//! Bounded in number, path length and, by the readers, in depth. Knows nothing of the syntax they came from.

use crate::event;
use std::borrow::Cow;

/// The most fields kept of a line; further ones are left out.
pub(super) const MAX_FIELDS: usize = 256;
/// The longest path kept, in bytes; a field with a longer one is left out.
const MAX_PATH: usize = 256;

/// A value, as it is written in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text, without quotes and escapes. Invalid UTF-8 is replaced.
    Text(Cow<'a, str>),
    /// A number, digit by digit as it was written.
    Number(Cow<'a, str>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// The fields of a line, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields<'a> {
    list: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// The value at a path as text; `None` where there is none or it is `null`.
    ///
    /// Dots reach into nested objects, and an array's elements are counted from 0 (`errors.0.reason`). A key may hold dots
    /// itself. Where a key stands twice, the last one has the say, as JSON's readers have it.
    pub fn get(&self, path: &str) -> Option<Cow<'_, str>> {
        match self.value(path)? {
            Value::Text(text) | Value::Number(text) => Some(Cow::Borrowed(text)),
            Value::Bool(true) => Some(Cow::Borrowed("true")),
            Value::Bool(false) => Some(Cow::Borrowed("false")),
            Value::Null => None,
        }
    }

    /// The value at a path.
    pub fn value(&self, path: &str) -> Option<&Value<'a>> {
        self.list.iter().rev().find(|(known, _)| known == path).map(|(_, value)| value)
    }

    /// All fields in the order of the line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.list.iter().map(|(path, value)| (path.as_ref(), value))
    }

    /// All fields, to be taken over into other ones.
    pub(super) fn into_list(self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        self.list
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MAX_FIELDS
    }

    pub(super) fn push(&mut self, path: impl Into<Cow<'a, str>>, value: Value<'a>) {
        let path = path.into();
        if !self.is_full() && path.len() <= MAX_PATH {
            self.list.push((path, value));
        }
    }

    pub(super) fn push_text(&mut self, path: impl Into<Cow<'a, str>>, text: &'a [u8]) {
        self.push(path, Value::Text(event::text(text)));
    }

    /// The text at the first of some paths that has one, for as long as the line lives.
    pub(super) fn text_of(&self, paths: &[&str]) -> Option<Cow<'a, str>> {
        paths.iter().find_map(|path| match self.value(path)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.value(path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_keys_is_given() {
        let mut fields = Fields::default();
        fields.push("a", Value::Number("1".into()));
        fields.push("a", Value::Bool(true));
        fields.push("b", Value::Null);
        assert_eq!(fields.get("a").as_deref(), Some("true"));
        assert_eq!((fields.get("b"), fields.has("b")), (None, true));
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn number_and_paths_are_bounded() {
        let mut fields = Fields::default();
        fields.push("x".repeat(MAX_PATH + 1), Value::Null);
        assert!(fields.is_empty());
        for number in 0..2 * MAX_FIELDS {
            fields.push(number.to_string(), Value::Null);
        }
        assert_eq!(fields.len(), MAX_FIELDS);
    }
}
