//! Several inputs as one log, by time, and each by itself.

use std::sync::Arc;

use jiff::Timestamp;

use super::merged::Merged;
use super::{Classifier, Limits, Source, Stream};
use crate::event::Event;
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;
use crate::pattern::sources::PackSource;

const RULES: &str = "rules:
  - cre: { id: CRE-2031-0001 }
    rule: { sequence: { window: 10s, order: [valve opened, valve closed] } }
  - cre: { id: CRE-2031-0002 }
    rule: { set: { window: 10s, match: [saw stuck, pump failed], negate: [all mended] } }
  - cre: { id: CRE-2031-0003 }
    rule: { set: { match: [out of oil] } }
";

fn classifier() -> Arc<Classifier> {
    let source = PackSource { name: "r.yaml".into(), text: RULES.into(), builtin: false };
    let set = PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"));
    let (limits, min_severity) = (Limits::default(), Severity::Info);
    Arc::new(Classifier { set, format: Format::Auto, limits, min_severity, redact: true })
}

/// The rule, the source and lines of its first entry, and how many lines are shown.
fn told(events: &[Event]) -> Vec<(String, String, u64, u64, usize)> {
    let one = |event: &Event| {
        let lines = event.record.lines().count();
        (event.pattern.id.clone(), event.source.to_string(), event.line, event.last_line, lines)
    };
    events.iter().map(one).collect()
}

/// Each input's lines as `second text`.
fn found(inputs: &[(&str, &str)], compatible: bool) -> Vec<(String, String, u64, u64, usize)> {
    let classifier = classifier();
    let mut merged = Merged::default();
    let mut events = Vec::new();
    for (name, lines) in inputs {
        let line =
            |line: &str| line.split_once(' ').map(|(second, text)| format!("2031-03-09 04:05:{second:0>2} {text}\n"));
        let log: String = lines.split("; ").filter_map(line).collect();
        let mut stream = Stream::new(classifier.clone(), Source::named(name, None), 0, 1);
        if compatible {
            stream.defer_rules();
        }
        for bytes in log.as_bytes().chunks(20) {
            stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
            stream.advance(bytes.len(), Timestamp::UNIX_EPOCH, &mut events);
            merged.take(&mut stream);
        }
        stream.finish(Timestamp::UNIX_EPOCH, &mut events);
        merged.take(&mut stream);
    }
    let mut all = events;
    all.extend(merged.finish(&classifier, Timestamp::UNIX_EPOCH));
    told(&all)
}

#[test]
fn inputs_complete_each_others_sequences_only_if_asked() {
    type Case<'t> = (&'t [(&'t str, &'t str)], &'t [(&'t str, &'t str, u64, u64, usize)], &'t [&'t str]);
    let table: &[Case<'_>] = &[
        (&[("a", "1 valve opened; 5 valve closed")], &[("CRE-2031-0001", "a", 1, 2, 2)], &["CRE-2031-0001"]),
        // By time, whichever is read first.
        (&[("a", "5 valve closed"), ("b", "1 x; 2 valve opened")], &[("CRE-2031-0001", "b", 2, 2, 2)], &[]),
        (&[("a", "2 valve closed"), ("b", "5 valve opened")], &[], &[]),
        // Times that overlap, which files read one after the other would not get right.
        (
            &[("a", "1 valve opened; 7 valve opened"), ("b", "5 valve closed; 9 valve closed")],
            &[("CRE-2031-0001", "a", 1, 1, 2), ("CRE-2031-0001", "a", 2, 2, 2)],
            &[],
        ),
        // Equal times are in the order of the inputs.
        (&[("a", "3 valve opened"), ("b", "3 valve closed")], &[("CRE-2031-0001", "a", 1, 1, 2)], &[]),
        (&[("a", "3 valve closed"), ("b", "3 valve opened")], &[], &[]),
        // What denies a match may stand in another input; a match waits until no entry can.
        (&[("a", "1 saw stuck"), ("b", "4 pump failed"), ("c", "3 all mended")], &[], &[]),
        (
            &[("a", "1 saw stuck"), ("b", "4 pump failed"), ("c", "6 all mended")],
            &[("CRE-2031-0002", "a", 1, 1, 2)],
            &[],
        ),
        // A rule of one entry speaks where it stands.
        (&[("a", "1 out of oil"), ("b", "1 x")], &[("CRE-2031-0003", "a", 1, 1, 1)], &["CRE-2031-0003"]),
    ];
    for (inputs, want, apart) in table {
        let want: Vec<_> =
            want.iter().map(|&(id, source, a, b, c)| (id.to_owned(), source.to_owned(), a, b, c)).collect();
        assert_eq!(found(inputs, true), want, "{inputs:?}");
        let alone: Vec<String> = found(inputs, false).into_iter().map(|(id, ..)| id).collect();
        assert_eq!(alone, *apart, "{inputs:?}");
    }
}
