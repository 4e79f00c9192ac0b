//! What each stage of the hot path costs. `cargo bench` prints a table; compare figures of one run only.

use std::path::Path;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::engine::{Engine, Sink};
use faultscope::event::Resource;
use faultscope::frame::{self, Format};
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::Severity;
use faultscope::record::header;
use jiff::Timestamp;

const BLOCK: usize = 1 << 20;

fn main() {
    divan::main();
}

/// Healthy lines of many programs, over and over, in CRI framing.
fn healthy() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/healthy");
    let mut lines: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the samples ship with the project") {
        let text = std::fs::read_to_string(entry.expect("a readable folder").path()).expect("a readable sample");
        lines.extend(text.lines().map(|line| format!("2026-03-02T09:14:02.104220113Z stderr F {line}\n")));
    }
    let mut block = Vec::with_capacity(BLOCK);
    for line in lines.iter().cycle() {
        if block.len() + line.len() > BLOCK {
            return block;
        }
        block.extend_from_slice(line.as_bytes());
    }
    block
}

fn builtin() -> PatternSet {
    PatternSet::builtin().unwrap_or_else(|problems| panic!("{} problems with the built-in packs", problems.len()))
}

struct Count(usize);

impl Sink for Count {
    fn line(&mut self, _: usize, end: usize) -> usize {
        self.0 += 1;
        end
    }
}

fn scan(engine: &Engine, block: &[u8]) -> usize {
    let mut count = Count(0);
    engine.scan(block, 0, &mut count);
    count.0
}

/// Reading and compiling all packs: what every start pays.
#[divan::bench]
fn load_builtin_packs() -> usize {
    black_box(builtin()).patterns.len()
}

/// The one pass that every byte pays.
#[divan::bench]
fn anchor_scan(bencher: Bencher<'_, '_>) {
    let (set, block) = (builtin(), healthy());
    bencher.counter(BytesCount::of_slice(&block)).bench(|| scan(&set.engine, black_box(&block)));
}

/// What the pass is measured against.
#[divan::bench]
fn count_newlines(bencher: Bencher<'_, '_>) {
    let block = healthy();
    bencher.counter(BytesCount::of_slice(&block)).bench(|| memchr::memchr_iter(b'\n', black_box(&block)).count());
}

/// Undoing the framing of every line, which only lines with an anchor pay.
#[divan::bench]
fn decode_frames(bencher: Bencher<'_, '_>) {
    let block = healthy();
    bencher.counter(BytesCount::of_slice(&block)).bench(|| {
        let lines = black_box(&block).split(|&byte| byte == b'\n');
        lines.map(|line| frame::decode(line, Format::Auto).content.len()).sum::<usize>()
    });
}

/// Taking apart the header of every line, which only lines with an anchor pay.
#[divan::bench]
fn parse_headers(bencher: Bencher<'_, '_>) {
    let block = healthy();
    bencher.counter(BytesCount::of_slice(&block)).bench(|| {
        let lines = black_box(&block).split(|&byte| byte == b'\n');
        lines.map(|line| header::parse(&frame::decode(line, Format::Auto).content).fields.len()).sum::<usize>()
    });
}

/// The whole way from bytes to events.
#[divan::bench]
fn classify(bencher: Bencher<'_, '_>) {
    let classifier = Arc::new(Classifier {
        set: builtin(),
        format: Format::Auto,
        limits: Limits::default(),
        min_severity: Severity::Info,
        redact: false,
    });
    let block = healthy();
    bencher.counter(BytesCount::of_slice(&block)).bench(|| {
        let source =
            Source { name: "-".into(), identity: "-".into(), container: None, resource: Arc::new(Resource::default()) };
        let mut stream = Stream::new(classifier.clone(), source, 0, 1);
        let mut events = Vec::new();
        stream.space(block.len())[..block.len()].copy_from_slice(black_box(&block));
        stream.advance(block.len(), Timestamp::UNIX_EPOCH, &mut events);
        stream.finish(Timestamp::UNIX_EPOCH, &mut events);
        events.len()
    });
}
