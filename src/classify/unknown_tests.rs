//! What is noticed of failures that no pattern knows, in whatever framing and however the bytes arrive.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::classify::{Classifier, Limits, Source, Stream};
use crate::event::Event;
use crate::frame::Format;
use crate::pattern::sources::PackSource;
use crate::record::header::samples::SAMPLES;

const PACK: &str = "patterns:
  - { id: press.squeezer.jammed, title: t, severity: error, category: hardware, match: { all: ['squeezer jammed'] }, cause: c, fix: [f],
      references: ['https://example.com'], tests: { fires: [{ log: squeezer jammed }], silent: [{ log: x }] } }
";

const RULES: &str = "rules:
  - cre: { id: CRE-2031-0001 }
    rule: { set: { match: [the saw is stuck] } }
";

fn classifier(noticing: bool) -> Arc<Classifier> {
    let source =
        |name: &str, text: &str| PackSource { name: name.into(), text: text.to_owned().into(), builtin: false };
    let sources = [source("p.yaml", PACK), source("r.yaml", RULES)];
    let set = if noticing { PatternSet::load_to_run(&sources, ANCHORS) } else { PatternSet::load(&sources) };
    let set = set.unwrap_or_else(|problems| panic!("{problems:?}"));
    let limits = Limits::default();
    Arc::new(Classifier { set, format: Format::Auto, limits, min_severity: Severity::Info, redact: true })
}

