//! One event as one line of JSON: the form of `--output jsonl`. Must not know where the line goes.

use serde::ser::{Serialize, Serializer};

use super::attributes::{self, ValueRef};
use super::json;
use crate::event::Event;
use crate::event::incident::Incident;
use crate::pattern::model::Origin;

/// Appends the event to `out` as one JSON object, ending in `\n`.
///
/// Keys come in a fixed order. `time` is RFC 3339 in UTC, or null where the log has none; `line` and `last_line` are null for what is no log; `incident` is null where none was looked for; `attributes` and `resource`
/// are objects, empty where nothing is known; the exception's fields stand among the attributes as `exception.*`.
pub fn write(event: &Event, out: &mut Vec<u8>) {
    json::line(&Line::of(event), out);
}

/// An event as it is written.
#[derive(serde::Serialize)]
pub(super) struct Line<'a> {
    uid: &'a str,
    time: Option<String>,
    severity: &'a str,
    severity_number: i32,
    pattern: &'a str,
    title: &'a str,
    category: &'a str,
    cause: &'a str,
    fix: &'a [String],
    references: &'a [String],
    also: Vec<&'a str>,
    line: Option<u64>,
    last_line: Option<u64>,
    body: &'a str,
    record: &'a str,
    attributes: Map<'a>,
    resource: Map<'a>,
    source: &'a str,
    occurrences: u64,
    incident: Option<Part<'a>>,
}

impl Line<'_> {
    pub(super) fn of(event: &Event) -> Line<'_> {
        let pattern = &event.pattern;
        let line = |number: u64| (event.origin == Origin::Log).then_some(number);
        Line {
            uid: &event.uid,
            time: event.time.map(|time| time.to_string()),
            severity: pattern.severity.text(),
            severity_number: pattern.severity.number(),
            pattern: &pattern.id,
            title: &pattern.title,
            category: pattern.category.text(),
            cause: &pattern.cause,
            fix: &pattern.fix,
            references: &pattern.references,
            also: event.also.iter().map(AsRef::as_ref).collect(),
            line: line(event.line),
            last_line: line(event.last_line),
            body: &event.body,
            record: &event.record,
            attributes: Map(attributes::of_event(event)),
            resource: Map(attributes::of_list(&event.resource.attributes)),
            source: &event.source,
            occurrences: event.occurrences,
            incident: event.incident.as_ref().map(Part::of),
        }
    }
}

/// What the event knows of its incident.
#[derive(serde::Serialize)]
struct Part<'a> {
    id: &'a str,
    workload: &'a str,
    root_cause: bool,
    chain: &'a [String],
    corrects: &'a [String],
    merges: &'a [String],
}

impl Part<'_> {
    fn of(incident: &Incident) -> Part<'_> {
        let Incident { id, workload, chain, corrects, merges } = incident;
        Part { id, workload, root_cause: incident.root_cause(), chain, corrects, merges }
    }
}

/// Named values as a JSON object, in their order.
struct Map<'a>(Vec<(&'static str, ValueRef<'a>)>);

impl Serialize for Map<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            ValueRef::Text(text) => serializer.serialize_str(text),
            ValueRef::Int(number) => serializer.serialize_i64(number),
            ValueRef::Bool(flag) => serializer.serialize_bool(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture;

    fn written(event: &Event) -> String {
        let mut out = Vec::new();
        write(event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_rich_event() {
        insta::assert_snapshot!(written(&fixture::rich()));
    }

    #[test]
    fn what_is_unknown_stays_null_or_empty() {
        let line = written(&fixture::plain());
        for expected in [r#""time":null"#, r#""also":[]"#, r#""attributes":{}"#, r#""resource":{}"#, r#""source":"-""#]
        {
            assert!(line.contains(expected), "{expected} not in {line}");
        }
    }

    #[test]
    fn events_follow_each_other_line_by_line() {
        let mut out = Vec::new();
        write(&fixture::rich(), &mut out);
        write(&fixture::plain(), &mut out);
        let lines: Vec<_> = out.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(serde_json::from_slice::<serde_json::Value>(line).unwrap().is_object());
        }
    }
}
