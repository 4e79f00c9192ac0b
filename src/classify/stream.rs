//! One source between reads: what is scanned, and the records that wait. Its bytes are kept by [`window`].

mod hits;
mod rules;
mod series;
mod unknown;
mod window;

use std::cell::LazyCell;
use std::sync::Arc;

use jiff::Timestamp;

use self::hits::Hits;
use super::assemble::{self, Assembled, Assembly};
use super::entries::Seen;
use super::lines::{Lane, Lines, last_piece};
use super::series::Series;
use super::{Classifier, Limits, Source};
use crate::engine::{Finding, Judgement, Subject};
use crate::event::uid::Identity;
use crate::event::{self, Attribute, Event, Value};
use crate::pattern::model::{Origin, Pattern};
use crate::record::{Record, header};
use crate::redact;

/// What a record is.
struct Verdict {
    pattern: Arc<Pattern>,
    also: Vec<Arc<str>>,
    /// Which of its lines says so.
    identifying: usize,
    attributes: Vec<Attribute>,
}

/// A lane's state. Positions are offsets in the source, which don't move when the window does.
#[derive(Clone, Copy, Debug, Default)]
struct LaneState {
    /// Records up to here are settled.
    done_to: u64,
    /// A record that waits for more lines.
    waiting: Option<Waiting>,
}

/// A record of which one line is known.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Where it begins, at the earliest.
    start: u64,
    /// The line by which it was noticed.
    hit: u64,
    /// No line of its lane is left to look at before here.
    seen: u64,
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
    pub(super) window: Vec<u8>,
    filled: usize,
    /// Whole lines up to here have been scanned.
    scanned: usize,
    /// Where a record begins that goes on at the end of what is scanned, though no line of it has an anchor yet.
    unnoticed: Option<u64>,
    /// The source's offset of `window[0]`.
    base: u64,
    /// 1-based number of the line at `counted_to`.
    line: u64,
    /// Lines are counted up to here (an offset in the window).
    counted_to: usize,
    lanes: [LaneState; Lane::COUNT],
    /// Where the last fragment of a line ended that was come by.
    piece_end: Option<u64>,
    /// What the community rules have seen.
    seen: Seen,
    /// What has begun of patterns of several records.
    series: Series,
    counts: Counts,
}

/// What a stream did beside its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Places in events where a secret was masked.
    pub redacted: u64,
    /// Reads in which a line was cut because it is longer than the limit.
    pub lines_cut: u64,
    /// Records with an anchor that were closed by a limit of bytes or lines, and may have gone on.
    pub records_cut: u64,
    /// Entries that a community rule let go for want of room.
    pub entries_evicted: u64,
    /// Records that a pattern of several records let go for want of room.
    pub parts_evicted: u64,
}

/// A docker fragment is cut at this size; only a line as long as this can be one.
const DOCKER_FRAGMENT: usize = 16 << 10;

/// How far back a record is looked for that nothing points at yet: it is done for each read, so it must be cheap.
const UNNOTICED_BYTES: usize = 16 << 10;
const UNNOTICED_LINES: usize = 128;

impl Stream {
    /// A stream whose first byte is at `offset` of the source, on line `line` (1-based).
    pub fn new(classifier: Arc<Classifier>, source: Source, offset: u64, line: u64) -> Self {
        Stream {
            classifier,
            source,
            window: Vec::new(),
            filled: 0,
            scanned: 0,
            unnoticed: None,
            base: offset,
            line,
            counted_to: 0,
            lanes: [LaneState::default(); Lane::COUNT],
            piece_end: None,
            seen: Seen::default(),
            series: Series::default(),
            counts: Counts::default(),
        }
    }

    /// From here on with these patterns and settings. What waits goes on waiting: it is matched when it is whole.
    pub fn set_classifier(&mut self, classifier: Arc<Classifier>) {
        self.classifier = classifier;
        self.seen.begin_anew();
        self.series.begin_anew();
    }