fn events(classifier: &Arc<Classifier>, log: &[u8], piece: usize) -> Vec<Event> {
    let mut stream = Stream::new(classifier.clone(), Source::named("-", None), 0, 1);
    let mut events = Vec::new();
    for bytes in log.chunks(piece) {
        stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        stream.advance(bytes.len(), Timestamp::UNIX_EPOCH, &mut events);
        let room = stream.park();
        stream.unpark(room);
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    events.sort_by_key(|event| event.line);
    events
}

type Said = (u64, u64, Severity, String);

/// Line, last line, severity and template of everything that no pattern knows.
fn unknown(classifier: &Arc<Classifier>, log: &[u8], piece: usize) -> Vec<Said> {
    let all = events(classifier, log, piece).into_iter().filter(|event| event.pattern.id == unclassified::ID);
    let told = |event: Event| {
        let template = event.attributes.iter().find(|attribute| attribute.name == unclassified::TEMPLATE);
        let template = template.map(|attribute| match &attribute.value {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        });
        (event.line, event.last_line, event.pattern.severity, template.unwrap_or_default())
    };
    all.map(told).collect()
}

/// The log in each framing.
fn framed(log: &str) -> [String; 3] {
    let cri = |line: &str| format!("2031-03-09T04:05:06Z stderr F {line}\n");
    let docker = |line: &str| {
        let line = serde_json::to_string(&format!("{line}\n")).unwrap();
        format!("{{\"log\":{line},\"stream\":\"stderr\",\"time\":\"2031-03-09T04:05:06Z\"}}\n")
    };
    [log.to_owned(), log.lines().map(cri).collect(), log.lines().map(docker).collect()]
}

const TRACE: &str = "Traceback (most recent call last):\n  File \"press.py\", line 7, in press\n    turn()\nPressError: 3 pears are stuck\n";

fn of(line: u64, last_line: u64, severity: Severity, template: &str) -> Said {
    (line, last_line, severity, template.into())
}

#[test]
fn failures_are_noticed_and_nothing_else() {
    let error = |line, template: &str| of(line, line, Severity::Error, template);
    let table: &[(&str, Vec<Said>)] = &[
        ("INFO 1\nthe press turns\n2031-03-09 04:05:06,123 - press - WARNING - no pears\n", vec![]),
        (
            "E0309 04:05:06.123456       1 press.go:41] no pears left in \"box 7\"\n",
            vec![error(1, "no pears left in \"<*>\"")],
        ),
        ("x\nERROR: press 17 is out of order\n", vec![error(2, "press <*> is out of order")]),
        ("CRITICAL: the press is gone\n", vec![of(1, 1, Severity::Fatal, "the press is gone")]),
        (
            "{\"level\":\"error\",\"msg\":\"no pears\",\"error\":\"box 7 is empty\"}\n",
            vec![error(1, "no pears: box <*> is empty")],
        ),
        (
            "level=error ts=2031-03-09T04:05:06Z caller=press.go:4 err=\"box 7 is empty\"\n",
            vec![error(1, "box <*> is empty")],
        ),
        // What a pattern or a rule knows.
        ("ERROR: squeezer jammed\n", vec![]),
        ("ERROR: the saw is stuck\n", vec![]),
        // A trace, and one under a headline, which it speaks for.
        (TRACE, vec![of(1, 4, Severity::Error, "PressError: <*> pears are stuck")]),
        (
            &format!("ERROR: can't press\n{TRACE}x\n"),
            vec![of(2, 5, Severity::Error, "PressError: <*> pears are stuck")],
        ),
        (
            &format!("WARNING: can't press\n{TRACE}x\n"),
            vec![of(2, 5, Severity::Warn, "PressError: <*> pears are stuck")],
        ),
        ("ERROR: can't press\nERROR: can't peel\n", vec![error(1, "can't press"), error(2, "can't peel")]),
        // An exception without a trace is no more than another line.
        ("ERROR: can't press\nPressError: stuck\nx\n", vec![error(1, "can't press"), error(2, "PressError: stuck")]),
        // A headline of a trace that a pattern knows.
        (&format!("ERROR: can't press\n{}", TRACE.replace("3 pears", "squeezer jammed, 3 pears")), vec![]),
        // Less than a warning, whatever it shows.
        (
            "{\"level\":\"info\",\"msg\":\"tried again\",\"stack\":\"Error: no pears\\n    at press (press.js:1:1)\"}\n",
            vec![],
        ),
        ("PressError: out of order\n", vec![error(1, "PressError: out of order")]),
        ("INFO: no Exception: errors 0, \"error\": null, \"err\":\"errors\"\n", vec![]),
    ];
    let (on, off) = (classifier(true), classifier(false));
    for (log, want) in table {
        for log in framed(log) {
            for piece in [log.len(), 1, 7, 40] {
                assert_eq!(&unknown(&on, log.as_bytes(), piece), want, "{log} in pieces of {piece}");
            }
            assert_eq!(unknown(&off, log.as_bytes(), log.len()), [], "{log}");
            let known = |classifier| events(classifier, log.as_bytes(), log.len()).into_iter().map(|event| event.uid);
            let only_known: Vec<String> = known(&off).collect();
            assert!(only_known.iter().all(|uid| known(&on).any(|other| other == *uid)), "{log}");
        }
    }
}

#[test]
fn two_streams_of_a_file_are_apart() {
    let log = "2031-03-09T04:05:06Z stderr F ERROR: can't press\n2031-03-09T04:05:06Z stdout F x\n\
               2031-03-09T04:05:06Z stderr F Traceback (most recent call last):\n2031-03-09T04:05:06Z stdout F ERROR: no \n\
               2031-03-09T04:05:06Z stderr F   File \"press.py\", line 7, in press\n2031-03-09T04:05:06Z stderr F PressError: stuck\n\
               2031-03-09T04:05:06Z stdout P ERROR: no pe\n2031-03-09T04:05:06Z stdout F ars\n";
    let want = [
        of(3, 6, Severity::Error, "PressError: stuck"),
        of(4, 4, Severity::Error, "no"),
        of(7, 8, Severity::Error, "no pears"),
    ];
    for piece in [log.len(), 1, 7, 40, 90] {
        assert_eq!(unknown(&classifier(true), log.as_bytes(), piece), want, "in pieces of {piece}");
    }
}

#[test]
fn a_template_holds_no_secret() {
    let all = events(&classifier(true), b"ERROR: login with password=pearspearspears failed\n", 4096);
    assert!(all.len() == 1 && !format!("{all:?}").contains("pearspearspears"), "{all:?}");
    let log = b"ERROR: login with password=pearspearspears failed\n";
    assert_eq!(unknown(&classifier(true), log, 7), [of(1, 1, Severity::Error, "login with password=<*> failed")]);
}

/// A line that says it is an error is found in raw bytes, in each framing.
#[test]
fn every_format_has_its_anchors() {
    let grave = SAMPLES.iter().filter(|sample| sample.level >= Some(Level::Error));
    for sample in grave {
        for raw in framed(&sample.line.replace('\n', " ")) {
            let stands = |anchor: &&[u8]| memchr::memmem::find(raw.as_bytes(), anchor).is_some();
            assert!(ANCHORS.iter().any(stands), "{raw}");
        }
    }
}
