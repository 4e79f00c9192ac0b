//! The attributes that every machine-readable form of an event shows: captures and the exception's fields, each name
//! once. Must not know of any encoding.

use crate::event::{Attribute, Event, Value};

/// A value by reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ValueRef<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => ValueRef::Text(text),
            Value::Int(number) => ValueRef::Int(*number),
            Value::Bool(flag) => ValueRef::Bool(*flag),
        }
    }
}

/// The event's attributes in order, then those of its exception. A name that comes twice keeps its first value, so
/// what a pattern captured goes before what the exception's shape gave.
pub(super) fn of_event(event: &Event) -> Vec<(&'static str, ValueRef<'_>)> {
    let exception = event.exception.as_ref();
    let fields = [
        ("exception.type", exception.and_then(|e| e.kind.as_deref())),
        ("exception.message", exception.and_then(|e| e.message.as_deref())),
        ("exception.stacktrace", exception.and_then(|e| e.stacktrace.as_deref())),
    ];
    let fields = fields.into_iter().filter_map(|(name, text)| Some((name, ValueRef::Text(text?))));
    unique(named(&event.attributes).chain(fields))
}

/// Plain attributes in order; a name that comes twice keeps its first value.
pub(super) fn of_list(attributes: &[Attribute]) -> Vec<(&'static str, ValueRef<'_>)> {
    unique(named(attributes))
}

fn named(attributes: &[Attribute]) -> impl Iterator<Item = (&'static str, ValueRef<'_>)> {
    attributes.iter().map(|attribute| (attribute.name, ValueRef::from(&attribute.value)))
}

fn unique<'a>(pairs: impl Iterator<Item = (&'static str, ValueRef<'a>)>) -> Vec<(&'static str, ValueRef<'a>)> {
    let mut kept: Vec<(&'static str, ValueRef<'a>)> = Vec::new();
    for (name, value) in pairs {
        if kept.iter().all(|(known, _)| *known != name) {
            kept.push((name, value));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Exception;
    use crate::export::fixture;

    #[test]
    fn a_capture_goes_before_the_exceptions_own_field() {
        let mut event = fixture::plain();
        event.attributes =
            vec![fixture::text("exception.message", "captured"), fixture::text("exception.message", "again")];
        event.exception =
            Some(Exception { kind: Some("ValueError".into()), message: Some("parsed".into()), stacktrace: None });
        assert_eq!(
            of_event(&event),
            [("exception.message", ValueRef::Text("captured")), ("exception.type", ValueRef::Text("ValueError"))]
        );
    }
}
