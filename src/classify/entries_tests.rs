//! Which entries community rules see, however the bytes arrive.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Classifier, Limits, Source, Stream};
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;
use crate::pattern::sources::PackSource;

const RULES: &str = "rules:
  - cre: { id: CRE-2031-0001 }
    rule: { set: { match: [{ regex: 'pump.*failed' }] } }
  - cre: { id: CRE-2031-0002 }
    rule: { set: { match: [the saw is stuck] } }
  - cre: { id: CRE-2031-0003 }
    rule: { sequence: { window: 10s, order: [valve opened, valve closed] } }
";

fn found(log: &str, piece: usize) -> Vec<(String, u64, u64)> {
    let source = PackSource { name: "r.yaml".into(), text: RULES.into(), builtin: false };
    let set = PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"));
    let classifier =
        Classifier { set, format: Format::Auto, limits: Limits::default(), min_severity: Severity::Info, redact: true };
    let mut stream = Stream::new(Arc::new(classifier), Source::named("-", None), 0, 1);
    let mut events = Vec::new();
    for bytes in log.as_bytes().chunks(piece) {
        stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        stream.advance(bytes.len(), Timestamp::UNIX_EPOCH, &mut events);
        let room = stream.park();
        stream.unpark(room);
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    let told = |event: crate::event::Event| (event.pattern.id.clone(), event.line, event.last_line);
    let mut told: Vec<_> = events.into_iter().map(told).collect();
    told.sort();
    told
}

#[test]
fn entries_and_lanes() {
    let one = |id: &str, line, last_line| (format!("CRE-2031-000{id}"), line, last_line);
    let table = [
        // A line without a time goes on with the entry before it, without a separator.
        ("2031-03-09 04:05:06 the pump\n has\n  failed\n2031-03-09 04:05:07 x\n", vec![one("1", 1, 3)]),
        // In a log whose lines carry no time, a line is an entry.
        ("the pump\nhas failed\nthe pump has failed\n", vec![one("1", 3, 3)]),
        // A cut line is joined, and a line of the other stream that stands in between is seen all the same.
        (
            "2031-03-09T04:05:06Z stdout P the pump\n2031-03-09T04:05:06Z stderr F the saw is stuck\n\
             2031-03-09T04:05:07Z stdout F  has failed\n",
            vec![one("1", 1, 3), one("2", 2, 2)],
        ),
        // What one line must hold stands in two, or in the wrong order.
        (
            "2031-03-09T04:05:06Z stdout F has failed\n2031-03-09T04:05:06Z stdout F it failed, the pump\n\
             2031-03-09T04:05:07Z stdout F the pump\n2031-03-09T04:05:08Z stdout F the pump has failed\n",
            vec![one("1", 4, 4)],
        ),
        // A line that belongs to a waiting entry, and one that begins another.
        (
            "2031-03-09 04:05:06 x\nthe saw is stuck\nthe saw is stuck\n2031-03-09 04:05:07 the saw is stuck\n",
            vec![one("2", 1, 3), one("2", 4, 4)],
        ),
        // In log time, over both streams.
        (
            "2031-03-09T04:05:06Z stdout F valve opened\n2031-03-09T04:05:16Z stderr F valve closed\n",
            vec![one("3", 1, 2)],
        ),
        ("2031-03-09T04:05:06Z stdout F valve opened\n2031-03-09T04:05:17Z stdout F valve closed\n", vec![]),
    ];
    for (log, want) in table {
        for piece in [log.len(), 1, 7, 40] {
            assert_eq!(found(log, piece), want, "{log} in pieces of {piece}");
        }
    }
}