    /// What was counted since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Takes in `count` bytes that were put at the start of [`Stream::space`]; adds the events that they complete.
    pub fn advance(&mut self, count: usize, now: Timestamp, events: &mut Vec<Event>) {
        let new = self.filled..(self.filled + count).min(self.window.len());
        self.filled = new.end;
        let line =
            memchr::memrchr(b'\n', &self.window[new.clone()]).map_or(self.scanned, |newline| new.start + newline + 1);
        let cut = last_piece(self.filled - line, self.classifier.limits.line_bytes);
        self.counts.lines_cut += u64::from(cut > 0);
        let whole = line + cut;
        if whole > self.scanned {
            self.scan_to(whole, now, events);
        }
        if count > 0 {
            self.series.moved();
        }
    }

    /// Closes what has waited longer than the limit allows.
    pub fn tick(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        let age = self.classifier.limits.record_age;
        self.close(now, events, |waiting| now.duration_since(waiting.since).unsigned_abs() >= age);
        self.rules_close(now, events, |since| now.duration_since(since).unsigned_abs() >= age);
        self.series_tick(now, events);
    }

    /// Closes everything that waits: the input pauses, and a person wants to see what there is.
    pub fn flush(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.close(now, events, |_| true);
        self.rules_close(now, events, |_| true);
    }

    /// The file has ended: its last line counts even without a newline. The source may go on in another one
    /// ([`Stream::go_on_from`]), so patterns that wait for time or other records go on waiting.
    pub fn close_file(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        if self.filled > self.scanned {
            self.scan_to(self.filled, now, events);
        }
        self.flush(now, events);
        self.rules_finish(now, events);
        self.unnoticed = None;
    }

    /// The source has ended: its last line counts even without a newline.
    pub fn finish(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.close_file(now, events);
        self.series_finish(events);
    }

    /// Offset of the first byte that is still needed: everything before it is settled, and a new stream from there on gives the
    /// events that are missing.
    pub fn watermark(&self) -> u64 {
        self.held().map_or(u64::MAX, |(position, _)| position).min(self.settled_to())
    }

    /// Where a record begins, and its line, that a new stream has to see once more: what waits for time has begun with it.
    fn held(&self) -> Option<(u64, u64)> {
        self.series.held(self.base + self.scanned as u64, self.classifier.set.engine.patterns())
    }

    /// As [`Stream::watermark`], but for what has begun.
    fn settled_to(&self) -> u64 {
        let waiting = self.lanes.iter().filter_map(|lane| lane.waiting.map(|waiting| waiting.start));
        let entries = self.seen.waiting().map(|entry| entry.start);
        waiting.chain(self.unnoticed).chain(entries).min().unwrap_or(u64::MAX).min(self.base + self.scanned as u64)
    }

    /// 1-based number of the line at an offset at or after the last settled line.
    pub fn line_at(&mut self, offset: u64) -> u64 {
        // What is held may have left the window long ago.
        if let Some((_, line)) = self.held().filter(|(position, _)| *position == offset) {
            return line;
        }
        self.line_number(offset.saturating_sub(self.base) as usize)
    }

