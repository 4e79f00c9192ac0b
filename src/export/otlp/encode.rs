//! Events as OTLP messages, by the log data model and the semantic conventions. Must not know how they are sent.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;

use crate::event::incident::Incident;
use crate::event::{Event, Resource};
use crate::export::attributes::{self, ValueRef};
use crate::pattern::model::Origin;

/// The name of every event of ours: it stands for the structure, so it never varies. The pattern is an attribute.
pub const EVENT_NAME: &str = "faultscope.failure";

/// The semantic conventions that the attributes' names come from.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// The most bytes of a record, or of an exception's text, that an event carries along.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What a record calls the instrumentation that it comes from.
pub(super) const SCOPE_NAME: &str = env!("CARGO_PKG_NAME");
pub(super) const SCOPE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A value as it is shown: by reference, cut to its bound.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
    Texts(Vec<&'a str>),
}

impl<'a> From<ValueRef<'a>> for Shown<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Text(text) => Shown::Text(bounded(text)),
            ValueRef::Int(number) => Shown::Int(number),
            ValueRef::Bool(flag) => Shown::Bool(flag),
        }
    }
}

/// The distinct resources, in the order in which they first appear, with their events.
pub(super) fn groups(events: &[Event]) -> Vec<(&Arc<Resource>, Vec<&Event>)> {
    let mut groups: Vec<(&Arc<Resource>, Vec<&Event>)> = Vec::new();
    // Events of one source share their resource, so most are found by address; only an unseen address is compared.
    let mut by_address: HashMap<*const Resource, usize> = HashMap::new();
    for event in events {
        let group = *by_address.entry(Arc::as_ptr(&event.resource)).or_insert_with(|| {
            groups.iter().position(|(known, _)| **known == event.resource).unwrap_or_else(|| {
                groups.push((&event.resource, Vec::new()));
                groups.len() - 1
            })
        });
        groups[group].1.push(event);
    }
    groups
}

/// One request for all events: a `ResourceLogs` for each distinct resource, in the order in which these first appear.
/// Without events there is no envelope either.
pub fn request(events: &[Event]) -> ExportLogsServiceRequest {
    let envelope = |(resource, events): (&Arc<Resource>, Vec<&Event>)| {
        resource_logs(resource, events.into_iter().map(record).collect())
    };
    ExportLogsServiceRequest { resource_logs: groups(events).into_iter().map(envelope).collect() }
}

/// An envelope around the records of one resource.
fn resource_logs(resource: &Resource, log_records: Vec<LogRecord>) -> ResourceLogs {
    let scope = InstrumentationScope {
        name: SCOPE_NAME.into(),
        version: SCOPE_VERSION.into(),
        ..InstrumentationScope::default()
    };
    ResourceLogs {
        resource: Some(resource_message(resource)),
        scope_logs: vec![ScopeLogs { scope: Some(scope), log_records, schema_url: SCHEMA_URL.into() }],
        schema_url: SCHEMA_URL.into(),
    }
}

/// The resource as a message.
pub(super) fn resource_message(resource: &Resource) -> ResourceMessage {
    let attributes = resource_attributes(resource).into_iter().map(pair).collect();
    ResourceMessage { attributes, ..ResourceMessage::default() }
}

/// The resource's attributes.
pub(super) fn resource_attributes(resource: &Resource) -> Vec<(&'static str, Shown<'_>)> {
    attributes::of_list(&resource.attributes).into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// One event as a log record, without its resource.
pub(super) fn record(event: &Event) -> LogRecord {
    LogRecord {
        time_unix_nano: time(event),
        observed_time_unix_nano: observed(event),
        severity_number: event.pattern.severity.number(),
        severity_text: event.pattern.severity.text().into(),
        body: Some(message(Shown::Text(&event.body))),
        attributes: record_attributes(event).into_iter().map(pair).collect(),
        trace_id: trace_id(event).to_vec(),
        span_id: span_id(event).to_vec(),
        event_name: EVENT_NAME.into(),
        ..LogRecord::default()
    }
}

/// When it was logged, in nanoseconds since 1970; 0 if that isn't known.
pub(super) fn time(event: &Event) -> u64 {
    event.time.map_or(0, unix_nanos)
}

/// When it was read.
pub(super) fn observed(event: &Event) -> u64 {
    unix_nanos(event.observed)
}

/// The trace's id; empty if there is none.
pub(super) fn trace_id(event: &Event) -> &[u8] {
    id_bytes(event.trace_id.as_ref())
}

/// The span's id; empty if there is none.
pub(super) fn span_id(event: &Event) -> &[u8] {
    id_bytes(event.span_id.as_ref())
}

/// The record's attributes. Their names are unique.
pub(super) fn record_attributes(event: &Event) -> Vec<(&'static str, Shown<'_>)> {
    let pattern = &event.pattern;
    let mut list = Vec::with_capacity(24);
    list.extend([
        ("faultscope.pattern.id", Shown::Text(&pattern.id)),
        ("faultscope.pattern.title", Shown::Text(&pattern.title)),
        ("faultscope.pattern.category", Shown::Text(pattern.category.text())),
        ("faultscope.pattern.cause", Shown::Text(&pattern.cause)),
        ("faultscope.pattern.fix", texts(&pattern.fix)),
        ("faultscope.pattern.references", texts(&pattern.references)),
    ]);
    if !event.also.is_empty() {
        list.push(("faultscope.pattern.also", texts(&event.also)));
    }
    list.push(("faultscope.occurrences", Shown::Int(i64::try_from(event.occurrences).unwrap_or(i64::MAX))));
    if let Some(incident) = &event.incident {
        add_incident(incident, &mut list);
    }
    list.push(("log.record.uid", Shown::Text(&event.uid)));
    list.push(("log.record.original", Shown::Text(bounded(&event.record))));
    if event.origin == Origin::Log && &*event.source != "-" {
        list.push(("log.file.path", Shown::Text(&event.source)));
    }
    if let Some(stream) = event.stream {
        list.push(("log.iostream", Shown::Text(stream)));
    }
    for (name, value) in attributes::of_event(event) {
        // Keys must be unique, and ours have the say over the names above.
        if list.iter().all(|(known, _)| *known != name) {
            list.push((name, value.into()));
        }
    }
    list
}

/// What a receiver routes and groups by.
fn add_incident<'a>(incident: &'a Incident, list: &mut Vec<(&'static str, Shown<'a>)>) {
    list.extend([
        ("faultscope.incident.id", Shown::Text(&incident.id)),
        ("faultscope.incident.workload", Shown::Text(&incident.workload)),
        ("faultscope.incident.root_cause", Shown::Bool(incident.root_cause())),
        ("faultscope.incident.chain", texts(&incident.chain)),
    ]);
    let others =
        [("faultscope.incident.corrects", &incident.corrects), ("faultscope.incident.merges", &incident.merges)];
    list.extend(others.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(name, ids)| (name, texts(ids))));
}

