//! Any bytes in any pieces, twice with different cuts: nothing panics, and the events are the same.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::event::Resource;
use faultscope::frame::Format;
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::Severity;
use faultscope::pattern::sources::PackSource;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const PACK: &str = r#"
patterns:
  - { id: f.line.word, title: t, severity: error, category: crash, match: { all: [oops] }, cause: c, fix: [f],
      references: ["https://example.com"], tests: { fires: [{ log: oops }], silent: [{ log: a }] } }
  - { id: f.trace.python, title: t, severity: error, category: crash, match: { all: [Traceback, Error] }, cause: c, fix: [f],
      references: ["https://example.com"], tests: { fires: [{ log: a }], silent: [{ log: a }] } }
  - { id: f.trace.go, title: t, severity: error, category: crash, match: { regex: 'panic: [^\n]*\n+goroutine' }, cause: c, fix: [f],
      references: ["https://example.com"], tests: { fires: [{ log: a }], silent: [{ log: a }] } }
"#;

/// Bounds that short inputs reach.
const LIMITS: Limits =
    Limits { line_bytes: 200, lookback_bytes: 300, record_bytes: 500, record_lines: 12, record_age: Duration::from_secs(1) };

static CLASSIFIER: LazyLock<Arc<Classifier>> = LazyLock::new(|| {
    let source = PackSource { name: "fuzz.yaml".into(), text: PACK.into(), builtin: false };
    let set = PatternSet::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"));
    Arc::new(Classifier { set, format: Format::Auto, limits: LIMITS, min_severity: Severity::Info, redact: false })
});

fn events(text: &[u8], sizes: &[u8], park: bool) -> Vec<(u64, u64, String, String)> {
    let source = Source { name: "-".into(), identity: "-".into(), container: None, resource: Arc::new(Resource::default()) };
    let mut stream = Stream::new(CLASSIFIER.clone(), source, 0, 1);
    let mut events = Vec::new();
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |&size| usize::from(size) + 1).min(rest.len());
        let (piece, tail) = rest.split_at(size);
        stream.space(size)[..size].copy_from_slice(piece);
        stream.advance(size, Timestamp::UNIX_EPOCH, &mut events);
        if park {
            stream.park();
        }
        rest = tail;
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    let one = |event: faultscope::event::Event| (event.line, event.last_line, event.pattern.id.clone(), event.uid);
    let mut said: Vec<_> = events.into_iter().map(one).collect();
    said.sort();
    said
}

fuzz_target!(|input: ([u8; 4], [u8; 4], &[u8])| {
    let (first, second, text) = input;
    let want = events(text, &[], false);
    assert_eq!(events(text, &first, true), want);
    assert_eq!(events(text, &second, false), want);
});