    /// Since when the record that has waited longest waits for more lines.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        let records = self.lanes.iter().filter_map(|lane| lane.waiting.map(|waiting| waiting.since));
        records.chain(self.seen.waiting().map(|entry| entry.since)).min()
    }

    /// Anything that waits for more lines?
    pub fn is_waiting(&self) -> bool {
        self.lanes.iter().any(|lane| lane.waiting.is_some()) || self.seen.waiting().next().is_some()
    }

    /// Scans the whole lines up to `end` of the window.
    fn scan_to(&mut self, end: usize, now: Timestamp, events: &mut Vec<Event>) {
        let from = std::mem::replace(&mut self.scanned, end);
        let settled = self.settle_waiting(false, |_| true, events);
        self.scan_range(settled.map_or(from, |at| at.min(from)), now, events);
        self.rules_pass(from, now, events);
        self.series_follow(events);
        self.unnoticed = self.unnoticed_start().map(|start| self.base + start as u64);
    }

    /// The start of a record that the last line belongs to and that may go on, if none waits in its lane.
    fn unnoticed_start(&self) -> Option<usize> {
        let lines = self.lines(&self.window[..self.scanned]);
        let last = lines.raw_before(self.scanned)?;
        let state = self.lanes[last.lane().index()];
        if state.waiting.is_some() {
            return None;
        }
        let floor = state.done_to.saturating_sub(self.base) as usize;
        let limits =
            Limits { lookback_bytes: UNNOTICED_BYTES, record_lines: UNNOTICED_LINES, ..self.classifier.limits };
        match assemble::around(lines, last.lane(), last.start, floor, false, &limits) {
            Some(Assembly::Open { start }) => Some(start),
            _ => None,
        }
    }

    fn lines<'w>(&self, window: &'w [u8]) -> Lines<'w> {
        Lines::new(window, self.classifier.format, &self.classifier.limits)
    }

    fn scan_range(&mut self, from: usize, now: Timestamp, events: &mut Vec<Event>) {
        let classifier = self.classifier.clone();
        // The window is lent out while the sink works on the stream's other state.
        let window = std::mem::take(&mut self.window);
        let whole = &window[..self.scanned];
        let mut sink = Hits::new(self, whole, from, now, events);
        classifier.set.engine.scan(whole, from, &mut sink);
        sink.long_lines_before(whole.len());
        self.window = window;
    }

    fn close(&mut self, now: Timestamp, events: &mut Vec<Event>, due: impl Fn(&Waiting) -> bool) {
        // Lines that the closed record held back enter anew, and may open a record again; each round is a line further on.
        while let Some(at) = self.settle_waiting(true, &due, events) {
            self.scan_range(at, now, events);
        }
        self.series_follow(events);
    }

    /// Tries the waiting records again. Gives where the first of those that were settled ended (an offset in the window):
    /// lines from there on may have been passed over because of it.
    fn settle_waiting(&mut self, last: bool, due: impl Fn(&Waiting) -> bool, events: &mut Vec<Event>) -> Option<usize> {
        let window = std::mem::take(&mut self.window);
        let mut settled: Option<u64> = None;
        for lane in Lane::ALL {
            let Some(mut waiting) = self.lanes[lane.index()].waiting.filter(|waiting| due(waiting)) else { continue };
            let whole = &window[..self.scanned];
            if !last && !self.may_settle(whole, lane, &waiting) {
                waiting.seen = self.base + self.scanned as u64;
                self.lanes[lane.index()].waiting = Some(waiting);
                continue;
            }
            self.settle(whole, lane, waiting, last, events);
            let state = self.lanes[lane.index()];
            if state.waiting.is_none() {
                settled = Some(settled.map_or(state.done_to, |at| at.min(state.done_to)));
            }
        }
        self.window = window;
        settled.map(|offset| (offset - self.base) as usize)
    }

    /// Is there anything new for a waiting record? Another lane's lines, of which there may be many, are none.
    fn may_settle(&self, window: &[u8], lane: Lane, waiting: &Waiting) -> bool {
        let start = (waiting.start - self.base) as usize;
        let until = start.saturating_add(self.classifier.limits.record_bytes);
        let seen = (waiting.seen - self.base) as usize;
        until <= window.len() || self.lines(window).next_in_lane(lane, seen, until).is_some()
    }

    /// Assembles and classifies a record; if it is still open, it waits. `last`: no more lines will come.
    fn settle(&mut self, window: &[u8], lane: Lane, waiting: Waiting, last: bool, events: &mut Vec<Event>) {
        let floor = waiting.start.saturating_sub(self.base) as usize;
        let at = (waiting.hit - self.base) as usize;
        match assemble::around(self.lines(window), lane, at, floor, last, &self.classifier.limits) {
            Some(Assembly::Closed(record)) => self.closed(window, lane, &record, waiting, last, events),
            Some(Assembly::Open { start }) => self.wait(window, lane, start, waiting),
            None => {}
        }
    }

    /// Takes in a record that is whole. Even so it waits if what comes behind it may speak for it.
    fn closed(
        &mut self,
        window: &[u8],
        lane: Lane,
        record: &Assembled<'_>,
        waiting: Waiting,
        last: bool,
        events: &mut Vec<Event>,
    ) {
        if !last && self.may_head_a_trace(window, lane, record) {
            return self.wait(window, lane, record.start(), waiting);
        }
        let limits = &self.classifier.limits;
        let full = record.lines.len() >= limits.record_lines || record.end() - record.start() >= limits.record_bytes;
        self.counts.records_cut += u64::from(full);
        let state = &mut self.lanes[lane.index()];
        (state.done_to, state.waiting) = (self.base + record.end() as u64, None);
        self.classify(window, lane, record, waiting, events);
    }

    /// A record that begins at `start` of the window waits for more lines.
    fn wait(&mut self, window: &[u8], lane: Lane, start: usize, waiting: Waiting) {
        let (start, seen) = (self.base + start as u64, self.base + window.len() as u64);
        self.lanes[lane.index()].waiting = Some(Waiting { start, seen, ..waiting });
    }

    fn classify(
        &mut self,
        window: &[u8],
        lane: Lane,
        assembled: &Assembled<'_>,
        waiting: Waiting,
        events: &mut Vec<Event>,
    ) {
        let classifier = self.classifier.clone();
        // Most lines that are looked at are no failures, which their text alone tells: what was printed, whatever the header, if nothing
        // is escaped.
        let record = LazyCell::new(|| {
            let contents: Vec<&[u8]> = assembled.lines.iter().map(|line| &line.content[..]).collect();
            Record::read(&contents, assembled.lead.as_ref().map(|line| &line.frame.content[..]))
        });
        let text = match assembled.lines.as_slice() {
            [line] if header::is_plain(&line.content) => &line.content,
            _ => record.text(),
        };
        let subject = Subject {
            text,
            origin: Origin::Log,
            reason: None,
            container: self.source.container.as_deref(),
            field: &|path| record.field(path),
        };
        let engine = &classifier.set.engine;
        let judged = assembled.clues.map(|clues| engine.judge_line(&subject, clues));
        let Judgement { finding, parts } = judged.unwrap_or_else(|| engine.judge(&subject));
        let verdict = match finding {
            Some(finding) => Some(self.verdict(assembled, &record, finding)),
            // Somebody knows what is a part of something.
            None if !parts.is_empty() || !classifier.set.notices_unknown => None,
            None => self.unknown(window, lane, assembled, &record),
        };
        if let Some(mut event) =
            verdict.and_then(|verdict| self.event(window, lane, assembled, &record, verdict, waiting.since))
        {
            if classifier.redact {
                self.counts.redacted += redact::event(&mut event);
            }
            // Only now: a secret that is out of the template can't be told by what is left of it.
            super::unknown::mask(&mut event);
            events.push(event);
        }
        if !parts.is_empty() {
            self.series_note(window, lane, assembled, &record, parts, waiting);
        }
    }

    /// What a pattern makes of a record.
    fn verdict(&self, assembled: &Assembled<'_>, record: &Record<'_>, finding: Finding) -> Verdict {
        let set = &self.classifier.set;
        Verdict {
            pattern: set.patterns[finding.pattern].pattern.clone(),
            also: finding.also.iter().map(|&other| set.engine.patterns()[other].id.clone()).collect(),
            identifying: identifying_line(assembled, record, &finding),
            attributes: attributes(record, finding.captures),
        }
    }

    /// What is said of a record. Nothing if it isn't grave enough.
    fn event(
        &mut self,
        window: &[u8],
        lane: Lane,
        assembled: &Assembled<'_>,
        record: &Record<'_>,
        Verdict { pattern, also, identifying, attributes }: Verdict,
        now: Timestamp,
    ) -> Option<Event> {
        if pattern.severity < self.classifier.min_severity {
            return None;
        }
        let line = self.line_number_in(window, assembled.start());
        let position = assembled.lines[identifying].start;
        let identity = Identity {
            source: &self.source.identity,
            position: self.base + position as u64,
            line: self.lines(window).text(position),
            pattern: &pattern.id,
        };
        let inside = &window[assembled.start()..assembled.end() - 1];
        Some(Event {
            uid: identity.uid(),
            time: assembled.lines[0].time.or_else(|| record.time()),
            observed: now,
            also,
            line,
            last_line: line + memchr::memchr_iter(b'\n', inside).count() as u64,
            body: event::text(&assembled.lines[identifying].content).into_owned(),
            told: record.told(),
            incident: None,
            origin: Origin::Log,
            record: record.printed(),
            attributes,
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
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
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

/// What was found out about the record, and what the log's own header gave, each name once.
fn attributes(record: &Record<'_>, mut all: Vec<Attribute>) -> Vec<Attribute> {
    for attribute in record.attributes() {
        if all.iter().all(|known| known.name != attribute.name) {
            all.push(attribute);
        }
    }
    all.retain(|attribute| attribute.value != Value::Text(String::new()));
    all
}
