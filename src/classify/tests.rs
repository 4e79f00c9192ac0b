//! What a stream says must not depend on how its bytes arrive, and no log may make it grow.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::unknown::ANCHORS;
use super::{Classifier, Limits, Source, Stream};
use crate::event::{Event, Resource};
use crate::frame::Format;
use crate::pattern::PatternSet;
use crate::pattern::model::Severity;
use crate::pattern::sources::{PackSource, builtin};

/// id, match.
const PATTERNS: &[(&str, &str)] = &[
    ("t.line.probe", "{ all: ['Probing of '] }"),
    // The anchor stands in the last line, the other term in the first.
    ("t.python.credentials", "{ all: ['call last', 'NoCredentialsError'] }"),
    ("t.python.lonely", "{ all: ['NoCredentialsError'], none: ['call last'] }"),
    ("t.python.across", r"{ regex: 'in load_model\n    raise BrokenModel' }"),
    ("t.go.panic", "{ all: ['panic: ', 'goroutine'] }"),
    ("t.json.quoted", r#"{ all: ['cannot find "iris"'], regex: 'reason:\n"gone away"' }"#),
];

static SET: LazyLock<String> = LazyLock::new(|| {
    let one = |(id, matches): &(&str, &str)| {
        format!(
            "  - {{ id: {id}, title: t, severity: error, category: model, match: {matches}, cause: c, fix: [f], \
             references: ['https://example.com'], tests: {{ fires: [{{ log: a }}], silent: [{{ log: b }}] }} }}\n"
        )
    };
    format!("patterns:\n{}", PATTERNS.iter().map(one).collect::<String>())
});

/// Small bounds, so that short texts reach them.
const SMALL: Limits = Limits {
    line_bytes: 100,
    lookback_bytes: 400,
    record_bytes: 600,
    record_lines: 10,
    record_age: Duration::from_secs(1),
};

#[test]
fn the_anchor_of_a_trace_is_in_its_last_line() {
    let set = &classifier(SMALL).set;
    let of = set.patterns.iter().position(|located| located.pattern.id == "t.python.credentials").unwrap();
    assert_eq!(set.engine.anchors_of(of).collect::<Vec<_>>(), [b"NoCredentialsError"]);
}

fn classifier(limits: Limits) -> Arc<Classifier> {
    noticing(limits, false)
}

/// One that may notice what no pattern knows.
fn noticing(limits: Limits, unknown: bool) -> Arc<Classifier> {
    let source = PackSource { name: "p.yaml".into(), text: SET.clone().into(), builtin: false };
    let fragments = if unknown { ANCHORS } else { &[] };
    let set = PatternSet::load_to_run(&[source], fragments).unwrap_or_else(|problems| panic!("{problems:?}"));
    Arc::new(Classifier { set, format: Format::Auto, limits, min_severity: Severity::Info, redact: false })
}

fn stream(classifier: &Arc<Classifier>, offset: u64, line: u64) -> Stream {
    let source =
        Source { name: "-".into(), identity: "-".into(), container: None, resource: Arc::new(Resource::default()) };
    Stream::new(classifier.clone(), source, offset, line)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn feed(stream: &mut Stream, bytes: &[u8], events: &mut Vec<Event>) {
    stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    stream.advance(bytes.len(), at(0), events);
}

/// (line, last line, pattern, uid, time), in the order of the text.
type Said = Vec<(u64, u64, String, String, Option<Timestamp>)>;

fn said(events: Vec<Event>) -> Said {
    let one = |event: Event| (event.line, event.last_line, event.pattern.id.clone(), event.uid, event.time);
    let mut said: Said = events.into_iter().map(one).collect();
    said.sort();
    said
}

/// Reads `text` in pieces of the given sizes, over and over.
fn in_pieces(classifier: &Arc<Classifier>, text: &[u8], sizes: &[usize], park: bool) -> Said {
    let mut stream = stream(classifier, 0, 1);
    let mut events = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at((*size).clamp(1, rest.len()));
        feed(&mut stream, piece, &mut events);
        if park {
            // The next source leaves something else in it.
            let mut room = stream.park();
            room.fill(b'\n');
            stream.unpark(room);
        }
        rest = tail;
    }
    stream.finish(at(0), &mut events);
    said(events)
}

const TRACE: &str = "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    load()\n\
                     NoCredentialsError: none found\n";

fn cri(stream: &str, line: &str) -> String {
    format!("2026-03-01T10:00:00Z {stream} F {line}\n")
}

fn interleaved(left: &str, right: &str) -> String {
    let (mut left, mut right) = (left.lines(), right.lines());
    let mut text = String::new();
    loop {
        let pair = (left.next(), right.next());
        if pair == (None, None) {
            return text;
        }
        text.extend(pair.0.map(|line| cri("stdout", line)));
        text.extend(pair.1.map(|line| cri("stderr", line)));
    }
}

/// A name, a text, and what must come of it: (line, last line, pattern).
type Row = (&'static str, String, Vec<(u64, u64, &'static str)>);

