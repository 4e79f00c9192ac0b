//! Which entries community rules see, however the bytes arrive.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Classifier, Limits, Source, Stream};
use crate::correlate::steps::{At, Machine};
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::cre::{Rule, Term};
use crate::pattern::model::Severity;
use crate::pattern::sources::PackSource;

const RULES: &str = "rules:
  - cre: { id: CRE-2031-0001 }
    rule: { set: { match: [{ regex: 'pump.*failed' }] } }
  - cre: { id: CRE-2031-0002 }
    rule: { set: { match: [the saw is stuck] } }
  - cre: { id: CRE-2031-0003 }
    rule: { sequence: { window: 10s, order: [valve opened, valve closed] } }
  - cre: { id: CRE-2031-0004 }
    rule: { sequence: { window: 5s, order: [lamp lit, lamp lit, lamp out], negate: [by hand] } }
  - cre: { id: CRE-2031-0005 }
    rule: { set: { window: 4s, match: [drum turns, drum stops], negate: [{ value: by hand, slide: -2s, window: 1s }] } }
  - cre: { id: CRE-2031-0006 }
    rule: { set: { match: [bell rings], negate: [by hand] } }
";

fn set() -> PatternSet {
    let source = PackSource { name: "r.yaml".into(), text: RULES.into(), builtin: false };
    PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn found(log: &str, piece: usize) -> Vec<(String, u64, u64)> {
    let set = set();
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

/// A line of two streams: seconds since the one before, and what it says, one after the other. No two are of one time: what is denied at the
/// very time at which a match is decided depends on which lines were looked at by then.
fn line() -> impl Strategy<Value = (u32, bool, Vec<&'static str>)> {
    let says = [
        "valve opened",
        "valve closed",
        "lamp lit",
        "lamp out",
        "drum turns",
        "drum stops",
        "bell rings",
        "by hand",
        "all is well",
    ];
    (1u32..4, any::<bool>(), prop::collection::vec(prop::sample::select(says.to_vec()), 1..3))
}

/// What a rule finds that is shown every line which any of its terms matches.
fn shown_all(rule: &Rule, lines: &[(i64, String)]) -> Vec<(String, u64, u64)> {
    let holds = |term: &Term, text: &str| matches!(term, Term::Value(value) if text.contains(value));
    let (mut machine, mut matches) = (Machine::new(rule.logic.clone()), Vec::new());
    for (number, (time, text)) in (1u64..).zip(lines) {
        let matched: Vec<bool> = rule.logic.terms().map(|term| holds(term, text)).collect();
        if matched.contains(&true) {
            machine.observe(*time, &matched, &number, &mut matches);
        }
        machine.advance(*time, &mut matches);
    }
    machine.finish(&mut matches);
    let told = |used: Vec<At<u64>>| {
        let lines = || used.iter().map(|at| at.entry);
        (rule.pattern.id.clone(), used[0].entry, lines().max().unwrap_or_default())
    };
    matches.into_iter().map(told).collect()
}

proptest! {
    /// A rule that is shown only what it can do something with finds what it would find if it were shown all.
    #[test]
    fn as_if_every_line_were_shown(lines in prop::collection::vec(line(), 0..30), piece in 1usize..400) {
        let mut time = 0;
        let (mut log, mut shown) = (String::new(), Vec::new());
        for (later, stderr, says) in lines {
            time += later;
            let (stream, text) = (if stderr { "stderr" } else { "stdout" }, says.join(", "));
            log.push_str(&format!("2031-03-09T04:{:02}:{:02}Z {stream} F {text}\n", time / 60, time % 60));
            shown.push((i64::from(time) * 1_000_000_000, text));
        }
        let set = set();
        let rules = set.community.iter().flat_map(|community| &community.rules);
        let all = rules.filter(|rule| rule.pattern.id.as_str() > "CRE-2031-0002");
        let mut want: Vec<_> = all.flat_map(|rule| shown_all(rule, &shown)).collect();
        want.sort();
        prop_assert_eq!(found(&log, piece), want, "{}", log);
    }
}
