//! A request as protobuf, written straight from the events: messages of their own would copy every text of every event twice over.
//!
//! Must give the bytes that [`super::encode::request`]'s messages give. Must not know how they are sent.

use super::encode::{self, EVENT_NAME, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION, Shown};
use crate::event::{Event, Resource};

/// The request of these events, encoded.
pub fn request(events: &[Event]) -> Vec<u8> {
    let groups = encode::groups(events);
    let bodies: Vec<(&Resource, usize, Vec<usize>)> = groups
        .iter()
        .map(|(resource, members)| {
            let records: Vec<usize> = members.iter().map(|event| record_len(event)).collect();
            (&***resource, records.iter().map(|length| framed(*length)).sum(), records)
        })
        .collect();
    let total: usize = bodies.iter().map(|(resource, records, _)| framed(resource_logs_len(resource, *records))).sum();
    let mut out = Vec::with_capacity(total);
    for ((_, members), (resource, records, lengths)) in groups.iter().zip(&bodies) {
        open(&mut out, 1, resource_logs_len(resource, *records));
        open(&mut out, 1, resource_len(resource));
        attributes(&mut out, 1, encode::resource_attributes(resource));
        open(&mut out, 2, scope_logs_len(*records));
        open(&mut out, 1, scope_len());
        text(&mut out, 1, SCOPE_NAME.as_bytes());
        text(&mut out, 2, SCOPE_VERSION.as_bytes());
        for (event, length) in members.iter().zip(lengths) {
            open(&mut out, 2, *length);
            record(&mut out, event);
        }
        text(&mut out, 3, SCHEMA_URL.as_bytes());
        text(&mut out, 3, SCHEMA_URL.as_bytes());
    }
    out
}

fn resource_logs_len(resource: &Resource, records: usize) -> usize {
    framed(resource_len(resource)) + framed(scope_logs_len(records)) + framed(SCHEMA_URL.len())
}

fn scope_logs_len(records: usize) -> usize {
    framed(scope_len()) + records + framed(SCHEMA_URL.len())
}

fn scope_len() -> usize {
    framed(SCOPE_NAME.len()) + framed(SCOPE_VERSION.len())
}

/// How long the resource's message is.
pub fn resource_len(resource: &Resource) -> usize {
    attributes_len(&encode::resource_attributes(resource))
}

/// How long the event's record is.
pub fn record_len(event: &Event) -> usize {
    let severity = &event.pattern.severity;
    let time = if encode::time(event) == 0 { 0 } else { FIXED_LEN };
    let observed = if encode::observed(event) == 0 { 0 } else { FIXED_LEN };
    let ids = [encode::trace_id(event), encode::span_id(event)];
    let ids: usize = ids.iter().filter(|id| !id.is_empty()).map(|id| framed(id.len())).sum();
    let body = framed(value_len(&Shown::Text(&event.body)));
    let number = 1 + varint_len(severity_number(event));
    let named = framed(severity.text().len()) + framed(EVENT_NAME.len());
    time + observed + ids + body + number + named + attributes_len(&encode::record_attributes(event))
}

/// Of a 64-bit number of fixed length, with its tag.
const FIXED_LEN: usize = 9;

fn severity_number(event: &Event) -> u64 {
    u64::try_from(event.pattern.severity.number()).unwrap_or(0)
}

/// A record's fields, in the order of their numbers.
fn record(out: &mut Vec<u8>, event: &Event) {
    fixed(out, 1, encode::time(event));
    key(out, 2, 0);
    varint(out, severity_number(event));
    text(out, 3, event.pattern.severity.text().as_bytes());
    let body = Shown::Text(&event.body);
    open(out, 5, value_len(&body));
    value(out, &body);
    attributes(out, 6, encode::record_attributes(event));
    for (field, id) in [(9, encode::trace_id(event)), (10, encode::span_id(event))] {
        if !id.is_empty() {
            text(out, field, id);
        }
    }
    fixed(out, 11, encode::observed(event));
    text(out, 12, EVENT_NAME.as_bytes());
}

/// Each as a field of its own, with key and value.
fn attributes(out: &mut Vec<u8>, field: u8, attributes: Vec<(&'static str, Shown<'_>)>) {
    for (name, shown) in attributes {
        let length = value_len(&shown);
        open(out, field, framed(name.len()) + framed(length));
        text(out, 1, name.as_bytes());
        open(out, 2, length);
        value(out, &shown);
    }
}