fn table() -> Vec<Row> {
    let go = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:14 +0x1d\n";
    let fragments = |parts: &[&str], last: &str| {
        let (end, all) = parts.split_last().unwrap();
        let partial: String = all.iter().map(|part| format!("2026-03-01T10:00:00Z stdout P {part}\n")).collect();
        format!("{partial}2026-03-01T10:00:00Z stdout {last} {end}\n")
    };
    vec![
        ("nothing", "all is well\nand stays so\n".into(), vec![]),
        ("one line", "a\nProbing of x\nb\n".into(), vec![(2, 2, "t.line.probe")]),
        ("no newline at the end", "a\nProbing of x".into(), vec![(2, 2, "t.line.probe")]),
        ("returns", "a\r\nProbing of x\r\n".into(), vec![(2, 2, "t.line.probe")]),
        ("a trace, its anchor last", format!("INFO a\n{TRACE}INFO b\n"), vec![(2, 5, "t.python.credentials")]),
        ("a trace, no newline at its end", TRACE.trim_end().into(), vec![(1, 4, "t.python.credentials")]),
        ("two traces", format!("{TRACE}{TRACE}"), vec![(1, 4, "t.python.credentials"), (5, 8, "t.python.credentials")]),
        ("a last line alone", "NoCredentialsError: none\n".into(), vec![(1, 1, "t.python.lonely")]),
        (
            "an expression across lines",
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in load_model\n    raise BrokenModel\nBrokenModel\n".into(),
            vec![(1, 4, "t.python.across")],
        ),
        (
            "two streams",
            interleaved(TRACE, go),
            vec![(1, 7, "t.python.credentials"), (2, 9, "t.go.panic")],
        ),
        (
            "held lines enter anew",
            "panic: boom\n\nProbing of x\n".into(),
            vec![(3, 3, "t.line.probe")],
        ),
        ("fragments, the anchor cut in two", fragments(&["a Prob", "ing of x"], "F"), vec![(1, 2, "t.line.probe")]),
        ("a fragment that nothing follows", fragments(&["a Prob", "ing of x"], "P"), vec![(1, 2, "t.line.probe")]),
        (
            "an anchor among escapes",
            r#"{"level":"error","msg":"cannot find \"iris\", reason:\n\"gone away\""}"#.into(),
            vec![(1, 1, "t.json.quoted")],
        ),
    ]
}

#[test]
fn texts_and_their_events_however_they_arrive() {
    let classifier = classifier(Limits::default());
    for (name, text, want) in table() {
        let whole = in_pieces(&classifier, text.as_bytes(), &[text.len()], false);
        let got: Vec<(u64, u64, &str)> = whole.iter().map(|(line, last, id, ..)| (*line, *last, id.as_str())).collect();
        assert_eq!(got, want, "{name}");
        for (sizes, park) in [([1, 1], false), ([1, 1], true), ([7, 3], true), ([40, 1], false)] {
            assert_eq!(
                in_pieces(&classifier, text.as_bytes(), &sizes, park),
                whole,
                "{name}, pieces of {sizes:?}, {park}"
            );
        }
    }
}

#[test]
fn a_least_severity_leaves_events_out_and_changes_no_others() {
    let load = |min_severity| {
        let set = PatternSet::load(&builtin()).unwrap_or_else(|problems| panic!("{problems:?}"));
        Arc::new(Classifier { set, format: Format::Auto, limits: Limits::default(), min_severity, redact: false })
    };
    let all = load(Severity::Info);
    let severities: HashMap<String, Severity> =
        all.set.patterns.iter().map(|located| (located.pattern.id.clone(), located.pattern.severity)).collect();
    let examples = all.set.patterns.iter().flat_map(|located| &located.pattern.tests.fires);
    let text: String = examples.flat_map(|example| [example.log.trim_end(), "\nall is well\n"]).collect();
    let mut said = in_pieces(&all, text.as_bytes(), &[1 << 16], false);
    for least in [Severity::Warn, Severity::Error, Severity::Fatal] {
        let before = said.len();
        said.retain(|(.., pattern, _, _)| severities[pattern] >= least);
        assert!((1..before).contains(&said.len()), "{least:?}");
        assert_eq!(in_pieces(&load(least), text.as_bytes(), &[1 << 16], false), said, "{least:?}");
    }
}

