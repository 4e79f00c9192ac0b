//! What several tests need: classifiers, streams, the binary.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::event::Event;
use faultscope::frame::Format;
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::Severity;
use jiff::Timestamp;

/// The built-in patterns, framing told line by line.
pub static BUILTIN: LazyLock<Arc<Classifier>> = LazyLock::new(|| {
    let set = PatternSet::builtin().unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    Arc::new(Classifier {
        set,
        format: Format::Auto,
        limits: Limits::default(),
        min_severity: Severity::Info,
        redact: false,
    })
});

/// Feeds a text to a stream in pieces of the given sizes, over and over, and gives all events. After each piece `between` may do
/// to the stream what must make no difference.
pub fn events(
    classifier: &Arc<Classifier>,
    text: &[u8],
    container: Option<&str>,
    pieces: &[usize],
    between: impl Fn(&mut Stream, &mut Vec<Event>),
) -> Vec<Event> {
    let source = Source::named("-", container);
    let mut stream = Stream::new(classifier.clone(), source, 0, 1);
    let mut events = Vec::new();
    let mut sizes = pieces.iter().copied().cycle();
    let mut rest = text;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, tail) = rest.split_at(size);
        stream.space(size)[..size].copy_from_slice(piece);
        stream.advance(size, Timestamp::UNIX_EPOCH, &mut events);
        between(&mut stream, &mut events);
        rest = tail;
    }
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    events
}

/// The real binary.
pub fn faultscope() -> Command {
    Command::new(env!("CARGO_BIN_EXE_faultscope"))
}

/// A file or folder of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}
