//! What each stage of the hot path costs. `cargo bench` prints a table; compare figures of one run only.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use faultscope::classify::{Classifier, Limits, Source, Stream};
use faultscope::correlate::incidents::Incidents;
use faultscope::correlate::incidents::causes::Causes;
use faultscope::engine::{Engine, Sink, Subject};
use faultscope::event::{Event, Resource};
use faultscope::export::{jsonl, otlp};
use faultscope::frame::{self, Format};
use faultscope::pattern::PatternSet;
use faultscope::pattern::model::{Origin, Severity};
use faultscope::record::{Record, header};
use jiff::Timestamp;

const BLOCK: usize = 1 << 20;

fn main() {
    divan::main();
}

/// Healthy lines of many programs, over and over, in CRI framing.
fn healthy() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/healthy");
    let mut lines: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).expect("the samples ship with the project") {
        let text = fs::read_to_string(entry.expect("a readable folder").path()).expect("a readable sample");
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

/// Lines that each are a failure that a pattern knows.
fn failures() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/failures.tsv");
    let table = fs::read_to_string(path).expect("the table ships with the project");
    table.lines().filter_map(|row| Some(row.split_once('\t')?.1.to_owned())).collect()
}

/// From the page cache into a buffer, in blocks as `scan` reads them: what no search can be faster than.
#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let block = healthy();
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    fs::write(file.path(), &block).expect("room for a block");
    bencher.counter(BytesCount::of_slice(&block)).bench(|| {
        let mut file = fs::File::open(file.path()).expect("the file just written");
        let mut room = vec![0; 256 << 10];
        let mut bytes = 0;
        while let Ok(count @ 1..) = file.read(black_box(&mut room)) {
            bytes += count;
        }
        bytes
    });
}

/// Saying what a record is, its line already parsed.
#[divan::bench]
fn confirm(bencher: Bencher<'_, '_>) {
    let (set, lines) = (builtin(), failures());
    let records: Vec<Record<'_>> = lines.iter().map(|line| Record::read(&[line.as_bytes()], None)).collect();
    bencher.counter(ItemsCount::new(records.len())).bench(|| {
        let known = |record: &Record<'_>| {
            let field = |path: &str| record.field(path);
            let text = record.text();
            let subject = Subject { text, origin: Origin::Log, reason: None, container: None, field: &field };
            set.engine.confirm(black_box(&subject)).is_some()
        };
        records.iter().filter(|record| known(record)).count()
    });
}

/// Finding the incident of each event.
#[divan::bench]
fn correlate(bencher: Bencher<'_, '_>) {
    let classifier = classifier();
    let events = events(&classifier, &framed(&failures()));
    let causes = || Causes::of(classifier.set.patterns.iter().map(|located| &*located.pattern));
    let fresh = || Incidents::new(causes(), Duration::from_secs(600), 4096);
    bencher.counter(ItemsCount::new(events.len())).with_inputs(fresh).bench_values(|mut incidents| {
        let observed = events.iter().map(|event| incidents.observe(black_box(event), event.observed));
        observed.flatten().count()
    });
}

/// Writing events as JSON lines.
#[divan::bench]
fn encode_jsonl(bencher: Bencher<'_, '_>) {
    let events = events(&classifier(), &framed(&failures()));
    bencher.counter(ItemsCount::new(events.len())).bench(|| {
        let (mut out, mut writer) = (Vec::new(), jsonl::Writer::default());
        events.iter().for_each(|event| writer.write(black_box(event), &mut out));
        out.len()
    });
}

/// Writing events as an OTLP request in protobuf.
#[divan::bench]
fn encode_otlp(bencher: Bencher<'_, '_>) {
    let events = events(&classifier(), &framed(&failures()));
    bencher.counter(ItemsCount::new(events.len())).bench(|| otlp::wire::request(black_box(&events)).len());
}

fn framed(lines: &[String]) -> Vec<u8> {
    let framed = lines.iter().map(|line| format!("2026-03-02T09:14:02.104220113Z stderr F {line}\n"));
    framed.collect::<String>().into_bytes()
}

fn classifier() -> Arc<Classifier> {
    let (limits, min_severity) = (Limits::default(), Severity::Info);
    Arc::new(Classifier { set: builtin(), format: Format::Auto, limits, min_severity, redact: false })
}

fn events(classifier: &Arc<Classifier>, block: &[u8]) -> Vec<Event> {
    let source =
        Source { name: "-".into(), identity: "-".into(), container: None, resource: Arc::new(Resource::default()) };
    let mut stream = Stream::new(classifier.clone(), source, 0, 1);
    let mut events = Vec::new();
    stream.space(block.len())[..block.len()].copy_from_slice(block);
    stream.advance(block.len(), Timestamp::UNIX_EPOCH, &mut events);
    stream.finish(Timestamp::UNIX_EPOCH, &mut events);
    events
}

/// The whole way from bytes to events, on healthy lines.
#[divan::bench]
fn classify(bencher: Bencher<'_, '_>) {
    let (classifier, block) = (classifier(), healthy());
    bencher.counter(BytesCount::of_slice(&block)).bench(|| events(&classifier, black_box(&block)).len());
}

/// The same on lines that each are a failure.
#[divan::bench]
fn classify_failures(bencher: Bencher<'_, '_>) {
    let (classifier, block) = (classifier(), framed(&failures()));
    bencher.counter(BytesCount::of_slice(&block)).bench(|| events(&classifier, black_box(&block)).len());
}
