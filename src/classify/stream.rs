//! One source between reads: its window of bytes, what is scanned, and the records that wait.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::assemble::{self, Assembled, Assembly};
use super::lines::{Lane, Lines};
use super::{Classifier, Source};
use crate::engine::{Finding, Sink, Subject};
use crate::event::uid::Identity;
use crate::event::{Attribute, Event, Value};
use crate::record::Record;

/// A lane's state. Positions are offsets in the source, which don't move when the window does.
#[derive(Clone, Copy, Debug, Default)]
struct LaneState {
    /// Records up to here are settled.
    done_to: u64,
    /// A record that waits for more lines.
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Where it begins.
    start: u64,
    /// The line by which it was noticed.
    hit: u64,
    since: Timestamp,
}

/// Classifies one source as its bytes arrive.
///
/// ```text
/// loop { n = read(stream.space(n)); stream.advance(n, now, &mut events); }  …  stream.finish(now, &mut events)
/// ```
pub struct Stream {
    classifier: Arc<Classifier>,
    source: Source,
    /// `window[..filled]` are the latest bytes of the source; the rest is room for more.
    window: Vec<u8>,
    filled: usize,
    /// Whole lines up to here have been scanned.
    scanned: usize,
    /// The source's offset of `window[0]`.
    base: u64,
    /// 1-based number of the line at `counted_to`.
    line: u64,
    /// Lines are counted up to here (an offset in the window).
    counted_to: usize,
    lanes: [LaneState; Lane::COUNT],
}

/// A docker fragment is cut at this size; only a line as long as this can be one.
const DOCKER_FRAGMENT: usize = 16 << 10;

impl Stream {
    /// A stream whose first byte is at `offset` of the source, on line `line` (1-based).
    pub fn new(classifier: Arc<Classifier>, source: Source, offset: u64, line: u64) -> Self {
        Stream {
            classifier,
            source,
            window: Vec::new(),
            filled: 0,
            scanned: 0,
            base: offset,
            line,
            counted_to: 0,
            lanes: [LaneState::default(); Lane::COUNT],
        }
    }

    /// The source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Room for at least `size` more bytes, to be read into.
    pub fn space(&mut self, size: usize) -> &mut [u8] {
        if self.window.len() - self.filled < size {
            self.forget();
            let wanted = self.filled + size;
            if self.window.len() < wanted {
                self.window.resize(wanted, 0);
            }
        }
        &mut self.window[self.filled..]
    }

    /// Takes in `count` bytes that were put at the start of [`Stream::space`]; adds the events that they complete.
    pub fn advance(&mut self, count: usize, now: Timestamp, events: &mut Vec<Event>) {
        let new = self.filled..(self.filled + count).min(self.window.len());
        self.filled = new.end;
        let whole = match memchr::memrchr(b'\n', &self.window[new.clone()]) {
            Some(newline) => new.start + newline + 1,
            None if self.filled - self.scanned >= self.classifier.limits.line_bytes => self.filled,
            None => return,
        };
        self.scan_to(whole, now, events);
    }

    /// Closes what has waited longer than the limit allows.
    pub fn tick(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        let age = self.classifier.limits.record_age;
        self.close(now, events, |waiting| now.duration_since(waiting.since).unsigned_abs() >= age);
    }

    /// Closes everything that waits: the input pauses, and a person wants to see what there is.
    pub fn flush(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.close(now, events, |_| true);
    }

    /// The source has ended: its last line counts even without a newline.
    pub fn finish(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        if self.filled > self.scanned {
            self.scan_to(self.filled, now, events);
        }
        self.flush(now, events);
    }

    /// Gives the window's room back while the source is quiet. What may still be needed stays.
    pub fn park(&mut self) {
        self.forget();
        self.window.truncate(self.filled);
        self.window.shrink_to_fit();
    }

    /// Offset of the first byte that is still needed: everything before it is settled.
    pub fn watermark(&self) -> u64 {
        let waiting = self.lanes.iter().filter_map(|lane| lane.waiting.map(|waiting| waiting.start));
        waiting.min().unwrap_or(u64::MAX).min(self.base + self.scanned as u64)
    }

    /// 1-based number of the line at an offset at or after the last settled line.
    pub fn line_at(&mut self, offset: u64) -> u64 {
        self.line_number(offset.saturating_sub(self.base) as usize)
    }

    /// Anything that waits for more lines?
    pub fn is_waiting(&self) -> bool {
        self.lanes.iter().any(|lane| lane.waiting.is_some())
    }

    /// Scans the whole lines up to `end` of the window.
    fn scan_to(&mut self, end: usize, now: Timestamp, events: &mut Vec<Event>) {
        let from = std::mem::replace(&mut self.scanned, end);
        let settled = self.settle_waiting(false, |_| true, events);
        self.scan_range(settled.map_or(from, |at| at.min(from)), now, events);
    }