/// Wherever reading stops, a new stream from the watermark on gives the events that are missing.
#[test]
fn a_restart_at_the_watermark_loses_nothing() {
    for unknown in [false, true] {
        no_restart_loses_anything(&noticing(Limits::default(), unknown));
    }
}

fn no_restart_loses_anything(classifier: &Arc<Classifier>) {
    // A trace that another stream's lines stand behind isn't looked for at the end of what was read.
    let plain = |(name, ..): &Row| *name != "two streams";
    for (name, text, _) in table().into_iter().filter(plain) {
        let text = text.as_bytes();
        let whole = in_pieces(classifier, text, &[text.len()], false);
        for cut in 0..=text.len() {
            let mut events = Vec::new();
            let mut before = stream(classifier, 0, 1);
            feed(&mut before, &text[..cut], &mut events);
            let low = before.watermark();
            let mut after = stream(classifier, low, before.line_at(low));
            feed(&mut after, &text[low as usize..], &mut events);
            after.finish(at(0), &mut events);
            let mut got = said(events);
            got.dedup();
            assert_eq!(got, whole, "{name}, stopped at {cut}, watermark {low}");
        }
    }
}

#[test]
fn the_watermark_stays_before_what_is_unfinished() {
    let classifier = classifier(Limits::default());
    let mut stream = stream(&classifier, 0, 1);
    let mut events = Vec::new();
    let lead = "INFO a\n";
    feed(&mut stream, lead.as_bytes(), &mut events);
    assert_eq!(stream.watermark(), lead.len() as u64);
    for (number, line) in TRACE.split_inclusive('\n').enumerate() {
        feed(&mut stream, line.as_bytes(), &mut events);
        assert_eq!(stream.watermark(), lead.len() as u64, "after line {number} of the trace");
    }
    feed(&mut stream, b"INFO b\nhalf a li", &mut events);
    assert_eq!(stream.watermark(), (lead.len() + TRACE.len() + 7) as u64);
    assert_eq!(stream.line_at(stream.watermark()), 7);
    stream.finish(at(0), &mut events);
    assert_eq!(stream.watermark(), (lead.len() + TRACE.len() + 16) as u64);
    assert_eq!(events.len(), 1);
}

#[test]
fn what_waits_is_closed_by_age_and_by_a_flush() {
    let classifier = classifier(Limits::default());
    let mut stream = stream(&classifier, 0, 1);
    let mut events = Vec::new();
    feed(&mut stream, TRACE.as_bytes(), &mut events);
    stream.tick(at(0), &mut events);
    assert!(events.is_empty() && stream.is_waiting());
    stream.tick(at(1), &mut events);
    assert!(events.len() == 1 && !stream.is_waiting());
    feed(&mut stream, TRACE.as_bytes(), &mut events);
    stream.flush(at(1), &mut events);
    assert_eq!(said(events).iter().map(|said| (said.0, said.1)).collect::<Vec<_>>(), [(1, 4), (5, 8)]);
}

/// A record of too many lines is closed, and so is one that too much else follows.
#[test]
fn records_end_at_their_bounds() {
    let classifier = classifier(SMALL);
    let frames = "  File \"/app/main.py\", line 3, in f\n".repeat(30);
    let long = format!("Traceback (most recent call last):\n  NoCredentialsError()\n{frames}");
    let crowded = format!("{}{}", cri("stderr", "NoCredentialsError: x"), cri("stdout", "INFO a").repeat(100));
    let waits = format!(
        "{}{}",
        cri("stderr", TRACE.lines().next().unwrap_or_default()),
        cri("stdout", "Probing of x").repeat(60)
    );
    let fragment = "2026-03-01T10:00:00Z stdout P Probing of x\n".repeat(60);
    for (name, text) in [("long", long), ("crowded", crowded), ("waits", waits), ("fragments", fragment)] {
        let whole = in_pieces(&classifier, text.as_bytes(), &[text.len()], false);
        assert!(!whole.is_empty(), "{name}");
        assert!(whole.iter().all(|(line, last, ..)| last - line < 20), "{name}: {whole:?}");
        for (sizes, park) in [([1, 1], true), ([33, 71], false), ([500, 9], true)] {
            assert_eq!(in_pieces(&classifier, text.as_bytes(), &sizes, park), whole, "{name}, pieces of {sizes:?}");
        }
    }
}