fn texts<'a>(texts: &'a [impl AsRef<str>]) -> Shown<'a> {
    Shown::Texts(texts.iter().map(AsRef::as_ref).collect())
}

fn pair((name, value): (&'static str, Shown<'_>)) -> KeyValue {
    KeyValue { key: name.into(), value: Some(message(value)), ..KeyValue::default() }
}

/// The value as a message.
fn message(shown: Shown<'_>) -> AnyValue {
    let value = match shown {
        Shown::Text(text) => any_value::Value::StringValue(text.into()),
        Shown::Int(number) => any_value::Value::IntValue(number),
        Shown::Bool(flag) => any_value::Value::BoolValue(flag),
        Shown::Texts(texts) => {
            let values = texts.into_iter().map(|text| message(Shown::Text(text))).collect();
            any_value::Value::ArrayValue(ArrayValue { values })
        }
    };
    AnyValue { value: Some(value) }
}

/// The longest prefix of at most [`MAX_TEXT_BYTES`] bytes that does not cut a character.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Nanoseconds since 1970; 0, which OTLP reads as unknown, for what an unsigned 64-bit number can't hold.
fn unix_nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or(0)
}

/// An id's bytes; none for an absent id and for all zeroes, which OTLP calls invalid.
fn id_bytes<const N: usize>(id: Option<&[u8; N]>) -> &[u8] {
    id.filter(|id| id.iter().any(|byte| *byte != 0)).map_or(&[], |id| id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::export::fixture;

    fn value<'a>(record: &'a LogRecord, name: &str) -> Option<&'a any_value::Value> {
        record.attributes.iter().find(|pair| pair.key == name)?.value.as_ref()?.value.as_ref()
    }

    #[test]
    fn resources_are_grouped_in_order_of_appearance() {
        let (first, second) = (fixture::rich(), fixture::plain());
        let mut equal = fixture::rich();
        equal.resource = Arc::new((*first.resource).clone());
        let request = request(&[first, second, equal]);
        let shape: Vec<_> = request
            .resource_logs
            .iter()
            .map(|logs| (logs.resource.as_ref().unwrap().attributes.len(), logs.scope_logs[0].log_records.len()))
            .collect();
        assert_eq!(shape, [(4, 2), (0, 1)]);
    }

    #[test]
    fn no_events_no_envelope() {
        assert!(request(&[]).resource_logs.is_empty());
    }

    #[test]
    fn what_is_absent_is_not_written() {
        let record = record(&fixture::plain());
        assert_eq!(record.time_unix_nano, 0);
        assert_ne!(record.observed_time_unix_nano, 0);
        assert!(record.trace_id.is_empty() && record.span_id.is_empty());
        for name in ["log.file.path", "log.iostream", "faultscope.pattern.also", "exception.type"] {
            assert_eq!(value(&record, name), None, "{name}");
        }
    }

    #[test]
    fn times_out_of_range_are_unknown() {
        for (time, nanos) in [
            ("1969-12-31T23:59:59Z", 0),
            ("1970-01-01T00:00:00.000000001Z", 1),
            ("2024-05-06T07:08:09.123456789Z", 1_714_979_289_123_456_789),
            ("9999-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(unix_nanos(time.parse().unwrap()), nanos, "{time}");
        }
    }

    #[test]
    fn an_id_of_zeroes_is_no_id() {
        assert!(id_bytes(Some(&[0; 16])).is_empty());
        assert_eq!(id_bytes(Some(&[0, 0, 0, 0, 0, 0, 0, 1])).len(), 8);
    }

    #[test]
    fn keys_are_unique_and_ours_win() {
        let mut event = fixture::rich();
        event.attributes.push(fixture::text("log.record.uid", "forged"));
        event.attributes.push(fixture::text("aws.s3.bucket", "second"));
        let record = record(&event);
        let mut keys: Vec<_> = record.attributes.iter().map(|pair| &pair.key).collect();
        keys.sort();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        assert_eq!(value(&record, "log.record.uid"), Some(&any_value::Value::StringValue(event.uid)));
    }

    proptest! {
        #[test]
        fn long_text_is_cut_between_characters(unit in "[a-zé漢🦀]{1,8}", times in 0usize..4000) {
            let text = unit.repeat(times);
            let cut = bounded(&text);
            prop_assert!(text.starts_with(cut) && cut.len() <= MAX_TEXT_BYTES);
            prop_assert!(cut.len() == text.len() || cut.len() > MAX_TEXT_BYTES - 4);
        }
    }
}
