//! One event as one line of JSON: the form of `--output jsonl`. Must not know where the line goes.

use std::collections::HashMap;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::attributes::{self, ValueRef};
use super::json;
use crate::event::Event;
use crate::event::incident::Incident;
use crate::pattern::model::{Origin, Pattern};

/// Patterns whose part of the line is kept. More there are only after many reloads.
const KEPT: usize = 4096;

/// Writes events, each as one JSON object on a line.
///
/// Keys come in a fixed order. `time` is RFC 3339 in UTC, or null where the log has none; `line` and `last_line` are null for what is no log; `incident` is null where none was looked for; `attributes` and `resource`
/// are objects, empty where nothing is known; the exception's fields stand among the attributes as `exception.*`.
#[derive(Debug, Default)]
pub struct Writer {
    /// What a pattern's events have in common, by its id. A reload may put another in its place.
    of_pattern: HashMap<String, (Arc<Pattern>, Vec<u8>)>,
}

impl Writer {
    /// Appends the event to `out`, ending in `\n`.
    pub fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        let Event { uid, body, record, .. } = event;
        out.push(b'{');
        json::members(&Own { uid, time: event.time.map(|time| time.to_string()) }, out);
        out.push(b',');
        out.extend_from_slice(self.of_pattern(&event.pattern));
        out.push(b',');
        json::members(&Found::of(event), out);
        out.extend_from_slice(br#","body":"#);
        let start = out.len();
        json::value(body, out);
        let end = out.len();
        out.extend_from_slice(br#","record":"#);
        // Mostly a record is one line, and that the body.
        if record == body {
            out.extend_from_within(start..end);
        } else {
            json::value(record, out);
        }
        out.push(b',');
        json::members(&Rest::of(event), out);
        out.extend_from_slice(b"}\n");
    }

    fn of_pattern(&mut self, pattern: &Arc<Pattern>) -> &[u8] {
        let known = self.of_pattern.get(&pattern.id).is_some_and(|(known, _)| Arc::ptr_eq(known, pattern));
        if !known {
            if self.of_pattern.len() >= KEPT {
                self.of_pattern.clear();
            }
            let mut members = Vec::new();
            json::members(&Common::of(pattern), &mut members);
            self.of_pattern.insert(pattern.id.clone(), (pattern.clone(), members));
        }
        self.of_pattern.get(&pattern.id).map_or(&[], |(_, members)| members)
    }
}

#[derive(serde::Serialize)]
struct Own<'a> {
    uid: &'a str,
    time: Option<String>,
}

/// What all events of a pattern have in common.
#[derive(serde::Serialize)]
struct Common<'a> {
    severity: &'a str,
    severity_number: i32,
    pattern: &'a str,
    title: &'a str,
    category: &'a str,
    cause: &'a str,
    fix: &'a [String],
    references: &'a [String],
}

impl Common<'_> {
    fn of(pattern: &Pattern) -> Common<'_> {
        Common {
            severity: pattern.severity.text(),
            severity_number: pattern.severity.number(),
            pattern: &pattern.id,
            title: &pattern.title,
            category: pattern.category.text(),
            cause: &pattern.cause,
            fix: &pattern.fix,
            references: &pattern.references,
        }
    }
}

#[derive(serde::Serialize)]
struct Found<'a> {
    also: Vec<&'a str>,
    line: Option<u64>,
    last_line: Option<u64>,
}

impl Found<'_> {
    fn of(event: &Event) -> Found<'_> {
        let line = |number: u64| (event.origin == Origin::Log).then_some(number);
        let also = event.also.iter().map(AsRef::as_ref).collect();
        Found { also, line: line(event.line), last_line: line(event.last_line) }
    }
}

#[derive(serde::Serialize)]
struct Rest<'a> {
    attributes: Map<'a>,
    resource: Map<'a>,
    source: &'a str,
    occurrences: u64,
    incident: Option<Part<'a>>,
}

impl Rest<'_> {
    fn of(event: &Event) -> Rest<'_> {
        Rest {
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
        Writer::default().write(event, &mut out);
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
        let (mut out, mut writer) = (Vec::new(), Writer::default());
        writer.write(&fixture::rich(), &mut out);
        writer.write(&fixture::plain(), &mut out);
        let lines: Vec<_> = out.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(serde_json::from_slice::<serde_json::Value>(line).unwrap().is_object());
        }
    }

    #[test]
    fn a_pattern_of_the_same_id_after_a_reload_is_told_as_it_is_now() {
        let mut writer = Writer::default();
        let mut event = fixture::plain();
        for title in ["The old title", "The new title"] {
            event.pattern = Arc::new(Pattern { title: title.into(), ..Pattern::clone(&event.pattern) });
            let mut out = Vec::new();
            writer.write(&event, &mut out);
            assert!(String::from_utf8(out).unwrap().contains(title));
        }
    }

    #[test]
    fn no_more_patterns_are_kept_than_there_is_room_for() {
        let mut writer = Writer::default();
        let mut event = fixture::plain();
        for number in 0..2 * KEPT {
            event.pattern = Arc::new(Pattern { id: format!("a.pattern.{number}"), ..Pattern::clone(&event.pattern) });
            writer.write(&event, &mut Vec::new());
            assert!(writer.of_pattern.len() <= KEPT);
        }
    }
}