fn attributes_len(attributes: &[(&'static str, Shown<'_>)]) -> usize {
    attributes.iter().map(|(name, shown)| framed(framed(name.len()) + framed(value_len(shown)))).sum()
}

/// An `AnyValue`'s one field.
fn value(out: &mut Vec<u8>, shown: &Shown<'_>) {
    match shown {
        Shown::Text(shown) => text(out, 1, shown.as_bytes()),
        Shown::Bool(flag) => {
            key(out, 2, 0);
            out.push(u8::from(*flag));
        }
        Shown::Int(number) => {
            key(out, 3, 0);
            varint(out, number.cast_unsigned());
        }
        Shown::Texts(texts) => {
            open(out, 5, texts_len(texts));
            for shown in texts {
                open(out, 1, framed(shown.len()));
                text(out, 1, shown.as_bytes());
            }
        }
    }
}

fn value_len(shown: &Shown<'_>) -> usize {
    match shown {
        Shown::Text(text) => framed(text.len()),
        Shown::Bool(_) => 2,
        Shown::Int(number) => 1 + varint_len(number.cast_unsigned()),
        Shown::Texts(texts) => framed(texts_len(texts)),
    }
}

fn texts_len(texts: &[&str]) -> usize {
    texts.iter().map(|text| framed(framed(text.len()))).sum()
}

/// A field's number, all of ours below 16, and the kind of what follows.
fn key(out: &mut Vec<u8>, field: u8, kind: u8) {
    out.push(field << 3 | kind);
}

/// The head of a field of so many bytes.
fn open(out: &mut Vec<u8>, field: u8, length: usize) {
    key(out, field, 2);
    varint(out, length as u64);
}

fn text(out: &mut Vec<u8>, field: u8, text: &[u8]) {
    open(out, field, text.len());
    out.extend_from_slice(text);
}

/// A number of fixed length; 0 stands for none.
fn fixed(out: &mut Vec<u8>, field: u8, number: u64) {
    if number != 0 {
        key(out, field, 1);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_len(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// The length of a field whose content is so long, head included.
fn framed(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::event::incident::Incident;
    use crate::export::fixture;

    #[test]
    fn a_varint_is_as_long_as_it_is_said_to_be() {
        for number in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
            let mut out = Vec::new();
            varint(&mut out, number);
            assert_eq!(out.len(), varint_len(number), "{number}");
        }
    }

    /// An event of texts of these lengths, its optional parts there or not, of one of a few resources.
    fn event(lengths: &[usize], parts: u8, resource: usize, number: i64) -> Event {
        let there = |part: u8| parts & 1 << part != 0;
        let mut event = if there(0) { fixture::rich() } else { fixture::plain() };
        let text = |at: usize| "é".repeat(lengths[at] / 2) + &"x".repeat(lengths[at] % 2);
        (event.body, event.record) = (text(0), text(1));
        event.attributes.push(fixture::text("url.full", &text(2)));
        event.attributes.push(fixture::int("process.exit.code", number));
        event.occurrences = number.unsigned_abs();
        event.resource = Arc::new(Resource { attributes: vec![fixture::text("k8s.pod.name", &"p".repeat(resource))] });
        if there(1) {
            event.incident = None;
        }
        if there(2) {
            let ids = vec![text(2), String::new()];
            let (corrects, merges) = (Vec::new(), ids.clone());
            event.incident =
                Some(Incident { id: text(0).into(), workload: "".into(), chain: ids.into(), corrects, merges });
        }
        if there(3) {
            event.trace_id = Some([0; 16]);
        }
        event
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_messages(
            events in proptest::collection::vec(
                (proptest::collection::vec(prop_oneof![0usize..200, 16_000usize..40_000], 3), 0u8..16, 0usize..3, any::<i64>()),
                0..6,
            ),
        ) {
            let events: Vec<Event> = events.iter()
                .map(|(lengths, parts, resource, number)| event(lengths, *parts, *resource, *number)).collect();
            for event in &events {
                prop_assert_eq!(record_len(event), encode::record(event).encoded_len());
                let resource = encode::resource_message(&event.resource);
                prop_assert_eq!(resource_len(&event.resource), resource.encoded_len());
            }
            prop_assert!(request(&events) == encode::request(&events).encode_to_vec());
        }
    }
}
