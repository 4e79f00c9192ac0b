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

/// One request for all events: a `ResourceLogs` for each distinct resource, in the order in which these first appear.
/// Without events there is no envelope either.
pub fn request(events: &[Event]) -> ExportLogsServiceRequest {
    let mut groups: Vec<(&Arc<Resource>, Vec<LogRecord>)> = Vec::new();
    // Events of one source share their resource, so most are found by address; only an unseen address is compared.
    let mut by_address: HashMap<*const Resource, usize> = HashMap::new();
    for event in events {
        let group = *by_address.entry(Arc::as_ptr(&event.resource)).or_insert_with(|| {
            groups.iter().position(|(known, _)| **known == event.resource).unwrap_or_else(|| {
                groups.push((&event.resource, Vec::new()));
                groups.len() - 1
            })
        });
        groups[group].1.push(record(event));
    }
    ExportLogsServiceRequest {
        resource_logs: groups.into_iter().map(|(resource, records)| resource_logs(resource, records)).collect(),
    }
}

/// An envelope around the records of one resource.
fn resource_logs(resource: &Resource, log_records: Vec<LogRecord>) -> ResourceLogs {
    let scope = InstrumentationScope {
        name: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    ResourceLogs {
        resource: Some(resource_message(resource)),
        scope_logs: vec![ScopeLogs { scope: Some(scope), log_records, schema_url: SCHEMA_URL.into() }],
        schema_url: SCHEMA_URL.into(),
    }
}

/// The resource as a message.
pub(crate) fn resource_message(resource: &Resource) -> ResourceMessage {
    let attributes = attributes::of_list(&resource.attributes);
    ResourceMessage {
        attributes: attributes.into_iter().map(|(name, value)| pair(name, from_ref(value))).collect(),
        ..ResourceMessage::default()
    }
}

/// One event as a log record, without its resource.
pub(crate) fn record(event: &Event) -> LogRecord {
    LogRecord {
        time_unix_nano: event.time.map_or(0, unix_nanos),
        observed_time_unix_nano: unix_nanos(event.observed),
        severity_number: event.pattern.severity.number(),
        severity_text: event.pattern.severity.text().into(),
        body: Some(string(&event.body)),
        attributes: record_attributes(event),
        trace_id: id_bytes(event.trace_id.as_ref()),
        span_id: id_bytes(event.span_id.as_ref()),
        event_name: EVENT_NAME.into(),
        ..LogRecord::default()
    }
}

fn record_attributes(event: &Event) -> Vec<KeyValue> {
    let pattern = &event.pattern;
    let mut list = vec![
        pair("faultscope.pattern.id", string(&pattern.id)),
        pair("faultscope.pattern.title", string(&pattern.title)),
        pair("faultscope.pattern.category", string(pattern.category.text())),
        pair("faultscope.pattern.cause", string(&pattern.cause)),
        pair("faultscope.pattern.fix", strings(&pattern.fix)),
        pair("faultscope.pattern.references", strings(&pattern.references)),
    ];
    if !event.also.is_empty() {
        list.push(pair("faultscope.pattern.also", strings(&event.also)));
    }
    list.push(pair("faultscope.occurrences", int(i64::try_from(event.occurrences).unwrap_or(i64::MAX))));
    list.extend(event.incident.iter().flat_map(incident));
    list.push(pair("log.record.uid", string(&event.uid)));
    list.push(pair("log.record.original", string(bounded(&event.record))));
    if event.origin == Origin::Log && &*event.source != "-" {
        list.push(pair("log.file.path", string(&event.source)));
    }
    if let Some(stream) = event.stream {
        list.push(pair("log.iostream", string(stream)));
    }
    for (name, value) in attributes::of_event(event) {
        // Keys must be unique, and ours have the say over the names above.
        if list.iter().all(|known| known.key != name) {
            list.push(pair(name, from_ref(value)));
        }
    }
    list
}

/// What a receiver routes and groups by.
fn incident(incident: &Incident) -> Vec<KeyValue> {
    let flag = AnyValue { value: Some(any_value::Value::BoolValue(incident.root_cause())) };
    let mut list = vec![
        pair("faultscope.incident.id", string(&incident.id)),
        pair("faultscope.incident.workload", string(&incident.workload)),
        pair("faultscope.incident.root_cause", flag),
        pair("faultscope.incident.chain", strings(&incident.chain)),
    ];
    for (name, ids) in [("corrects", &incident.corrects), ("merges", &incident.merges)] {
        if !ids.is_empty() {
            list.push(pair(&format!("faultscope.incident.{name}"), strings(ids)));
        }
    }
    list
}

fn pair(name: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: name.into(), value: Some(value), ..KeyValue::default() }
}

fn from_ref(value: ValueRef<'_>) -> AnyValue {
    match value {
        ValueRef::Text(text) => string(bounded(text)),
        ValueRef::Int(number) => int(number),
        ValueRef::Bool(flag) => AnyValue { value: Some(any_value::Value::BoolValue(flag)) },
    }
}

fn string(text: &str) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(text.into())) }
}

fn int(number: i64) -> AnyValue {
    AnyValue { value: Some(any_value::Value::IntValue(number)) }
}

fn strings(texts: &[impl AsRef<str>]) -> AnyValue {
    let values = texts.iter().map(|text| string(text.as_ref())).collect();
    AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values })) }
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
fn id_bytes<const N: usize>(id: Option<&[u8; N]>) -> Vec<u8> {
    id.filter(|id| id.iter().any(|byte| *byte != 0)).map_or_else(Vec::new, |id| id.to_vec())
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