    fn scan_range(&mut self, from: usize, now: Timestamp, events: &mut Vec<Event>) {
        let classifier = self.classifier.clone();
        // The window is lent out while the sink works on the stream's other state.
        let window = std::mem::take(&mut self.window);
        let whole = &window[..self.scanned];
        let mut sink = Hits { long: long_lines(whole, from), stream: self, window: whole, now, events };
        classifier.set.engine.scan(whole, from, &mut sink);
        sink.long_lines_before(whole.len());
        self.window = window;
    }

    fn close(&mut self, now: Timestamp, events: &mut Vec<Event>, due: impl Fn(&Waiting) -> bool) {
        // Lines that the closed record held back enter anew, and may open a record again; each round is a line further on.
        while let Some(at) = self.settle_waiting(true, &due, events) {
            self.scan_range(at, now, events);
        }
    }

    /// Tries the waiting records again. Gives where the first of those that were settled ended (an offset in the window):
    /// lines from there on may have been passed over because of it.
    fn settle_waiting(&mut self, last: bool, due: impl Fn(&Waiting) -> bool, events: &mut Vec<Event>) -> Option<usize> {
        let window = std::mem::take(&mut self.window);
        let mut settled: Option<u64> = None;
        for lane in [Lane::Stdout, Lane::Stderr, Lane::Only] {
            let state = &mut self.lanes[lane.index()];
            if let Some(waiting) = state.waiting.take_if(|waiting| due(waiting)) {
                self.settle(&window[..self.scanned], lane, waiting.hit, waiting.since, last, events);
                let state = self.lanes[lane.index()];
                if state.waiting.is_none() {
                    settled = Some(settled.map_or(state.done_to, |at| at.min(state.done_to)));
                }
            }
        }
        self.window = window;
        settled.map(|offset| (offset - self.base) as usize)
    }

    /// Assembles and classifies the record around the line at offset `hit`.
    fn settle(&mut self, window: &[u8], lane: Lane, hit: u64, since: Timestamp, last: bool, events: &mut Vec<Event>) {
        let limits = self.classifier.limits;
        let lines = Lines { bytes: window, format: self.classifier.format, max_bytes: limits.record_bytes };
        let floor = self.lanes[lane.index()].done_to.saturating_sub(self.base) as usize;
        let at = (hit - self.base) as usize;
        match assemble::around(lines, lane, at, floor, last, &limits) {
            Some(Assembly::Closed(record)) => {
                self.lanes[lane.index()].done_to = self.base + record.end() as u64;
                if let Some(event) = self.classify(window, lane, &record, since) {
                    events.push(event);
                }
            }
            Some(Assembly::Open { start }) => {
                let start = self.base + start as u64;
                self.lanes[lane.index()].waiting = Some(Waiting { start, hit, since });
            }
            None => {}
        }
    }

    fn classify(&mut self, window: &[u8], lane: Lane, assembled: &Assembled<'_>, now: Timestamp) -> Option<Event> {
        let classifier = self.classifier.clone();
        let contents: Vec<&[u8]> = assembled.lines.iter().map(|line| &line.content[..]).collect();
        let record = Record::read(&contents, assembled.lead.as_ref().map(|line| &line.content[..]));
        let subject = Subject {
            text: record.text(),
            container: self.source.container.as_deref(),
            field: &|path| record.field(path),
        };
        let finding = classifier.set.engine.confirm(&subject)?;
        let pattern = classifier.set.patterns[finding.pattern].pattern.clone();
        if pattern.severity < classifier.min_severity {
            return None;
        }
        let line = self.line_number_in(window, assembled.start());
        let identifying = identifying_line(assembled, &record, &finding);
        let raw = raw_line(window, assembled.lines[identifying].start);
        let identity = Identity {
            source: &self.source.identity,
            position: self.base + raw.start as u64,
            line: &window[raw],
            pattern: &pattern.id,
        };
        let inside = &window[assembled.start()..assembled.end() - 1];
        Some(Event {
            uid: identity.uid(),
            time: assembled.lines[0].time.or_else(|| record.time()),
            observed: now,
            also: finding.also.iter().map(|&other| classifier.set.engine.patterns()[other].id.clone()).collect(),
            line,
            last_line: line + memchr::memchr_iter(b'\n', inside).count() as u64,
            body: String::from_utf8_lossy(&assembled.lines[identifying].content).into_owned(),
            record: record.printed(),
            attributes: attributes(&record, finding),
            exception: record.exception(),
            trace_id: record.trace_id(),
            span_id: record.span_id(),
            stream: lane.name(),
            resource: self.source.resource.clone(),
            source: self.source.name.clone(),
            occurrences: 1,
            pattern,
        })
    }

