//! Patterns of several records, however the bytes arrive.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Classifier, Limits, Source, Stream};
use crate::correlate::follow::Follower;
use crate::event::{Event, Value};
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;
use crate::pattern::sources::PackSource;

const PATTERNS: &[(&str, &str)] = &[
    ("pump.oil.thrice", "{ all: ['pump has failed'], count: 3, within: 10s }"),
    (
        "pump.valve.stuck",
        "{ sequence: [{ regex: 'valve (?<device>\\w+) opened' }, { regex: 'valve (?<device>\\w+) is hot' }], within: 10s, by: [faultscope.device] }",
    ),
    (
        "pump.stop.abrupt",
        "{ all: ['pump is told to stop'], within: 5s, unless: [{ all: ['pump has stopped'] }, { regex: 'OilError: (?<reason>\\w+)' }] }",
    ),
    ("pump.oil.trace", "{ sequence: [{ all: ['OilError'] }, { all: ['pump has failed'] }], within: 5s }"),
];

static CLASSIFIER: LazyLock<Arc<Classifier>> = LazyLock::new(|| {
    let pattern = |(id, condition): &(&str, &str)| {
        format!(
            "  - {{ id: {id}, title: t, severity: error, category: crash, match: {condition}, cause: c, fix: [f], references: [r], \
             tests: {{ fires: [{{ log: a }}], silent: [{{ log: b }}] }} }}\n"
        )
    };
    let text = format!("patterns:\n{}", PATTERNS.iter().map(pattern).collect::<String>());
    let set = PatternSet::load(&[PackSource { name: "p.yaml".into(), text: text.into(), builtin: false }]);
    let set = set.unwrap_or_else(|problems| panic!("{}", problems[0]));
    let limits = Limits { lookback_bytes: 600, ..Limits::default() };
    Arc::new(Classifier { set, format: Format::Auto, limits, min_severity: Severity::Info, redact: true })
});

fn stream(offset: u64, line: u64) -> Stream {
    Stream::new(CLASSIFIER.clone(), Source::named("x.log", None), offset, line)
}

fn give(stream: &mut Stream, text: &str, events: &mut Vec<Event>) {
    stream.space(text.len())[..text.len()].copy_from_slice(text.as_bytes());
    stream.advance(text.len(), Timestamp::UNIX_EPOCH, events);
}

