//! Any text as a document of community rules, or as the logic of one: reading it doesn't panic and says what is wrong; what can be read
//! runs over any log, in one piece and in many.
#![no_main]

use std::sync::Arc;

use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::frame::Format;
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::Severity;
use faultscope::pattern::sources::PackSource;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fn load(text: String) -> Option<Arc<Classifier>> {
    let source = PackSource { name: "fuzz.yaml".into(), text: text.into(), builtin: false };
    match PatternSet::load(&[source]) {
        Ok(set) => {
            let (limits, min_severity) = (Limits::default(), Severity::Info);
            Some(Arc::new(Classifier { set, format: Format::Auto, limits, min_severity, redact: false }))
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().for_each(|problem| assert!(!problem.to_string().is_empty()));
            None
        }
    }
}

fn run(classifier: &Arc<Classifier>, log: &[u8], piece: usize) {
    let mut stream = Stream::new(classifier.clone(), Source::named("-", None), 0, 1);
    let mut events = Vec::new();
    for bytes in log.chunks(piece) {
        stream.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        stream.advance(bytes.len(), Timestamp::UNIX_EPOCH, &mut events);
        assert!(stream.watermark() <= log.len() as u64);
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    assert!(events.iter().all(|event| event.line >= 1 && event.line <= event.last_line));
}

fuzz_target!(|input: (&str, &[u8])| {
    let (text, log) = input;
    let logic = format!("rules:\n  - cre: {{ id: CRE-2031-0001 }}\n    rule: {}\n", text.replace('\n', " "));
    for text in [text.to_owned(), logic] {
        // A jq program is its author's: it may run for as long as it likes.
        let runs = !text.contains("jq");
        if let Some(classifier) = load(text).filter(|_| runs) {
            run(&classifier, log, log.len().max(1));
            run(&classifier, log, 7);
        }
    }
});