    fn line_number(&mut self, at: usize) -> u64 {
        let window = std::mem::take(&mut self.window);
        let line = self.line_number_in(&window, at);
        self.window = window;
        line
    }

    fn line_number_in(&mut self, window: &[u8], at: usize) -> u64 {
        if at >= self.counted_to {
            self.line += newlines(&window[self.counted_to..at]);
        } else {
            self.line -= newlines(&window[at..self.counted_to]);
        }
        self.counted_to = at;
        self.line
    }

    /// Drops the bytes at the window's front that no later line can need.
    fn forget(&mut self) {
        let history = self.scanned.saturating_sub(self.classifier.limits.lookback_bytes);
        let watermark = (self.watermark() - self.base) as usize;
        let wanted = history.min(watermark.saturating_sub(1));
        // A window always begins with a whole line, so that its neighbours can be walked over.
        let drop = memchr::memrchr(b'\n', &self.window[..wanted]).map_or(0, |newline| newline + 1);
        if drop == 0 {
            return;
        }
        self.line_number(drop);
        self.window.copy_within(drop..self.filled, 0);
        self.filled -= drop;
        self.scanned -= drop;
        self.counted_to -= drop;
        self.base += drop as u64;
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The engine's hits, taken in.
struct Hits<'s, 'w> {
    stream: &'s mut Stream,
    window: &'w [u8],
    /// Starts of the lines that are long enough to be docker fragments, latest first.
    long: Vec<usize>,
    now: Timestamp,
    events: &'s mut Vec<Event>,
}

impl Hits<'_, '_> {
    fn hit(&mut self, at: usize) {
        let stream = &mut *self.stream;
        let limits = stream.classifier.limits;
        let lines = Lines { bytes: self.window, format: stream.classifier.format, max_bytes: limits.record_bytes };
        let Some((lane, _)) = lines.lane_at(at) else { return };
        let state = stream.lanes[lane.index()];
        let offset = stream.base + at as u64;
        // A record that waits is open to the end of the window: whatever comes after its start is in it, or comes after it.
        if offset < state.done_to || state.waiting.is_some() {
            return;
        }
        stream.settle(self.window, lane, offset, self.now, false, self.events);
    }

    /// Long lines need a look even without an anchor: fragments are joined, and an anchor may be cut in two.
    fn long_lines_before(&mut self, end: usize) {
        while let Some(at) = self.long.pop_if(|at| *at < end) {
            let lines = Lines { bytes: self.window, format: self.stream.classifier.format, max_bytes: usize::MAX };
            if lines.lane_at(at).is_some_and(|(_, partial)| partial) {
                self.hit(at);
            }
        }
    }
}

impl Sink for Hits<'_, '_> {
    fn line(&mut self, start: usize, end: usize) -> usize {
        self.long_lines_before(start);
        self.hit(start);
        end
    }
}

/// Starts of the lines from `from` on that are at least as long as a docker fragment, latest first. Such a line covers
/// a multiple of that length, so looking there finds them all.
fn long_lines(window: &[u8], from: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut probe = from;
    while probe < window.len() {
        let start = memchr::memrchr(b'\n', &window[from..probe]).map_or(from, |newline| from + newline + 1);
        let end = memchr::memchr(b'\n', &window[probe..]).map_or(window.len(), |newline| probe + newline);
        if end - start >= DOCKER_FRAGMENT {
            starts.push(start);
        }
        probe = end.max(probe) + DOCKER_FRAGMENT;
    }
    starts.reverse();
    starts
}

fn raw_line(window: &[u8], start: usize) -> Range<usize> {
    let end = memchr::memchr(b'\n', &window[start..]).map_or(window.len(), |newline| start + newline);
    start..end
}

/// Which of the record's lines holds the evidence.
fn identifying_line(assembled: &Assembled<'_>, record: &Record<'_>, finding: &Finding) -> usize {
    if assembled.lines.len() == 1 {
        return 0;
    }
    let before = &record.text()[..finding.evidence.end.saturating_sub(1).min(record.text().len())];
    // Undone escapes may add lines to the text, never to the record; the last line is then as near as can be said.
    (newlines(before) as usize).min(assembled.lines.len() - 1)
}

/// The captures, and what the log's own header gave, each name once.
fn attributes(record: &Record<'_>, finding: Finding) -> Vec<Attribute> {
    let mut all = finding.captures;
    for attribute in record.attributes() {
        if all.iter().all(|known| known.name != attribute.name) {
            all.push(attribute);
        }
    }
    all.retain(|attribute| attribute.value != Value::Text(String::new()));
    all
}
