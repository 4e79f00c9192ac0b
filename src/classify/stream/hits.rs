//! What a stream does with the lines that the engine's search stops at, and at which it stops.

use std::cell::LazyCell;

use jiff::Timestamp;

use super::{DOCKER_FRAGMENT, Stream, Waiting};
use crate::classify::assemble;
use crate::classify::lines::{Raw, last_piece};
use crate::engine::{Anchor, Clues, Sink};
use crate::event::Event;
use crate::frame::{self, FrameKind};
use crate::record::header;

/// A line is told by itself only if it is no longer, so that many anchors in one line don't take the square of their number.
const SHORT: usize = 4 << 10;

/// The engine's hits, taken in.
pub(super) struct Hits<'s, 'w> {
    stream: &'s mut Stream,
    window: &'w [u8],
    /// Starts of the lines that are long enough to be docker fragments, latest first.
    long: Vec<usize>,
    /// Where a line of the window starts that is known to be CRI.
    cri: Option<usize>,
    /// The first anchor of a line that the line wasn't wanted for.
    unwanted: Option<usize>,
    now: Timestamp,
    events: &'s mut Vec<Event>,
}

impl<'s, 'w> Hits<'s, 'w> {
    /// For a scan of the window from `from` on.
    pub(super) fn new(
        stream: &'s mut Stream,
        window: &'w [u8],
        from: usize,
        now: Timestamp,
        events: &'s mut Vec<Event>,
    ) -> Self {
        Hits { stream, window, long: long_lines(window, from), cri: None, unwanted: None, now, events }
    }

    /// Takes in a line, whose clues may not be asked for.
    fn hit<F: FnOnce() -> Clues>(&mut self, raw: &Raw<'w>, clues: &LazyCell<Clues, F>) {
        let stream = &mut *self.stream;
        let state = stream.lanes[raw.lane().index()];
        let offset = stream.base + raw.start as u64;
        if raw.frame.partial {
            stream.piece_end = stream.piece_end.max(Some(stream.base + raw.end as u64));
        }
        // A record that waits is open to the end of the window: whatever comes after its start is in it, or comes after it.
        if offset < state.done_to || state.waiting.is_some() {
            return;
        }
        let set = &stream.classifier.set;
        let line = stream.lines(self.window).text(raw.start);
        // Most hits on healthy logs are near misses, of which the raw line alone tells the most. Where a line is in pieces, the first of them
        // brings it here.
        if !raw.frame.partial && !set.notices_unknown && !set.engine.may_be_of(clues, stream.classifier.min_severity) {
            return;
        }
        let found = Waiting { start: state.done_to, hit: offset, seen: offset, since: self.now };
        let (lines, floor) = (stream.lines(self.window), state.done_to.saturating_sub(stream.base) as usize);
        if !assemble::is_alone(lines, raw, floor, &stream.classifier.limits) {
            return stream.settle(self.window, raw.lane(), found, false, self.events);
        }
        // Where escapes have to be undone for its text, the raw bytes tell many more.
        let set = &stream.classifier.set;
        if !header::is_plain(&raw.frame.content)
            && !set.engine.may_know(clues, line, stream.classifier.min_severity)
            && !crate::classify::unknown::is_grave(set, &raw.frame.content)
        {
            return;
        }
        let lane = raw.lane();
        stream.closed(self.window, lane, &assemble::alone(raw.clone(), clues), found, false, self.events);
    }

    /// Long lines need a look even without an anchor: fragments are joined, and an anchor may be cut in two.
    pub(super) fn long_lines_before(&mut self, end: usize) {
        while let Some(at) = self.long.pop_if(|at| *at < end) {
            if let Some(raw) = self.stream.lines(self.window).raw(at).filter(|raw| raw.frame.partial) {
                self.hit(&raw, &LazyCell::new(Clues::default));
            }
        }
    }
}

impl<'w> Hits<'_, 'w> {
    /// The line around a position, without its newline, and where it starts. None: it is long, or what it is isn't told at once.
    fn short_line(&self, at: usize) -> Option<(usize, &'w [u8])> {
        let window = self.window;
        let before = &window[at.saturating_sub(SHORT)..at];
        let start = match memchr::memrchr(b'\n', before) {
            Some(newline) => at - before.len() + newline + 1,
            None => at.checked_sub(SHORT).map_or(Some(0), |_| None)?,
        };
        let rest = &window[at..];
        let end = at + memchr::memchr(b'\n', &rest[..rest.len().min(SHORT)])?;
        (end - start <= self.stream.classifier.limits.line_bytes).then(|| (start, &window[start..end]))
    }

    /// Is a line that is no fragment CRI, and not the last of some fragments either? Says no of some that are.
    fn is_cri_alone(&mut self, start: usize, line: &[u8]) -> bool {
        // Each fragment has an anchor, so it was seen.
        let reach = self.stream.classifier.limits.lookback_bytes as u64;
        if self.stream.piece_end.is_some_and(|end| self.stream.base + (start as u64) < end + reach) {
            return false;
        }
        let told = self.cri.and_then(|known| frame::stream_beside(&self.window[known..start], line));
        let is_cri = told.is_some() || frame::decode(line, self.stream.classifier.format).kind == FrameKind::Cri;
        if is_cri {
            self.cri = Some(start);
        }
        is_cri
    }
}

impl Sink for Hits<'_, '_> {
    /// Most anchors on healthy logs stand there without what must stand beside them in the same line. Then only the line's other anchors
    /// can make it worth a look.
    fn wants(&mut self, anchor: Anchor, hit: usize) -> bool {
        let classifier = self.stream.classifier.clone();
        let Some((start, line)) = self.short_line(hit) else { return true };
        if classifier.set.notices_unknown || frame::may_be_unmarked_fragment(line, classifier.format) {
            return true;
        }
        let mut alone = None;
        let wants = classifier.set.engine.may_matter(anchor, line, hit - start, |way| {
            let wants = self.stream.rules_want(way, line);
            wants.unwrap_or_else(|| !*alone.get_or_insert_with(|| self.is_cri_alone(start, line)))
        });
        if !wants {
            self.unwanted = Some(self.unwanted.filter(|at| (start..hit).contains(at)).unwrap_or(hit));
        }
        wants
    }

    fn line(&mut self, start: usize, hit: usize) -> usize {
        let start = start + last_piece(hit + 1 - start, self.stream.classifier.limits.line_bytes);
        self.long_lines_before(start);
        let lines = self.stream.lines(self.window);
        let Some(raw) = lines.raw(start) else { return self.window.len() };
        let (end, classifier) = (raw.end, self.stream.classifier.clone());
        // Who wants the line may have to do with what wasn't worth a look for itself.
        let first = self.unwanted.filter(|at| (start..hit).contains(at)).unwrap_or(hit);
        let clues = LazyCell::new(|| classifier.set.engine.clues(lines.text(start), first - start));
        self.hit(&raw, &clues);
        if classifier.set.community.is_some() {
            self.stream.rules_look(self.window, raw, || clues.others.clone(), self.now, self.events);
        }
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