/// A line that is too long goes on as another, cut at the same places however it arrives.
#[test]
fn long_lines_are_cut_where_the_line_says() {
    let classifier = classifier(SMALL);
    for head in [0, 1, 50, 89, 90, 95, 99, 100, 101, 250] {
        let line = format!("{}Probing of x{}", "-".repeat(head), " ".repeat(400 - head));
        let text = format!("a\n{line}\n{}\nProbing of y\n", "=".repeat(100));
        let whole = in_pieces(&classifier, text.as_bytes(), &[text.len()], false);
        let cut = (89 < head && head < 100) as usize;
        assert_eq!(whole.len(), 2 - cut, "{head}: {whole:?}");
        assert_eq!((whole[1 - cut].0, whole[1 - cut].1), (4, 4), "{head}");
        for (sizes, park) in [([1, 1], true), ([99, 1], false), ([100, 100], true), ([101, 7], true)] {
            assert_eq!(in_pieces(&classifier, text.as_bytes(), &sizes, park), whole, "{head}, pieces of {sizes:?}");
        }
    }
}

/// Whatever a log does, the window stays within the bounds' sum and what one read adds.
#[test]
fn nothing_makes_the_window_grow() {
    let classifier = classifier(SMALL);
    let open =
        format!("{}{}", cri("stderr", "Traceback (most recent call last):"), cri("stderr", "  NoCredentialsError()"));
    let logs: [(&str, String, String); 5] = [
        ("no newline", String::new(), "x".repeat(64)),
        ("newlines", String::new(), "\n".repeat(64)),
        ("a record that waits for its stream", open, cri("stdout", "INFO a")),
        ("fragments that never end", String::new(), "2026-03-01T10:00:00Z stdout P Probing of\n".into()),
        ("a trace that never ends", TRACE[..35].into(), "  File \"a.py\", line 3, in NoCredentialsError\n".into()),
    ];
    let bound = SMALL.line_bytes + 2 * SMALL.lookback_bytes + 2 * SMALL.record_bytes;
    for (name, head, body) in logs {
        let mut stream = stream(&classifier, 0, 1);
        let mut events = Vec::new();
        feed(&mut stream, head.as_bytes(), &mut events);
        for _ in 0..2000 {
            feed(&mut stream, body.as_bytes(), &mut events);
            events.clear();
            assert!(stream.window.len() <= bound, "{name}: {}", stream.window.len());
        }
    }
}

const LINES: &[&str] = &[
    "",
    "INFO all is well",
    "  indented",
    "Probing of x",
    "Traceback (most recent call last):",
    "  File \"a.py\", line 3, in load_model",
    "    raise BrokenModel",
    "NoCredentialsError: none",
    "BrokenModel: none",
    "During handling of the above exception, another exception occurred:",
    "panic: boom",
    "goroutine 1 [running]:",
    "main.main()",
    "\t/src/main.go:14 +0x1d",
    "exit status 2",
    "java.lang.IllegalStateException: Probing of the broker failed",
    "\tat org.example.Main.run(Main.java:10)",
    "Caused by: java.net.ConnectException: NoCredentialsError",
    "TypeError: Probing of x is not a function, and this line is so long that it does not fit into the small bounds of the test",
    "the next line is longer still, by any measure that a small test may have, and only behind all of this it says what it has to \
     say, at last: Probing of x",
    "    at run (/app/index.js:3:9)",
    "ERROR: no model",
    "CRITICAL: no model that this test knows could be found, in whichever folder it has looked for one, and that is why it ends here",
];

proptest! {
    /// Bounds are reached, windows roll, streams interleave: it is the same as reading all at once.
    #[test]
    fn pieces_make_no_difference(
        choices in prop::collection::vec((any::<Index>(), 0u8..5), 1..120),
        sizes in prop::collection::vec(1usize..400, 1..6),
        park in any::<bool>(),
        small in any::<bool>(),
        unknown in any::<bool>(),
    ) {
        static CLASSIFIERS: LazyLock<[Arc<Classifier>; 4]> = LazyLock::new(|| {
            let large = Limits { lookback_bytes: 1000, ..Limits::default() };
            [(large, false), (SMALL, false), (large, true), (SMALL, true)].map(|(limits, unknown)| noticing(limits, unknown))
        });
        let classifier = &CLASSIFIERS[usize::from(small) + 2 * usize::from(unknown)];
        let framed = choices[0].1 > 1;
        let mut text = String::new();
        for (index, kind) in &choices {
            let line = LINES[index.index(LINES.len())];
            text.push_str(&match (framed, kind) {
                (false, _) | (_, 0) => format!("{line}\n"),
                (_, 1) => format!("2026-03-01T10:00:00Z stdout P {line}\n"),
                (_, 2) => cri("stderr", line),
                _ => cri("stdout", line),
            });
        }
        let whole = in_pieces(classifier, text.as_bytes(), &[text.len()], false);
        prop_assert_eq!(in_pieces(classifier, text.as_bytes(), &sizes, park), whole);
    }
}
