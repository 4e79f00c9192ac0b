//! The classified event: what faultscope says about one failure it recognised.
//!
//! Holds the event's shape, its resource, its attribute names and its identity. Knows nothing of transports:
//! how an event becomes JSON, protobuf or text is the business of `export`.

pub mod attributes;
pub mod incident;
pub mod resource;
pub mod uid;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use self::incident::Incident;
use crate::pattern::model::{Origin, Pattern};

/// Bytes of a log as text, what is no UTF-8 replaced. Nearly all is UTF-8, which is told several bytes at a time; [`String::from_utf8_lossy`] looks at
/// each by itself.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
}

/// A named value, the name from the semantic conventions where these have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The full dotted name.
    pub name: &'static str,
    /// The value.
    pub value: Value,
}

/// What an event is about: the container whose log it was. Shared by all events of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Semantic-convention names (`k8s.pod.name`, …), in the order to be written; names are unique.
    pub attributes: Vec<Attribute>,
}

impl Resource {
    /// The text of one attribute, if it is there and is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).and_then(|a| match &a.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

/// An exception that the record shows, by the semantic conventions' three fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exception {
    /// `exception.type`, such as `botocore.exceptions.NoCredentialsError`.
    pub kind: Option<String>,
    /// `exception.message`.
    pub message: Option<String>,
    /// `exception.stacktrace`, as printed.
    pub stacktrace: Option<String>,
}

/// One recognised failure.
#[derive(Clone, Debug)]
pub struct Event {
    /// Deterministic identity: reading the same bytes twice gives the same one. Lower-case hex, 32 digits.
    pub uid: String,
    /// When it was logged, if the log says so.
    pub time: Option<Timestamp>,
    /// When faultscope read it.
    pub observed: Timestamp,
    /// The most specific pattern that the record matched.
    pub pattern: Arc<Pattern>,
    /// Ids of what else matched.
    pub also: Vec<Arc<str>>,
    /// A log, or what Kubernetes' API says; this has no lines, and its record is the statement's text.
    pub origin: Origin,
    /// First line of the record, 1-based in the source.
    pub line: u64,
    /// Last line of the record.
    pub last_line: u64,
    /// The line that identifies the failure, without framing. Invalid UTF-8 is replaced.
    pub body: String,
    /// What a structured line says in words, its message and its error; none for a line that is words already.
    pub told: Option<String>,
    /// The whole record, without framing. Invalid UTF-8 is replaced.
    pub record: String,
    /// Captures, and what the log's own header gave.
    pub attributes: Vec<Attribute>,
    /// The exception in the record, if it holds one.
    pub exception: Option<Exception>,
    /// The trace that the log line belongs to, if it says so: 16 bytes.
    pub trace_id: Option<[u8; 16]>,
    /// The span that the log line belongs to, if it says so: 8 bytes.
    pub span_id: Option<[u8; 8]>,
    /// `stdout` or `stderr`, where the framing says so.
    pub stream: Option<&'static str>,
    /// The container it came from.
    pub resource: Arc<Resource>,
    /// The path it was read from, or `-`; for what isn't a log, the place: `status of pod/iris-0`.
    pub source: Arc<str>,
    /// How many occurrences this event stands for.
    pub occurrences: u64,
    /// The incident it belongs to, once that was looked for.
    pub incident: Option<Incident>,
}

impl Event {
    /// Cuts every text of the log to at most so many bytes. Gives how many were longer.
    pub fn cut(&mut self, bytes: usize) -> u64 {
        let attributes = self.attributes.iter_mut().filter_map(|attribute| match &mut attribute.value {
            Value::Text(text) => Some(text),
            Value::Int(_) | Value::Bool(_) => None,
        });
        let exception =
            self.exception.iter_mut().flat_map(|e| [&mut e.kind, &mut e.message, &mut e.stacktrace]).flatten();
        let texts = [&mut self.body, &mut self.record].into_iter().chain(self.told.as_mut()).chain(attributes);
        let long = texts.chain(exception).filter(|text| text.len() > bytes);
        long.map(|text| text.truncate(text.floor_char_boundary(bytes))).count() as u64
    }
}