/// What is known of an event: its pattern, its line, its uid, its attributes.
type Told = (String, u64, String, Vec<(&'static str, String)>);

fn told(events: Vec<Event>) -> Vec<Told> {
    let text = |value: Value| match value {
        Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    let attributes = |event: &Event| event.attributes.iter().map(|a| (a.name, text(a.value.clone()))).collect();
    events.iter().map(|event| (event.pattern.id.clone(), event.line, event.uid.clone(), attributes(event))).collect()
}

fn found(log: &str, pieces: &[usize]) -> Vec<Told> {
    let mut stream = stream(0, 1);
    let mut events = Vec::new();
    let mut rest = log;
    for piece in pieces.iter().cycle() {
        let (now, later) = rest.split_at(rest.floor_char_boundary((*piece).min(rest.len())));
        give(&mut stream, now, &mut events);
        let room = stream.park();
        stream.unpark(room);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    told(events)
}

/// Lines such as `3 pump has failed`, at second 3 of a minute; in CRI framing, those with `!` on stderr.
fn cri(lines: &str) -> String {
    let line = |line: &str| {
        let (second, text) = line.trim().split_once(' ')?;
        let (stream, second) = match second.strip_prefix('!') {
            Some(second) => ("stderr", second),
            None => ("stdout", second),
        };
        Some(format!("2031-03-09T04:05:{second:0>2}Z {stream} F {text}\n"))
    };
    lines.lines().filter_map(line).collect()
}

fn ids(told: &[Told]) -> Vec<(&str, u64)> {
    told.iter().map(|(id, line, ..)| (id.as_str(), *line)).collect()
}

#[test]
fn records_make_events_together() {
    let table: &[(&str, &[(&str, u64)])] = &[
        (
            "1 the pump has failed\n3 x\n4 the pump has failed\n9 the pump has failed\n9 the pump has failed",
            &[("pump.oil.thrice", 4)],
        ),
        ("1 the pump has failed\n4 the pump has failed\n12 the pump has failed", &[]),
        ("1 valve A opened\n2 valve B opened\n3 valve B is hot", &[("pump.valve.stuck", 3)]),
        ("1 valve A opened\n2 valve B is hot", &[]),
        ("1 the pump is told to stop\n5 the pump has stopped", &[]),
        ("1 the pump is told to stop\n7 the pump has stopped", &[("pump.stop.abrupt", 1)]),
        ("1 the pump is told to stop\n!5 the pump has stopped", &[]),
        // A trace is one record, and what stands in the other stream meanwhile has its own place.
        (
            "1 Traceback (most recent call last):\n!1 the pump has failed\n1   File \"a.py\", line 1, in f\n2 OilError: none\n!3 the pump has failed",
            &[("pump.oil.trace", 5)],
        ),
    ];
    for (log, want) in table {
        let whole = found(&cri(log), &[10_000]);
        assert_eq!(ids(&whole), *want, "{log}");
        for piece in [1, 7, 60, 200] {
            assert_eq!(found(&cri(log), &[piece]), whole, "{log} in pieces of {piece}");
        }
    }
}

#[test]
fn an_event_has_what_all_its_records_say() {
    let log = "1 valve A opened by password=hunter2secret\n2 x\n5 valve A is hot";
    let [(id, line, uid, attributes)] = &found(&cri(log), &[10_000])[..] else { panic!() };
    assert_eq!((id.as_str(), *line, uid.len()), ("pump.valve.stuck", 3, 32));
    let want = [
        ("faultscope.device", "A".to_owned()),
        ("faultscope.sequence.lines", "valve A opened by password=[REDACTED]".to_owned()),
    ];
    assert_eq!(attributes[..], want);
}

#[test]
fn a_log_without_times_has_no_order_in_time() {
    let log = "the pump has failed\n".repeat(5);
    assert_eq!(found(&log, &[10_000]), []);
    // A header's time does as well as a frame's.
    let log = "2031-03-09 04:05:06 the pump has failed\n".repeat(3);
    assert_eq!(ids(&found(&log, &[10_000])), [("pump.oil.thrice", 3)]);
}

#[test]
fn what_waits_for_time_holds_the_watermark_until_it_is_decided() {
    let log = cri("1 x\n2 the pump is told to stop\n3 y\n4 z");
    let second = log.find('\n').unwrap() as u64 + 1;
    let mut stream = stream(0, 1);
    let mut events = Vec::new();
    give(&mut stream, &log, &mut events);
    stream.flush(Timestamp::UNIX_EPOCH, &mut events);
    assert_eq!((stream.watermark(), events.len(), stream.waits_for_time()), (second, 0, true));
    // However far the window has moved on.
    (0..100).for_each(|_| give(&mut stream, &cri("4 z"), &mut events));
    assert_eq!((stream.watermark(), events.len()), (second, 0));
    assert_eq!(stream.line_at(second), 2);
    // A new stream from there sees it again.
    let mut again = self::stream(second, 2);
    let mut later = Vec::new();
    give(&mut again, &log[second as usize..], &mut later);
    again.finish(Timestamp::UNIX_EPOCH, &mut later);
    // Where nothing else is written, time passes as it is watched: a second at a time.
    let at = |second| Timestamp::from_second(second).unwrap();
    stream.tick(at(0), &mut events);
    stream.tick(at(3600), &mut events);
    assert_eq!(events.len(), 0);
    (3601..3604).for_each(|second| stream.tick(at(second), &mut events));
    assert_eq!(stream.watermark(), (log.len() + 100 * cri("4 z").len()) as u64);
    assert_eq!(ids(&told(events.clone())), [("pump.stop.abrupt", 2)]);
    assert_eq!(told(events)[0].2, told(later)[0].2);
}

#[test]
fn the_logs_own_time_decides_while_it_goes_on() {
    let mut stream = stream(0, 1);
    let mut events = Vec::new();
    give(&mut stream, &cri("1 the pump is told to stop\n6 x"), &mut events);
    stream.tick(Timestamp::UNIX_EPOCH, &mut events);
    assert_eq!(events.len(), 0);
    give(&mut stream, &cri("7 x"), &mut events);
    stream.tick(Timestamp::UNIX_EPOCH, &mut events);
    assert_eq!(ids(&told(events)), [("pump.stop.abrupt", 1)]);
}

#[test]
fn a_log_goes_on_in_another_file() {
    let table: &[(&str, &str, &[&str])] = &[
        ("1 the pump is told to stop", "2 the pump has stopped", &[]),
        ("1 the pump is told to stop", "8 the pump has stopped", &["pump.stop.abrupt"]),
        ("1 the pump has failed\n2 the pump has failed", "3 the pump has failed", &["pump.oil.thrice"]),
        ("1 valve A opened", "2 valve A is hot", &["pump.valve.stuck"]),
    ];
    for (one, other, want) in table {
        let (mut earlier, mut later) = (stream(0, 1), stream(0, 1));
        let mut events = Vec::new();
        give(&mut earlier, &cri(one), &mut events);
        earlier.close_file(Timestamp::UNIX_EPOCH, &mut events);
        assert!(earlier.has_begun() && events.is_empty());
        give(&mut later, &cri("1 x"), &mut events);
        later.go_on_from(&mut earlier, &mut events);
        // Positions of another file hold nothing in this one.
        assert_eq!(later.watermark(), cri("1 x").len() as u64);
        assert_eq!((earlier.has_begun(), earlier.watermark()), (false, cri(one).len() as u64));
        give(&mut later, &cri(other), &mut events);
        later.finish(Timestamp::UNIX_EPOCH, &mut events);
        let told = told(events);
        assert_eq!(told.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), *want, "{one} and {other}");
    }
}

#[test]
fn a_source_keeps_no_more_than_its_share() {
    let mut stream = stream(0, 1);
    let mut events = Vec::new();
    let mut evicted = 0;
    // Of few keys, so that it is not these that are too many, and so long that bytes are.
    let opened = |number: u32| format!("1 valve {} opened {}", number % 8, "x".repeat(12_000));
    for number in 0..160 {
        give(&mut stream, &cri(&opened(number)), &mut events);
        evicted += stream.take_counts().parts_evicted;
    }
    // The record and its line count both.
    assert!((130..150).contains(&evicted), "{evicted}");
    let hot = (0..8).map(|number| format!("2 valve {number} is hot\n")).collect::<String>();
    give(&mut stream, &cri(&hot.repeat(20)), &mut events);
    assert_eq!(events.len() as u64, 160 - evicted);
}

const LINES: &[&str] = &[
    "the pump has failed",
    "valve A opened",
    "valve B opened",
    "valve A is hot",
    "valve B is hot",
    "the pump is told to stop",
    "the pump has stopped",
    "all is well",
];

/// Pieces of traces, which make records of several lines.
const TRACE: &[&str] = &["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "OilError: none"];

/// A stream, a step ahead in time, how late it is written, and which line.
type Written = (bool, u8, u8, usize);

fn written(lines: &[Written], texts: &[&str]) -> String {
    let mut clock = 3;
    let line = |(stderr, ahead, late, text): &Written| {
        clock += u32::from(*ahead);
        let second = clock - u32::from(*late);
        let stream = if *stderr { "stderr" } else { "stdout" };
        let (minute, second) = (second / 60, second % 60);
        format!("2031-03-09T04:{minute:02}:{second:02}Z {stream} F {}\n", texts[*text % texts.len()])
    };
    lines.iter().map(line).collect()
}

/// Every part's condition on every line, and the lines given to the followers in their order. For logs of single lines.
fn naive(log: &str) -> Vec<(String, u64)> {
    let set = &CLASSIFIER.set;
    let mut told = Vec::new();
    for located in &set.patterns {
        let Some(correlation) = located.pattern.matches.correlation() else { continue };
        let mut follower = Follower::new(correlation);
        let mut matches = Vec::new();
        for (number, line) in log.lines().enumerate() {
            let text = line.splitn(4, ' ').nth(3).unwrap();
            let time: Timestamp = line.split(' ').next().unwrap().parse().unwrap();
            let word = |before: &str, after: &str| {
                let rest = text.strip_prefix(before)?;
                rest.strip_suffix(after).map(str::to_owned)
            };
            let (parts, key) = match located.pattern.id.as_str() {
                "pump.oil.thrice" => (vec![text.contains("pump has failed")], vec![]),
                "pump.valve.stuck" => {
                    let (opened, hot) = (word("valve ", " opened"), word("valve ", " is hot"));
                    (vec![opened.is_some(), hot.is_some()], vec![opened.or(hot)])
                }
                "pump.stop.abrupt" => (
                    vec![text.contains("told to stop"), text.contains("has stopped"), text.contains("OilError: none")],
                    vec![],
                ),
                _ => (vec![text.contains("OilError"), text.contains("pump has failed")], vec![]),
            };
            let parts: Vec<usize> =
                parts.iter().enumerate().filter(|(_, meets)| **meets).map(|(part, _)| part).collect();
            if parts.is_empty() {
                // Any record that is a part of some pattern tells the time, and with waiting for the end nothing is lost.
                continue;
            }
            let time = i64::try_from(time.as_nanosecond()).unwrap();
            follower.observe(time, &parts, &key, number as u64 + 1, &mut matches);
        }
        follower.finish(&mut matches);
        told.extend(matches.iter().map(|used| (located.pattern.id.clone(), *used.last().unwrap())));
    }
    told.sort();
    told
}

fn lines(choices: usize) -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec((prop::bool::weighted(0.3), 0..3u8, 0..3u8, 0..choices), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_followed_in_their_order(lines in lines(LINES.len()), pieces in prop::collection::vec(1..300usize, 1..5)) {
        let log = written(&lines.iter().map(|&(stderr, ahead, _, text)| (stderr, ahead, 0, text)).collect::<Vec<_>>(), LINES);
        let got = found(&log, &pieces);
        let mut ids: Vec<(String, u64)> = got.into_iter().map(|(id, line, ..)| (id, line)).collect();
        ids.sort();
        prop_assert_eq!(ids, naive(&log), "{}", log);
    }

    /// Late lines, and traces of both streams through each other.
    #[test]
    fn it_makes_no_difference_how_the_bytes_arrive(
        lines in lines(LINES.len() + 2 * TRACE.len()),
        pieces in prop::collection::vec(1..300usize, 1..5),
    ) {
        let texts = [LINES, TRACE, TRACE].concat();
        let log = written(&lines, &texts);
        prop_assert_eq!(found(&log, &pieces), found(&log, &[log.len()]), "{}", log);
    }
}
